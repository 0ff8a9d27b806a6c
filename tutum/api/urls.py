"""Addresses: the service's own, and what is pasted into a path or a query."""
from __future__ import absolute_import

import os
import re

import six
from six.moves.urllib.parse import quote, quote_plus, urljoin, urlsplit

from tutum.api.exceptions import TutumApiError, TutumAuthError
from tutum.api.texts import one_line

PORTS = {"http": 80, "https": 443}

LOOPBACK = r"(localhost|127(\.\d{1,3}){3}|::1)\Z"

SAFE = "/%:@!$&'()*+,;=~"


#: Lone surrogates pass: Python 2 does not tell them from other characters either.
SURROGATES = "surrogatepass" if six.PY3 else "strict"

_bases = {}  # type: dict


class Base(object):
    """Say where a service is.

    :param url: its address, with a slash at the end
    :param origin: scheme, host and port of that, such as ``https://tutum.example.net:443``
    :param path: path of that
    :param loopback: whether it is on this machine
    """

    def __init__(self, url, origin, path, loopback):
        self.url = url
        self.origin = origin
        self.path = path
        self.loopback = loopback


def base(address):
    """Return the parts of the service's address.

    :param address: as in ``tutum.base_url``, with or without a slash at the end
    :returns: a :class:`Base`
    :raises TutumApiError: when it is no address of an HTTP service
    :raises TutumAuthError: when the key would go to another machine in the clear
    """
    known = _bases.get(address) if isinstance(address, six.string_types) else None
    if known is None:
        known = _bases[address] = split(address)
    if known.origin.startswith("http:") and not known.loopback and not http_allowed():
        raise TutumAuthError(
            "The key is not sent over plain HTTP to %s: use https in tutum.base_url, or set "
            "TUTUM_ALLOW_HTTP=1 if the network between is trusted." % known.origin)
    return known


def http_allowed():
    """Return whether the user has allowed keys over plain HTTP."""
    return os.environ.get("TUTUM_ALLOW_HTTP") == "1"


def split(address):
    """Return the parts of an HTTP address as a :class:`Base`, or raise TutumApiError."""
    try:
        parts = urlsplit(six.ensure_str(address).strip())
        host, port = parts.hostname, parts.port
    except (TypeError, ValueError):
        parts = host = port = None
    if parts and "@" in parts.netloc:
        raise TutumApiError("tutum.base_url must not hold a user or a password: they belong in "
                            "tutum.user and tutum.apikey.")
    if not host or parts.scheme not in PORTS or parts.query or parts.fragment:
        raise TutumApiError("tutum.base_url must be like http://host:port/api/v1/, not '%s'."
                            % re.sub(u".*@", u"***@", one_line(address)))
    port = port or PORTS[parts.scheme]
    path = quote(parts.path.rstrip("/") + "/", SAFE)
    return Base(parts.scheme + "://" + parts.netloc + path,
                "%s://%s:%d" % (parts.scheme, "[%s]" % host if ":" in host else host, port),
                path, re.match(LOOPBACK, host) is not None)


def below(base, path, params=None):
    """Return the address of a path below the service's address.

    :param base: a :class:`Base`
    :param path: the path, and its query if it has one
    :param params: mapping of more query parameters
    :returns: the address
    """
    path = quote(as_bytes(path).lstrip(b"/"), SAFE + "?")
    if params:
        path += ("&" if "?" in path else "?") + query(params)
    return base.url + path


def redirect(base, url, location):
    """Return the address that a redirect leads to, where the key may go to.

    :param base: a :class:`Base`
    :param url: address of the request that was redirected
    :param location: the redirect's ``Location``, ``None`` for none
    :returns: the address; ``None`` when scheme, host or port differ from the service's
    """
    if not location:
        return None
    try:
        parts = urlsplit(urljoin(url, location.strip()))
        if split("%s://%s" % (parts.scheme, parts.netloc)).origin != base.origin:
            return None
    except (TutumApiError, ValueError):
        return None
    path = (parts.path or "/") + ("?" + parts.query if parts.query else "")
    # http.client reads headers as latin-1, whatever they were.
    path = path.encode("latin-1", "replace") if six.PY3 else path
    return base.url[:-len(base.path)] + quote(path, SAFE + "?")


def is_loopback(url):
    """Return whether an address is one of this machine's loopback.

    :param url: the address, with or without a scheme
    :returns: a boolean
    """
    try:
        host = urlsplit(url if "//" in url else "//" + url).hostname
    except ValueError:
        return False
    return re.match(LOOPBACK, host or "") is not None


def quote_pk(pk, safe=""):
    """Return a primary key as it stands in a path.

    :param pk: the key: text, or what becomes text by ``str()``
    :param safe: ``"/"`` where keys have slashes of their own, as the names of images do
    :returns: the key, percent-encoded
    :raises TutumApiError: when it is empty, or would lead to another address
    """
    try:
        text = u"" if pk is None else as_bytes(pk).decode("utf-8", SURROGATES)
    except UnicodeDecodeError:
        text = None
    if text is None:
        raise TutumApiError("No object can have the key '%s': it is no UTF-8." % one_line(pk))
    parts = text.split(u"/") if safe else [text]
    # A server decodes %2F before it looks for a resource, and anything on the way there may
    # resolve dots: encoding does not make them harmless.
    if any(part in (u"", u".", u"..") or u"/" in part for part in parts):
        raise TutumApiError("No object can have the key '%s': it is %s." % (
            one_line(text), "a path" if text else "empty"))
    return quote(as_bytes(text), safe)


def query(params):
    """Return parameters as a query string.

    :param params: a mapping; ``None`` as a value means 'not given', a list repeats the parameter
    :returns: the query, without a question mark
    """
    pairs = []
    for name in sorted(params):
        value = params[name]
        values = value if isinstance(value, (list, tuple)) else [value]
        pairs += [quote_plus(as_bytes(name)) + "=" + quote_plus(as_bytes(item))
                  for item in values if item is not None]
    return "&".join(pairs)


def as_bytes(value):
    """Return a value's text in UTF-8; two texts never become the same bytes."""
    if isinstance(value, bytes):
        return value
    if not isinstance(value, six.text_type):
        value = six.text_type(value)
    return value.encode("utf-8", SURROGATES)
