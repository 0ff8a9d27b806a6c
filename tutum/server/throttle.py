"""Slows down who guesses passwords or keys."""
from __future__ import annotations

import threading
import time

#: Failures of one name from one address that are free, and the seconds after which they are forgotten.
FREE_FAILURES, MEMORY = 5, 300.0

#: Seconds to wait after the first failure that is not free; each further one doubles them, up to the longest.
FIRST_WAIT, LONGEST_WAIT = 1.0, 60.0

#: Names and addresses that are remembered at most; the oldest are forgotten first.
MAX_REMEMBERED = 10000


class Throttle:
    """Remembers failed logins by who it was: the kind of credential, the user name and the address."""

    def __init__(self) -> None:
        self._failures: dict[tuple[str, ...], tuple[int, float]] = {}
        self._lock = threading.Lock()

    def wait(self, who: tuple[str, ...]) -> float:
        """Return how many seconds someone has to wait before being listened to; 0 for not at all."""
        with self._lock:
            count, last = self._failures.get(who, (0, 0.0))
        if count < FREE_FAILURES:
            return 0.0
        wait = min(FIRST_WAIT * 2 ** min(count - FREE_FAILURES, 10), LONGEST_WAIT)
        return max(0.0, last + wait - time.monotonic())

    def failed(self, who: tuple[str, ...]) -> None:
        """Remember a failure."""
        moment = time.monotonic()
        with self._lock:
            count, last = self._failures.pop(who, (0, moment))
            self._failures[who] = (count + 1 if moment - last < MEMORY else 1, moment)
            if len(self._failures) > MAX_REMEMBERED:
                del self._failures[next(iter(self._failures))]

    def succeeded(self, who: tuple[str, ...]) -> None:
        """Forget someone's failures."""
        if who in self._failures:
            with self._lock:
                self._failures.pop(who, None)
