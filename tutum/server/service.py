"""The service as a whole: its parts put together in a data directory, opened and closed in order."""
from __future__ import annotations

import fcntl
import ipaddress
import os
import socket
import time
from dataclasses import dataclass
from pathlib import Path

from tutum.server import accounts, images
from tutum.server.config import Config
from tutum.server.controller import Controller
from tutum.server.engines import Engine, EngineError
from tutum.server.engines.process import ProcessEngine
from tutum.server.paths import API_PREFIX, Addresses
from tutum.server.store import RecordsError, Store
from tutum.server.throttle import Throttle
from tutum.server.web.app import create_app
from tutum.server.web.context import Context
from tutum.server.web.serving import create_server

#: The names of the engines.
ENGINES = ("process", "docker")

#: The user name of the account that is made at the first start.
FIRST_ACCOUNT = "tutum"

#: The file of the records in the data directory.
DATABASE = "tutum.db"

#: The file in the data directory that has the first account's credentials in the form of ``~/.tutum``.
CLIENT_FILE = "client.ini"

#: Seconds to wait until the containers of a service that was killed are down.
TAKE_DOWN_TIME = 15.0


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
    :param max_containers: the most containers that one account may have
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

    :raises StartError: the directory is in use, the port is taken, or the records cannot be used
    """

    def __init__(self, settings: Settings) -> None:
        data_dir, config = settings.data_dir, settings.config
        self._locks = [_lock(data_dir, "lock", 0), _lock(data_dir, "containers.lock", TAKE_DOWN_TIME)]
        listener = _listen(settings.host, settings.port)
        api_url = f"http://{_host_in_url(settings.host, settings.public_host)}:{listener.getsockname()[1]}"
        #: What `tutum.base_url` has to be for this service.
        self.base_url = f"{api_url}{API_PREFIX}/"
        #: A file that `TUTUM_CONFIG_FILE` can name, with the credentials of the first account.
        self.client_file = data_dir / CLIENT_FILE
        try:
            self._store = Store(data_dir / DATABASE)
        except RecordsError as error:
            raise StartError(str(error)) from error
        self._engine = self._make_engine(settings)
        addresses = Addresses(settings.public_host, api_url, self._engine.link_address,
                              config.container_dns, config.application_dns)
        self._controller = Controller(self._store, self._engine, addresses, config.sizes)
        self._server = create_server(create_app(Context(
            store=self._store, addresses=addresses, image_of=self._engine.image, logs_of=self._engine.logs,
            wake=self._controller.wake, max_containers=settings.max_containers, throttle=Throttle())), listener)
        #: The account that was made because there was none, or None.
        self.new_account = None if accounts.exist(self._store) else accounts.add(self._store, FIRST_ACCOUNT)
        if self.new_account is not None:
            write_client_file(data_dir, self.new_account.username, self.new_account.apikey)

    def _make_engine(self, settings: Settings) -> Engine:
        bind_host = "127.0.0.1" if is_loopback(settings.public_host) else "0.0.0.0"
        if settings.engine == "docker":
            from tutum.server.engines.docker import DockerEngine  # the SDK takes long to load
            try:
                return DockerEngine(settings.data_dir / "docker.id", settings.docker_host, bind_host,
                                    settings.temporary)
            except EngineError as error:
                raise StartError(str(error)) from error
        return ProcessEngine(settings.data_dir / "containers", bind_host, settings.config.images, self._locks[1])

    def __enter__(self) -> Service:
        self._engine.open()
        images.show_public(self._store, self._engine.public_images())
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


def _lock(data_dir: Path, name: str, patience: float) -> int:
    """Lock a file of the data directory until it is closed, here and in the processes that were given it.

    :param patience: seconds to wait for the lock
    """
    try:
        data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock_file = os.open(data_dir / name, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise StartError(f"Cannot use the data directory {data_dir}: {error.strerror}") from error
    deadline = time.monotonic() + patience
    while True:
        try:
            fcntl.flock(lock_file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return lock_file
        except BlockingIOError:
            if time.monotonic() >= deadline:
                os.close(lock_file)
                raise StartError(f"The data directory {data_dir} is in use by another service. Stop it, or choose "
                                 "another directory with --data-dir.") from None
            time.sleep(0.05)


def _listen(host: str, port: int) -> socket.socket:
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0][0]
        listener = socket.socket(family, socket.SOCK_STREAM)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
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


def write_client_file(data_dir: Path, username: str, apikey: str) -> None:
    """Keep an account's credentials where only the data directory's owner can read them."""
    unfinished = data_dir / (CLIENT_FILE + ".new")
    with open(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write(f"[auth]\nuser = {username}\napikey = {apikey}\n")
    os.replace(unfinished, data_dir / CLIENT_FILE)
