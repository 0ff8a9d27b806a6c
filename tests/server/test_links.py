"""What the containers of a linking application get of the linked one (api-v1 3.6), whichever starts first."""
import threading
from contextlib import closing

import pytest
from parts import MAX_CONTAINERS, Parts
from serverprocess import until
from sqlalchemy import inspect

from tutum.server import links, operations
from tutum.server.engines import ImageInfo, Port, StartFailed
from tutum.server.engines.process import ProcessEngine
from tutum.server.errors import ValidationError
from tutum.server.store import Application
from tutum.server.web import views

DATABASE = "acme/database"
PRINT_ENVIRONMENT = "sh -c 'env; echo end; exec sleep 600'"


class SlowPulls(ProcessEngine):
    """Has to pull the image of a database first, and does when it is told to."""

    def __init__(self, directory):
        super().__init__(directory)
        self.asked, self.go_on = threading.Event(), threading.Event()
        self.is_known = self.is_missing = False

    def image(self, name):
        return super().image(name) if self.is_known or not name.startswith(DATABASE) else None

    def pull(self, name, credentials=None, anew=False):
        if not name.startswith(DATABASE):
            return super().pull(name, credentials, anew)
        self.asked.set()
        assert self.go_on.wait(60)
        if self.is_missing:
            raise StartFailed("no such image")
        return ImageInfo(ports=(Port(5432, "tcp"),))


@pytest.fixture
def parts(tmp_path):
    with closing(Parts(tmp_path, SlowPulls)) as parts:
        try:
            yield parts
        finally:
            parts.engine.go_on.set()


def linked(parts, *targets, **attributes):
    return parts.create(name="web", run_command=PRINT_ENVIRONMENT, linked_to_application=list(targets), **attributes)


def shown(container):
    return {each["key"]: each["value"] for each in container["container_envvars"]}


def injected(parts, container):
    """Return the variables that a container printed."""
    log = until(lambda: (lambda text: text.endswith("end\n") and text)(parts.engine.logs(container["uuid"])))
    return dict(line.split("=", 1) for line in log.splitlines() if "=" in line)


def test_a_linked_container_that_is_just_being_started_has_its_port_already(parts):
    parts.engine.is_known = True
    database = parts.create(image=DATABASE, name="db", target_num_containers=2,
                            container_ports=[{"inner_port": 5432}])
    web = linked(parts, "db")
    assert parts.settled(web) == "Running" and parts.state(database) == "Starting"
    container, = parts.containers(web)
    got = injected(parts, container)
    assert shown(container).items() <= got.items()
    parts.engine.go_on.set()
    assert parts.settled(database) == "Running"
    assert [got[f"DB_{number}_PORT_5432_TCP_PORT"] for number in (1, 2)] == [
        str(each["container_ports"][0]["outer_port"]) for each in parts.containers(database)]


def test_one_application_by_all_its_names_is_one_link(parts):
    parts.running(name="db")
    with parts.store.reading() as session:
        uuid = session.query(Application).one().uuid
    web = linked(parts, "db", uuid, uuid.upper(), uuid[:8], f"/api/v1/application/{uuid}/", {"to_application": "db"})
    with parts.store.reading() as session:
        assert [each.unique_name for each in session.get(Application, web).linked_to] == ["db"]


def test_the_beginning_of_two_uuids_is_refused(parts):
    parts.create(name="db")
    parts.create(name="cache")
    with parts.store.writing() as session:
        for number, each in enumerate(session.query(Application)):
            each.uuid = f"abc{number}{each.uuid[4:]}"
    with pytest.raises(ValidationError) as refused:
        linked(parts, "ABC")
    assert "'ABC' fits more than one" in str(refused.value.body)


def test_more_links_than_an_account_may_have_applications_are_refused(parts):
    with pytest.raises(ValidationError) as refused:
        linked(parts, *map(str, range(MAX_CONTAINERS + 1)))
    assert f"at most {MAX_CONTAINERS}" in str(refused.value.body)


def test_an_application_that_was_terminated_since_it_was_found_is_not_linked_to(parts):
    database, web = parts.running(name="db"), parts.running()
    with parts.store.reading() as session:
        found = links.resolve(session, 1, ["db"])
    parts.operate(database, operations.terminate_application)
    with parts.store.writing() as session, pytest.raises(ValidationError):
        links.link(session, session.get(Application, web), found)


def test_the_variables_of_what_an_application_links_to_are_not_read_for_it(parts):
    parts.create(name="db", container_envvars=[{"key": "LARGE", "value": "x" * 60000}])
    web = linked(parts, "db")
    with parts.store.reading() as session:
        application = session.get(Application, web)
        views.application_in_detail(application, parts.addresses)
        assert "container_envvars" in inspect(application.linked_to[0]).unloaded


def test_a_linking_container_waits_for_an_image_that_has_yet_to_say_its_ports(parts):
    database = parts.create(image=DATABASE, name="db", target_num_containers=2, sequential_deployment=True)
    web = linked(parts, "db", target_num_containers=2)
    assert parts.engine.asked.wait(10)
    assert parts.state(web) == "Starting"
    parts.engine.go_on.set()
    assert (parts.settled(web), parts.settled(database)) == ("Running", "Running")
    for container in parts.containers(web):
        got = injected(parts, container)
        assert shown(container).items() <= got.items()
        assert [got[f"DB_{number}_PORT_5432_TCP_PORT"] for number in (1, 2)] == [
            str(each["container_ports"][0]["outer_port"]) for each in parts.containers(database)]


def test_a_linking_container_does_not_wait_for_an_image_that_cannot_be_had(parts):
    parts.engine.is_missing = True
    database = parts.create(image=DATABASE, name="db")
    web = linked(parts, "db")
    assert parts.engine.asked.wait(10)
    parts.engine.go_on.set()
    assert (parts.settled(web), parts.settled(database)) == ("Running", "Start failed")
    assert not any("PORT" in key for key in shown(parts.containers(web)[0]))


def test_a_container_shows_the_variables_that_it_got_also_when_the_linked_application_has_changed(parts):
    database = parts.running(name="db", container_ports=[{"inner_port": 5432}])
    web = linked(parts, "db")
    assert parts.settled(web) == "Running"
    before, = parts.containers(web)
    parts.operate(database, operations.change_application, {"target_num_containers": 3}, 100)
    assert parts.settled(database) == "Running"
    assert shown(parts.containers(web)[0]) == shown(before)
    parts.operate(web, operations.redeploy_application, None)
    assert parts.settled(web) == "Running"
    after, = parts.containers(web)
    assert "DB_3_PORT_5432_TCP" in shown(after) and shown(after).items() <= injected(parts, after).items()
