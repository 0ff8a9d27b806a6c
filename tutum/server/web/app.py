"""The WSGI application: what holds for every request (api-v1 1)."""
from __future__ import annotations

import logging
import sqlite3
import time
from collections.abc import Iterable
from urllib.parse import quote, urlsplit

from flask import Flask, Response, abort, g, request
from sqlalchemy.exc import OperationalError
from werkzeug.exceptions import HTTPException, MethodNotAllowed, RequestEntityTooLarge
from werkzeug.exceptions import NotFound as UnknownPath
from werkzeug.routing import RequestRedirect

from tutum.server.engines import EngineError
from tutum.server.errors import NotFound, RequestError, Unavailable
from tutum.server.paths import API_PREFIX
from tutum.server.web import applications, authentication, containers, health, images
from tutum.server.web.bodies import reply
from tutum.server.web.context import Context

log = logging.getLogger("tutum.server")
access_log = logging.getLogger("tutum.server.access")

#: Bytes of the longest request body.
MAX_BODY = 1024 * 1024


class _Application(Flask):
    """Flask, but a path without its last slash is redirected by 301, and only where nothing is sent (api-v1 1.1)."""

    def raise_routing_exception(self, request):
        error = request.routing_exception
        if isinstance(error, RequestRedirect):
            if request.method not in ("GET", "HEAD"):
                raise NotFound
            path = urlsplit(error.new_url)._replace(scheme="", netloc="").geturl()
            abort(Response(status=301, headers={"Location": path}, content_type="application/json"))
        raise error

    def make_default_options_response(self):
        return _with_allow(Response(content_type="application/json"), super().make_default_options_response().allow)


def create_app(context: Context) -> Flask:
    """Build the WSGI application.

    :param context: the parts of the service that requests work with
    """
    app = _Application("tutum.server", static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = MAX_BODY
    app.url_map.merge_slashes = False
    app.url_map.converters["image"] = images.ImageName
    app.extensions["tutum"] = context
    app.before_request(_begin)
    app.before_request(authentication.authenticate)
    app.before_request(_refuse_long_body)
    app.after_request(_finish)
    for kind, handler in ((RequestError, _refuse), (HTTPException, _refuse_http), (OperationalError, _unavailable),
                          (sqlite3.OperationalError, _unavailable), (EngineError, _engine_unavailable),
                          (Exception, _fail)):
        app.register_error_handler(kind, handler)
    app.register_blueprint(health.blueprint)
    for blueprint in (authentication.blueprint, applications.blueprint, containers.blueprint, images.blueprint):
        app.register_blueprint(blueprint, url_prefix=API_PREFIX)
    return app


def _begin() -> None:
    g.began = time.monotonic()


def _refuse_long_body() -> None:
    """Refuse what is too long, also where the body is not read."""
    if (request.content_length or 0) > MAX_BODY:
        raise RequestEntityTooLarge


def _finish(response: Response) -> Response:
    who = g.account.username if g.get("account") else "-"
    access_log.info("%s %s %s %d %.1f ms", request.remote_addr, who, _asked(), response.status_code,
                    (time.monotonic() - g.began) * 1000)
    response.headers["Cache-Control"] = "must-revalidate, max-age=0"
    response.headers["Vary"] = "Accept, Authorization, Cookie"
    return response


def _asked() -> str:
    """Name the request in the log: its path quoted, so that it cannot pretend to be another line, and no query."""
    return f"{request.method} {quote(request.path)}"


def _refuse(error: RequestError) -> Response:
    return reply(error.body, error.status, **error.headers)


def _refuse_http(error: HTTPException) -> Response:
    if isinstance(error, UnknownPath):
        return _refuse(NotFound())
    if isinstance(error, MethodNotAllowed):
        return _with_allow(Response(", ".join(sorted(error.valid_methods)), error.code, content_type="text/plain"),
                           error.valid_methods)
    return reply({"error": error.name}, error.code)


def _with_allow(response: Response, methods: Iterable[str]) -> Response:
    response.headers["Allow"] = ", ".join(sorted(methods))
    return response


def _unavailable(error: OperationalError | sqlite3.OperationalError) -> Response:
    text = f"The records cannot be read or written now: {getattr(error, 'orig', error)}"
    log.error("%s", text)
    return _refuse(Unavailable(text))


def _engine_unavailable(error: EngineError) -> Response:
    log.error("%s failed: %s", _asked(), error)
    return _refuse(Unavailable(str(error)))


def _fail(error: Exception) -> Response:
    log.error("%s failed", _asked(), exc_info=error)
    return reply({"error_message": "Sorry, this request could not be processed. Please try again later."}, 500)
