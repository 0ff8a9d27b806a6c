"""The service in a process of its own, and a plain client of it, for the service's tests and the long runs."""
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import requests

SETTLED = {"Running", "Partly running", "Stopped", "Stopped with errors", "Start failed", "Not running", "Terminated"}


class Api:
    """Calls the service as an account."""

    def __init__(self, base_url, user, apikey):
        self.base_url = base_url
        self.session = requests.Session()
        self.session.trust_env = False
        self.session.headers["Authorization"] = f"ApiKey {user}:{apikey}"

    def call(self, method, path, **options):
        return self.session.request(method, self.base_url + path, timeout=30, **options)

    def get(self, path, **options):
        return self.call("GET", path, **options)

    def object(self, path):
        reply = self.get(path)
        assert reply.status_code == 200, reply.text
        return reply.json()

    def list(self, resource, **filters):
        reply = self.get(f"{resource}/", params=filters)
        assert reply.status_code == 200, reply.text
        return reply.json()["objects"]

    def create(self, **attributes):
        reply = self.call("POST", "application/", json={"image": "tutum/hello-world", **attributes})
        assert reply.status_code == 202, reply.text
        return reply.json()

    def act(self, path, method="POST", **options):
        reply = self.call(method, path, **options)
        assert reply.status_code == 202, reply.text
        return reply.json()

    def settled(self, path, timeout=30):
        return until(lambda: (lambda found: found["state"] in SETTLED and found)(self.object(path)), timeout)

    def running(self, **attributes):
        created = self.create(**attributes)
        settled = self.settled(f"application/{created['uuid']}/")
        assert settled["state"] == "Running", settled
        return settled

    def containers(self, application):
        return self.list("container", application__uuid=application["uuid"])


class Server:
    """A service in a process of its own, started again and again on one data directory."""

    command = [sys.executable, "-m", "tutum.server"]

    def __init__(self, data_dir):
        self.data_dir = Path(data_dir)
        self.process = None
        self.user, self.apikey, self.password = "tutum", None, None
        self.told = ""

    def start(self, *options, stderr=None):
        self.process = subprocess.Popen(
            [*self.command, "serve", "--port", "0", "--data-dir", str(self.data_dir), *options],
            stdout=subprocess.PIPE, stderr=stderr, text=True)
        self.told = ""
        for line in self.process.stdout:
            self.told += line
            words = re.match(r"export TUTUM_APIKEY=(?P<apikey>.+)|Password of .*: (?P<password>.+)"
                             r"|Listening at (?P<base_url>.+)", line)
            for name, value in (words.groupdict() if words else {}).items():
                if value is not None:
                    setattr(self, name, value)
            if words and words["base_url"]:
                return self
        raise AssertionError(f"the service ended with status {self.process.wait()}")

    @property
    def api(self):
        return Api(self.base_url, self.user, self.apikey)

    def end(self, number=signal.SIGTERM):
        self.process.send_signal(number)
        status = self.process.wait(15)
        self.process.stdout.close()
        return status

    def kill(self):
        self.end(signal.SIGKILL)

    def close(self):
        if self.process.poll() is None:
            self.end()
        self.process.stdout.close()


def until(check, timeout=30):
    """Return what `check` returns as soon as it is true."""
    deadline = time.monotonic() + timeout
    while True:
        found = check()
        if found:
            return found
        assert time.monotonic() < deadline, "it did not come true in time"
        time.sleep(0.02)


def processes_of(text):
    """Return the processes whose environment or command line holds a text."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            try:
                if text.encode() in (entry / "environ").read_bytes() + (entry / "cmdline").read_bytes():
                    found.append(int(entry.name))
            except OSError:
                pass
    return found
