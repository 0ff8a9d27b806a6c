"""What containers wrote: the engine has it as long as it has them, and its end is kept for a while (api-v1 3.10)."""
from __future__ import annotations

import logging
import os
from collections.abc import Iterable
from pathlib import Path

from tutum.server.engines import Engine, EngineError, EngineUnavailable, files

log = logging.getLogger("tutum.server")

#: Bytes and lines that are kept of the end of a terminated container's log, at most.
MAX_KEPT = 1 << 20
MAX_KEPT_LINES = 10_000


class ContainerLogs:
    """The logs of containers that the engine has, and of those that it had.

    :param directory: holds a file for each log that is kept; made when there is one
    """

    def __init__(self, engine: Engine, directory: Path) -> None:
        self._engine = engine
        self._directory = directory

    def read(self, uuid: str, tail: int | None = None) -> str:
        """Return what a container wrote to stdout and stderr, oldest first.

        :param tail: how many lines to return, the last ones; None for all
        """
        try:
            kept = files.read_log(self._directory / uuid, tail)
        except OSError as error:
            raise EngineUnavailable(f"Cannot read the log of container {uuid}: {error}") from error
        return self._engine.logs(uuid, tail) if kept is None else kept

    def keep(self, uuid: str) -> None:
        """Keep the end of the log of a container that the engine is about to remove, if it can be kept."""
        try:
            text = self._engine.logs(uuid, MAX_KEPT_LINES, MAX_KEPT)
            # When this is done again, the engine may have removed the container already.
            if text or not (self._directory / uuid).exists():
                self._write(uuid, text.encode()[-MAX_KEPT:])
        except (OSError, EngineError) as error:
            log.warning("The log of container %s is not kept: %s", uuid, error)

    def _write(self, uuid: str, text: bytes) -> None:
        self._directory.mkdir(mode=0o700, exist_ok=True)
        try:
            with open(os.open(self._directory / uuid, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
                file.write(text)
        except OSError:
            self.forget([uuid])
            raise

    def kept(self) -> set[str]:
        """Return the uuids of the containers of which a log is kept."""
        try:
            return files.containers(self._directory)
        except FileNotFoundError:
            return set()

    def forget(self, uuids: Iterable[str]) -> None:
        """Remove logs that were kept."""
        for uuid in uuids:
            (self._directory / uuid).unlink(missing_ok=True)
