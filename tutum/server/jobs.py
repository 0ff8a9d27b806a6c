"""Work in threads, keyed: one key is never worked on twice at a time, and what fails is tried again."""
from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from tutum.server.engines import EngineUnavailable

log = logging.getLogger("tutum.server")

#: Seconds before a step that could not be done is tried again: the first time, and at most.
FIRST_RETRY, LAST_RETRY = 0.2, 10.0

#: Containers that can be worked on at the same time. Most of that time is waiting.
MAX_THREADS = 256


class Jobs:
    """Works on containers in threads: on one container never twice at a time, and again if it was asked for meanwhile.

    :param work: called with a container's uuid; when it raises, it is called again later
    """

    def __init__(self, work: Callable[[str], None]) -> None:
        self._work = work
        self._executor = ThreadPoolExecutor(MAX_THREADS, thread_name_prefix="container")
        self._lock = threading.Lock()
        self._asked_again: dict[str, bool] = {}
        self._failures: dict[str, int] = {}
        self._closed = False

    def submit(self, uuid: str) -> None:
        """Have a container worked on, from now or, if that is going on, once more after it."""
        with self._lock:
            if self._closed:
                return
            if uuid in self._asked_again:
                self._asked_again[uuid] = True
                return
            self._asked_again[uuid] = False
            self._executor.submit(self._run, uuid)

    def _run(self, uuid: str) -> None:
        again = True
        while again:
            delay = self._attempt(uuid)
            with self._lock:
                again = self._asked_again[uuid] and delay is None
                self._asked_again[uuid] = False
                if not again:
                    del self._asked_again[uuid]
        if delay is not None:
            timer = threading.Timer(delay, self.submit, [uuid])
            timer.daemon = True
            timer.start()

    def _attempt(self, uuid: str) -> float | None:
        """Work on a container; return after how many seconds to try again, None if it went well."""
        try:
            self._work(uuid)
        except Exception as error:
            if self._closed:
                return None
            failures = self._failures[uuid] = self._failures.get(uuid, 0) + 1
            delay = min(FIRST_RETRY * 2 ** (failures - 1), LAST_RETRY)
            log.warning("Container %s: %s; tried again in %.1f s", uuid, error, delay,
                        exc_info=not isinstance(error, EngineUnavailable))
            return delay
        self._failures.pop(uuid, None)
        return None

    def close(self) -> None:
        """Take no more work."""
        with self._lock:
            self._closed = True
        self._executor.shutdown(wait=False, cancel_futures=True)
