"""What the keeper, its supervisors and the service need of the operating system."""
from __future__ import annotations

import ctypes
import errno
import json
import os
import signal
import stat
import sys

STDIN, STDOUT = 0, 1

PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36

_libc = ctypes.CDLL(None) if sys.platform == "linux" else None


class Signals:
    """Signals as something to read: they are caught from now on, and do nothing else."""

    def __init__(self, *numbers: int) -> None:
        self._read, self._write = os.pipe()
        for file in self.files():
            os.set_blocking(file, False)
        signal.set_wakeup_fd(self._write, warn_on_full_buffer=False)
        for number in numbers:
            signal.signal(number, _do_nothing)

    def files(self) -> tuple[int, int]:
        return self._read, self._write

    def fileno(self) -> int:
        return self._read

    def take(self) -> bytes:
        """Return the numbers of the signals that came, without waiting for any."""
        try:
            return os.read(self._read, 4096)
        except BlockingIOError:
            return b""


def _do_nothing(number: int, frame: object) -> None:
    pass  # not SIG_IGN, which the containers would inherit


def become_subreaper() -> None:
    """Inherit, in the place of init, the processes below this one whose parents end, where they can be told."""
    if os.path.exists(_children_file()):
        _libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def signal_at_end_of_parent(number: int) -> None:
    """Be sent a signal when the parent ends, which it may have done already."""
    if _libc is not None:
        _libc.prctl(PR_SET_PDEATHSIG, number, 0, 0, 0)


def children() -> set[int]:
    """Return the children of this process, those that have ended among them; none where it is no subreaper."""
    try:
        with open(_children_file()) as file:
            return {int(pid) for pid in file.read().split()}
    except OSError:
        return set()


def _children_file() -> str:
    return f"/proc/self/task/{os.getpid()}/children"


def kill(pid: int) -> None:
    """Kill a process, unless it has ended or became another user's, which only its own end can help."""
    try:
        os.kill(pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        pass


def signal_group(pid: int, number: int) -> None:
    """Send a signal to a process group, if there is still anybody in it."""
    try:
        os.killpg(pid, number)
    except (ProcessLookupError, PermissionError):
        pass  # macOS says so of a group of zombies


def exit_code(status: int) -> int:
    """Tell the exit code as a shell does."""
    if os.WIFSIGNALED(status):
        return 128 + os.WTERMSIG(status)
    return os.WEXITSTATUS(status)


class NotRegular(OSError):
    """Something else is in the place of a file."""

    def __init__(self, path: str) -> None:
        super().__init__(errno.EINVAL, "Not a regular file", path)


def open_regular(path: str, flags: int) -> int:
    """Open a file that a container may have replaced, by a link to elsewhere or a FIFO that nobody serves.

    :raises NotRegular: it is no regular file
    """
    try:
        file = os.open(path, flags | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, 0o600)
    except OSError as error:
        if error.errno in (errno.ELOOP, errno.ENXIO, errno.EISDIR):
            raise NotRegular(path) from error
        raise
    if not stat.S_ISREG(os.fstat(file).st_mode):
        os.close(file)
        raise NotRegular(path)
    os.set_blocking(file, True)
    return file


def say(**message) -> None:
    """Tell the service something, in one write of a short line, so that the lines of several processes stay whole."""
    try:
        os.write(STDOUT, json.dumps(message).encode() + b"\n")
    except OSError:
        pass  # the service has ended, which the keeper sees by its stdin
