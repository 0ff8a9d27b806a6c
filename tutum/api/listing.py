"""Walk through a list that the service gives page by page, while it may change."""
from __future__ import absolute_import

import six
from six.moves.urllib.parse import parse_qs, urlsplit

from tutum.api.exceptions import TutumApiError
from tutum.api.http import send_request

#: The largest page that the service gives (api-v1 1.5).
LARGEST_PAGE = 100


class Page(object):
    """Hold one page of a list (api-v1 1.5).

    :param path: path of the resource
    :param params: query of the page
    :param timeout: as ``tutum.timeout``, ``None`` for that
    :raises TutumApiError: when what comes back is no page
    """

    def __init__(self, path, params, timeout=None):
        reply = send_request("GET", path, params=params, timeout=timeout)
        self.objects, self.total = None, 0
        try:
            objects = reply["objects"]
            meta = reply.get("meta") or {}
            total, following = meta.get("total_count"), meta.get("next")
            # Where next leads is the service's idea of its own address: a proxy may know better.
            self.next = (parse_qs(urlsplit(six.ensure_str(following)).query, True)
                         if following else None)
            if isinstance(total, six.integer_types):
                self.total = total
            if isinstance(objects, list):
                self.objects = objects
        except (AttributeError, KeyError, TypeError, ValueError):
            pass
        if self.objects is None:
            raise misread(path, "it is no list of objects")


def walk(path, filters, pk_name, timeout=None):
    """Yield every object of a list once, as the service describes it.

    What matches for as long as the walk takes is not left out: where objects go away, those
    behind them move up, so the walk goes back by as many.

    :param path: path of the resource
    :param filters: mapping of filters; with ``limit`` or ``offset`` that page alone is read
    :param pk_name: name of the primary key
    :param timeout: as ``tutum.timeout``, ``None`` for that
    :returns: a generator of dicts
    :raises TutumApiError: when a page cannot be had or read
    """
    filters = dict((name, value) for name, value in filters.items() if value is not None)
    if "limit" in filters or "offset" in filters:
        return unseen(Page(path, filters, timeout).objects, set(), path, pk_name)
    return walk_all(path, dict(filters, limit=LARGEST_PAGE), pk_name, timeout)


def walk_all(path, first, pk_name, timeout):
    """Yield the objects of all pages."""
    seen, known = set(), -1
    while known < len(seen):
        known = len(seen)
        params, total = first, 0
        while params is not None:
            page = Page(path, params, timeout)
            gone, total = total - page.total, page.total
            offset = number(params.get("offset", 0))
            if gone > 0 and offset:
                params = dict(params, offset=max(0, offset - gone))
                continue
            for reply in unseen(page.objects, seen, path, pk_name):
                yield reply
            params = page.next
            if params is not None and number(params.get("offset")) <= offset:
                raise misread(path, "its next page is not behind it")
        # Objects that still match but moved to the end of the list, as terminated ones do, make
        # room that total_count does not show: then fewer have been seen than there are.
        if len(seen) >= total:
            break


def unseen(objects, seen, path, pk_name):
    """Yield the objects whose primary key has not been seen yet."""
    for reply in objects:
        try:
            pk = reply[pk_name]
            known = pk in seen
        except (KeyError, TypeError):
            pk = None
        if pk is None:
            raise misread(path, "an object of it has no %s" % pk_name)
        if not known:
            seen.add(pk)
            yield reply


def number(offset):
    """Return an offset as a number, -1 for what is none."""
    try:
        return int(offset[0] if isinstance(offset, list) else offset)
    except (TypeError, ValueError):
        return -1


def misread(path, what):
    """Return the error for a list that is not as the contract says."""
    return TutumApiError("The list cannot be read (GET %s): %s." % (six.ensure_str(path), what),
                         method="GET")
