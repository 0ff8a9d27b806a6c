"""What containers wrote: the engine has it as long as it has them, and its end is kept for a while (api-v1 3.10)."""
from __future__ import annotations

import logging
import os
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tutum.server.engines import Engine, EngineError, EngineUnavailable, files
from tutum.server.errors import Congested

log = logging.getLogger("tutum.server")

#: Bytes and lines that are kept of the end of a terminated container's log, at most.
MAX_KEPT = 1 << 20
MAX_KEPT_LINES = 10_000

#: Seconds for which a reader waits while as many as may read from the engine.
PATIENCE = 0.5


class ContainerLogs:
    """The logs of containers that the engine has, and of those that it had.

    :param directory: holds a file for each log that is kept; made when there is one
    :param readers: how many may read from the engine at a time, so that one that hangs does not hold up all threads
    """

    def __init__(self, engine: Engine, directory: Path, readers: int) -> None:
        self._engine = engine
        self._directory = directory
        self._readers = threading.Semaphore(readers)

    def read(self, uuid: str, tail: int | None = None) -> str:
        """Return what a container wrote to stdout and stderr, oldest first.

        :param tail: how many lines to return, the last ones; None for all
        :raises Congested: as many as may read from the engine, and do not come to an end
        """
        try:
            kept = files.read_log(self._directory / uuid, tail)
        except OSError as error:
            raise EngineUnavailable(f"Cannot read the log of container {uuid}: {error}") from error
        if kept is not None:
            return kept
        with self._reader():
            return self._engine.logs(uuid, tail)

    @contextmanager
    def _reader(self) -> Iterator[None]:
        if not self._readers.acquire(timeout=PATIENCE):
            raise Congested("Too many logs are being read from the engine. Please try again later.")
        try:
            yield
        finally:
            self._readers.release()

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
