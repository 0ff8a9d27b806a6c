"""The Docker Engine, the service and the containers killed at any moment: nothing is lost, and nothing made twice."""
import random
import socket
import subprocess
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import docker_engine
import pytest
import requests
from serverprocess import SETTLED, until

OUTCOME = 120


class Workload:
    """Asks for applications, scales, stops and deletes them, and keeps what was accepted."""

    def __init__(self, server, seed):
        self._server = server
        self._random = random.Random(seed)
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._work)
        #: The uuids of the applications that were accepted, with what was last asked of each; None if in doubt.
        self.asked = {}
        self.accepted = 0

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *exception):
        self._over.set()
        self._thread.join()

    def _work(self):
        while not self._over.is_set():
            try:
                self._request(self._server.api)
            except requests.RequestException:
                time.sleep(0.05)

    def _request(self, api):
        if len(self.asked) < 4:
            reply = api.call("POST", "application/", json={
                "image": "any/thing", "run_command": "sleep 600", "target_num_containers": self._random.randint(1, 2),
                "container_ports": [{"inner_port": 80}], "autorestart": "ALWAYS"})
            action = "start"
        else:
            uuid = self._random.choice(list(self.asked))
            action = self._random.choice(["stop", "start", "scale", "redeploy", "delete"])
            path = f"application/{uuid}/"
            before, self.asked[uuid] = self.asked[uuid], None  # in doubt while there is no answer
            if action == "scale":
                reply = api.call("PATCH", path, json={"target_num_containers": self._random.randint(1, 3)})
            elif action == "delete":
                reply = api.call("DELETE", path)
            else:
                reply = api.call("POST", path + f"{action}/")
        assert reply.status_code in (202, 400), reply.text
        if reply.status_code == 400 or action == "scale" and reply.json()["state"] != "Scaling":
            self.asked[uuid] = before  # it is refused, or has as many containers as that already
        else:
            self.accepted += 1
            if action == "delete":
                del self.asked[reply.json()["uuid"]]
            else:
                self.asked[reply.json()["uuid"]] = action


def check_books(client, server):
    """See that records and containers agree, one to one; return the records of what is there."""
    api = server.api

    def applications():
        found = api.list("application", limit=100)
        return found if all(each["state"] in SETTLED for each in found) else None
    until(applications, OUTCOME)

    def agree():
        records = {each["uuid"]: each for each in api.list("container", limit=100) if each["state"] != "Terminated"}
        made = docker_engine.containers(client, server.label)
        times = Counter(each.labels["tutum.uuid"] for each in made)
        running = {each.labels["tutum.uuid"] for each in made if each.status == "running"}
        recorded_running = {uuid for uuid, each in records.items() if each["state"] == "Running"}
        return list(records.values()) if (set(times) == set(records) and set(times.values()) <= {1}
                                          and running == recorded_running) else None
    records = until(agree, OUTCOME)
    ports = [port["outer_port"] for each in records for port in each["container_ports"]]
    assert len(ports) == len(set(ports))
    return records


def log_of(api, container):
    return api.object(f"container/{container['uuid']}/logs/")["logs"]


@pytest.mark.parametrize("victim", ["engine", "service"])
def test_whatever_is_killed_amid_a_workload_every_request_is_carried_out(engine, service_of_own, victim):
    server = service_of_own.start()
    moments = random.Random(5)
    with Workload(server, seed=7) as workload:
        # An engine's end is an exit of its containers, and they are restarted three times a minute at most.
        for _ in range(2 if victim == "engine" else 3):
            before = workload.accepted
            until(lambda: workload.accepted > before + 4, 60)
            time.sleep(moments.uniform(0, 0.5))  # the moment is what is tried
            if victim == "engine":
                engine.kill()
                engine.start()
            else:
                server.kill()
                server.start()
    check_books(engine.client, server)
    states = {each["uuid"]: each["state"] for each in server.api.list("application", limit=100)}
    expected = {uuid: "Stopped" if action == "stop" else "Running"
                for uuid, action in workload.asked.items() if action is not None}
    lost = ports_lost_by_the_engine(server.api) if victim == "engine" else set()
    for uuid, wanted in expected.items():
        assert states[uuid] == wanted or uuid in lost and states[uuid] in ("Start failed", "Partly running")


def ports_lost_by_the_engine(api):
    """Return the uuids of applications with containers that have to keep a port that is lost to the engine.

    One that is killed while it gives a container its port does not give that port out again before its next start.
    """
    lost, records = set(), api.list("container", limit=100)
    lives = Counter((each["application"], each["unique_name"]) for each in records)
    for each in records:
        if each["state"] == "Start failed":
            assert each["deployed_datetime"] is not None or lives[each["application"], each["unique_name"]] > 1
            assert "port is already allocated" in log_of(api, each)
            lost.add(each["application"].split("/")[-2])
    return lost


