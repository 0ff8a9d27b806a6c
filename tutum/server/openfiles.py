"""How many files the service may have open at once; every connection of a client is one."""
from __future__ import annotations

import resource
import sys

#: The soft limit that the service was started with, which its containers get, too.
GIVEN = resource.getrlimit(resource.RLIMIT_NOFILE)[0]


def have_room_for(count: int) -> int:
    """Raise the limit to so many files as far as that is needed and allowed, and return what it is then."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if _number(soft) < count:
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(count, _number(hard)), hard))
    return _number(resource.getrlimit(resource.RLIMIT_NOFILE)[0])


def _number(limit: int) -> int:
    return sys.maxsize if limit == resource.RLIM_INFINITY else limit
