"""``/healthz``, for a supervisor: no credentials, and no more than it needs to know."""
from __future__ import annotations

from flask import Blueprint, Response
from sqlalchemy import select

from tutum.server.web.bodies import reply
from tutum.server.web.context import service

blueprint = Blueprint("health", __name__)


@blueprint.get("/healthz")
def show() -> Response:
    """Answer 200 when the records can be read, and 503 when they cannot."""
    # Nothing is written: on a full disk the service is best left alone, as a start anew would not succeed there.
    with service().store.reading() as session:
        session.scalar(select(1))
    return reply({"status": "ok"})
