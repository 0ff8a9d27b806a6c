"""A service on a Docker Engine: on the one of the environment, or on one that a test may kill."""
import os

import docker
import docker_engine
import pytest
from serverprocess import Server

IMAGES = ("tutum/hello-world", "tutum/hello-world:v2", "any/thing")


def _miss(what):
    if os.environ.get("CI"):
        pytest.fail(what)
    pytest.skip(what)


@pytest.fixture(scope="session")
def client():
    """A client of the environment's engine, which has the tests' images."""
    if not os.environ.get("DOCKER_HOST"):
        _miss("these tests need DOCKER_HOST, or to be run by tests/docker_engine.py")
    client = docker.from_env()
    docker_engine.make_images(client, *IMAGES)
    yield client
    client.close()


@pytest.fixture
def service(client, tmp_path):
    """A service on the environment's engine, started by the test; what it leaves on the engine is removed."""
    server = DockerServer(tmp_path / "data", os.environ["DOCKER_HOST"])
    yield server
    if server.process is not None:
        server.close()
        for container in docker_engine.containers(client, server.label):
            container.remove(v=True, force=True)
        for network in client.networks.list(filters={"label": server.label}):
            network.remove()


@pytest.fixture
def engine(request):
    """An engine of the test's own, which the test is in the network namespace of; a parameter bounds its disk."""
    missing = docker_engine.what_is_missing()
    if missing is not None:
        _miss(missing)
    with docker_engine.running_engine(room=getattr(request, "param", None)) as engine:
        docker_engine.make_images(engine.client, *IMAGES)
        yield engine


@pytest.fixture
def service_of_own(engine, tmp_path):
    """A service on the test's own engine, started by the test."""
    server = DockerServer(tmp_path / "data", engine.host)
    yield server
    if server.process is not None:
        server.close()


class DockerServer(Server):
    """A service on a Docker Engine."""

    def __init__(self, data_dir, host):
        super().__init__(data_dir)
        self._host = host
        self._log = data_dir.with_name("service.log")

    def start(self, *options):
        with open(self._log, "ab") as log:
            return super().start("--engine", "docker", "--docker-host", self._host, *options, stderr=log)

    @property
    def label(self):
        """The label by which the service's containers and networks are told from others."""
        return f"tutum.service={(self.data_dir / 'docker.id').read_text().strip()}"

    @property
    def log(self):
        """What the service wrote to stderr."""
        return self._log.read_text()
