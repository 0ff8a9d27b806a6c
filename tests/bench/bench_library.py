"""Speed of the library: ratios of pairs measured in one run, printed as a table.

    python tests/bench/bench_library.py [--beside INTERPRETER]

Each pair is measured several times in turn, and the least times, which other work on the machine
has disturbed least, make the ratio that the table shows. Time is the client's own time of the
processor; the service is a process of its own that answers from memory. INTERPRETER, where it is
there, has the library too and its ratios are shown beside.
"""
from __future__ import division, print_function

import argparse
import json
import os
import platform
import subprocess
import sys
import threading
from functools import partial
from resource import RUSAGE_CHILDREN, RUSAGE_SELF, getrusage

import requests
from six.moves import http_client

import tutum

HERE = os.path.dirname(os.path.abspath(__file__))
UUID = "2b6f0c1e-5a3d-4c2b-9e1f-000000000000"
ROUNDS = 9
THREADS = 8


def cpu(who=RUSAGE_SELF):
    """Return the seconds that the processor has worked for this process so far."""
    usage = getrusage(who)
    return usage.ru_utime + usage.ru_stime


def seconds(work, times):
    """Return the processor's time for some work done so often."""
    began = cpu()
    for _ in range(times):
        work()
    return cpu() - began


def ratios(measures, rounds=ROUNDS):
    """Measure in turn; return the least times of all but the first, divided by that of the first."""
    for measure in measures:
        measure()
    least = [min(column) for column in zip(*[[measure() for measure in measures]
                                             for _ in range(rounds)])]
    return [time / least[0] for time in least[1:]]


class Requests(object):
    """Make the calls as a script does that uses requests alone."""

    def __init__(self, base_url):
        self.base_url = base_url
        self.session = requests.Session()
        self.session.headers["Authorization"] = "ApiKey ann:0123456789abcdef"
        self.number = 0

    def fetch(self):
        return self.session.get(self.base_url + "application/%s/" % UUID).json()

    def list(self):
        url = self.base_url + "application/"
        for item in self.session.get(url, params={"limit": 100}).json()["objects"]:
            item["name"], item["state"]

    def list_all(self):
        found, url = [], self.base_url + "application/?limit=100&pages=100"
        while url:
            page = self.session.get(url).json()
            found += page["objects"]
            url = page["meta"]["next"] and self.base_url[:-8] + page["meta"]["next"]
        return found

    def save(self):
        self.number += 1
        self.session.patch(self.base_url + "application/%s/" % UUID,
                           json={"target_num_containers": self.number}).json()


class HttpClient(Requests):
    """Make the calls with what the standard library has, which is hardly to be beaten."""

    def __init__(self, base_url):
        Requests.__init__(self, base_url)
        self.connection = http_client.HTTPConnection(*base_url.split("/")[2].split(":"))
        self.headers = dict(self.session.headers)

    def call(self, method, path, body=None):
        self.connection.request(method, path, body, self.headers)
        return json.loads(self.connection.getresponse().read().decode("utf-8"))

    def fetch(self):
        return self.call("GET", "/api/v1/application/%s/" % UUID)

    def list(self):
        for item in self.call("GET", "/api/v1/application/?limit=100")["objects"]:
            item["name"], item["state"]

    def list_all(self):
        found, path = [], "/api/v1/application/?limit=100&pages=100"
        while path:
            page = self.call("GET", path)
            found += page["objects"]
            path = page["meta"]["next"]
        return found

    def save(self):
        self.number += 1
        self.call("PATCH", "/api/v1/application/%s/" % UUID,
                  json.dumps({"target_num_containers": self.number}))


class Library(object):
    """Make the calls through the library."""

    def __init__(self):
        self.app = self.fetch()
        self.number = 0

    def fetch(self):
        return tutum.Application.fetch(UUID)

    def list(self):
        for app in tutum.Application.list():
            app.name, app.state

    def list_all(self):
        return tutum.Application.list(pages=100)

    def save(self):
        self.number += 1
        self.app.target_num_containers = self.number
        self.app.save()


