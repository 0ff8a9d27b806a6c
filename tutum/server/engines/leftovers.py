"""Processes of containers that outlived the keeper and their supervisor, because all of those were killed at once."""
from __future__ import annotations

import os
import signal
import time
from pathlib import Path

from tutum.server.engines.keeper.supervisor import MARKER

#: Seconds within which a killed process is gone, unless the machine is in trouble.
PATIENCE = 5.0


def kill(directory: Path) -> None:
    """Kill what is left of the containers in a directory, until nothing is.

    A process is known by its environment. Where that was cleared, it is known by a file of the directory that it may
    write to, such as its log, or by working there. Who has a terminal only looks around; a backup only reads.
    """
    markers = {f"{MARKER}={name}".encode() for name in os.listdir(directory)}
    place = os.path.realpath(directory)
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        found = [pid for pid in _others() if _is_marked(pid, markers) or _uses(pid, place) and not _has_terminal(pid)]
        if not found:
            return
        for pid in found:
            try:
                os.kill(pid, signal.SIGKILL)
            except (ProcessLookupError, PermissionError):
                pass
        time.sleep(0.01)


def _others() -> list[int]:
    """Return this user's processes, but for this one; none where there is no /proc."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            if int(entry.name) != os.getpid() and entry.stat().st_uid == os.geteuid():
                found.append(int(entry.name))
        except FileNotFoundError:
            pass  # it has ended
    return found


def _is_marked(pid: int, markers: set[bytes]) -> bool:
    return not markers.isdisjoint(_read(pid, "environ").split(b"\0"))


def _uses(pid: int, place: str) -> bool:
    try:
        files = os.listdir(f"/proc/{pid}/fd")
    except OSError:
        return False  # it has ended, or may not be looked at
    return _is_in(f"/proc/{pid}/cwd", place) or any(
        _is_in(f"/proc/{pid}/fd/{file}", place) and _may_write(pid, file) for file in files)


def _is_in(link: str, place: str) -> bool:
    return f"{_target(link)}/".startswith(f"{place}/")


def _may_write(pid: int, file: str) -> bool:
    words = _read(pid, f"fdinfo/{file}").split()
    return b"flags:" in words and int(words[words.index(b"flags:") + 1], 8) & os.O_ACCMODE != os.O_RDONLY


def _target(link: str) -> str:
    try:
        return os.readlink(link)
    except OSError:
        return ""  # it was closed meanwhile


def _has_terminal(pid: int) -> bool:
    words = _read(pid, "stat").rpartition(b")")[2].split()
    return len(words) > 4 and words[4] != b"0"


def _read(pid: int, name: str) -> bytes:
    try:
        return Path(f"/proc/{pid}/{name}").read_bytes()
    except OSError:
        return b""
