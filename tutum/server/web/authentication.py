"""Who is asking: API keys on every request, passwords on ``/auth/`` (api-v1 1.2, 2)."""
from __future__ import annotations

import math

from flask import Blueprint, Response, g, request

from tutum.server import accounts
from tutum.server.web.bodies import reply
from tutum.server.web.context import account, service
from tutum.server.web.filters import Page

blueprint = Blueprint("auth", __name__)

#: Characters of a user name that are looked at: one more than any has, so that no sender fills the memory with names.
MAX_NAME = 64


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
    if scheme.lower() == "apikey":
        username, _, apikey = credential.partition(":")
        return _admit_by_key(username[:MAX_NAME], apikey)
    if scheme.lower() == "basic" and request.endpoint == "auth.show_key":
        username, password = _name_and_password()
        return _admit_by_password(username[:MAX_NAME], password)
    return _unauthorized()


def _name_and_password() -> tuple[str, str]:
    """Read them from the header; where they cannot be read they are empty, which is as wrong as any others."""
    try:
        basic = request.authorization
    except ValueError:  # there is more than ASCII in it
        basic = None
    return ("", "") if basic is None else (basic.username or "", basic.password or "")


def _admit_by_key(username: str, apikey: str) -> Response | None:
    """Let in who has the key. It cannot be guessed, so its owner is let in however often others failed."""
    g.account = accounts.by_apikey(service().store, username, apikey)
    return _weigh("key", username)


def _admit_by_password(username: str, password: str) -> Response | None:
    """Let in who knows the password, unless there is to be a wait, or others' passwords are looked at."""
    throttle = service().throttle
    wait = throttle.wait("password", request.remote_addr or "", username)
    if wait > 0:
        return _come_again(wait)
    if not throttle.hashing.acquire(blocking=False):
        return _come_again(1)
    try:
        g.account = accounts.by_password(service().store, username, password)
    finally:
        throttle.hashing.release()
    return _weigh("password", username)


def _weigh(kind: str, username: str) -> Response | None:
    """Remember how it went, and refuse who was not let in."""
    who, throttle = (kind, request.remote_addr or "", username), service().throttle
    if g.account is not None:
        throttle.succeeded(*who)
        return None
    wait = throttle.wait(*who)
    if wait > 0:
        return _come_again(wait)
    throttle.failed(*who)
    return _unauthorized()


def _come_again(wait: float) -> Response:
    return Response(status=429, headers={"Retry-After": str(math.ceil(wait))}, content_type="application/json")


def _unauthorized() -> Response:
    challenge = {"WWW-Authenticate": 'Basic Realm="tutum"'} if request.endpoint == "auth.show_key" else {}
    return Response(status=401, headers=challenge, content_type="application/json")
