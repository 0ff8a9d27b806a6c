"""The real service for the tests of the library, in a process of its own."""
import os
import re
import subprocess
import sys
import time

import tutum

HELP = ("The real service needs Python 3.9 or later with python-tutum[server]: set "
        "TUTUM_SERVER_PYTHON to such an interpreter.")

SETTLED = ("Running", "Partly running", "Stopped", "Stopped with errors", "Start failed",
           "Not running", "Terminated")


def server_python():
    """Return the interpreter that runs the service."""
    python = os.environ.get("TUTUM_SERVER_PYTHON")
    if not python:
        try:
            import flask  # noqa: F401
        except ImportError:
            raise AssertionError(HELP)
        python = sys.executable
    return python


class RealService(object):
    """Start the service on a free port and know its account."""

    def __init__(self, directory):
        self.directory = directory
        self.values = {}
        self.process = subprocess.Popen(
            [server_python(), "-m", "tutum.server", "serve", "--port", "0", "--data-dir",
             directory], stdout=subprocess.PIPE, universal_newlines=True, cwd=directory)
        for line in iter(self.process.stdout.readline, ""):
            found = re.match(r"(?:export )?(\S+?)(?:=| of \S+ \(.*\): | at )(.*)$", line)
            if found:
                self.values[found.group(1)] = found.group(2)
            if line.startswith("Listening at "):
                break
        else:
            self.process.stdout.close()
            raise AssertionError("The service ended with status %d. %s"
                                 % (self.process.wait(), HELP))
        self.base_url = self.values["Listening"]
        self.user, self.apikey = self.values["TUTUM_USER"], self.values["TUTUM_APIKEY"]
        self.config_file = self.values["TUTUM_CONFIG_FILE"]
        self.password = self.values["Password"]

    def remove_all(self):
        """Terminate all that runs, and see it gone."""
        def alive():
            return [app for app in tutum.Application.list() if app.state != "Terminated"]
        for app in alive():
            app.wait()
            if app.state != "Terminated":
                app.delete()
        until(lambda: not alive())

    def close(self):
        """End the service."""
        self.process.terminate()
        self.process.wait()
        self.process.stdout.close()


def until(condition, seconds=30):
    """Return what a condition gives once it is true; fail when it does not become so."""
    deadline = time.time() + seconds
    while True:
        result = condition()
        if result:
            return result
        assert time.time() < deadline, "not so after %s seconds" % seconds
        time.sleep(0.05)
