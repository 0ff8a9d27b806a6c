"""What a request can reach: the service's parts, and whose request it is."""
from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from flask import current_app, g
from sqlalchemy import ColumnElement

from tutum.server.accounts import Identity
from tutum.server.engines import ImageInfo
from tutum.server.paths import Addresses
from tutum.server.store import TERMINATED_VISIBLE, Lifetime, Store, now
from tutum.server.throttle import Throttle


@dataclass(frozen=True)
class Context:
    """The parts of the service that requests work with.

    :param image_of: tells what is known of an image at once, None where it would have to be pulled
    :param logs_of: returns what the container with a uuid has written
    :param wake: has the controller look at the application with an id
    :param max_containers: the most containers that one account may have
    :param throttle: remembers failed logins
    """

    store: Store
    addresses: Addresses
    image_of: Callable[[str], ImageInfo | None]
    logs_of: Callable[[str], str]
    wake: Callable[[int], None]
    max_containers: int
    throttle: Throttle


def service() -> Context:
    """Return the parts of the service that the present request is made to."""
    return current_app.extensions["tutum"]


def account() -> Identity:
    """Return the account that the present request acts for."""
    return g.account


def visible(table: type[Lifetime]) -> ColumnElement[bool]:
    """Return the condition that an application or container can still be seen."""
    return table.destroyed_at.is_(None) | (table.destroyed_at > now() - TERMINATED_VISIBLE)
