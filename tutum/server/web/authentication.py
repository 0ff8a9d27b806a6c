"""Who is asking: API keys on every request, passwords on ``/auth/`` (api-v1 1.2, 2)."""
from __future__ import annotations

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
    if request.routing_exception is not None or request.method == "OPTIONS":
        return None
    g.account = _identify()
    if g.account is None:
        challenge = {"WWW-Authenticate": 'Basic Realm="tutum"'} if request.endpoint == "auth.show_key" else {}
        return Response(status=401, headers=challenge, content_type="application/json")
    return None


def _identify() -> accounts.Identity | None:
    scheme, _, credential = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() == "apikey":
        username, _, apikey = credential.partition(":")
        return accounts.by_apikey(service().store, username, apikey)
    basic = request.authorization
    if scheme.lower() == "basic" and request.endpoint == "auth.show_key" and basic is not None:
        return accounts.by_password(service().store, basic.username or "", basic.password or "")
    return None
