"""Who is asking: API keys on every request, passwords on ``/auth/`` (api-v1 1.2, 2)."""
from __future__ import annotations

import math
from collections.abc import Callable

from flask import Blueprint, Response, g, request

from tutum.server import accounts
from tutum.server.web.bodies import reply
from tutum.server.web.context import account, service
from tutum.server.web.filters import Page

blueprint = Blueprint("auth", __name__)


@blueprint.get("/auth/")
def show_key() -> Response:
    """Tell an account's API key to who knows its password."""
    identity = account()
    return reply(Page(25, 0).envelope(request.path, {}, 1, [{"key": identity.apikey, "username": identity.username}]))


def authenticate() -> Response | None:
    """Find out whose request it is before anything is read of it; 404 and 405 come first."""
    if request.routing_exception is not None or request.method == "OPTIONS" or request.endpoint == "health.show":
        return None
    scheme, _, credential = request.headers.get("Authorization", "").partition(" ")
    basic = request.authorization
    store = service().store
    if scheme.lower() == "apikey":
        username, _, apikey = credential.partition(":")
        return _admit("key", username, lambda: accounts.by_apikey(store, username, apikey))
    if scheme.lower() == "basic" and request.endpoint == "auth.show_key" and basic is not None:
        username, password = basic.username or "", basic.password or ""
        return _admit("password", username, lambda: accounts.by_password(store, username, password))
    return _unauthorized()


def _admit(kind: str, username: str, check: Callable[[], accounts.Identity | None]) -> Response | None:
    """Let in who passes the check, and have who fails again and again wait longer each time.

    A key, unlike a password, cannot be guessed: its owner is let in however often others failed.
    """
    who, throttle = (kind, username, request.remote_addr or ""), service().throttle
    wait = throttle.wait(who)
    g.account = None if wait > 0 and kind == "password" else check()
    if g.account is not None:
        throttle.succeeded(who)
        return None
    if wait > 0:
        return Response(status=429, headers={"Retry-After": str(math.ceil(wait))}, content_type="application/json")
    throttle.failed(who)
    return _unauthorized()


def _unauthorized() -> Response:
    challenge = {"WWW-Authenticate": 'Basic Realm="tutum"'} if request.endpoint == "auth.show_key" else {}
    return Response(status=401, headers=challenge, content_type="application/json")
