"""How long a Docker Engine is asked again for what it cannot do because it is in trouble."""
from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from tutum.server.engines import StartFailed
from tutum.server.engines.docker_connection import EngineInTrouble

#: Seconds for which a start or a pull that the engine cannot do because of trouble is tried again. There may be none:
#: its words can repeat what an image or a registry chose, and then it would be tried again for ever.
PATIENCE = 600.0


class Troubles:
    """Since when the engine has been in trouble at each try of something."""

    def __init__(self) -> None:
        self._since: dict[str, float] = {}

    @contextmanager
    def bounded(self, what: str) -> Iterator[None]:
        """Have a try of something be the last when the engine has been in trouble at each for long.

        :raises StartFailed: in place of `EngineInTrouble`, with its words
        """
        since = self._since.setdefault(what, time.monotonic())
        goes_on = False
        try:
            yield
        except EngineInTrouble as error:
            goes_on = time.monotonic() - since < PATIENCE
            if goes_on:
                raise
            raise StartFailed(str(error)) from error
        finally:
            if not goes_on:
                self._since.pop(what, None)

    def forget(self, what: str) -> None:
        """Forget what is no longer to be tried."""
        self._since.pop(what, None)
