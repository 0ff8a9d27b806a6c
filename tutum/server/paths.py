"""Where resources are found (api-v1 1.1, 1.8)."""
from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from tutum.server.engines import Port

API_PREFIX = "/api/v1"


@dataclass(frozen=True)
class Addresses:
    """The addresses that appear in replies and link variables.

    :param public_host: the host at which published ports answer
    :param api_url: scheme, host and port of the service
    :param link_address: tells where a container's port answers from inside others, None where that is as from outside
    """

    public_host: str
    api_url: str
    link_address: Callable[[str, Port], tuple[str, int] | None]


def resource_uri(resource: str, pk: str) -> str:
    """Return the path of an object, ``/api/v1/<resource>/<pk>/``."""
    return f"{API_PREFIX}/{resource}/{pk}/"


def image_tag_uri(image_name: str) -> str:
    """Return the path of an image's tag.

    :param image_name: with its tag, ``tutum/mysql:latest``
    """
    name, _, tag = image_name.rpartition(":")
    return resource_uri("image", f"{name}/tag/{tag}")
