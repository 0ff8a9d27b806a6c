"""SIGKILL at random moments under a running workload loses nothing."""
import os
import random
import socket
import threading
import time
from collections import Counter

import pytest
import requests
from serverprocess import SETTLED, Server, processes_of, until

KILLS = int(os.environ.get("TUTUM_SOAK_KILLS", "200"))
WORKERS = 4
SLEEP = {"image": "any/thing", "run_command": "sleep 600", "container_ports": [{"inner_port": 80}]}

#: What can be asked for in a settled state, and the state that it has to end in.
ACTIONS = {
    "Running": [("POST", "stop/", None, "Stopped"), ("POST", "redeploy/", None, "Running"),
                ("PATCH", "", 1, "Running"), ("PATCH", "", 4, "Running"), ("DELETE", "", None, "Terminated")],
    "Stopped": [("POST", "start/", None, "Running"), ("POST", "redeploy/", None, "Running"),
                ("DELETE", "", None, "Terminated")],
}


class Worker(threading.Thread):
    """Asks for one thing after the other, and checks that each came to what it was to come to."""

    def __init__(self, server, number, counts, stopping):
        super().__init__(name=f"worker-{number}", daemon=True)
        self.number, self.counts, self.stopping = number, counts, stopping
        self.api, self.random = server.api, random.Random(number)
        self.error, self.made = None, 0

    def run(self):
        try:
            while not self.stopping.is_set():
                self.live_through_an_application()
        except Exception as error:
            self.error = error
            raise

    def persist(self, method, path, **options):
        """Send a request that may be sent again, until the service is there to answer."""
        deadline = time.monotonic() + 60
        while True:
            try:
                return self.api.call(method, path, **options)
            except requests.RequestException:
                assert time.monotonic() < deadline
                time.sleep(0.05)

    def ask(self, method, path, **options):
        """Send a request once; return None when nobody can know whether it arrived."""
        try:
            reply = self.api.call(method, path, **options)
        except requests.RequestException:
            self.counts["unanswered"] += 1
            return None
        self.counts[f"{method} {reply.status_code}"] += 1
        if reply.status_code == 202:
            self.counts["accepted"] += 1
        return reply

    def settled(self, path):
        def check():
            reply = self.persist("GET", path)
            assert reply.status_code == 200, reply.text
            return reply.json() if reply.json()["state"] in SETTLED else None
        return until(check, 60)

    def live_through_an_application(self):
        self.made += 1
        name = f"app-{self.number}-{self.made}"
        target = self.random.choice((1, 2, 3))
        reply = self.ask("POST", "application/", json={**SLEEP, "name": name, "target_num_containers": target})
        found = self.persist("GET", "application/", params={"name": name}).json()["objects"]
        if reply is None and not found:
            return
        assert len(found) == 1 and (reply is None or reply.status_code == 202), (reply, found)
        path = f"application/{found[0]['uuid']}/"
        application = self.settled(path)
        assert (application["state"], application["running_num_containers"]) == ("Running", target), application
        while application["state"] in ACTIONS and not self.stopping.is_set():
            application = self.act(path, application)

    def act(self, path, before):
        method, suffix, target, expected = self.random.choice(ACTIONS[before["state"]])
        options = {} if target is None else {"json": {"target_num_containers": target}}
        reply = self.ask(method, path + suffix, **options)
        after = self.settled(path)
        wanted = target or before["target_num_containers"]
        if reply is not None:
            assert reply.status_code == 202, (before["state"], method, suffix, reply.text)
            assert after["state"] == expected, (before["state"], method, suffix, after)
            assert after["target_num_containers"] == wanted
        else:
            assert after["state"] in (expected, before["state"]), (before["state"], method, suffix, after)
        if after["state"] == "Running":
            assert after["running_num_containers"] == after["target_num_containers"], after
        return after


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return str(probe.getsockname()[1])


@pytest.fixture
def server(tmp_path):
    server = Server(tmp_path / "data")
    yield server
    server.close()


def test_kills_lose_nothing(server, capsys):
    port, chance = free_port(), random.Random(0)
    server.start("--port", port, "--log-level", "error")
    counts, stopping = Counter(), threading.Event()
    workers = [Worker(server, number, counts, stopping) for number in range(WORKERS)]
    for worker in workers:
        worker.start()
    for _ in range(KILLS):
        time.sleep(chance.uniform(0.0, 1.0))
        server.kill()
        server.start("--port", port, "--log-level", "error")
        assert not [worker.error for worker in workers if worker.error]
    stopping.set()
    for worker in workers:
        worker.join(120)
    assert not [worker.error for worker in workers if worker.error]

    accounted = account_for_everything(server)
    with capsys.disabled():
        print(f"\n{KILLS} kills, {counts['accepted']} requests accepted, {counts['unanswered']} unanswered, "
              f"{accounted} containers accounted for")
        print(", ".join(f"{name}: {count}" for name, count in sorted(counts.items())))
    server.end()
    assert processes_of(str(server.data_dir)) == []


def account_for_everything(server):
    """Check records against processes, directories and ports; return how many containers were compared."""
    api, offset, containers = server.api, 0, []
    until(lambda: all(each["state"] in SETTLED for each in api.list("application", limit=100)))
    while True:
        page = api.list("container", limit=100, offset=offset)
        containers.extend(page)
        offset += 100
        if not page:
            break
    present = {each["uuid"]: each["state"] for each in containers if each["state"] != "Terminated"}
    assert {path.name for path in (server.data_dir / "containers").iterdir()} == set(present)
    for uuid, state in present.items():
        assert len(processes_of(f"TUTUM_CONTAINER_UUID={uuid}")) == (state == "Running"), (uuid, state)
    ports = [port["outer_port"] for each in containers if each["state"] != "Terminated"
             for port in each["container_ports"]]
    assert len(ports) == len(set(ports)) and None not in ports
    marked = processes_of(f"HOME={server.data_dir}")
    assert len(marked) == sum(state == "Running" for state in present.values())
    return len(containers)
