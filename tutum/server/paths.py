"""Where resources are found (api-v1 1.1, 1.8)."""
from __future__ import annotations

from dataclasses import dataclass

API_PREFIX = "/api/v1"


@dataclass(frozen=True)
class Addresses:
    """The hosts that appear in replies: of published ports, and of the service itself with its scheme."""

    public_host: str
    api_url: str


def resource_uri(resource: str, pk: str) -> str:
    """Return the path of an object, ``/api/v1/<resource>/<pk>/``."""
    return f"{API_PREFIX}/{resource}/{pk}/"


def image_tag_uri(image_name: str) -> str:
    """Return the path of an image's tag.

    :param image_name: with its tag, ``tutum/mysql:latest``
    """
    name, _, tag = image_name.rpartition(":")
    return resource_uri("image", f"{name}/tag/{tag}")
