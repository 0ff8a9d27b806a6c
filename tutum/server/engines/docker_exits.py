"""How it is noticed that a container ended: by the engine's events, and by looking where they may have been missed."""
from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Iterator

from docker.types import CancellableStream

from tutum.server.engines import EngineError
from tutum.server.engines.docker_connection import Connection

log = logging.getLogger("tutum.server")

#: Seconds between two looks at all containers.
LOOK_INTERVAL = 30.0

#: Seconds before an engine that closed the stream of its events is asked for it again.
RECONNECT_PAUSE = 0.25


class Exits:
    """Watches the containers that have some labels.

    :param labels: with their values
    :param uuid_label: the label that holds a container's uuid
    """

    def __init__(self, connection: Connection, labels: dict[str, str], uuid_label: str) -> None:
        self._connection = connection
        self._labels = [f"{key}={value}" for key, value in labels.items()]
        self._uuid_label = uuid_label
        self._hints: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        self._present: set[str] = set()
        self._looking = threading.Lock()
        self._closed = threading.Event()
        self._stream: CancellableStream | None = None

    def open(self) -> None:
        """Begin to watch. The engine need not be up."""
        for work in (self._follow, self._look_now_and_then):
            threading.Thread(target=work, name=f"docker {work.__name__}", daemon=True).start()

    def hint(self, uuid: str) -> None:
        """Say that a container may have ended."""
        self._hints.put(uuid)

    def __iter__(self) -> Iterator[str]:
        """Yield the uuid of each container that may have ended, until this is closed."""
        return iter(self._hints.get, None)

    def close(self) -> None:
        """End the watch."""
        self._closed.set()
        self._hints.put(None)
        if self._stream is not None:
            self._stream.close()

    def _follow(self) -> None:
        since = None
        while not self._closed.is_set():
            try:
                with self._connection.client(timeout=None) as client:
                    self._stream = client.events(since=since, decode=True, filters={
                        "type": "container", "event": ["die", "destroy", "oom"], "label": self._labels})
                    self._look()
                    for event in self._stream:
                        since = event["time"]
                        if self._uuid_label in event["Actor"]["Attributes"]:
                            self.hint(event["Actor"]["Attributes"][self._uuid_label])
            except EngineError:
                pass
            except Exception:
                log.exception("The Docker Engine's events cannot be read; they are asked for again")
            self._closed.wait(RECONNECT_PAUSE)

    def _look_now_and_then(self) -> None:
        while not self._closed.wait(LOOK_INTERVAL):
            try:
                self._look()
            except EngineError:
                pass

    def _look(self) -> None:
        """Hint at all that does not run, and at what is no longer there."""
        with self._looking:
            with self._connection.client() as client:
                found = client.containers(all=True, filters={"label": self._labels})
            runs = {each["Labels"][self._uuid_label]: each["State"] == "running" for each in found
                    if self._uuid_label in each["Labels"]}
            gone, self._present = self._present - set(runs), set(runs)
        for uuid in gone.union(uuid for uuid, is_running in runs.items() if not is_running):
            self.hint(uuid)
