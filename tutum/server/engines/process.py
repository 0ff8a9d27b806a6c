"""The engine that needs nothing installed: a container is processes of this machine, in its own directory."""
from __future__ import annotations

import os
import queue
import shlex
import signal
import socket
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

from tutum.server.engines import (MAX_LOG, ContainerSpec, Credentials, Engine, EngineError, EngineUnavailable,
                                  ImageInfo, Port, PortTaken, StartFailed, Status, files, leftovers)
from tutum.server.engines.keeper.client import KeeperProcess
from tutum.server.engines.listening import can_listen

#: Images that are programs of our own, by name without tag: any tag will do.
PROGRAMS = {"tutum/hello-world": "hello_world.py"}
PROGRAM_INFO = ImageInfo(ports=(Port(80, "tcp"),))

#: Seconds that a stopped container has between SIGTERM and SIGKILL.
STOP_GRACE = 10.0

#: Seconds that a built-in program has until it listens.
READY_TIMEOUT = 30.0

#: Seconds within which the keeper answers and a killed process is gone, unless the machine is in trouble.
PATIENCE = 30.0


class _Run:
    """What the engine knows of one run of a container.

    :param command: what is run, as the user may see it
    """

    def __init__(self, command: str) -> None:
        self.command = command
        #: Why it did not start, or that it was lost with the keeper.
        self.failure: EngineError | None = None
        self.exit_code: int | None = None
        self.answered = threading.Event()
        self.ended = threading.Event()

    def end(self, exit_code: int) -> None:
        self.exit_code = exit_code
        self.ended.set()
        self.answered.set()


