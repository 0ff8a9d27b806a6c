"""How the Docker engine is spoken to: with a time-out each, from many threads, and its errors told apart."""
from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import requests
import urllib3
from docker import APIClient
from docker.errors import APIError, DockerException, NotFound
from docker.utils import kwargs_from_env, parse_host

from tutum.server.engines import EngineError, EngineUnavailable, Port, PortTaken, StartFailed

#: Seconds that a call may take: one that a request can do without or waits for, any other, and one that a registry
#: has a part in.
SHORT, PATIENT, NORMAL, LONG = 1.0, 10.0, 60.0, 300.0

#: Connections to the engine that are kept for the next calls.
POOL_SIZE = 64

#: What an engine says that has no room, that is in trouble itself, and that cannot have a port. In its words it repeats
#: names, which can hold none of these, and what an image chose, as its user and its directories, which can.
DISK_FULL = ("no space left on device",)
IN_TROUBLE = DISK_FULL + ("context canceled", "deadline exceeded", "transport is closing", "transport: ", "ttrpc: ",
                          "connection refused", "is already in progress", "is marked for removal",
                          "is already in use by container")
PORT_TAKEN = ("port is already allocated", "address already in use", "ports are not available")


class EngineInTrouble(EngineUnavailable):
    """The engine's words are those of trouble, which may be over later, or repeat what an image chose."""


class Connection:
    """The way to one engine. It need not be up yet, and may come and go.

    :param host: its address, the environment's (``DOCKER_HOST``, or the default socket) where None
    :raises EngineError: that is no address, or the environment's certificates cannot be used
    """

    def __init__(self, host: str | None = None) -> None:
        try:
            self._settings = {**kwargs_from_env(), **({} if host is None else {"base_url": host})}
            parse_host(self._settings.get("base_url"))
        except DockerException as error:
            raise EngineError(f"Cannot use the Docker Engine: {error}") from error
        self._clients: dict[float | None, APIClient] = {}
        self._lock = threading.Lock()
        #: The engine's address, as the user gave it.
        self.host: str = self._settings.get("base_url", "unix:///var/run/docker.sock")
        #: Whether the engine's ports are this machine's.
        self.is_local = self.host.startswith(("unix:", "/"))

    @contextmanager
    def client(self, timeout: float | None = NORMAL, trouble: tuple[str, ...] = IN_TROUBLE) -> Iterator[APIClient]:
        """Give the SDK's client; what it raises inside becomes an `EngineError`, but for `NotFound`.

        :param timeout: seconds that one call may take, None for a stream that may be silent
        :param trouble: words of an error after which the call is to be tried again later
        """
        try:
            yield self._client(timeout)
        except NotFound:
            raise
        except APIError as error:
            text = words(error)
            if error.status_code == 503:
                raise EngineUnavailable(text) from error
            raise (EngineInTrouble if says(text, trouble) else EngineError)(text) from error
        except (DockerException, requests.RequestException, urllib3.exceptions.HTTPError, OSError) as error:
            raise EngineUnavailable(f"The Docker Engine at {self.host} does not answer: {error}") from error

    def _client(self, timeout: float | None) -> APIClient:
        client = self._clients.get(timeout)
        if client is None:
            # The version is asked for, so this is a call, too: the time-out of the stream's own would be endless.
            client = APIClient(**self._settings, version="auto", timeout=timeout or NORMAL, max_pool_size=POOL_SIZE)
            client.timeout = timeout
            with self._lock:
                client = self._clients.setdefault(timeout, client)
        return client

    def close(self) -> None:
        """Let go of the connections that nobody uses."""
        for client in self._clients.values():
            client.close()


@contextmanager
def starting(ports: Iterable[Port]) -> Iterator[None]:
    """Have what the engine says against a container's start raised as what it means to the controller.

    :param ports: the container's, one of which the engine names where that is taken
    """
    try:
        yield
    except (EngineUnavailable, StartFailed):
        raise
    except NotFound as error:
        raise StartFailed(words(error)) from error
    except EngineError as error:
        text = str(error)
        is_port_taken = says(text, PORT_TAKEN) and says(text, tuple(f":{port.outer}" for port in ports))
        raise (PortTaken if is_port_taken else StartFailed)(text) from error


def words(error: APIError) -> str:
    """Return what the engine itself said."""
    return str(error.explanation or error)


def says(text: str, signs: tuple[str, ...]) -> bool:
    """Tell whether the engine's words hold one of some others."""
    return any(sign in text.lower() for sign in signs)
