"""The service as a whole: its parts put together in a data directory, opened and closed in order."""
from __future__ import annotations

import ipaddress
import os
import socket
import sqlite3
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy.exc import OperationalError

from tutum.server import accounts, firstaccount, images, locks
from tutum.server.accounts import Identity
from tutum.server.config import Config
from tutum.server.containerlogs import ContainerLogs
from tutum.server.controller import Controller
from tutum.server.engines import Engine, EngineError
from tutum.server.engines.process import ProcessEngine
from tutum.server.paths import API_PREFIX, Addresses
from tutum.server.store import RecordsError, Store
from tutum.server.throttle import Throttle
from tutum.server.web.app import create_app
from tutum.server.web.context import Context
from tutum.server.web.serving import THREADS, create_server, kept

#: The names of the engines.
ENGINES = ("process", "docker")

#: The file of the records in the data directory.
DATABASE = "tutum.db"

#: The file that a service locks while it is there, and seconds to wait for who only looks whether one is.
LOCK, LOOK_TIME = "lock", 1.0

#: The file that is locked until a service's containers are down, and seconds to wait for those of one that was killed.
CONTAINERS_LOCK, TAKE_DOWN_TIME = "containers.lock", 15.0


class StartError(Exception):
    """The service cannot start; the text says why."""


@dataclass(frozen=True)
class Settings:
    """How a service is to run.

    :param data_dir: holds the records and the containers; made when it is not there
    :param host: the address to listen at
    :param port: the port to listen at, 0 for any that is free
    :param engine: the name of an engine of `ENGINES`
    :param public_host: the host under which the published ports of containers answer
    :param max_containers: the most containers that one account may have; the other bounds of `quotas` follow from it
    :param config: what the configuration file says
    :param docker_host: the address of the Docker Engine, the environment's where None
    :param temporary: whether nothing is to be left when the service ends
    """

    data_dir: Path
    host: str = "127.0.0.1"
    port: int = 0
    engine: str = "process"
    public_host: str = "127.0.0.1"
    max_containers: int = 200
    config: Config = Config()
    docker_host: str | None = None
    temporary: bool = False


class Service:
    """A service in a data directory, to be used as a context manager around `serve`.

    :raises StartError: here or on entering: the directory is in use or cannot be used, or the port is taken
    """

    def __init__(self, settings: Settings) -> None:
        listener = _listen(settings.host, settings.port)
        api_url = f"http://{_host_in_url(settings.host, settings.public_host)}:{listener.getsockname()[1]}"
        #: What `tutum.base_url` has to be for this service.
        self.base_url = f"{api_url}{API_PREFIX}/"
        #: The first account, or None where it was removed, and its password where it was made by this start.
        self.first_account: Identity | None = None
        self.new_password: str | None = None
        #: The file with the first account's credentials, and whether they were not in it before.
        self.client_file = settings.data_dir / firstaccount.CLIENT_FILE
        self.has_new_client_file = False
        self._data_dir, config = settings.data_dir, settings.config
        with _told(self._data_dir):
            _make_private(self._data_dir)
            self._locks = _lock(self._data_dir)
            self._store = Store(self._data_dir / DATABASE)
            self._engine = self._make_engine(settings)
        addresses = Addresses(settings.public_host, api_url, self._engine.link_address,
                              config.container_dns, config.application_dns)
        logs = ContainerLogs(self._engine, self._data_dir / "logs", THREADS // 2)
        self._controller = Controller(self._store, self._engine, logs, addresses, config.sizes,
                                      settings.max_containers)
        self._server = create_server(create_app(Context(
            store=self._store, addresses=addresses, image_of=self._engine.image, logs_of=logs.read,
            wake=self._controller.wake, max_containers=settings.max_containers, throttle=Throttle(),
            kept=lambda: kept(self._server))), listener)

    def _make_engine(self, settings: Settings) -> Engine:
        bind_host = "127.0.0.1" if is_loopback(settings.public_host) else "0.0.0.0"
        if settings.engine == "docker":
            from tutum.server.engines.docker import DockerEngine  # the SDK takes long to load
            return DockerEngine(settings.data_dir / "docker.id", settings.docker_host, bind_host, settings.temporary)
        return ProcessEngine(settings.data_dir / "containers", bind_host, settings.config.images, self._locks[1])

    def __enter__(self) -> Service:
        with _told(self._data_dir):
            self._engine.open()
            images.show_public(self._store, self._engine.public_images())
            self.new_password = firstaccount.make(self._store)
            self.has_new_client_file = firstaccount.keep_client_file(self._store, self._data_dir)
            self.first_account = accounts.find(self._store, firstaccount.USERNAME)
            self._controller.open()
        return self

    def serve(self) -> None:
        """Answer requests until SystemExit or KeyboardInterrupt is raised in this thread."""
        self._server.run()

    def __exit__(self, *exception) -> None:
        self._server.close()
        self._controller.close()
        self._engine.close()
        self._store.close()
        for lock in self._locks:
            os.close(lock)


def is_loopback(host: str) -> bool:
    """Tell whether only this machine can reach a host."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


@contextmanager
def _told(data_dir: Path) -> Iterator[None]:
    """Turn what can go wrong with the data directory or the engine into a StartError."""
    try:
        yield
    except (RecordsError, EngineError) as error:
        raise StartError(str(error)) from error
    except (OperationalError, sqlite3.OperationalError) as error:
        raise StartError(f"Cannot use the records in {data_dir / DATABASE}: {getattr(error, 'orig', error)}") from error
    except OSError as error:
        raise StartError(f"Cannot use {error.filename or data_dir}: {error.strerror or error}") from error


def _make_private(data_dir: Path) -> None:
    """Let nobody else read the keys and passwords in the data directory, also where a copy of it was put there."""
    data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    private = {data_dir: 0o700, **{data_dir / f"{DATABASE}{suffix}": 0o600 for suffix in ("", "-wal", "-shm")},
               data_dir / firstaccount.CLIENT_FILE: 0o600}
    open_ones = [path for path in private if path.exists() and stat.S_IMODE(path.stat().st_mode) & 0o077]
    if data_dir in open_ones and not (data_dir / DATABASE).exists() and any(data_dir.iterdir()):
        raise StartError(f"The data directory {data_dir} is open to others, and has other files than a service's. "
                         "Choose a directory for the service alone with --data-dir.")
    for path in open_ones:
        path.chmod(private[path])


def _lock(data_dir: Path) -> list[int]:
    try:
        return [locks.acquire(data_dir / LOCK, LOOK_TIME), locks.acquire(data_dir / CONTAINERS_LOCK, TAKE_DOWN_TIME)]
    except BlockingIOError:
        raise StartError(f"The data directory {data_dir} is in use by another service. Stop it, or choose another "
                         "directory with --data-dir.") from None


def is_served(data_dir: Path) -> bool:
    """Tell whether a service runs on a data directory."""
    return locks.is_held(data_dir / LOCK)


def _listen(host: str, port: int) -> socket.socket:
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0][0]
        listener = socket.socket(family, socket.SOCK_STREAM)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen()  # two may bind a port, but only one can listen at it
    except OSError as error:
        raise StartError(f"Cannot listen at {host}, port {port}: {error.strerror}. Choose another with --host and "
                         "--port.") from error
    return listener


def _host_in_url(host: str, public_host: str) -> str:
    """The host by which the service is reached: an address that means all of them is none."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host
    if address.is_unspecified:
        return public_host
    return f"[{host}]" if address.version == 6 else host
