"""Whose turn it is to write: after each job a request's, and applications take turns, however many jobs each has.

So a request waits for few jobs, and no flood of requests keeps jobs from being done.
"""
from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Optional

#: Whose turn it is: an application's, by its id, or a request's.
Whose = Optional[int]
REQUEST: Whose = None


class NoTurn(Exception):
    """The turn did not come in time."""


class Turns:
    """Lets one thread at a time have its turn, and hands it on to the one that is next."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._is_taken = False
        self._latest: Whose = REQUEST
        self._waiting: dict[Whose, deque[threading.Lock]] = {}  # those who were served longest ago come first

    @contextmanager
    def taken(self, whose: Whose, timeout: float = -1) -> Iterator[None]:
        """Wait for a turn, and have it until the block ends.

        :param timeout: seconds to wait at most, -1 for as long as it takes
        :raises NoTurn: it did not come in time
        """
        if not self._take(whose, timeout):
            raise NoTurn
        try:
            yield
        finally:
            self._hand_on()

    def _take(self, whose: Whose, timeout: float) -> bool:
        with self._lock:
            if not self._is_taken:
                self._is_taken, self._latest = True, whose
                return True
            turn = threading.Lock()
            turn.acquire()
            self._waiting.setdefault(whose, deque()).append(turn)
        return turn.acquire(timeout=timeout) or not self._give_up(whose, turn)

    def _give_up(self, whose: Whose, turn: threading.Lock) -> bool:
        """Wait no longer, unless the turn has come meanwhile."""
        with self._lock:
            line = self._waiting.get(whose, ())
            if turn not in line:
                return False
            line.remove(turn)
            if not line:
                del self._waiting[whose]
            return True

    def _hand_on(self) -> None:
        with self._lock:
            self._is_taken = bool(self._waiting)
            if self._is_taken:
                is_requests = REQUEST in self._waiting and self._latest is not REQUEST
                whose = self._latest = REQUEST if is_requests else next(iter(self._waiting))
                line = self._waiting.pop(whose)
                line.popleft().release()
                if line:
                    self._waiting[whose] = line
