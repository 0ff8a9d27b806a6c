"""Slows down who guesses passwords or keys."""
from __future__ import annotations

import threading
import time

#: Failures that are free: of one name from one address, and of all names from it, which those behind a proxy share.
FREE_FAILURES, FREE_FAILURES_OF_ADDRESS = 5, 100

#: Seconds from the first failure after which all are forgotten.
MEMORY = 300.0

#: Seconds to wait after the first failure that is not free; each further one doubles them, up to the longest.
FIRST_WAIT, LONGEST_WAIT = 1.0, 60.0

#: Names and addresses that are remembered at most; the oldest are forgotten first.
MAX_REMEMBERED = 10000

#: Passwords that are hashed at once, so that most of the threads and processors are left to other requests.
MAX_HASHING = 2


class Throttle:
    """Remembers failed logins, each of a kind of credential, from an address, with a user name."""

    def __init__(self) -> None:
        #: How many there were, and when the first and the last was.
        self._failures: dict[tuple[str, ...], tuple[int, float, float]] = {}
        self._lock = threading.Lock()
        #: Held while a password is hashed.
        self.hashing = threading.BoundedSemaphore(MAX_HASHING)

    def wait(self, kind: str, address: str, username: str) -> float:
        """Return how many seconds someone has to wait before being listened to; 0 for not at all."""
        return max(self._wait((kind, address, username), FREE_FAILURES),
                   self._wait((kind, address), FREE_FAILURES_OF_ADDRESS))

    def _wait(self, who: tuple[str, ...], free: int) -> float:
        moment = time.monotonic()
        with self._lock:
            count, first, last = self._failures.get(who, (0, moment, moment))
        if count < free or moment - first > MEMORY:
            return 0.0
        return max(0.0, last + min(FIRST_WAIT * 2 ** min(count - free, 10), LONGEST_WAIT) - moment)

    def failed(self, kind: str, address: str, username: str) -> None:
        """Remember a failure."""
        moment = time.monotonic()
        with self._lock:
            for who in ((kind, address, username), (kind, address)):
                count, first, _ = self._failures.pop(who, (0, moment, moment))
                self._failures[who] = (count + 1, first, moment) if moment - first <= MEMORY else (1, moment, moment)
            while len(self._failures) > MAX_REMEMBERED:
                del self._failures[next(iter(self._failures))]

    def succeeded(self, kind: str, address: str, username: str) -> None:
        """Forget the failures of a name; not the address's, or who has an account could clear them for his guesses."""
        if (kind, address, username) in self._failures:
            with self._lock:
                self._failures.pop((kind, address, username), None)
