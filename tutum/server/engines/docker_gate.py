"""How the work on a Docker engine ends with the service, however long the Docker Engine takes to answer."""
from __future__ import annotations

import functools
import threading
from collections.abc import Callable
from concurrent import futures
from typing import Any

from tutum.server.engines import EngineUnavailable


class Gate:
    """Lets work in until it is closed; a context manager around what others wait for to be finished."""

    def __init__(self) -> None:
        self._closed: futures.Future[None] = futures.Future()
        self._changed = threading.Condition()
        self._inside = 0

    def cut_off(self, work: Callable[[], Any]) -> Any:
        """Do some work and return what comes of it, or leave it to itself when the gate is closed meanwhile.

        :raises EngineUnavailable: the gate is closed
        """
        result: futures.Future[Any] = futures.Future()

        def run() -> None:
            try:
                result.set_result(work())
            except BaseException as error:
                result.set_exception(error)
        if not self._closed.done():
            # A thread that does not keep the service from ending.
            threading.Thread(target=run, name=threading.current_thread().name, daemon=True).start()
            futures.wait([result, self._closed], return_when=futures.FIRST_COMPLETED)
        if not result.done():
            raise EngineUnavailable("The service is ending")
        return result.result()

    def __enter__(self) -> None:
        with self._changed:
            if self._closed.done():
                raise EngineUnavailable("The service is ending")
            self._inside += 1

    def __exit__(self, *exception: Any) -> None:
        with self._changed:
            self._inside -= 1
            self._changed.notify_all()

    def close(self) -> None:
        """Let nothing in any more."""
        with self._changed:
            self._closed.set_result(None)

    def is_idle(self) -> bool:
        """Tell whether nothing is inside."""
        return self._inside == 0

    def wait_until_idle(self, timeout: float) -> None:
        """Wait until nothing is inside, or the time is over."""
        with self._changed:
            self._changed.wait_for(self.is_idle, timeout)


def until_closed(step: Callable[..., Any]) -> Callable[..., Any]:
    """Have a method of an object that has a `gate` cut off when that is closed."""
    @functools.wraps(step)
    def gated(self: Any, *arguments: Any, **options: Any) -> Any:
        return self.gate.cut_off(functools.partial(step, self, *arguments, **options))
    return gated
