"""Replies with logs, which are by far the longest: made one at a time, and not while others are not read."""
from __future__ import annotations

import threading

from flask import Response

from tutum.server.errors import Congested
from tutum.server.web.bodies import reply
from tutum.server.web.context import service

#: Bytes of replies that are kept for slow clients; where there are more, logs are refused.
MAX_KEPT = 64 << 20

#: Held while a reply is made: as JSON a log can be six times as long, and is there more than once meanwhile.
_making = threading.Lock()


def reply_with(logs: str) -> Response:
    """Answer with logs.

    :raises Congested: too much is kept for clients that do not read it
    """
    with _making:
        if service().kept() > MAX_KEPT:
            raise Congested("Too many logs are waiting to be read by slow clients. Please try again later.")
        return reply({"logs": logs})
