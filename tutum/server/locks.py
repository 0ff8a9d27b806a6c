"""Locks that keep two services from one data directory; the system frees them however their holder ends."""
from __future__ import annotations

import fcntl
import os
import time
from pathlib import Path


def acquire(path: Path, patience: float) -> int:
    """Lock a file until the descriptor returned is closed, here and in the processes that were given it.

    :param path: made when it is not there
    :param patience: seconds to wait for the lock
    :raises BlockingIOError: another holds it
    """
    file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    deadline = time.monotonic() + patience
    while True:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return file
        except BlockingIOError:
            if time.monotonic() >= deadline:
                os.close(file)
                raise
            time.sleep(0.05)


def is_held(path: Path) -> bool:
    """Tell whether someone holds the lock of a file; to find that out, it is taken for a moment where it is free."""
    try:
        file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        return False
    except BlockingIOError:
        return True
    finally:
        os.close(file)