def test_containers_that_never_ran_get_other_ports_for_those_that_a_killed_engine_lost(engine, service_of_own):
    api = service_of_own.start().api
    application = api.create(image="any/thing", run_command="sleep 600", target_num_containers=10,
                             container_ports=[{"inner_port": 80}])
    path = f"application/{application['uuid']}/"
    until(lambda: api.object(path)["running_num_containers"] > 1)
    engine.kill()
    engine.start()
    api.settled(path, OUTCOME)
    assert {each["state"] for each in check_books(engine.client, service_of_own)} <= {"Running", "Stopped"}


def test_a_killed_engine_is_an_exit_of_its_containers_and_requests_wait_for_its_return(engine, service_of_own):
    api = service_of_own.start().api
    left = api.running(image="any/thing", name="left", run_command="sleep 600")
    again = api.running(image="any/thing", name="again", run_command="sleep 600", autorestart="ALWAYS")
    engine.kill()
    asked = api.create(image="any/thing", name="asked", run_command="sleep 600")
    assert api.object(f"application/{asked['uuid']}/")["state"] == "Starting"
    unanswered = api.get(f"application/{left['uuid']}/logs/")
    assert unanswered.status_code == 503 and "does not answer" in unanswered.json()["error"]
    engine.start()
    for application, state in ((left, "Stopped"), (again, "Running"), (asked, "Running")):
        path = f"application/{application['uuid']}/"
        until(lambda: api.object(path)["state"] == state)
    check_books(engine.client, service_of_own)


def test_the_service_starts_and_answers_without_an_engine(engine, service_of_own):
    api = service_of_own.start().api
    application = api.running(image="any/thing", run_command="sleep 600")
    service_of_own.end()
    engine.kill()
    api = service_of_own.start().api
    asked = api.create(image="any/thing", run_command="sleep 600")
    assert {each["uuid"] for each in api.list("application")} == {application["uuid"], asked["uuid"]}
    engine.start()
    assert api.settled(f"application/{asked['uuid']}/")["state"] == "Running"
    until(lambda: api.object(f"application/{application['uuid']}/")["state"] == "Stopped")


def test_an_engine_that_hangs_holds_up_neither_answers_nor_the_end_of_the_service(engine, service_of_own):
    api = service_of_own.start().api
    application = api.running(image="any/thing", run_command="sleep 600")
    with engine.hanging():
        began = time.monotonic()
        asked = api.create(image="tutum/hello-world")
        api.act(f"application/{application['uuid']}/stop/")
        assert [each["state"] for each in api.list("application")] == ["Stopping", "Starting"]
        assert time.monotonic() - began < 5
        began = time.monotonic()
        assert service_of_own.end() == 0
        assert time.monotonic() - began < 10
    api = service_of_own.start().api
    assert api.settled(f"application/{asked['uuid']}/")["state"] == "Running"
    assert api.settled(f"application/{application['uuid']}/")["state"] == "Stopped"


def test_logs_of_an_engine_that_hangs_leave_threads_to_other_requests(engine, service_of_own):
    api = service_of_own.start().api
    path = f"application/{api.running(image='any/thing', run_command='sleep 600')['uuid']}/logs/"
    with ThreadPoolExecutor(24) as executor, engine.hanging():
        asked = [executor.submit(service_of_own.api.get, path) for _ in range(24)]
        until(lambda: any(each.done() for each in asked))
        began = time.monotonic()
        assert len(api.list("application")) == 1
        assert time.monotonic() - began < 5
        refused = [reply for reply in (each.result() for each in asked) if "does not answer" not in reply.text]
    assert refused and {(each.status_code, each.headers["Retry-After"]) for each in refused} == {(503, "1")}
    assert api.object(path)["logs"].startswith("======>")


def docker_command(engine, *arguments):
    subprocess.run(["docker", "--host", engine.host, *arguments], check=True, stdout=subprocess.DEVNULL,
                   stderr=subprocess.DEVNULL)


def id_of(engine, server, container):
    one, = docker_engine.containers(engine.client, server.label, f"tutum.uuid={container['uuid']}")
    return one.id