def in_threads(fetcher):
    """Return a function that fetches 500 times in each of some threads, and fails if one does."""
    def work():
        done = []

        def fetch_all():
            fetch = fetcher()
            for _ in range(500):
                fetch()
            done.append(fetch)
        threads = [threading.Thread(target=fetch_all) for _ in range(THREADS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(done) == THREADS
    return work


def threads(base_url, plain):
    """Return the ratio of fetching in threads, and the connections that the library opened."""
    ours = in_threads(lambda: lambda: tutum.Application.fetch(UUID))
    theirs = in_threads(lambda: Requests(base_url).fetch)

    def connections():
        return plain.session.get(base_url[:-7] + "connections").json()
    before = connections()
    ours()
    opened = connections() - before
    found, = ratios([lambda: seconds(theirs, 1), lambda: seconds(ours, 1)], rounds=3)
    return found, opened


def peaks():
    """Return the peak memory of iter and of a single page, divided by that of list."""
    whole = peak(lambda: tutum.Application.list(pages=100))
    return (peak(lambda: [None for _ in tutum.Application.iter(pages=100)]) / whole,
            peak(tutum.Application.list) / whole)


def peak(work):
    """Return by how much some work raises the memory of a process that has done nothing else."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            tutum.Application.fetch(UUID)
            before = getrusage(RUSAGE_SELF).ru_maxrss
            work()
            os.write(writer, b"%d" % (getrusage(RUSAGE_SELF).ru_maxrss - before))
        finally:
            os._exit(0)
    os.close(writer)
    os.waitpid(child, 0)
    with os.fdopen(reader) as found:
        return int(found.read())


def import_ratio():
    """Return the time to import the library, divided by that to import requests."""
    environment = dict(os.environ)
    # Both are compiled when they are installed, and here at the first import.
    environment.pop("PYTHONDONTWRITEBYTECODE", None)

    def taken(module):
        began = cpu(RUSAGE_CHILDREN)
        subprocess.check_call([sys.executable, "-c", "import " + module], env=environment)
        return cpu(RUSAGE_CHILDREN) - began
    return ratios([lambda: taken("requests"), lambda: taken("tutum")], 4 * ROUNDS)[0]


def measure():
    """Return the rows of the table: work, bar, ratio, and the limit to compare with."""
    canned = subprocess.Popen([sys.executable, os.path.join(HERE, "canned.py")],
                              stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        base_url = "http://127.0.0.1:%d/api/v1/" % int(canned.stdout.readline())
        tutum.base_url, tutum.user, tutum.apikey = base_url, "ann", "0123456789abcdef"
        # Before anything else, which would leave room behind that is used again.
        memory, one_page = peaks()
        plain, limit, ours = Requests(base_url), HttpClient(base_url), Library()
        rows = []
        for work, bar, name, times in (
                ("fetch", 0.70, "fetch", 300),
                ("list of 100, two attributes of each", 0.90, "list", 40),
                ("list of 10,000 over 100 pages", 0.90, "list_all", 1),
                ("save of one changed attribute", 0.75, "save", 300)):
            calls = [getattr(client, name) for client in (plain, ours, limit)]
            rows.append([work, bar] + ratios([partial(seconds, call, times) for call in calls]))
        rows.append(["iter over 10,000: peak memory, against list", 0.10, memory, one_page])
        rows.append(["import tutum, against import requests", 1.08, import_ratio(), None])
        found, opened = threads(base_url, plain)
        rows.append(["8 threads x 500 fetches", 1.0, found, None])
        rows.append(["8 threads x 500 fetches: connections", THREADS, opened, None])
        return rows
    finally:
        canned.stdin.close()
        canned.stdout.close()
        canned.wait()


def beside(interpreter):
    """Return version and rows as another interpreter measures them."""
    shown = subprocess.check_output([interpreter, os.path.abspath(__file__), "--json"])
    return json.loads(shown.decode("ascii"))


def cell(value):
    return "-" if value is None else "%.2f" % value if isinstance(value, float) else "%d" % value


def show(results):
    """Print the table, and return whether the first interpreter meets every bar."""
    heads = ["%-44s" % "CPU time, against requests", "at most"]
    for version, _ in results:
        heads += ["%6s" % version, "limit"]
    print("  ".join(heads))
    met = True
    for index, (work, bar, found, _) in enumerate(results[0][1]):
        cells = ["%-44s" % work, "%7s" % cell(bar)]
        for _, rows in results:
            cells += ["%6s" % cell(rows[index][2]), "%5s" % cell(rows[index][3])]
        missed = found is not None and found > bar
        print("  ".join(cells) + ("  missed" if missed else ""))
        met = met and not missed
    print("limit: http.client and json.loads in place of the library; for memory, one page of 100")
    return met


def main():
    """Measure, here and beside, and print what was found."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--beside", metavar="INTERPRETER")
    parser.add_argument("--json", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    version = ".".join(platform.python_version_tuple()[:2])
    rows = measure()
    if options.json:
        print(json.dumps([version, rows]))
        return 0
    results = [(version, rows)]
    if options.beside and os.path.exists(options.beside):
        results.append(beside(options.beside))
    return 0 if show(results) else 1


if __name__ == "__main__":
    sys.exit(main())
