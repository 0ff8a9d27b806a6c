"""Bodies of requests and replies (api-v1 1.3, 1.4, 1.7)."""
from __future__ import annotations

import json
from typing import Any, NoReturn

from flask import Response, request

from tutum.server.errors import RequestError, UnsupportedContent


def reply(body: Any, status: int = 200, **headers: str) -> Response:
    """Answer with JSON, keys sorted."""
    return Response(dump(body), status, headers, content_type="application/json")


def dump(body: Any) -> bytes:
    """Write JSON as replies carry it."""
    return json.dumps(body, sort_keys=True).encode()


def request_object() -> dict[str, Any]:
    """Read the JSON object that the request carries; an empty body counts as an empty one.

    :raises UnsupportedContent: the body is not said to be JSON
    :raises RequestError: it is no JSON object
    """
    data = request.get_data()
    if not data:
        return {}
    if request.mimetype != "application/json":
        raise UnsupportedContent("The request's Content-Type must be application/json.")
    try:
        body = json.loads(data, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise RequestError(f"The request's body is not JSON that can be read: {error}") from error
    if not isinstance(body, dict):
        raise RequestError("The request's body must be a JSON object.")
    return body


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")
