"""What a request can reach: the service's parts, and whose request it is."""
from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from flask import Response, abort, current_app, g
from sqlalchemy import ColumnElement
from sqlalchemy.orm import Session

from tutum.server import accounts
from tutum.server.accounts import Identity
from tutum.server.engines import ImageInfo
from tutum.server.errors import NotFound
from tutum.server.paths import Addresses
from tutum.server.store import TERMINATED_VISIBLE, Lifetime, Store, now
from tutum.server.throttle import Throttle
from tutum.server.turns import Request
from tutum.server.web.bodies import dump


@dataclass(frozen=True)
class Context:
    """The parts of the service that requests work with.

    :param image_of: tells what is known of an image at once, None where it would have to be pulled
    :param logs_of: returns what the container with a uuid has written, or so many lines of its end
    :param wake: has the controller look at the application with an id
    :param max_containers: the most containers that one account may have
    :param throttle: remembers failed logins
    :param kept: tells how many bytes of replies are in memory because their clients have not read all of them
    """

    store: Store
    addresses: Addresses
    image_of: Callable[[str], ImageInfo | None]
    logs_of: Callable[[str, int | None], str]
    wake: Callable[[int], None]
    max_containers: int
    throttle: Throttle
    kept: Callable[[], int]


def service() -> Context:
    """Return the parts of the service that the present request is made to."""
    return current_app.extensions["tutum"]


def account() -> Identity:
    """Return the account that the present request acts for."""
    return g.account


@contextmanager
def writing() -> Iterator[Session]:
    """Open a session for what the present request changes; its account takes turns with the others.

    Where the account was removed before its turn came, the request is refused as one without an account.
    """
    with service().store.writing(Request(account().id)) as session:
        if not accounts.is_there(session, account()):
            abort(Response(status=401, content_type="application/json"))
        yield session


def visible(table: type[Lifetime]) -> ColumnElement[bool]:
    """Return the condition that an application or container can still be seen."""
    return table.destroyed_at.is_(None) | (table.destroyed_at > now() - TERMINATED_VISIBLE)


def shown(resource: str, uuid: str, find: Callable[[Session, str], Lifetime],
          view: Callable[[Lifetime, Addresses], dict[str, Any]]) -> Response:
    """Answer with an object in detail; the reply is made once for all who ask before a record changes.

    :param uuid: as the client wrote it
    :param find: finds the object, or raises NotFound
    """
    def make() -> tuple[bytes, float | None]:
        with service().store.reading() as session:
            found = find(session, uuid)
            return dump(view(found, service().addresses)), found.destroyed_at
    body, destroyed_at = service().store.cache.get((resource, account().id, uuid.lower()), make,
                                                   lambda made: len(made[0]))
    if destroyed_at is not None and destroyed_at <= now() - TERMINATED_VISIBLE:
        raise NotFound
    return Response(body, content_type="application/json")