@pytest.mark.parametrize("action, exit_codes", [(["kill"], [137]), (["stop"], [143]), (["rm", "-f"], [137, None])])
def test_what_is_done_behind_the_back_is_seen_and_can_be_undone(engine, service_of_own, action, exit_codes):
    api = service_of_own.start().api
    application = api.running(image="any/thing", run_command="sleep 600", container_ports=[{"inner_port": 80}])
    container, = api.containers(application)
    path = f"container/{container['uuid']}/"
    docker_command(engine, *action, id_of(engine, service_of_own, container))
    stopped = until(lambda: api.object(path)["state"] == "Stopped" and api.object(path))
    assert stopped["exit_code"] in exit_codes
    api.act(path + "start/")
    started = api.settled(path)
    assert (started["state"], started["container_ports"]) == ("Running", container["container_ports"])
    check_books(engine.client, service_of_own)


def test_a_stopped_container_that_is_removed_while_the_service_is_down_is_made_anew(client, service):
    api = service.start().api
    path = f"application/{api.running(image='any/thing', run_command='sleep 600')['uuid']}/"
    api.act(path + "stop/")
    api.settled(path)
    service.end()
    docker_engine.containers(client, service.label)[0].remove()
    api = service.start().api
    api.act(path + "start/")
    assert api.settled(path)["state"] == "Running"
    check_books(client, service)


def test_a_network_that_is_removed_behind_the_back_is_made_anew(engine, service_of_own):
    api = service_of_own.start().api
    api.running(name="target")
    linking = api.running(image="any/thing", run_command="sleep 600", linked_to_application=["target"])
    paths = [f"application/{each['uuid']}/" for each in api.list("application")]
    for path in paths:
        api.act(path + "stop/")
        api.settled(path)
    network, = engine.client.networks.list(filters={"label": service_of_own.label})
    network.remove()
    for path in paths:
        api.act(path + "start/")
        assert api.settled(path)["state"] == "Running"
    made = engine.client.containers.get(id_of(engine, service_of_own, api.containers(linking)[0]))
    request = "printf 'GET / HTTP/1.0\\r\\n\\r\\n' | nc -w 5 target-1 80"
    assert b"Hello world!" in until(lambda: made.exec_run(["sh", "-c", request])[1])


def test_a_port_that_somebody_took_is_start_failed_and_can_be_tried_again(service_of_own):
    api = service_of_own.start().api
    application = api.running()
    path = f"application/{application['uuid']}/"
    container, = api.containers(application)
    api.act(path + "stop/")
    api.settled(path)
    with socket.socket() as thief:
        thief.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        thief.bind(("127.0.0.1", container["container_ports"][0]["outer_port"]))
        thief.listen()
        api.act(path + "start/")
        assert api.settled(path)["state"] == "Start failed"
        assert "address already in use" in api.object(f"container/{container['uuid']}/logs/")["logs"]
    api.act(path + "start/")
    assert api.settled(path)["state"] == "Running"
    assert api.containers(application)[0]["container_ports"] == container["container_ports"]


def test_a_name_that_is_in_use_is_waited_for(engine, service_of_own):
    api = service_of_own.start().api
    application = api.running(image="any/thing", run_command="sleep 600")
    path = f"application/{application['uuid']}/"
    api.act(path + "stop/")
    api.settled(path)
    made = engine.client.containers.get(id_of(engine, service_of_own, api.containers(application)[0]))
    made.remove()
    # As the engine has it while it makes a container for a service that was killed meanwhile.
    unfinished = engine.client.containers.create("any/thing", name=made.name)
    api.act(path + "start/")
    until(lambda: "is already in use by container" in service_of_own.log)
    assert api.object(path)["state"] == "Starting"
    unfinished.remove()
    assert api.settled(path)["state"] == "Running"


@pytest.mark.parametrize("engine", [128 << 20], indirect=True)
def test_a_full_disk_is_waited_for(engine, service_of_own):
    api = service_of_own.start().api
    api.running(image="any/thing", run_command="sleep 600")
    engine.fill()
    asked = api.create(image="any/thing", run_command="sleep 600")
    path = f"application/{asked['uuid']}/"
    until(lambda: "no space left on device" in service_of_own.log)
    assert api.object(path)["state"] == "Starting"
    engine.make_room()
    assert api.settled(path, 60)["state"] == "Running"
    check_books(engine.client, service_of_own)


def test_a_job_that_was_done_while_the_service_was_killed_is_not_done_again(engine, service_of_own):
    api = service_of_own.start().api
    application = api.create(image="any/thing", run_command="sh -c 'echo done'")
    container, = api.containers(application)
    until(lambda: docker_engine.containers(engine.client, service_of_own.label))
    service_of_own.kill()
    until(lambda: [each.status for each in docker_engine.containers(engine.client)] in (["exited"], ["created"]))
    api = service_of_own.start().api
    path = f"container/{container['uuid']}/"
    until(lambda: api.object(path)["state"] == "Stopped")
    assert api.object(path + "logs/") == {"logs": "done\n"}
