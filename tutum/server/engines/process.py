"""The engine that needs nothing installed: a container is a process group of this machine, in its own directory."""
from __future__ import annotations

import io
import json
import os
import queue
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

from tutum.server.engines import (MAX_LOG, ContainerSpec, Credentials, Engine, EngineError, EngineUnavailable,
                                  ImageInfo, Port, PortTaken, StartFailed, Status)
from tutum.server.engines.keeper import MARKER
from tutum.server.engines.listening import can_listen

#: Images that are programs of our own, by name without tag: any tag will do.
PROGRAMS = {"tutum/hello-world": "hello_world.py"}
PROGRAM_INFO = ImageInfo(ports=(Port(80, "tcp"),))

#: Seconds that a stopped container has between SIGTERM and SIGKILL.
STOP_GRACE = 10.0

#: Seconds that a built-in program has until it listens.
READY_TIMEOUT = 30.0

#: Seconds within which the keeper takes everything down.
TAKE_DOWN_TIME = 8.0

#: Seconds within which the keeper answers and a killed process is gone, unless the machine is in trouble.
PATIENCE = 30.0


class _Process:
    """What the engine knows of one run of a container."""

    def __init__(self) -> None:
        self.pid: int | None = None
        self.error: str | None = None
        self.exit_code: int | None = None
        #: Whether the keeper ended, and the run with it.
        self.is_lost = False
        self.answered = threading.Event()
        self.ended = threading.Event()


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
        self._processes: dict[str, _Process] = {}
        self._exits: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._keeper: subprocess.Popen | None = None
        self._closed = False

    def open(self) -> None:
        self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._kill_leftovers()
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
        process = self._processes.get(spec.uuid)
        if process is None or process.ended.is_set() or not process.answered.is_set():
            process = self._spawn(spec)
        if _is_built_in(spec):
            self._wait_until_it_listens(spec, process)

    def start(self, spec: ContainerSpec) -> None:
        self.deploy(spec)

    def _spawn(self, spec: ContainerSpec) -> _Process:
        argv = self._command(spec)
        for port in spec.ports:
            if not self.port_is_free(port):
                raise PortTaken(f"Port {port.outer}/{port.protocol} of this machine is in use by another program")
        home = self._home(spec.uuid)
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        process = self._processes[spec.uuid] = _Process()
        try:
            self._send(op="spawn", container=spec.uuid, argv=argv, cwd=str(home), env=self._environment(spec, home),
                       output=str(self._log(spec.uuid)), memory=spec.size.memory_mb << 20)
        except BaseException:
            del self._processes[spec.uuid]
            raise
        if not process.answered.wait(PATIENCE):
            raise EngineUnavailable("The process that starts containers does not answer")
        if process.is_lost:
            raise EngineUnavailable("The process that starts containers has ended")
        if process.error is not None:
            raise StartFailed(f"Cannot run {shlex.join(argv)}: {process.error}")
        return process

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

    def _wait_until_it_listens(self, spec: ContainerSpec, process: _Process) -> None:
        address = (self._bind_host, _main_port(spec).outer)
        deadline = time.monotonic() + READY_TIMEOUT
        pause = 0.005
        while not process.ended.is_set():
            try:
                socket.create_connection(address, timeout=1).close()
                return
            except OSError:
                if time.monotonic() > deadline:
                    self._end(spec.uuid, (signal.SIGKILL, PATIENCE))
                    raise StartFailed(f"It does not listen at port {address[1]} after {READY_TIMEOUT:.0f} s") from None
            process.ended.wait(pause)
            pause = min(pause * 1.5, 0.1)
        if self._closed or process.is_lost:
            raise EngineUnavailable("The process that starts containers has ended")
        raise StartFailed(f"It ended with exit code {process.exit_code} before it listened at port {address[1]}")

    def stop(self, uuid: str) -> Status:
        return self._end(uuid, (signal.SIGTERM, STOP_GRACE), (signal.SIGKILL, PATIENCE))

    def _end(self, uuid: str, *attempts: tuple[int, float]) -> Status:
        process = self._processes.get(uuid)
        if process is None:
            return Status(False)
        for number, seconds in attempts:
            if process.ended.is_set():
                break
            self._send(op="signal", container=uuid, signal=int(number))
            process.ended.wait(seconds)
        if not process.ended.is_set():
            raise EngineError(f"Process {process.pid} does not end")
        return self.status(uuid)

    def remove(self, uuid: str) -> None:
        self._end(uuid, (signal.SIGKILL, PATIENCE))
        try:
            _remove_tree(self._directory / uuid)
        except FileNotFoundError:
            pass
        except OSError as error:
            raise EngineUnavailable(f"Cannot remove the files of container {uuid}: {error}") from error
        self._processes.pop(uuid, None)

    def logs(self, uuid: str, tail: int | None = None) -> str:
        try:
            with open(self._log(uuid), "rb") as log:
                size = log.seek(0, os.SEEK_END)
                log.seek(max(0, size - MAX_LOG))
                text = log.read(MAX_LOG)
                if size > MAX_LOG:
                    text = text[text.find(b"\n") + 1:]
                return _last_lines(text, tail).decode("utf-8", "replace")
        except FileNotFoundError:
            return ""

    def status(self, uuid: str) -> Status:
        process = self._processes.get(uuid)
        if process is None:
            return Status(False)
        status = Status(not process.ended.is_set(), process.exit_code)
        if self._closed:  # what ended with the service did not end by itself
            raise EngineUnavailable("The service is ending")
        return status

    def exits(self) -> Iterator[str]:
        return iter(self._exits.get, None)

    def containers(self) -> set[str]:
        return {entry.name for entry in self._directory.iterdir()}

    def close(self) -> None:
        with self._lock:
            self._closed = True
        if self._keeper is not None:
            self._keeper.stdin.close()
            self._listener.join(TAKE_DOWN_TIME)
            self._keeper.kill()  # if it is still there, and what it started with it
            self._listener.join()
        self._exits.put(None)

    def _home(self, uuid: str) -> Path:
        return self._directory / uuid / "home"

    def _log(self, uuid: str) -> Path:
        return self._directory / uuid / "output.log"

    def _send(self, **request) -> None:
        line = json.dumps(request).encode() + b"\n"
        with self._lock:
            if self._closed:
                raise EngineUnavailable("The service is ending")
            if self._keeper.stdin.closed:
                self._listener.join()  # it ends what the keeper has left
                self._start_keeper()
            try:
                self._keeper.stdin.write(line)
            except (OSError, ValueError) as error:
                raise EngineUnavailable("The process that starts containers has ended") from error

    def _start_keeper(self) -> None:
        script = Path(__file__).with_name("keeper.py")
        self._keeper = subprocess.Popen(
            [sys.executable, "-I", "-S", str(script)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0,
            env={"LANG": "C.UTF-8"}, start_new_session=True,
            pass_fds=[] if self._lock_file is None else [self._lock_file])
        self._listener = threading.Thread(target=self._listen, args=(self._keeper,), name="keeper", daemon=True)
        self._listener.start()

    def _listen(self, keeper: subprocess.Popen) -> None:
        with io.BufferedReader(keeper.stdout) as lines:
            for line in lines:
                self._hear(json.loads(line))
        keeper.wait()
        keeper.stdin.close()
        if not self._closed:
            self._lose_all()

    def _hear(self, message: dict) -> None:
        process = self._processes[message["container"]]
        if message["op"] == "exited":
            self._mark_ended(message["container"], process, message["code"])
            return
        process.pid = message.get("pid")
        process.error = message.get("error")
        if process.error is not None:
            process.ended.set()
        process.answered.set()

    def _mark_ended(self, uuid: str, process: _Process, exit_code: int) -> None:
        process.exit_code = exit_code
        process.ended.set()
        if not self._closed:
            self._exits.put(uuid)

    def _lose_all(self) -> None:
        """The keeper was killed, and its children with it; what they started themselves is killed here."""
        lost = [(uuid, process) for uuid, process in list(self._processes.items()) if not process.ended.is_set()]
        for _, process in lost:
            process.is_lost = True
            if process.pid is not None:
                try:
                    os.killpg(process.pid, signal.SIGKILL)
                except (ProcessLookupError, PermissionError):
                    pass
        self._kill_leftovers()
        for uuid, process in lost:
            if process.answered.is_set():
                self._mark_ended(uuid, process, 128 + signal.SIGKILL)
            else:
                process.ended.set()
                process.answered.set()

    def _kill_leftovers(self) -> None:
        """End what outlived a keeper that was killed; each process still names its container in its environment."""
        markers = {f"{MARKER}={uuid}".encode() for uuid in self.containers()}
        for entry in Path("/proc").glob("[0-9]*"):
            try:
                if not markers.isdisjoint((entry / "environ").read_bytes().split(b"\0")):
                    os.kill(int(entry.name), signal.SIGKILL)
            except OSError:
                pass  # it has ended, or is another user's


def _remove_tree(directory: Path) -> None:
    """Remove a directory with all that is in it, also where its owner may not write or look."""
    try:
        shutil.rmtree(directory)
    except PermissionError:
        os.chmod(directory, 0o700)
        for path, names, _ in os.walk(directory):
            for each in (os.path.join(path, name) for name in names):
                if not os.path.islink(each):
                    os.chmod(each, 0o700)
        shutil.rmtree(directory)


def _last_lines(text: bytes, count: int | None) -> bytes:
    if count is None:
        return text
    begin = len(text) - 1
    for _ in range(count):
        begin = text.rfind(b"\n", 0, begin)
        if begin < 0:
            return text
    return text[begin + 1:]


def _without_tag(image: str) -> str:
    return image.rpartition(":")[0] if ":" in image.rpartition("/")[2] else image


def _is_built_in(spec: ContainerSpec) -> bool:
    return not (spec.run_command or spec.entrypoint) and _without_tag(spec.image) in PROGRAMS


def _main_port(spec: ContainerSpec) -> Port:
    """The port that a program with one port listens at: its lowest TCP port, or the lowest of all."""
    return min(spec.ports, key=lambda port: (port.protocol != "tcp", port.inner))
