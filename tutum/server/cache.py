"""What was read of the records, kept for all who ask before a record changes."""
from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Hashable
from pathlib import Path
from typing import Any, TypeVar

#: Bytes that are kept in all, and of one thing.
MAX_BYTES = 16 * 1024 * 1024
MAX_BYTES_OF_ONE = 64 * 1024

#: Bytes that anything takes beside what its maker says, about.
_BYTES_BESIDE = 1024

T = TypeVar("T")


class Cache:
    """Keeps what was read until a record changes, whichever process changes it.

    :param path: the database file
    :param busy_timeout: seconds to wait for others who use the file
    """

    def __init__(self, path: Path, busy_timeout: float) -> None:
        self._observer = sqlite3.connect(path, timeout=busy_timeout, check_same_thread=False)
        self._lock = threading.Lock()
        self._version = 0
        self._kept: dict[Hashable, Any] = {}
        self._bytes = 0

    def get(self, key: Hashable, make: Callable[[], T], size: Callable[[T], int] = lambda made: 0) -> T:
        """Return what `make` returned for a key, as long as no record has changed since.

        :param make: reads the records; what it returns must follow from them alone, and not from the time
        :param size: tells the bytes of what is large in it
        """
        kept = self._kept_now()
        if key in kept:
            return kept[key]
        made = make()
        self._keep(kept, key, made, size(made) + _BYTES_BESIDE)
        return made

    def close(self) -> None:
        """Close the connection to the database."""
        self._observer.close()

    def _kept_now(self) -> dict[Hashable, Any]:
        with self._lock:
            # It changes with every commit of another connection, and this one commits nothing itself.
            version = self._observer.execute("PRAGMA data_version").fetchone()[0]
            if version != self._version:
                self._version = version
                self._forget()
            return self._kept

    def _keep(self, kept: dict[Hashable, Any], key: Hashable, made: Any, size: int) -> None:
        """Keep something, unless a record has changed since `kept` was all there was."""
        with self._lock:
            if kept is not self._kept or key in kept or size > MAX_BYTES_OF_ONE:
                return
            if self._bytes + size > MAX_BYTES:
                self._forget()
            self._kept[key] = made
            self._bytes += size

    def _forget(self) -> None:
        self._kept, self._bytes = {}, 0
