"""The images of a Docker engine: what they say of themselves, and how they are had."""
from __future__ import annotations

import shlex
import threading
import time
from datetime import datetime, timezone
from typing import Any
from weakref import WeakValueDictionary

from docker.errors import NotFound
from docker.utils import parse_repository_tag

from tutum.server.engines import Credentials, EngineError, EngineUnavailable, ImageInfo, Port, StartFailed
from tutum.server.engines.docker_connection import (DISK_FULL, LONG, NORMAL, SHORT, Connection, EngineInTrouble,
                                                    says, words)

#: Seconds for which an engine that did not answer is not asked again for what somebody waits for.
LET_BE = 5.0


class _Pull:
    """The last pull of an image, which those who asked for it while it had not begun share."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.began = float("-inf")
        self.error: str | None = None


class Images:
    """Looks up and pulls the images of an engine."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._known: dict[str, dict[str, Any]] = {}
        #: No longer than somebody is at them: the keys hold passwords.
        self._pulls: WeakValueDictionary[tuple[str, Credentials | None], _Pull] = WeakValueDictionary()
        self._lock = threading.Lock()
        self._silent_until = float("-inf")

    def at_once(self, name: str) -> ImageInfo | None:
        """Tell what is known of an image; what was last known, while the engine does not answer."""
        if time.monotonic() >= self._silent_until:
            try:
                self._look(name, SHORT)
            except EngineError:
                self._silent_until = time.monotonic() + LET_BE
        return _info(self._known.get(name))

    def inspected(self, name: str) -> dict[str, Any] | None:
        """Return what the engine says of an image, in its own form; it is asked only where it has not said it yet."""
        return self._known.get(name) or self._look(name, NORMAL)

    def pull(self, name: str, credentials: Credentials | None, anew: bool) -> ImageInfo:
        """Have an image here, one pull at a time.

        One that was made on the engine's machine and never came from a registry is its own newest build.
        """
        asked = time.monotonic()
        found = self._look(name, NORMAL)
        if found is not None and not (anew and found.get("RepoDigests")):
            return _info(found)
        with self._lock:
            pull = self._pulls.setdefault((name, credentials), _Pull())
        with pull.lock:
            if pull.began < asked:
                pull.began, pull.error = time.monotonic(), None
                try:
                    self._pull(name, credentials)
                except StartFailed as error:
                    pull.error = str(error)
            if pull.error is not None:
                raise StartFailed(pull.error)
        found = self._look(name, NORMAL)
        if found is None:
            raise EngineUnavailable(f"The image {name} was removed as soon as it was pulled")
        return _info(found)

    def _pull(self, name: str, credentials: Credentials | None) -> None:
        repository, tag = parse_repository_tag(name)
        # Without any, the SDK would take those of whoever runs the service.
        login = {} if credentials is None else credentials._asdict()
        try:
            with self._connection.client(LONG, trouble=DISK_FULL) as client:
                for step in client.pull(repository, tag=tag or "latest", auth_config=login, stream=True, decode=True):
                    if "error" in step:
                        raise (EngineInTrouble if says(step["error"], DISK_FULL) else EngineError)(step["error"])
        except EngineUnavailable:
            raise
        except NotFound as error:
            raise StartFailed(f"Cannot pull {name}: {words(error)}") from error
        except EngineError as error:
            raise StartFailed(f"Cannot pull {name}: {error}") from error

    def _look(self, name: str, timeout: float) -> dict[str, Any] | None:
        try:
            with self._connection.client(timeout) as client:
                self._known[name] = client.inspect_image(name)
        except NotFound:
            self._known.pop(name, None)
        return self._known.get(name)


def _info(image: dict[str, Any] | None) -> ImageInfo | None:
    if image is None:
        return None
    config = image.get("Config") or {}
    return ImageInfo(
        ports=tuple(sorted(_port(text) for text in config.get("ExposedPorts") or ())),
        environment=dict(text.partition("=")[::2] for text in config.get("Env") or ()),
        run_command=shlex.join(config.get("Cmd") or ()),
        entrypoint=shlex.join(config.get("Entrypoint") or ()),
        docker_id=image["Id"].rpartition(":")[2],
        author=image.get("Author") or "",
        created=_moment(image.get("Created")))


def _port(text: str) -> Port:
    number, _, protocol = text.partition("/")
    return Port(int(number), protocol or "tcp")


def _moment(text: str | None) -> float | None:
    """Read an engine's time, whose fractions can be longer than Python reads."""
    if not text:
        return None
    whole, _, _ = text.rstrip("Z").partition(".")
    try:
        return datetime.fromisoformat(whole).replace(tzinfo=timezone.utc).timestamp()
    except ValueError:
        return None
