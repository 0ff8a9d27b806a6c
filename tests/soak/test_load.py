"""Many clients at once see no failure, and each sees of its applications what they must be."""
import os
import random
import threading
import time
from collections import Counter

import pytest
from serverprocess import Api, Server, processes_of, until

from tutum.server import accounts
from tutum.server.store import PortLease, Store

REQUESTS = int(os.environ.get("TUTUM_SOAK_REQUESTS", "10000"))
CLIENTS, ACCOUNTS = 32, 16

#: Applications that a client has at a time, and containers that one can have.
MOST_APPLICATIONS, MOST_CONTAINERS = 3, 2

#: What is run, and the states through which an application of it comes to its end.
LASTING = [{"image": "any/thing", "run_command": "sleep 600", "container_ports": [{"inner_port": 80}]},
           {"image": "any/thing", "run_command": "sh -c 'echo once; sleep 600'"},
           {"image": "tutum/hello-world"}]
ENDING = {"image": "any/thing", "run_command": "sh -c 'echo once; exit 3'"}

#: For each action the request, the state that follows at once, and the states that accept it (api-v1 6.2).
ACTIONS = {"start": ("POST", "start/", "Starting", {"Stopped"}),
           "stop": ("POST", "stop/", "Stopping", {"Running"}),
           "redeploy": ("POST", "redeploy/", "Redeploying", {"Running", "Stopped"}),
           "scale": ("PATCH", "", "Scaling", {"Running"}),
           "terminate": ("DELETE", "", "Terminating", {"Running", "Stopped"})}


class Application:
    """What a client knows of an application: `coming` are the states that it may be in, in their order.

    What is last there is where it stays until somebody asks for something.
    """

    def __init__(self, created, lasts):
        self.uuid, self.name, self.target = created["uuid"], created["name"], created["target_num_containers"]
        self.path, self.lasts = f"application/{self.uuid}/", lasts
        self.coming = []
        self.moves("Starting")

    def moves(self, state):
        """Know that an action was accepted."""
        after = {"Stopping": ["Stopped"], "Terminating": ["Terminated"]}
        self.coming = [state, *after.get(state, ["Running"] if self.lasts else ["Running", "Stopped"])]

    def seen(self, state):
        """Check that it could be in a state now, and know that it was."""
        assert state in self.coming, (self.name, state, self.coming)
        del self.coming[:self.coming.index(state)]

    @property
    def has_arrived(self):
        return len(self.coming) == 1


