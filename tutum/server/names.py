"""Names of images, applications and containers (api-v1 3.3, 3.4, 5)."""
from __future__ import annotations

import re
from collections.abc import Set

#: What an application may be called.
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,62}", re.ASCII)

_COMPONENT = r"[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*"
_REGISTRY = r"(?:[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+(?::[0-9]+)?|[A-Za-z0-9-]+:[0-9]+|localhost)"
_IMAGE = re.compile(rf"(?:{_REGISTRY}/)?{_COMPONENT}(?:/{_COMPONENT})*", re.ASCII)
TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}", re.ASCII)


def split_image(image: str) -> tuple[str, str]:
    """Split an image in Docker's form into its name and its tag, ``latest`` where none is given.

    :param image: ``namespace/name[:tag]``, with a registry's host before it for images that are not of the Docker Hub
    :raises ValueError: it is no image's name
    """
    head, slash, tail = image.rpartition("/")
    tail, colon, tag = tail.partition(":")
    name, tag = head + slash + tail, tag if colon else "latest"
    if len(name) > 255 or not _IMAGE.fullmatch(name) or not TAG.fullmatch(tag):
        raise ValueError(image)
    return name, tag


#: The registry of images whose name holds no registry's host.
DEFAULT_REGISTRY = "index.docker.io"


def registry_host(name: str) -> str:
    """Return the host of the registry that an image comes from.

    :param name: without its tag
    """
    host, slash, _ = name.partition("/")
    return host if slash and ("." in host or ":" in host or host == "localhost") else DEFAULT_REGISTRY


def default_name(image: str) -> str:
    """Return the name of an application that is given none: the image's, without namespace and tag."""
    name, _ = split_image(image)
    return name.rpartition("/")[2].replace(".", "-")[:63]


def unique_name(name: str, taken: Set[str]) -> str:
    """Return `name`, or `name` with the smallest number from 2 that makes it unique."""
    candidate, number = name, 1
    while candidate in taken:
        number += 1
        candidate = f"{name}-{number}"
    return candidate


def variable_name(name: str) -> str:
    """Return the form that a name has in link variables."""
    return name.upper().replace("-", "_")
