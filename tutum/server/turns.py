"""Whose turn it is to write: requests and jobs alternate, accounts take turns, and so do applications.

So a request waits for few jobs and for few requests of other accounts, however many they make, and no flood of requests
keeps jobs from being done.
"""
from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Union


@dataclass(frozen=True)
class Request:
    """That a request of an account is to write."""

    account_id: int


@dataclass(frozen=True)
class Job:
    """That a job of an application is to write."""

    application_id: int


Whose = Union[Request, Job]

#: What the service does by itself, or its operator at the command line; ids of accounts begin with 1.
OPERATOR = Request(0)


class NoTurn(Exception):
    """The turn did not come in time."""


class Turns:
    """Lets one thread at a time have its turn, and hands it on to the one that is next."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._is_taken = False
        self._latest_was_request = False
        self._requests, self._jobs = _Lines(), _Lines()

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
        lines = self._requests if isinstance(whose, Request) else self._jobs
        with self._lock:
            if not self._is_taken:
                self._is_taken, self._latest_was_request = True, lines is self._requests
                return True
            turn = threading.Lock()
            turn.acquire()
            lines.join(whose, turn)
        if turn.acquire(timeout=timeout):
            return True
        with self._lock:
            return not lines.leave(whose, turn)  # the turn may have come meanwhile

    def _hand_on(self) -> None:
        with self._lock:
            lines = self._next_lines()
            self._is_taken = bool(lines)
            if lines:
                self._latest_was_request = lines is self._requests
                lines.take_first().release()

    def _next_lines(self) -> _Lines:
        """Tell who is next: requests and jobs alternate as long as both wait."""
        if self._requests and self._jobs:
            return self._jobs if self._latest_was_request else self._requests
        return self._requests or self._jobs


class _Lines:
    """Those who wait, in a line for each account or application; the lines take turns."""

    def __init__(self) -> None:
        self._lines: dict[Whose, deque[threading.Lock]] = {}
        self._order: deque[Whose] = deque()

    def __bool__(self) -> bool:
        return bool(self._order)

    def join(self, whose: Whose, turn: threading.Lock) -> None:
        """Wait at the end of one's line; a new line comes after those that are there."""
        if whose not in self._lines:
            self._lines[whose] = deque()
            self._order.append(whose)
        self._lines[whose].append(turn)

    def take_first(self) -> threading.Lock:
        """Take the first of the line whose turn it is, and put the rest of that line behind the others."""
        whose = self._order.popleft()
        turn = self._lines[whose].popleft()
        if self._lines[whose]:
            self._order.append(whose)
        else:
            del self._lines[whose]
        return turn

    def leave(self, whose: Whose, turn: threading.Lock) -> bool:
        """Wait no longer.

        :returns: False if the turn has come already
        """
        line = self._lines.get(whose, ())
        if turn not in line:
            return False
        line.remove(turn)
        if not line:
            del self._lines[whose]
            self._order.remove(whose)
        return True
