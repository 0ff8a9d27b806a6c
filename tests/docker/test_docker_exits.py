"""How it is noticed that a container ended."""
import threading

import docker_engine
import pytest
from serverprocess import until

from tutum.server.engines import docker_exits
from tutum.server.engines.docker_connection import Connection

KEY, VALUE, UUID = "tutum.service", "watched", "tutum.uuid"


@pytest.fixture
def run(client):
    """Run a container with a uuid, which is watched."""
    def run(uuid):
        return client.containers.run("any/thing", ["sleep", "600"], detach=True, labels={KEY: VALUE, UUID: uuid})
    yield run
    for container in docker_engine.containers(client, f"{KEY}={VALUE}"):
        container.remove(force=True)


@pytest.fixture
def watch():
    """Begin to watch; return the list to which the uuids come that are told."""
    connection = Connection()
    exits = docker_exits.Exits(connection, {KEY: VALUE}, UUID)
    told = []

    def watch():
        exits.open()
        threading.Thread(target=lambda: told.extend(exits), daemon=True).start()
        return told
    yield watch
    exits.close()
    connection.close()


def test_what_ended_before_is_told_by_a_look_and_what_ends_then_by_an_event(run, watch, monkeypatch):
    monkeypatch.setattr(docker_exits, "LOOK_INTERVAL", 3600)
    before, then = run("before"), run("then")
    before.kill()
    told = watch()
    until(lambda: told == ["before"])
    then.kill()
    until(lambda: told == ["before", "then"])


def test_where_no_event_arrives_an_exit_is_told_by_the_next_look(run, watch, monkeypatch):
    monkeypatch.setattr(docker_exits, "LOOK_INTERVAL", 0.1)
    monkeypatch.setattr(docker_exits.Exits, "_follow", lambda self: None)
    killed, removed = run("killed"), run("removed")
    told = watch()
    killed.kill()
    until(lambda: "killed" in told)
    removed.remove(force=True)
    until(lambda: "removed" in told)
