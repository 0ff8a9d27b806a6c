"""The ancestor of all containers of the process engine: a process of its own, so that none outlives the service.

It talks in lines of JSON with the service: requests come on stdin, answers and exits go to stdout. For each container
it forks a supervisor. When stdin ends, for whatever reason the service ended, it has every container taken down and
ends too. It has one thread, so that it may fork safely; it waits for nobody, so that no container holds up another.
"""
from __future__ import annotations

import json
import os
import resource
import select
import signal
import sys
import time

from .processes import STDIN, Signals, become_subreaper, children, exit_code, kill, say
from .supervisor import ASK, KILL, supervise

#: Signals that end other programs. Where one comes, somebody ends the service with all that it started.
ENDING = frozenset({signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGTERM})

#: Seconds after such a signal during which no exit is told, because no container ends by itself then.
SILENCE = 10.0

#: Seconds after which an end is told that nobody asked for: such a signal may be on its way to the keeper, too.
HINDSIGHT = 0.2

#: Seconds that containers have between SIGTERM and SIGKILL when everything is taken down.
LAST_GRACE = 3.0


class Keeper:
    """Has containers run, each known by a uuid, and tells of each when nothing is left of it."""

    def __init__(self) -> None:
        self._signals = Signals(signal.SIGCHLD, *ENDING)
        #: Its other end is nobody's but the keeper's, so that the supervisors see the keeper's end by it.
        self._lifeline, self._lifeline_end = os.pipe()
        self._supervisors: dict[int, str] = {}
        self._pids: dict[str, int] = {}
        #: Containers whose end was asked for.
        self._asked: set[str] = set()
        #: Containers that are over, each with its supervisor's status and the moment from which it may be told.
        self._untold: list[tuple[str, int, float]] = []
        self._silent_until = time.monotonic()

    def run(self) -> None:
        """Serve requests until there are no more, then take all containers down."""
        pending = b""
        while True:
            ready, _, _ = select.select([STDIN, self._signals], [], [], self._seconds_to_telling())
            self._look_around()
            if STDIN in ready:
                chunk = os.read(STDIN, 1 << 16)
                if not chunk:
                    break
                *lines, pending = (pending + chunk).split(b"\n")
                for line in lines:
                    self._handle(json.loads(line))
        self._signal_all(ASK)
        self._wait(LAST_GRACE)
        self._signal_all(KILL)
        self._wait()

    def _seconds_to_telling(self) -> float | None:
        """Return after how long something may be told that may not be told yet, None where there is nothing."""
        moment = time.monotonic()
        moments = [max(due, self._silent_until) for _, _, due in self._untold]
        return min((each - moment for each in moments if each > moment), default=None)

    def _handle(self, request: dict) -> None:
        if request["op"] == "spawn":
            self._spawn(request)
        elif request["container"] in self._pids:
            self._asked.add(request["container"])
            os.kill(self._pids[request["container"]], {"ask": ASK, "kill": KILL}[request["op"]])

    def _spawn(self, request: dict) -> None:
        uuid = request["container"]
        before = signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())  # until the supervisor has its own
        try:
            pid = os.fork()
            if pid == 0:
                supervise(request, self._lifeline, [self._lifeline_end, *self._signals.files()])
        except OSError as error:
            say(op="failed", container=uuid, error=str(error))
            say(op="exited", container=uuid, code=1)
            return
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
        self._supervisors[pid] = uuid
        self._pids[uuid] = pid

    def _signal_all(self, number: int) -> None:
        for pid in self._supervisors:
            os.kill(pid, number)

    def _wait(self, seconds: float | None = None) -> None:
        """Wait until nothing is left, for so many seconds at most."""
        deadline = None if seconds is None else time.monotonic() + seconds
        while self._look_around():
            left = None if deadline is None else deadline - time.monotonic()
            if left is not None and left <= 0:
                break
            select.select([self._signals], [], [], left)

    def _look_around(self) -> bool:
        """Collect the supervisors that have ended, kill what a killed one left, and tell what is over.

        :returns: whether anything is left
        """
        if not ENDING.isdisjoint(self._signals.take()):
            self._silent_until = time.monotonic() + SILENCE
        self._reap()
        orphans = children() - self._supervisors.keys()
        for pid in orphans:
            kill(pid)
        moment = time.monotonic()
        if moment >= self._silent_until:
            over = [each for each in self._untold
                    if each[2] <= moment and not (os.WIFSIGNALED(each[1]) and orphans)]
            self._untold = [each for each in self._untold if each not in over]
            for uuid, status, _ in over:
                say(op="exited", container=uuid, code=exit_code(status))
        return bool(self._supervisors or orphans)

    def _reap(self) -> None:
        try:
            while True:
                pid, status = os.waitpid(-1, os.WNOHANG | os.WUNTRACED)
                if pid == 0:
                    return
                if os.WIFSTOPPED(status):
                    os.kill(pid, signal.SIGKILL)  # its container did that, so as not to be ended
                elif pid in self._supervisors:
                    uuid = self._supervisors.pop(pid)
                    del self._pids[uuid]
                    self._untold.append((uuid, status, time.monotonic() + (0 if uuid in self._asked else HINDSIGHT)))
                    self._asked.discard(uuid)
        except ChildProcessError:
            pass


def _have_usual_signals() -> None:
    """Do not hand on to the containers what the service's parent ignored or blocked."""
    for number in signal.valid_signals():
        if signal.getsignal(number) == signal.SIG_IGN and number not in (signal.SIGPIPE, signal.SIGXFSZ):
            signal.signal(number, signal.SIG_DFL)  # subprocess does it for those two, which Python itself ignores
    signal.pthread_sigmask(signal.SIG_SETMASK, ())


def _have_usual_limit_of_files(soft: int) -> None:
    """Do not hand on to the containers what the service took for its connections."""
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))


if __name__ == "__main__":
    os.chdir("/")
    _have_usual_limit_of_files(int(sys.argv[1]))
    _have_usual_signals()
    become_subreaper()
    Keeper().run()
