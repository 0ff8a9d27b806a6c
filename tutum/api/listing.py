"""Walk through a list that the service gives page by page, while it may change."""
from __future__ import absolute_import

import six
from six.moves.urllib.parse import parse_qs, urlsplit

from tutum.api.exceptions import TutumApiError
from tutum.api.http import send_request

#: The largest page that the service gives (api-v1 1.5).
LARGEST_PAGE = 100

#: A list that goes on changing is not walked for ever: so often, and once more each time that its
#: pages double, because a walk meets half of what moves up past it. Lists that lose all they have
#: while others come have been seen to need four walks of one page.
MOST_WALKS = 6

#: What no object has as its primary key.
UNKNOWN = object()


class Page(object):
    """Hold one page of a list (api-v1 1.5).

    :param path: path of the resource
    :param params: query of the page
    :param timeout: as ``tutum.timeout``, ``None`` for that
    :raises TutumApiError: when what comes back is no page
    """

    def __init__(self, path, params, timeout=None):
        reply = send_request("GET", path, params=params, timeout=timeout)
        self.path, self.offset = path, max(0, number(params.get("offset", 0)))
        self.objects = self.total = None
        #: Whether nothing has moved between the page before it and this one, as its walk finds.
        self.is_calm = True
        try:
            objects = reply["objects"]
            meta = reply.get("meta") or {}
            total, following = meta.get("total_count"), meta.get("next")
            self.begins_elsewhere = meta.get("offset") != self.offset
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
            raise self.misread("it is no list of objects")

    def begins_with(self, pk, pk_name):
        """Tell whether its first object has a primary key."""
        first = self.objects[0] if self.objects else None
        return isinstance(first, dict) and first.get(pk_name) == pk

    def after(self):
        """Return the offset of the next page, ``None`` where there is none."""
        if self.next is None:
            return None
        offset = number(self.next.get("offset"))
        if offset <= self.offset:
            raise self.misread("its next page is not behind it")
        if self.total is not None and self.offset >= max(self.total, 1):
            raise self.misread("a page behind its end has a next one")
        return offset

    def misread(self, what):
        """Return the error for a list that is not as the contract says."""
        return TutumApiError("The list cannot be read (GET %s): %s."
                             % (six.ensure_str(self.path), what), method="GET")


def walk(path, filters, pk_name, timeout=None):
    """Yield every object of a list once, as the service describes it.

    What matches for as long as the walk takes is not left out: where objects go away, those
    behind them move up, and the walk goes back for them.

    :param path: path of the resource
    :param filters: mapping of filters; with ``limit`` or ``offset`` that page alone is read
    :param pk_name: name of the primary key
    :param timeout: as ``tutum.timeout``, ``None`` for that
    :returns: a generator of dicts
    :raises TutumApiError: when a page cannot be had or read
    """
    filters = dict((name, value) for name, value in filters.items() if value is not None)
    if "limit" in filters or "offset" in filters:
        return unseen(Page(path, filters, timeout), set(), pk_name)
    return walk_all(path, dict(filters, limit=LARGEST_PAGE), pk_name, timeout)


def walk_all(path, first, pk_name, timeout):
    """Yield the objects of all pages.

    Where the list changed in the middle of a walk, some objects may have moved up past it. So it is
    walked again, until a walk has met no change or brings nothing new.
    """
    seen, walks, allowed = set(), 0, MOST_WALKS
    while walks < allowed:
        known, is_calm, total, read = len(seen), True, 0, 0
        for page in pages(path, first, pk_name, timeout, seen):
            is_calm, total, read = is_calm and page.is_calm, page.total or 0, read + 1
            for reply in unseen(page, seen, pk_name):
                yield reply
        if len(seen) == known or is_calm and len(seen) >= total:
            break
        walks, allowed = walks + 1, max(allowed, MOST_WALKS + (read // 2).bit_length())


def pages(path, params, pk_name, timeout, seen):
    """Yield one page after another, each before the next is asked for.

    A page is asked for from the last object of the page before it, and begins with another where
    objects have gone, whether or not others came. Where ``total_count`` tells how many have, the
    walk goes back by as many. Of a service that has its own pages, whatever it is asked for, the
    next is asked for as it says.
    """
    last, total, turned, fresh, overlaps = None, 0, 0, 0, True
    while params is not None:
        page = Page(path, params, timeout)
        gone, total = total - (page.total or 0), page.total or 0
        # A walk that has seen nothing new since it turned back would turn back for ever.
        if gone > 0 and page.offset and len(seen) > turned:
            turned, last = len(seen), UNKNOWN
            params = dict(params, offset=max(0, page.offset - gone))
            continue
        if last is not None and page.begins_elsewhere:
            last, overlaps = None, False
        page.is_calm = gone <= 0 and (last is None or page.begins_with(last, pk_name))
        known = len(seen)
        yield page
        if len(seen) > known:
            fresh = page.offset + len(page.objects)
        after, params = page.after(), page.next
        if after is not None and page.offset - fresh > len(seen):
            raise page.misread("it goes on and brings nothing new")
        last = None
        if overlaps and after is not None and page.objects and after - 1 > page.offset:
            last, params = page.objects[-1][pk_name], dict(params, offset=after - 1)
        page.objects = ()  # one page in memory is enough


def unseen(page, seen, pk_name):
    """Yield the objects of a page whose primary key has not been seen yet."""
    for reply in page.objects:
        try:
            pk = reply[pk_name]
            known = pk in seen
        except (KeyError, TypeError):
            pk = None
        if pk is None:
            raise page.misread("an object of it has no %s" % pk_name)
        if not known:
            seen.add(pk)
            yield reply


def number(offset):
    """Return an offset as a number, -1 for what is none."""
    try:
        return int(offset[0] if isinstance(offset, list) else offset)
    except (TypeError, ValueError):
        return -1
