"""Speed of the service: ratios of pairs measured in one run, printed as a table.

    python tests/bench/bench_service.py

Each pair is measured several times in turn, and the median of the ratios is what the table shows.
"""
from __future__ import annotations

import http.client
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Callable
from pathlib import Path

import waitress
from flask import Flask, Response
from sqlalchemy import insert

from tutum.server import accounts
from tutum.server.engines import process
from tutum.server.store import Account, Application, Store

ROUNDS = 7


class Client:
    """Sends requests over one connection that is kept."""

    def __init__(self, host: str, port: int, username: str = "", apikey: str = "") -> None:
        self._connection = http.client.HTTPConnection(host, port)
        self._headers = {"Authorization": f"ApiKey {username}:{apikey}", "Content-Type": "application/json"}

    def call(self, method: str, path: str, body: dict | None = None) -> bytes:
        self._connection.request(method, path, body and json.dumps(body), self._headers)
        reply = self._connection.getresponse()
        data = reply.read()
        assert reply.status < 300, (reply.status, data)
        return data

    def object(self, method: str, path: str, body: dict | None = None) -> dict:
        return json.loads(self.call(method, "/api/v1/" + path, body))


class Service:
    """The real service in a process of its own."""

    def __init__(self, data_dir: str) -> None:
        self.data_dir = Path(data_dir)
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tutum.server", "serve", "--port", "0", "--data-dir", data_dir, "--log-level",
             "warning"], stdout=subprocess.PIPE, text=True)
        printed = {}
        for line in self.process.stdout:
            name, _, value = line.strip().removeprefix("export ").partition("=")
            printed[name] = value
            if line.startswith("Listening"):
                break
        self.port = int(printed["TUTUM_BASE_URL"].split(":")[2].split("/")[0])
        self.client = Client("127.0.0.1", self.port, printed["TUTUM_USER"], printed["TUTUM_APIKEY"])

    def account_with(self, username: str, applications: int) -> Client:
        """Make an account that has so many applications stored."""
        store = Store(self.data_dir / "tutum.db")
        account = accounts.add(store, username)
        with store.writing() as session:
            owner = session.query(Account).filter_by(username=username).one().id
            session.execute(insert(Application), [{
                "uuid": str(uuid.uuid4()), "account_id": owner, "name": f"app-{number}",
                "unique_name": f"app-{number}", "image_name": "tutum/hello-world:latest", "state": "Stopped",
                "container_size": "XS", "target_num_containers": 1, "run_command": "", "entrypoint": "",
                "container_ports": [], "container_envvars": [], "autorestart": "OFF", "autoreplace": "OFF",
                "autodestroy": "OFF", "sequential_deployment": False, "roles": []} for number in range(applications)])
        store.close()
        return Client("127.0.0.1", self.port, account.username, account.apikey)

    def until_running(self, path: str) -> None:
        while self.client.object("GET", path)["state"] != "Running":
            time.sleep(0.002)

    def close(self) -> None:
        self.process.terminate()
        self.process.wait()
        self.process.stdout.close()


def bare_view(body: bytes) -> subprocess.Popen:
    """Serve the same bytes by a bare Flask view under the same server, in a process of its own."""
    bare = subprocess.Popen([sys.executable, __file__, "--bare"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    bare.stdin.write(body)
    bare.stdin.close()
    return bare


def serve_bare() -> None:
    body, app = sys.stdin.buffer.read(), Flask("bare")

    @app.get("/api/v1/application/<uuid>/")
    def show(uuid: str) -> Response:
        return Response(body, content_type="application/json")
    server = waitress.create_server(app, host="127.0.0.1", port=0, threads=8)
    print(server.effective_port, flush=True)
    server.run()


def seconds(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def ratio(ours: Callable[[], float], other: Callable[[], float], rounds: int = ROUNDS) -> float:
    """Measure two things in turn and return the median of ours divided by the other."""
    ours(), other()
    return statistics.median(ours() / other() for _ in range(rounds))


def throughput(client: Client, path: str, requests: int) -> Callable[[], float]:
    def measure() -> float:
        return requests / seconds(lambda: [client.call("GET", path) for _ in range(requests)])
    return measure


def unlike(client: Client, path: str, requests: int) -> Callable[[], float]:
    """Measure throughput of requests no two of which are the same, so that nothing can be kept."""
    def measure() -> float:
        return requests / seconds(lambda: [client.call("GET", f"{path}&unlike={uuid.uuid4()}")
                                           for _ in range(requests)])
    return measure


def popen_until_first_line() -> float:
    """Start what a hello-world container runs, until its first line of output."""
    script = Path(process.__file__).parent / "programs" / "hello_world.py"

    def work() -> None:
        child = subprocess.Popen([sys.executable, "-I", "-S", str(script)], stdout=subprocess.PIPE,
                                 env={**os.environ, "PORT": "0", "HOST": "127.0.0.1"})
        child.stdout.readline()
        children.append(child)
    children: list[subprocess.Popen] = []
    taken = seconds(work)
    for child in children:
        child.kill()
        child.wait()
        child.stdout.close()
    return taken


def to_running(service: Service, containers: int) -> float:
    """Create an application and wait until it runs; it is terminated outside of what is measured."""
    made: list[str] = []

    def work() -> None:
        created = service.client.object("POST", "application/", {
            "image": "tutum/hello-world", "target_num_containers": containers})
        made.append(f"application/{created['uuid']}/")
        service.until_running(made[0])
    taken = seconds(work)
    service.client.object("DELETE", made[0])
    while service.client.object("GET", made[0])["state"] != "Terminated":
        time.sleep(0.01)
    return taken


def main() -> None:
    """Measure and print."""
    rows = []
    with tempfile.TemporaryDirectory() as directory:
        service = Service(directory)
        try:
            created = service.client.object("POST", "application/", {"image": "tutum/hello-world"})
            path = f"application/{created['uuid']}/"
            service.until_running(path)
            bare = bare_view(service.client.call("GET", "/api/v1/" + path))
            bare_client = Client("127.0.0.1", int(bare.stdout.readline()))
            rows.append(("GET /application/<uuid>/ against a bare view", ">= 0.50", ratio(
                throughput(service.client, "/api/v1/" + path, 300), throughput(bare_client, "/api/v1/" + path, 300))))
            bare.kill()
            bare.wait()
            bare.stdout.close()
            few, many = service.account_with("few", 100), service.account_with("many", 10000)
            first = "/api/v1/application/?limit=100"
            rows.append(("page of 100: 10,000 stored against 100", ">= 0.80",
                         ratio(unlike(many, first, 20), unlike(few, first, 20))))
            rows.append(("offset 9,900 against the first page", ">= 0.60",
                         ratio(unlike(many, first + "&offset=9900", 20), unlike(many, first, 20))))
            rows.append(("save() to Running against Popen to first line", "<= 3.0",
                         ratio(lambda: to_running(service, 1), popen_until_first_line, 15)))
            rows.append(("100 containers to Running against one", "<= 60",
                         ratio(lambda: to_running(service, 100), lambda: to_running(service, 1), 3)))
        finally:
            service.close()
    print(f"{'work':<50} {'bar':>8} {'ratio':>8}")
    for name, bar, value in rows:
        print(f"{name:<50} {bar:>8} {value:>8.2f}")


if __name__ == "__main__":
    serve_bare() if sys.argv[1:] == ["--bare"] else main()
