"""Where resources are found (api-v1 1.1, 1.8)."""
from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from tutum.server.engines import Port
from tutum.server.store import Application, Container

API_PREFIX = "/api/v1"


@dataclass(frozen=True)
class Addresses:
    """The addresses that appear in replies and link variables (api-v1 3.4).

    :param public_host: the host at which published ports answer
    :param api_url: scheme, host and port of the service
    :param link_address: tells where a container's port answers from inside others, None where that is as from outside
    :param container_dns: the suffix of containers' names, None where the public host stands for them
    :param application_dns: the same for applications
    """

    public_host: str
    api_url: str
    link_address: Callable[[str, Port], tuple[str, int] | None]
    container_dns: str | None = None
    application_dns: str | None = None

    def of_container(self, container: Container) -> str:
        """Return the public name of a container."""
        return self._name(container.unique_name, container.application, self.container_dns)

    def of_application(self, application: Application) -> str:
        """Return the public name of an application."""
        return self._name(application.unique_name, application, self.application_dns)

    def _name(self, unique_name: str, application: Application, suffix: str | None) -> str:
        if suffix is None:
            return self.public_host
        return f"{unique_name}-{application.account.username}.{suffix}".lower().replace("_", "-")


def resource_uri(resource: str, pk: str) -> str:
    """Return the path of an object, ``/api/v1/<resource>/<pk>/``."""
    return f"{API_PREFIX}/{resource}/{pk}/"


def image_tag_uri(image_name: str) -> str:
    """Return the path of an image's tag.

    :param image_name: with its tag, ``tutum/mysql:latest``
    """
    name, _, tag = image_name.rpartition(":")
    return resource_uri("image", f"{name}/tag/{tag}")
