"""The parent of one container's processes, forked by the keeper: as long as it lives, none of them gets away.

On Linux it inherits what the container's processes leave behind, whatever group, session or environment they gave
themselves. It kills and reaps all of them when the container's first process has ended, when it is told to, and when
the keeper has ended. Its own end is the container's, and its exit code is the first process's.
"""
from __future__ import annotations

import os
import resource
import select
import signal
import subprocess
import traceback
from collections.abc import Iterable
from typing import NoReturn

from .processes import (STDIN, Signals, become_subreaper, children, exit_code, kill, open_regular, say,
                        signal_at_end_of_parent, signal_group)

#: Signals to a supervisor: ask the container to end, and kill it.
ASK, KILL = signal.SIGUSR1, signal.SIGUSR2

#: Marks every process of a container that has not cleared its environment.
MARKER = "TUTUM_CONTAINER_UUID"


def supervise(request: dict, lifeline: int, inherited: Iterable[int]) -> NoReturn:
    """Be the supervisor of one container, in a process that was forked for it with all signals blocked.

    :param lifeline: a file that ends when the keeper does
    :param inherited: files of the keeper that must not stay open here
    """
    try:
        signals = Signals(signal.SIGCHLD, ASK, KILL)
        signal.pthread_sigmask(signal.SIG_SETMASK, ())
        for file in inherited:
            os.close(file)
        os.dup2(os.open(os.devnull, os.O_RDONLY), STDIN)  # the keeper's own, too
        signal_at_end_of_parent(signal.SIGCONT)  # a container could have stopped it, and the keeper sees to it no more
        become_subreaper()
        os._exit(Supervisor(signals, lifeline).run(request))
    except BaseException:
        traceback.print_exc()
    finally:
        os.kill(os.getpid(), signal.SIGKILL)  # as if it was killed: the keeper ends what is left


class Supervisor:
    """Runs a container from the start of its first process until nothing is left of it."""

    def __init__(self, signals: Signals, lifeline: int) -> None:
        self._signals = signals
        self._lifeline = lifeline
        self._first: int | None = None
        self._exit_code: int | None = None

    def run(self, request: dict) -> int:
        """Start the container, wait until it is over, and return its exit code."""
        try:
            self._first = _start(request)
        except (OSError, ValueError, subprocess.SubprocessError) as error:
            say(op="failed", container=request["container"], error=str(error)[:200])
            return 1
        say(op="spawned", container=request["container"])
        must_end = False
        while self._reap():
            if must_end or self._exit_code is not None:
                self._kill_all()
            ready, _, _ = select.select([self._signals] if must_end else [self._signals, self._lifeline], [], [])
            numbers = self._signals.take()
            if KILL in numbers or self._lifeline in ready:
                must_end = True
            elif ASK in numbers and self._exit_code is None:
                signal_group(self._first, signal.SIGTERM)
        return self._exit_code

    def _reap(self) -> bool:
        """Collect every child that has ended, and tell whether there are others."""
        while True:
            try:
                ended = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
            except ChildProcessError:
                return False
            if ended is None:
                return True
            if ended.si_pid == self._first and self._exit_code is None:
                signal_group(self._first, signal.SIGKILL)  # before it is reaped: until then the number is its own
                _, status = os.waitpid(self._first, 0)
                self._exit_code = exit_code(status)
            else:
                os.waitpid(ended.si_pid, 0)

    def _kill_all(self) -> None:
        """Kill the first process's group and all children; the children that they leave are inherited, and seen next.

        What was missed now is a child of what was killed now, whose end is a reason to look again.
        """
        if self._exit_code is None:
            signal_group(self._first, signal.SIGKILL)
        for pid in children():
            kill(pid)


def _start(request: dict) -> int:
    supervisor, memory = os.getpid(), request["memory"]

    def prepare() -> None:
        signal_at_end_of_parent(signal.SIGKILL)
        if os.getppid() != supervisor:
            os._exit(1)  # it ended before its end was bound to this
        resource.setrlimit(resource.RLIMIT_DATA, (memory, memory))
    output = open_regular(request["output"], os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    try:
        process = subprocess.Popen(
            request["argv"], cwd=request["cwd"], env=dict(request["env"], **{MARKER: request["container"]}),
            stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT, start_new_session=True,
            preexec_fn=prepare)
    finally:
        os.close(output)
    process.returncode = 0  # the supervisor waits for it by itself, as for all that it inherits
    return process.pid
