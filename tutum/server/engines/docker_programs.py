"""Whether what a container is to run is there.

Every container has an init, which the engine starts instead: whether that finds the program, the engine never says.
"""
from __future__ import annotations

import posixpath
import shlex
from typing import Any

from docker import APIClient

from tutum.server.engines import ContainerSpec, StartFailed

#: Directories in which a program is looked for, each by a call; where there are more, it is taken to be there.
MAX_DIRECTORIES = 100

_DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def split(text: str) -> list[str]:
    """Split a command as a shell would.

    :raises StartFailed: it is not well formed
    """
    try:
        return shlex.split(text)
    except ValueError as error:
        raise StartFailed(f"The command is not well formed: {error}") from error


def check(client: APIClient, container_id: str, spec: ContainerSpec, image: dict[str, Any]) -> None:
    """Look for the program that a container was given, in the container; the image's own is taken to be there.

    :param image: what the engine says of the image
    :raises StartFailed: it is not there
    """
    config = image.get("Config") or {}
    entrypoint, command = split(spec.entrypoint), split(spec.run_command)
    own_entrypoint = config.get("Entrypoint") or []
    program = (entrypoint or own_entrypoint or command or [None])[0]
    own_program = (own_entrypoint or config.get("Cmd") or [None])[0]
    if program is None or program == own_program:
        return
    environment = dict(text.partition("=")[::2] for text in config.get("Env") or ())
    path = spec.environment.get("PATH") or environment.get("PATH") or _DEFAULT_PATH
    directories = [""] if "/" in program else dict.fromkeys(path.split(":"))
    places = [posixpath.join(config.get("WorkingDir") or "/", directory, program) for directory in directories]
    if len(places) <= MAX_DIRECTORIES and not any(_is_there(client, container_id, place) for place in places):
        where = "" if "/" in program else f" in {path}"
        raise StartFailed(f"{program}: no such file in the image{where}")


def _is_there(client: APIClient, container_id: str, path: str) -> bool:
    # The SDK can only ask for the whole file.
    url = f"{client.base_url}/v{client.api_version}/containers/{container_id}/archive"
    # Where the engine cannot tell, as of what is beneath a file, the container's own attempt says what is wrong.
    return client.head(url, params={"path": path}, timeout=client.timeout).status_code != 404
