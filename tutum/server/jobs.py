"""Work in threads of its own: no job is done twice at a time, none waits for another, and what fails is tried again."""
from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import Any

from tutum.server.engines import EngineUnavailable

log = logging.getLogger("tutum.server")

#: Seconds before a job that could not be done is tried again: the first time, and at most.
FIRST_RETRY, LAST_RETRY = 0.2, 10.0


class Jobs:
    """Does jobs, each a function with what it is to be called with: the same are one job.

    There are as many threads as jobs, because most of a job's time is waiting: however many containers one account has
    that do not end, another's do not wait for a thread.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        #: Whether each job that is going on, or is to be tried again, is to be done once more after it.
        self._asked_again: dict[tuple, bool] = {}
        self._closed = threading.Event()

    def submit(self, *job: Any) -> None:
        """Have a job done, from now or, if that is going on, once more after it; one that failed after its pause.

        :param job: the function, and its arguments
        """
        with self._lock:
            if self._closed.is_set():
                return
            is_going_on = job in self._asked_again
            self._asked_again[job] = is_going_on
            if is_going_on:
                return
        try:
            threading.Thread(target=self._run, args=job, name="job", daemon=True).start()
        except RuntimeError as error:
            with self._lock:
                del self._asked_again[job]
            log.error("%s: %s; it is taken up later", _name(*job), error)

    def _run(self, *job: Any) -> None:
        failures, is_done = 0, False
        while not is_done:
            failures = 0 if self._succeeds(job, failures) else failures + 1
            if failures:
                # Being asked for does not cut it short: what failed may have made the very events that ask again.
                self._closed.wait(_pause(failures))
            with self._lock:
                is_done = self._closed.is_set() or not failures and not self._asked_again[job]
                self._asked_again[job] = False
                if is_done:
                    del self._asked_again[job]

    def _succeeds(self, job: tuple, failures: int) -> bool:
        function, *arguments = job
        try:
            function(*arguments)
        except Exception as error:
            if not self._closed.is_set():
                log.warning("%s: %s; tried again in %.1f s", _name(*job), error, _pause(failures + 1),
                            exc_info=not isinstance(error, EngineUnavailable))
            return False
        return True

    def close(self) -> None:
        """Take no more jobs, and try none again."""
        with self._lock:
            self._closed.set()


def _pause(failures: int) -> float:
    """Return how many seconds to wait before a job is tried again that failed so many times in a row."""
    return min(FIRST_RETRY * 2 ** min(failures - 1, 10), LAST_RETRY)


def _name(function: Callable[..., None], *arguments: Any) -> str:
    return " ".join([function.__name__.strip("_"), *map(str, arguments)])
