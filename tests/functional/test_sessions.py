"""The two sessions of the library's page, step by step, against real processes."""
import re

import pytest
import requests

import tutum
from service import until


def states(thing, last):
    """Return the states that are seen from now until one is reached, refresh by refresh."""
    seen = [thing.state]

    def reached():
        assert thing.refresh() is True
        if thing.state != seen[-1]:
            seen.append(thing.state)
        return thing.state == last
    until(reached)
    return seen


def page_of(container):
    """Return the page that a container serves at its outer port."""
    port, = [port["outer_port"] for port in container.container_ports]
    with requests.Session() as session:
        session.trust_env = False
        return session.get("http://%s:%d/" % (container.public_dns, port), timeout=10).text


def test_the_session_with_applications(real):
    app = tutum.Application.create(image="tutum/hello-world", name="my-new-app",
                                   target_num_containers=2)
    assert app.save() is True
    assert states(app, "Running") == ["Starting", "Running"]

    # Behind it stand what other tests terminated in the last minutes.
    listed = tutum.Application.list()[0]
    assert re.match(r"<tutum\.api\.application\.Application object at 0x[0-9a-f]+>$", repr(listed))
    uuid = tutum.Application.list(name="my-new-app")[0].uuid
    assert uuid == app.uuid

    app = tutum.Application.fetch(uuid)
    assert app.name == "my-new-app"
    app.target_num_containers = 3
    assert app.save() is True
    assert states(app, "Running") == ["Scaling", "Running"]

    containers = tutum.Container.list(application__name="my-new-app")[:3]
    assert [container.name for container in containers] == [
        "my-new-app-1", "my-new-app-2", "my-new-app-3"]
    for container in containers:
        assert container.name in page_of(container)

    assert app.stop() is True
    assert states(app, "Stopped") == ["Stopping", "Stopped"]
    assert app.start() is True
    assert states(app, "Running") == ["Starting", "Running"]
    assert app.delete() is True
    assert states(app, "Terminated") == ["Terminating", "Terminated"]
    for container in containers:
        with pytest.raises(requests.ConnectionError):
            page_of(container)


def test_the_session_with_containers(real):
    tutum.Application.create(image="tutum/hello-world", name="my-new-app").save()
    listed = tutum.Container.list(application__name="my-new-app")[0]
    assert re.match(r"<tutum\.api\.container\.Container object at 0x[0-9a-f]+>$", repr(listed))

    container = tutum.Container.fetch(listed.uuid)
    assert container.name == "my-new-app-1"
    container.wait("Running")
    # A container takes no action while its application is on its way.
    tutum.Application.list(name="my-new-app")[0].wait("Running")
    assert container.stop() is True
    assert states(container, "Stopped") == ["Stopping", "Stopped"]
    assert container.start() is True
    assert states(container, "Running") == ["Starting", "Running"]
    assert container.delete() is True
    assert states(container, "Terminated") == ["Terminating", "Terminated"]


def test_logs_are_what_the_containers_write(real):
    app = tutum.Application.create(image="any/thing", run_command="echo something to read")
    app.save()
    # It runs for a moment, which is a settled state, too.
    until(lambda: app.refresh() and app.state == "Stopped")
    container, = tutum.Container.list(application__uuid=app.uuid)
    assert "something to read" in container.logs
    assert container.unique_name in app.logs and "something to read" in app.logs


def test_redeploy_keeps_the_port(real):
    app = tutum.Application.create(image="tutum/hello-world")
    app.save()
    app.wait("Running")
    before, = tutum.Container.list(application__uuid=app.uuid, state="Running")
    assert app.redeploy() is True
    assert app.state == "Redeploying"
    app.wait("Running")
    after, = tutum.Container.list(application__uuid=app.uuid, state="Running")
    assert after.container_ports[0]["outer_port"] == before.container_ports[0]["outer_port"]
    assert after.name in page_of(after)