class ProcessEngine(Engine):
    """Runs containers as processes, through a keeper that takes them down whenever the service ends.

    :param directory: holds a directory for each container
    :param bind_host: the address that built-in programs listen at
    :param images: what else stands in the place of images, by name without tag
    :param lock_file: an open file whose lock the keeper is to share, so that it is free only when all is down
    """

    name = "process"

    def __init__(self, directory: Path, bind_host: str = "127.0.0.1",
                 images: Mapping[str, ImageInfo] | None = None, lock_file: int | None = None) -> None:
        self._directory = directory
        self._bind_host = bind_host
        self._images = {**dict.fromkeys(PROGRAMS, PROGRAM_INFO), **(images or {})}
        self._lock_file = lock_file
        self._runs: dict[str, _Run] = {}
        self._exits: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        #: Guards what follows, for moments only: whoever must wait for the keeper holds no lock.
        self._lock = threading.Lock()
        self._keeper: KeeperProcess | None = None
        self._closed = False

    def open(self) -> None:
        self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        leftovers.kill(self._directory)
        with self._lock:
            self._start_keeper()

    def public_images(self) -> tuple[str, ...]:
        return tuple(sorted(self._images))

    def image(self, name: str) -> ImageInfo | None:
        return self._images.get(_without_tag(name), ImageInfo())

    def pull(self, name: str, credentials: Credentials | None = None, anew: bool = False) -> ImageInfo:
        return self.image(name)

    def port_is_free(self, port: Port) -> bool:
        return can_listen(self._bind_host, port)

    def deploy(self, spec: ContainerSpec) -> None:
        run = self._runs.get(spec.uuid)
        if run is None or run.ended.is_set():
            run = self._spawn(spec)
        if not run.answered.wait(PATIENCE):
            raise EngineUnavailable("The process that starts containers does not answer")
        if run.failure is not None:
            raise run.failure
        if _is_built_in(spec):
            self._wait_until_it_listens(spec, run)

    def start(self, spec: ContainerSpec) -> None:
        self.deploy(spec)

    def _spawn(self, spec: ContainerSpec) -> _Run:
        argv = self._command(spec)
        for port in spec.ports:
            if not self.port_is_free(port):
                raise PortTaken(f"Port {port.outer}/{port.protocol} of this machine is in use by another program")
        home = self._home(spec.uuid)
        try:
            home.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            if files.is_trouble_of_the_machine(error):
                raise EngineUnavailable(f"Cannot make the directory of container {spec.uuid}: {error}") from error
            raise StartFailed(f"Its directory cannot be used: {error}") from error
        run = _Run(shlex.join(argv))
        with self._lock:
            self._tell(op="spawn", container=spec.uuid, argv=argv, cwd=str(home), env=self._environment(spec, home),
                       output=str(self._log(spec.uuid)), memory=spec.size.memory_mb << 20)
            self._runs[spec.uuid] = run
        return run

    def _command(self, spec: ContainerSpec) -> list[str]:
        if _is_built_in(spec):
            if not spec.ports:
                raise StartFailed(f"{spec.image} needs a port to listen at, and the application has none")
            script = PROGRAMS[_without_tag(spec.image)]
            return [sys.executable, "-I", "-S", str(Path(__file__).parent / "programs" / script)]
        try:
            argv = shlex.split(spec.entrypoint) + shlex.split(spec.run_command)
        except ValueError as error:
            raise StartFailed(f"The command is not well formed: {error}") from error
        if not argv:
            raise StartFailed(f"The process engine has no program named {spec.image}, and neither run_command nor "
                              f"entrypoint says what to run. It has: {', '.join(self.public_images())}")
        return argv

    def _environment(self, spec: ContainerSpec, home: Path) -> dict[str, str]:
        """Build all that the container's processes see: of the service's own environment only where programs are."""
        environment = {"PATH": os.environ.get("PATH", os.defpath), "HOME": str(home), "LANG": "C.UTF-8",
                       "HOSTNAME": spec.name, "HOST": self._bind_host, **spec.environment}
        for port in spec.ports:
            environment[f"PORT_{port.inner}_{port.protocol.upper()}"] = str(port.outer)
        if spec.ports:
            environment["PORT"] = str(_main_port(spec).outer)
        return environment

    def _wait_until_it_listens(self, spec: ContainerSpec, run: _Run) -> None:
        address = (self._bind_host, _main_port(spec).outer)
        deadline = time.monotonic() + READY_TIMEOUT
        pause = 0.005
        while not run.ended.is_set():
            try:
                socket.create_connection(address, timeout=1).close()
                return
            except OSError:
                if time.monotonic() > deadline:
                    self._end(spec.uuid, ("kill", PATIENCE))
                    raise StartFailed(f"It does not listen at port {address[1]} after {READY_TIMEOUT:.0f} s") from None
            run.ended.wait(pause)
            pause = min(pause * 1.5, 0.1)
        if self._closed:
            raise EngineUnavailable("The service is ending")
        raise run.failure or StartFailed(
            f"It ended with exit code {run.exit_code} before it listened at port {address[1]}")

    def stop(self, uuid: str) -> Status:
        return self._end(uuid, ("ask", STOP_GRACE), ("kill", PATIENCE))

    def _end(self, uuid: str, *attempts: tuple[str, float]) -> Status:
        run = self._runs.get(uuid)
        if run is None:
            return Status(False)
        for operation, seconds in attempts:
            if run.ended.is_set():
                break
            with self._lock:
                self._tell(op=operation, container=uuid)
            run.ended.wait(seconds)
        if not run.ended.is_set():
            raise EngineError("Its processes do not end")
        return self.status(uuid)

    def remove(self, uuid: str) -> None:
        self._end(uuid, ("kill", PATIENCE))
        try:
            files.remove(self._directory / uuid)
        except FileNotFoundError:
            pass
        except OSError as error:
            raise EngineUnavailable(f"Cannot remove the files of container {uuid}: {error}") from error
        self._runs.pop(uuid, None)

    def logs(self, uuid: str, tail: int | None = None, size: int = MAX_LOG) -> str:
        try:
            return files.read_log(self._log(uuid), tail, size) or ""
        except OSError as error:
            if not files.is_trouble_of_the_machine(error):
                return ""
            raise EngineUnavailable(f"Cannot read the log of container {uuid}: {error}") from error

    def status(self, uuid: str) -> Status:
        run = self._runs.get(uuid)
        if run is None:
            return Status(False)
        status = Status(not run.ended.is_set(), run.exit_code)
        if self._closed:  # what ended with the service did not end by itself
            raise EngineUnavailable("The service is ending")
        return status

    def exits(self) -> Iterator[str]:
        return iter(self._exits.get, None)

    def containers(self) -> set[str]:
        return files.containers(self._directory)

    def close(self) -> None:
        with self._lock:
            self._closed = True
            keeper = self._keeper
        if keeper is not None:
            keeper.close()
        self._exits.put(None)

    def _home(self, uuid: str) -> Path:
        return self._directory / uuid / "home"

    def _log(self, uuid: str) -> Path:
        return self._directory / uuid / "output.log"

    def _tell(self, **request) -> None:
        """Have the keeper do something. The lock is held."""
        if self._closed:
            raise EngineUnavailable("The service is ending")
        if self._keeper is None:
            self._start_keeper()
        self._keeper.send(**request)

    def _start_keeper(self) -> None:
        try:
            self._keeper = KeeperProcess(self._lock_file, self._hear, self._lose_keeper)
        except OSError as error:
            raise EngineUnavailable(f"Cannot start the process that starts containers: {error}") from error

    def _hear(self, message: dict) -> None:
        """Take in what the keeper says of a run: that it started or failed to, and of either that it ended."""
        with self._lock:
            run = self._runs[message["container"]]
        if message["op"] == "spawned":
            run.answered.set()
        elif message["op"] == "failed":
            run.failure = StartFailed(f"Cannot run {run.command}: {message['error']}")
        else:
            run.end(message["code"])
            if run.failure is None:
                self._tell_exit(message["container"])

    def _tell_exit(self, uuid: str) -> None:
        if not self._closed:
            self._exits.put(uuid)

    def _lose_keeper(self) -> None:
        """Mark what ran as lost; the next request starts another keeper."""
        leftovers.kill(self._directory)
        with self._lock:
            self._keeper = None
            lost = [(uuid, run) for uuid, run in list(self._runs.items()) if not run.ended.is_set()]
            for _, run in lost:
                run.failure = EngineUnavailable("The process that starts containers has ended")
        for uuid, run in lost:
            had_started = run.answered.is_set()
            run.end(128 + signal.SIGKILL)
            if had_started:
                self._tell_exit(uuid)


def _without_tag(image: str) -> str:
    return image.rpartition(":")[0] if ":" in image.rpartition("/")[2] else image


def _is_built_in(spec: ContainerSpec) -> bool:
    return not (spec.run_command or spec.entrypoint) and _without_tag(spec.image) in PROGRAMS


def _main_port(spec: ContainerSpec) -> Port:
    """The port that a program with one port listens at: its lowest TCP port, or the lowest of all."""
    return min(spec.ports, key=lambda port: (port.protocol != "tcp", port.inner))
