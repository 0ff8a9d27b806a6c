"""The parent of the process engine's containers: a small process of its own, so that none of them outlives the service.

It is run as a script and talks in lines of JSON with the service: requests come on stdin, answers and exits go to
stdout. When stdin ends, for whatever reason the service ended, it takes every container down and ends too. It has one
thread, so that it may fork safely; on Linux it also inherits what a container's processes leave behind.
"""
from __future__ import annotations

import ctypes
import json
import os
import resource
import selectors
import signal
import subprocess
import sys
import time

#: Marks every process of a container, so that one that left the process group is still found.
MARKER = "TUTUM_CONTAINER_UUID"

#: Seconds between SIGTERM and SIGKILL when everything is taken down.
LAST_GRACE = 3.0

PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36


def _prctl(option: int, value: int) -> None:
    if sys.platform == "linux":
        _libc.prctl(option, value, 0, 0, 0)


_libc = ctypes.CDLL(None) if sys.platform == "linux" else None


def _prepare_child(keeper: int, memory: int) -> None:
    """Bind a container's first process to the keeper's life, and each of its processes to so many bytes of data."""
    _prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != keeper:
        os._exit(1)  # the keeper ended before its end was bound to this
    resource.setrlimit(resource.RLIMIT_DATA, (memory, memory))


class Keeper:
    """Starts, signals and reaps process groups, each the container of one uuid."""

    def __init__(self) -> None:
        self._leaders: dict[int, str] = {}
        self._pids: dict[str, int] = {}

    def handle(self, request: dict) -> None:
        """Carry out one request of the service."""
        if request["op"] == "spawn":
            self._spawn(request)
        elif request["container"] in self._pids:
            _signal_group(self._pids[request["container"]], request["signal"])

    def _spawn(self, request: dict) -> None:
        uuid, keeper = request["container"], os.getpid()
        if uuid in self._pids:
            return self._say(op="spawned", container=uuid, pid=self._pids[uuid])
        try:
            with open(request["output"], "ab", buffering=0) as output:
                process = subprocess.Popen(
                    request["argv"], cwd=request["cwd"], env=dict(request["env"], **{MARKER: uuid}),
                    stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT,
                    start_new_session=True, preexec_fn=lambda: _prepare_child(keeper, request["memory"]))
        except (OSError, ValueError, subprocess.SubprocessError) as error:
            return self._say(op="failed", container=uuid, error=str(error))
        process.returncode = 0  # reap() below does the waiting, for this child and for those that it inherits
        self._leaders[process.pid] = uuid
        self._pids[uuid] = process.pid
        self._say(op="spawned", container=uuid, pid=process.pid)

    def reap(self) -> None:
        """Collect every child that has ended, and end what is left of its container."""
        while True:
            try:
                ended = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
            except ChildProcessError:
                return
            if ended is None:
                return
            uuid = self._leaders.pop(ended.si_pid, None)
            if uuid is not None:
                _signal_group(ended.si_pid, signal.SIGKILL)  # before the leader is reaped: its number is still its own
            _, status = os.waitpid(ended.si_pid, 0)
            if uuid is not None:
                del self._pids[uuid]
                self._kill_strays(uuid)
                self._say(op="exited", container=uuid, code=_exit_code(status))

    def _kill_strays(self, uuid: str | None) -> None:
        """Kill inherited processes of container `uuid`, or all of them, until their own children are gone too."""
        marker = f"{MARKER}={uuid}".encode()
        killed = True
        while killed:
            killed = False
            for pid in _children():
                if pid not in self._leaders and (uuid is None or marker in _environment(pid)):
                    os.kill(pid, signal.SIGKILL)
                    os.waitpid(pid, 0)
                    killed = True

    def take_down(self) -> None:
        """End all containers, by SIGTERM and after the grace time by SIGKILL."""
        for pid in self._leaders:
            _signal_group(pid, signal.SIGTERM)
        deadline = time.monotonic() + LAST_GRACE
        self.reap()
        while self._leaders and time.monotonic() < deadline:
            time.sleep(0.01)
            self.reap()
        for pid in self._leaders:
            _signal_group(pid, signal.SIGKILL)
        while self._leaders:
            self.reap()
            time.sleep(0.005)
        self._kill_strays(None)

    def _say(self, **message) -> None:
        try:
            sys.stdout.write(json.dumps(message) + "\n")
            sys.stdout.flush()
        except OSError:
            # Nobody listens any more, and stdin's end follows; what is left to be written must not fail at the exit.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _signal_group(pid: int, number: int) -> None:
    try:
        os.killpg(pid, number)
    except (ProcessLookupError, PermissionError):
        pass  # macOS says so of a group of zombies


def _exit_code(status: int) -> int:
    if os.WIFSIGNALED(status):
        return 128 + os.WTERMSIG(status)
    return os.WEXITSTATUS(status)


def _children() -> list[int]:
    try:
        with open(f"/proc/self/task/{os.getpid()}/children") as children:
            return [int(pid) for pid in children.read().split()]
    except OSError:
        return []


def _environment(pid: int) -> list[bytes]:
    try:
        with open(f"/proc/{pid}/environ", "rb") as environment:
            return environment.read().split(b"\0")
    except OSError:
        return []


def _ignore(number: int, frame: object) -> None:
    pass


def main() -> None:
    """Serve requests from stdin until it ends."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _ignore)  # not SIG_IGN, which the containers would inherit
    _prctl(PR_SET_CHILD_SUBREAPER, 1)
    wake_read, wake_write = os.pipe()
    os.set_blocking(wake_read, False)
    os.set_blocking(wake_write, False)
    signal.set_wakeup_fd(wake_write, warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, _ignore)
    keeper = Keeper()
    selector = selectors.DefaultSelector()
    selector.register(sys.stdin.fileno(), selectors.EVENT_READ)
    selector.register(wake_read, selectors.EVENT_READ)
    pending = b""
    while True:
        ready = {key.fd for key, _ in selector.select()}
        if wake_read in ready:
            os.read(wake_read, 4096)
            keeper.reap()
        if sys.stdin.fileno() in ready:
            chunk = os.read(sys.stdin.fileno(), 1 << 16)
            if not chunk:
                keeper.take_down()
                return
            *lines, pending = (pending + chunk).split(b"\n")
            for line in lines:
                keeper.handle(json.loads(line))


if __name__ == "__main__":
    main()
