"""Ports of the machine: what a container gets, and what follows when there is none."""
import threading
from contextlib import closing

import pytest
from parts import MAX_CONTAINERS, Parts
from serverprocess import until

from tutum.server import operations, ports, quotas
from tutum.server.engines import MAX_PORTS, ImageInfo, Port
from tutum.server.engines.process import ProcessEngine
from tutum.server.store import PortLease, find_container


def outer_ports(container):
    return [port["outer_port"] for port in container["container_ports"]]


@pytest.fixture
def few_ports(monkeypatch):
    """Three ports that containers can get."""
    first = next(number for number in range(21000, 40000)
                 if all(ProcessEngine(None).port_is_free(Port(0, "tcp", number + each)) for each in range(3)))
    monkeypatch.setattr(ports, "_range", lambda: range(first, first + 3))
    return {first, first + 1, first + 2}


def test_a_container_for_which_no_port_is_left_is_start_failed_and_says_why(parts, few_ports):
    application_id = parts.create(target_num_containers=4, container_ports=[{"inner_port": 80}])
    assert parts.settled(application_id) == "Partly running"
    containers = parts.containers(application_id)
    assert {number for each in containers for number in outer_ports(each)} == few_ports | {None}
    assert parts.start_errors(application_id) == {None: 3, "Start failed: No tcp port of this machine is free": 1}
    parts.operate(application_id, operations.terminate_application)
    assert parts.settled(application_id) == "Terminated"


def test_the_last_ports_are_found(parts, few_ports):
    application_id = parts.running(target_num_containers=3, container_ports=[{"inner_port": 80}])
    assert {number for each in parts.containers(application_id) for number in outer_ports(each)} == few_ports


def test_tcp_and_udp_have_ports_of_their_own(parts, few_ports):
    application_id = parts.running(target_num_containers=3, container_ports=[
        {"inner_port": 53, "protocol": "tcp"}, {"inner_port": 53, "protocol": "udp"}])
    assert {number for each in parts.containers(application_id) for number in outer_ports(each)} == few_ports


def test_others_write_while_a_port_is_sought(parts):
    asked, go_on = threading.Event(), threading.Event()

    def port_is_free(port):
        asked.set()
        return go_on.wait(60)
    parts.engine.port_is_free = port_is_free
    slow = parts.create(container_ports=[{"inner_port": 80}])
    try:
        assert asked.wait(10)
        assert parts.state(parts.running()) == "Running"
        assert parts.state(slow) == "Starting"
    finally:
        go_on.set()


def test_a_port_that_another_took_meanwhile_is_not_given_twice(parts, few_ports):
    other = parts.running()
    taken = []

    def take_it_first(port):
        if not taken:
            taken.append(port.outer)
            with parts.store.writing() as session:
                container = find_container(session, parts.containers(other)[0]["uuid"])
                session.add(PortLease(container_id=container.id, outer_port=port.outer, protocol="tcp"))
        return True
    parts.engine.port_is_free = take_it_first
    application_id = parts.running(container_ports=[{"inner_port": 80}])
    given, = outer_ports(parts.containers(application_id)[0])
    assert given in few_ports - set(taken)


class TwoPortsTaken(ProcessEngine):
    """Sees that others have two ports only when it starts a container there, not while a port is chosen."""

    taken = set()

    def port_is_free(self, port):
        return port.inner == 0 or port.outer not in self.taken


def test_a_port_that_the_engine_cannot_use_is_tried_once(tmp_path, few_ports):
    with closing(Parts(tmp_path, TwoPortsTaken)) as parts:
        parts.engine.taken = set(sorted(few_ports)[:2])
        first, second = (parts.create(container_ports=[{"inner_port": 80}]) for _ in range(2))
        until(lambda: {parts.settled(first), parts.settled(second)} == {"Running", "Start failed"})
        parts.engine.taken = set()
        assert parts.settled(parts.create(container_ports=[{"inner_port": 80}])) == "Running"


def test_an_image_with_too_many_ports_is_start_failed_and_says_what_to_do(parts):
    many = ImageInfo(ports=tuple(Port(number, "tcp") for number in range(1, MAX_PORTS + 2)))
    parts.engine.image = lambda name: many
    application_id = parts.create()
    assert parts.settled(application_id) == "Start failed"
    assert "name those to publish" in str(parts.start_errors(application_id))
    assert parts.settled(parts.create(container_ports=[{"inner_port": 80}])) == "Running"


def test_an_image_that_says_too_late_that_it_has_more_ports_than_are_left_is_start_failed(parts):
    many = ImageInfo(ports=tuple(Port(number, "tcp") for number in range(1, MAX_PORTS + 1)))
    fitting = quotas.PORTS_FOR_EACH * MAX_CONTAINERS // MAX_PORTS
    parts.engine.image, parts.engine.pull = lambda name: None, lambda *_: many
    application_id = parts.create(target_num_containers=fitting + 1)
    assert parts.settled(application_id) == "Partly running"
    told = [str(error) for error in parts.start_errors(application_id) if error is not None]
    assert len(told) == 1 and "may have 200 ports" in told[0] and "more are too many" in told[0]
    assert parts.start_errors(application_id)[None] == fitting


def test_what_is_no_longer_published_leaves_the_ports_of_others_alone(parts):
    mine, others = (parts.containers(parts.running(container_ports=[{"inner_port": 80}]))[0] for _ in range(2))
    with parts.store.writing() as session:
        container = find_container(session, mine["uuid"])
        container.container_ports = [{**port, "outer_port": outer_ports(others)[0]}
                                     for port in container.container_ports]
        ports.publish(session, container, [])
        assert (outer_ports(others)[0], "tcp") in ports.taken(session)
