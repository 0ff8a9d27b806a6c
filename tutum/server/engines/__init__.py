"""What the controller asks of an engine, whichever it is.

An engine does what it is told to one container at a time and decides nothing. Every call may be repeated: the
controller repeats a step when it cannot know that the step was finished. Calls for different containers come from
different threads at once; calls for one container never do, but for those of `status` and `logs`.
"""
from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple, Optional


#: Bytes of a log that are returned, its end. As JSON it can be six times as long, which the library still takes.
MAX_LOG = 10 << 20

#: Ports that one container can publish.
MAX_PORTS = 32


class EngineError(Exception):
    """Base of what an engine raises; its text is for the user who owns the container."""


class StartFailed(EngineError):
    """The container cannot be started, and trying again as it is would not help."""


class PortTaken(StartFailed):
    """A port of the machine that the container was given belongs to somebody else."""


class EngineUnavailable(EngineError):
    """The engine cannot answer now; the step is to be tried again later."""


class Credentials(NamedTuple):
    """What a registry asks for before it gives out a private image."""

    username: str
    password: str

    def __repr__(self) -> str:
        return f"Credentials({self.username!r})"


class Port(NamedTuple):
    """A port of a container and the port of the machine at which it answers."""

    inner: int
    protocol: str
    outer: Optional[int] = None


class Size(NamedTuple):
    """What a container may use of the machine."""

    memory_mb: int
    cpus: float


@dataclass(frozen=True)
class ImageInfo:
    """What an image says of itself: the defaults of the applications made from it (api-v1 3.1)."""

    ports: tuple[Port, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    run_command: str = ""
    entrypoint: str = ""
    docker_id: str = ""
    author: str = ""
    created: Optional[float] = None


@dataclass(frozen=True)
class ContainerSpec:
    """One container as it is to be: all that an engine needs to know of it.

    `name` is its unique name, `account` and `application` say whose it is; `run_command` and `entrypoint` are as the
    user wrote them, in a shell's quoting, and empty where the image's own are to hold.
    """

    uuid: str
    name: str
    application: str
    account: str
    image: str
    run_command: str = ""
    entrypoint: str = ""
    size: Size = Size(256, 0.25)
    ports: tuple[Port, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)


class Status(NamedTuple):
    """What became of a container: `exit_code` is of its last end, None where nobody knows."""

    running: bool
    exit_code: Optional[int] = None


class Engine(ABC):
    """Runs containers. The module's text says what holds for all of its methods."""

    #: The name that the command line knows it by.
    name: str

    #: Whether containers run on when the service ends. Where they do, an exit meanwhile is an exit.
    containers_outlive_service = False

    #: Whether a container that is started again has the environment that it was deployed with, whatever it is to be.
    keeps_environment = False

    def open(self) -> None:
        """Get ready to work. Called once, before anything else."""

    def public_images(self) -> tuple[str, ...]:
        """Return the names, without tags, of images that everybody can use without pulling them."""
        return ()

    @abstractmethod
    def image(self, name: str) -> ImageInfo | None:
        """Tell what is known of an image at once, or None where it would have to be pulled first.

        :param name: with its tag, ``tutum/hello-world:latest``
        """

    @abstractmethod
    def pull(self, name: str, credentials: Credentials | None = None, anew: bool = False) -> ImageInfo:
        """Have an image here and tell what it says of itself; may take minutes.

        :param credentials: for its registry, where the account has some
        :param anew: whether to ask the registry for the tag's newest build although one is here
        :raises StartFailed: it cannot be had
        """

    @abstractmethod
    def port_is_free(self, port: Port) -> bool:
        """Tell whether the machine's port `port.outer` could be given to a container, as far as can be seen."""

    def link_address(self, name: str, port: Port) -> tuple[str, int] | None:
        """Tell where a published port of the container with a unique name answers from inside other containers.

        :returns: host and port, or None where that is the host and port at which it answers from outside
        """
        return None

    @abstractmethod
    def deploy(self, spec: ContainerSpec) -> None:
        """Make the container, start it, and return when it runs.

        :raises StartFailed: it cannot be started
        :raises PortTaken: because of its port
        """

    @abstractmethod
    def start(self, spec: ContainerSpec) -> None:
        """Start a container that was deployed before, with its files as they are; errors as in `deploy`."""

    @abstractmethod
    def stop(self, uuid: str) -> Status:
        """Stop the container: ask, wait for the grace time, then force.

        :raises EngineError: it goes on running
        """

    @abstractmethod
    def remove(self, uuid: str) -> None:
        """Stop the container at once and remove all that belongs to it. One that is not there is no error."""

    @abstractmethod
    def logs(self, uuid: str, tail: int | None = None, size: int = MAX_LOG) -> str:
        """Return what the container wrote to stdout and stderr, oldest first; empty when it is not there.

        :param tail: how many lines to return, the last ones; None for all
        :param size: how many bytes to return at most: of more the end, from the beginning of a line where
            the last one is not longer than that
        """

    @abstractmethod
    def status(self, uuid: str) -> Status:
        """Look whether the container runs. One that is not there does not run."""

    @abstractmethod
    def exits(self) -> Iterator[str]:
        """Yield the uuid of each container that may have ended, as it happens; return when the engine is closed."""

    @abstractmethod
    def containers(self) -> set[str]:
        """Return the uuids of all containers of this service that the engine holds, running or not."""

    def close(self) -> None:
        """End the engine's work, and its containers where they do not outlive the service."""
