"""What the tests that work with every engine have to know of the one that they run on."""
import requests


class ProcessEngine:
    name = "process"
    no_image = "no program named no/image:latest"
    no_program = "No such file or directory: '/does/not/exist'"

    def read_from(self, container, url):
        """Read a page as a container sees it."""
        return requests.get(url, timeout=5).text


class DockerEngine:
    """Of the environment, with the images that the tests name."""

    name = "docker"
    no_image = "Cannot pull no/image:latest: "
    no_program = "/does/not/exist: no such file in the image"

    def __init__(self):
        import docker
        import docker_engine

        self._client = docker.from_env()
        docker_engine.make_images(self._client, "tutum/hello-world", "tutum/hello-world:v2", "any/thing")

    def read_from(self, container, url):
        """Read a page as a container sees it."""
        found, = self._client.containers.list(filters={"label": f"tutum.uuid={container['uuid']}"})
        host, _, port = url.removeprefix("http://").rstrip("/").partition(":")
        code, output = found.exec_run(["sh", "-c", f"printf 'GET / HTTP/1.0\\r\\n\\r\\n' | nc -w 5 {host} {port}"])
        assert code == 0, output
        return output.decode()


ENGINES = {engine.name: engine for engine in (ProcessEngine, DockerEngine)}
