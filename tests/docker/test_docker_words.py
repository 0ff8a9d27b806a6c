"""An engine's words are told from those of users and images, which it repeats."""
import re
import uuid

import pytest
from registry import PASSWORD, USERNAME, Registry

from tutum.server.engines import ContainerSpec, Credentials, EngineUnavailable, StartFailed, docker_troubles
from tutum.server.engines.docker import DockerEngine
from tutum.server.engines.docker_connection import IN_TROUBLE, PORT_TAKEN


def test_no_sign_of_trouble_can_stand_in_a_name():
    assert [sign for sign in IN_TROUBLE + PORT_TAKEN if re.fullmatch("[a-z0-9_.-]+", sign)] == []


@pytest.mark.parametrize("ports", [[], [{"inner_port": 80}]])
@pytest.mark.parametrize("sign", PORT_TAKEN)
def test_a_program_that_is_not_there_is_start_failed_whatever_it_is_called(service, sign, ports):
    api = service.start().api
    asked = api.create(image="any/thing", entrypoint=f"'{sign}'", container_ports=ports)
    path = f"application/{asked['uuid']}/"
    assert api.settled(path)["state"] == "Start failed"
    assert f"{sign}: no such file in the image" in api.object(path + "logs/")["logs"]


@pytest.fixture
def image_of(client):
    """Make an image whose user is called as a test says; return its name."""
    def image_of(user):
        container = client.containers.create("any/thing", "true")
        client.api.commit(container.id, repository="words/user", tag="latest", conf={"User": user})
        container.remove()
        return "words/user:latest"
    yield image_of
    client.images.remove("words/user:latest", force=True)


@pytest.fixture
def engine_of_own(client, tmp_path):
    engine = DockerEngine(tmp_path / "docker.id", temporary=True)
    yield engine
    engine.close()


def container_of(image):
    return ContainerSpec(uuid=str(uuid.uuid4()), name="web-1", application=str(uuid.uuid4()), account="tutum",
                         image=image)


@pytest.mark.parametrize("sign", PORT_TAKEN)
def test_a_user_called_as_a_taken_port_is_start_failed(image_of, service, sign):
    api = service.start().api
    asked = api.create(image=image_of(sign), run_command="sleep 600", container_ports=[{"inner_port": 80}])
    path = f"application/{asked['uuid']}/"
    assert api.settled(path)["state"] == "Start failed"
    assert f"unable to find user {sign}" in api.object(path + "logs/")["logs"]


@pytest.mark.parametrize("sign", IN_TROUBLE)
def test_a_user_called_as_trouble_is_start_failed_after_some_time(image_of, engine_of_own, monkeypatch, sign):
    spec = container_of(image_of(sign))
    for _ in range(2):
        with pytest.raises(EngineUnavailable, match=sign):
            engine_of_own.deploy(spec)
    monkeypatch.setattr(docker_troubles, "PATIENCE", 0)
    with pytest.raises(StartFailed, match=f"unable to find user {sign}"):
        engine_of_own.deploy(spec)


def test_a_registry_that_speaks_of_a_full_disk_is_start_failed_after_some_time(engine_of_own, monkeypatch):
    registry = Registry(refusal="no space left on device")
    try:
        pulling = f"{registry.address}/acme/shop:latest", Credentials(USERNAME, PASSWORD)
        with pytest.raises(EngineUnavailable, match=registry.refusal):
            engine_of_own.pull(*pulling)
        monkeypatch.setattr(docker_troubles, "PATIENCE", 0)
        with pytest.raises(StartFailed, match=registry.refusal):
            engine_of_own.pull(*pulling)
    finally:
        registry.close()
