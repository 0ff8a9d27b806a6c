"""How a service has images from a registry."""
import sys
from contextlib import suppress

import docker_engine
import pytest
from registry import PASSWORD, USERNAME, Registry

from tutum.server.engines import Credentials, StartFailed
from tutum.server.engines.docker_connection import Connection
from tutum.server.engines.docker_images import Images


@pytest.fixture
def publish(client):
    """Publish a build of a private image, which says its number; return the image's name."""
    registry, file_system = Registry(), docker_engine.file_system()

    def publish(build):
        return registry.publish("acme/shop", file_system, client.version()["Arch"], Cmd=["/bin/hello"],
                                Env=[f"BUILD={build}", "PATH=/bin"], ExposedPorts={"80/tcp": {}})
    yield publish
    registry.close()
    for image in client.images.list():
        if any(digest.startswith(registry.address) for digest in image.attrs["RepoDigests"] or ()):
            client.images.remove(image.id, force=True)


def log_of(api, application):
    return api.object(f"application/{application['uuid']}/logs/")["logs"]


def add_image(api, name, password=PASSWORD):
    api.act("image/", json={"name": name, "username": USERNAME, "password": password})


def test_without_credentials_a_private_image_is_start_failed_in_the_engine_s_own_words(publish, service):
    api = service.start().api
    name = publish(1)
    asked = api.create(image=name)
    assert api.settled(f"application/{asked['uuid']}/")["state"] == "Start failed"
    assert "no basic auth credentials" in log_of(api, asked)


def test_credentials_that_a_registry_refuses_are_start_failed(publish, service):
    api = service.start().api
    name = publish(1)
    add_image(api, name, password="wrong")
    asked = api.create(image=name)
    assert api.settled(f"application/{asked['uuid']}/")["state"] == "Start failed"
    assert f"Cannot pull {name}:latest: " in log_of(api, asked)


def test_a_private_image_is_pulled_with_the_credentials_of_its_account_and_its_defaults_are_shown(publish, service):
    api = service.start().api
    name = publish(1)
    add_image(api, name)
    assert api.object(f"image/{name}/")["imagetag_set"] == []
    application = api.running(image=name)
    assert (application["run_command"], application["entrypoint"]) == ("/bin/hello", "")
    assert [port["inner_port"] for port in application["container_ports"]] == [80]
    tag, = api.object(f"image/{name}/")["imagetag_set"]
    assert {"key": "BUILD", "value": "1"} in tag["image"]["imageenvvar_set"]


@pytest.mark.parametrize("password", [PASSWORD, "wrong"])
def test_credentials_are_kept_no_longer_than_a_pull_goes_on(publish, password):
    connection, credentials = Connection(), Credentials(USERNAME, password)
    images, before = Images(connection), sys.getrefcount(credentials)
    with suppress(StartFailed):
        images.pull(publish(1), credentials, anew=True)
    assert sys.getrefcount(credentials) == before
    connection.close()


def test_redeploy_has_the_newest_build_of_the_tag_under_the_same_name_and_port(client, publish, service):
    api = service.start().api
    name = publish(1)
    add_image(api, name)
    application = api.running(image=name, run_command="sh -c 'echo build $BUILD; sleep 600'")
    before, = api.containers(application)
    publish(2)
    path = f"application/{application['uuid']}/"
    api.act(path + "redeploy/")
    assert api.settled(path)["state"] == "Running"
    after = [each for each in api.containers(application) if each["state"] == "Running"]
    assert [(each["unique_name"], each["container_ports"][0]["outer_port"]) for each in after] == [
        (before["unique_name"], before["container_ports"][0]["outer_port"])]
    made, = docker_engine.containers(client, f"tutum.uuid={after[0]['uuid']}")
    assert "BUILD=2" in made.attrs["Config"]["Env"]