class Client(threading.Thread):
    """Asks for one thing after the other, and checks each answer against what it knows."""

    def __init__(self, api, number, stranger):
        super().__init__(name=f"client-{number}", daemon=True)
        self.api, self.prefix, self.stranger = api, f"c{number}-", stranger
        self.random, self.counts, self.times = random.Random(number), Counter(), []
        self.applications, self.gone, self.made, self.error = [], [], 0, None

    def run(self):
        steps = [self.create, self.act, self.act, self.act, self.look, self.look_at_containers, self.list, self.logs,
                 self.images, self.credentials, self.look_at_others]
        try:
            while len(self.times) < REQUESTS // CLIENTS:
                self.random.choice(steps)()
            for application in list(self.applications):
                until(lambda: self.look(application).has_arrived, 60)
                self.act(application, "terminate")
                until(lambda: self.look(application).has_arrived, 60)
        except BaseException as error:
            self.error = error
            raise

    def ask(self, method, path, *statuses, **options):
        """Send a request, check the status and the form of its reply, and return its JSON."""
        began = time.monotonic()
        reply = self.api.call(method, path, **options)
        self.times.append(time.monotonic() - began)
        self.counts[reply.status_code] += 1
        assert reply.status_code in statuses, (method, path, reply.status_code, reply.text)
        if reply.status_code in (204, 401):
            assert reply.text == ""
            return None
        assert reply.headers["Content-Type"] == "application/json"
        if reply.status_code in (400, 404):
            assert list(reply.json()) == ["error"]
        return reply.json()

    def one(self):
        return self.random.choice(self.applications) if self.applications else self.create()

    def create(self):
        if len(self.applications) == MOST_APPLICATIONS:
            return self.act(action="terminate")
        self.made += 1
        name, target = f"{self.prefix}{self.made}", self.random.randint(1, MOST_CONTAINERS)
        lasts = self.random.random() < 0.8
        body = {**(self.random.choice(LASTING) if lasts else ENDING), "name": name,
                "target_num_containers": target if lasts else 1}
        created = self.ask("POST", "application/", 202, json=body)
        assert (created["state"], created["unique_name"]) == ("Starting", name)
        assert len(created["containers"]) == created["target_num_containers"] == body["target_num_containers"]
        self.applications.append(Application(created, lasts))
        return self.applications[-1]

    def act(self, application=None, action=None):
        """Ask for something, which is accepted in the states that accept it and in no other."""
        application, action = application or self.one(), action or self.random.choice(list(ACTIONS))
        method, suffix, state, accepting = ACTIONS[action]
        if action == "scale" and not application.lasts:
            return
        target = MOST_CONTAINERS + 1 - application.target
        options = {"json": {"target_num_containers": target}} if action == "scale" else {}
        reply = self.ask(method, application.path + suffix, 202, 400, **options)
        if "error" in reply:
            words, before = reply["error"].split(" in state ")
            assert words == f"Cannot {action} application" and before not in accepting
            application.seen(before)
            return
        assert set(application.coming) & accepting and reply["state"] == state, (application.coming, reply)
        application.moves(state)
        if action == "scale":
            application.target = target
        if action == "terminate":
            self.applications.remove(application)
            self.gone.append(application)

    def look(self, application=None):
        application = application or self.one()
        found = self.ask("GET", application.path, 200)
        application.seen(found["state"])
        assert (found["name"], found["target_num_containers"]) == (application.name, application.target)
        assert found["current_num_containers"] == len(found["containers"])
        if found["state"] in ("Running", "Stopped"):
            assert found["current_num_containers"] == application.target
            assert found["running_num_containers"] == (application.target if found["state"] == "Running" else 0)
        return application

    def look_at_containers(self):
        application = self.one()
        had_arrived = application.has_arrived
        found = self.ask("GET", "container/", 200, params={"application__uuid": application.uuid, "limit": 0})
        alive = [each for each in found["objects"] if each["state"] != "Terminated"]
        assert len({each["unique_name"] for each in alive if each["state"] != "Terminating"}) <= MOST_CONTAINERS
        if had_arrived:
            assert [each["state"] for each in alive] == application.coming * application.target

    def list(self):
        """Read all pages; terminated ones come last, so that one that ends moves others to an earlier page."""
        nothing_ends = all(each.has_arrived for each in self.gone[-5:])
        limit, offset, found = self.random.choice([1, 2, 5]) if nothing_ends else 100, 0, []
        while True:
            page = self.ask("GET", "application/", 200, params={
                "name__startswith": self.prefix, "limit": limit, "offset": offset})
            found += page["objects"]
            offset += limit
            if page["meta"]["next"] is None or len(found) > 10:
                break
        known = {each.uuid: each for each in self.applications + self.gone}
        for each in found:
            known[each["uuid"]].seen(each["state"])
        listed = [each["uuid"] for each in found]
        assert len(set(listed)) == len(listed)
        assert {each.uuid for each in self.applications} <= set(listed)

    def logs(self):
        application = self.one()
        logs = self.ask("GET", application.path + "logs/", 200)["logs"]
        assert logs.count("======>") >= application.target
        if not application.lasts and application.coming == ["Stopped"]:
            assert "once\n" in logs

    def images(self):
        name = f"private/{self.prefix}image"
        self.ask("POST", "image/", 202, json={"name": name, "username": "ann", "password": "secret"})
        listed = self.ask("GET", "image/", 200, params={"name__in": f"{name},tutum/hello-world"})["objects"]
        assert {each["name"] for each in listed} == {name, "tutum/hello-world"}
        assert self.ask("PATCH", f"image/{name}/", 202, json={"description": "mine"})["description"] == "mine"
        self.ask("DELETE", f"image/{name}/", 204)
        self.ask("GET", f"image/{name}/", 404)

    def credentials(self):
        key = self.ask("GET", "auth/", 200)["objects"][0]
        assert self.api.session.headers["Authorization"] == f"ApiKey {key['username']}:{key['key']}"
        self.ask("GET", "application/", 401, headers={"Authorization": f"Bearer {key['key']}"})

    def look_at_others(self):
        self.ask("GET", f"application/{self.stranger}/", 404)
        self.ask("POST", f"application/{self.stranger}/stop/", 404)


@pytest.fixture
def server(tmp_path):
    server = Server(tmp_path / "data")
    with open(tmp_path / "log", "w") as log:
        server.start("--log-level", "warning", stderr=log)
    yield server
    server.close()


def test_many_clients_see_no_failure_and_no_wrong_state(server, tmp_path, capsys):
    store = Store(server.data_dir / "tutum.db")
    keys = [accounts.add(store, f"account-{number}") for number in range(ACCOUNTS)]
    stranger = server.api.create(**LASTING[0])
    apis = [Api(server.base_url, keys[number % ACCOUNTS].username, keys[number % ACCOUNTS].apikey)
            for number in range(CLIENTS)]
    clients = [Client(api, number, stranger["uuid"]) for number, api in enumerate(apis)]
    began = time.monotonic()
    for client in clients:
        client.start()
    for client in clients:
        client.join()
    took = time.monotonic() - began
    assert [client.error for client in clients if client.error] == []
    assert server.api.settled(f"application/{stranger['uuid']}/")["state"] == "Running"
    server.api.act(f"application/{stranger['uuid']}/", "DELETE")
    server.api.settled(f"application/{stranger['uuid']}/")

    counts, times = Counter(), sorted(seconds for client in clients for seconds in client.times)
    for client in clients:
        counts.update(client.counts)
    with capsys.disabled():
        print(f"\n{len(times)} requests of {CLIENTS} clients in {took:.0f} s, {len(times) / took:.0f} a second:",
              ", ".join(f"{count} of {status}" for status, count in sorted(counts.items())))
        print(f"{sum(client.made for client in clients)} applications; half of the requests took up to "
              f"{times[len(times) // 2] * 1000:.0f} ms, 99 of 100 up to {times[len(times) * 99 // 100] * 1000:.0f} ms, "
              f"the longest {times[-1] * 1000:.0f} ms")
    nothing_is_left(server, store)
    store.close()
    assert server.end() == 0
    assert "Traceback" not in (tmp_path / "log").read_text()


def nothing_is_left(server, store):
    assert list((server.data_dir / "containers").iterdir()) == []
    assert processes_of(f"HOME={server.data_dir}") == []
    with store.reading() as session:
        assert session.query(PortLease).count() == 0
