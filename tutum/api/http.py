"""The one place that talks HTTP."""
from __future__ import absolute_import

import atexit
import os
import re
import threading
import time

import requests
import six
from requests.packages.urllib3.exceptions import HTTPError
from six.moves.http_client import HTTPException

import tutum
from tutum.api import body, credentials, replies, retry, timeouts, urls, wirelog
from tutum.api.bounded import Attempt, bounded, now
from tutum.api.exceptions import TutumApiError, TutumConnectionError, TutumTimeoutError
from tutum.api.messages import Reply, Request
from tutum.api.slot import Slot
from tutum.api.texts import one_line, without_password

__all__ = ["close", "send_request"]

LONGEST_CHAIN = 5

#: What comes in meets the parsers of several libraries, whose errors have no base.
FAILURES = (requests.RequestException, HTTPError, HTTPException, EnvironmentError, ValueError,
            LookupError, ArithmeticError, AssertionError, AttributeError, TypeError)

REMEDY = ("Start a service (python -m tutum.server serve), or set TUTUM_BASE_URL to the address "
          "of one that runs.")

OF_TRUST = ("Where the service's certificate is not of a public authority, let REQUESTS_CA_BUNDLE "
            "name the file of the authority that it is of.")


def send_request(method, path, params=None, data=None, headers=None, auth=None, timeout=None,
                 time_left=None):
    """Send a request to the service and return what it answers.

    A GET is sent again, at most ``tutum.retries`` times, when the connection is lost or the service
    is busy (429, 502, 503, 504). Any other request is sent again only if no byte of it went out.

    :param method: HTTP method
    :param path: path below ``tutum.base_url``, such as ``application/``
    :param params: mapping of query parameters; ``None`` as a value means 'not given'
    :param data: body: bytes or text of JSON, or a value that becomes it
    :param headers: mapping of more headers
    :param auth: user name and password, sent in place of the key
    :param timeout: as ``tutum.timeout``, for this call; ``None`` means ``tutum.timeout``
    :param time_left: seconds for all attempts and the pauses between them, ``None`` for no bound
    :returns: the reply's JSON, ``None`` when it has no body
    :raises TutumAuthError: when there are no credentials or the service refuses them (401)
    :raises TutumNotFoundError: when there is no such object (404)
    :raises TutumBadRequestError: when the service refuses the request (400)
    :raises TutumServerError: when the service fails (5xx)
    :raises TutumConnectionError: when there is no connection
    :raises TutumTimeoutError: when the answer is not there in time
    :raises TutumApiError: for any other status, and for a reply that is no JSON
    """
    base = urls.base(tutum.base_url)
    # The header is in no variable: some tracebacks show those.
    request = Request(six.ensure_str(method).upper(), urls.below(base, path, params),
                      credentials.basic(*auth) if auth else credentials.authorization(),
                      headers, data, tutum.timeout if timeout is None else timeout)
    deadline = None if time_left is None else now() + time_left
    reply = send_with_retries(base, request, deadline)
    if reply.location and request.method == "GET":
        reply = follow_redirects(base, request, reply, deadline)
    return reply.value()


def close():
    """Close the connections of the calling thread; the next call opens new ones.

    :returns: ``None``
    """
    transports = _local.__dict__.pop("transports", None)
    if transports is not None:
        transports.close()


def follow_redirects(base, request, reply, deadline):
    """Return the reply to which redirects lead, or the one that leads too far."""
    for _ in range(LONGEST_CHAIN):
        url = urls.redirect(base, request.url, reply.location)
        if url is None:
            break
        request.url = url
        reply = send_with_retries(base, request, deadline)
    return reply


def send_with_retries(base, request, deadline):
    """Return the reply to a request, sent again where that does no harm."""
    transport, is_sound = take_transport(base), False
    try:
        tried, retries, timeout = 0, int(tutum.retries or 0), request.timeout
        while True:
            left = None if deadline is None else deadline - now()
            request.timeout = timeouts.within(timeout, left)
            began = now()
            reply, failed = send_once(transport, request, deadline)
            wirelog.attempt(request, reply, failed, now() - began)
            pause = retry.pause(
                tried, retries, safe=request.method == "GET" or not transport.attempt.sent,
                lost=isinstance(failed, TutumConnectionError), status=reply and reply.status,
                retry_after=reply and reply.retry_after,
                longest=None if deadline is None else deadline - now())
            if pause is None:
                break
            time.sleep(pause)
            tried += 1
        is_sound = True
    finally:
        # After an exception of somebody else's, nobody knows what was under way.
        if is_sound:
            give_back(base, transport)
        else:
            transport.abandon()
    if failed:
        # Not where it was met: the error that requests raised holds the request and so the key.
        raise failed
    return reply


def send_once(transport, request, deadline):
    """Send a request once and return its reply and ``None``, or ``None`` and the error it met.

    What a signal's handler raises meanwhile is raised as it is.
    """
    prepared = requests.PreparedRequest()
    prepared.method, prepared.url = request.method, request.url
    prepared.headers, prepared.body = request.headers, request.body
    limit = body.largest(tutum.max_reply_size)
    transport.attempt.start(request.timeout[1], deadline)
    response = None
    try:
        response = transport.adapter.send(prepared, timeout=request.timeout, **transport.settings)
        data = body.read(request.method, response, limit)
        reply, failed = Reply(request, response.status_code, response.headers, data), None
        response = None  # it is read, and its connection is free
    except body.Unreadable as unreadable:
        reply, failed = None, replies.unreadable(request.method, request.url,
                                                 response.status_code, unreadable)
    except FAILURES as error:
        transport.attempt.look_for_handler()
        reply, failed = None, explain(error, transport.attempt, request)
    finally:
        if response is not None:
            response.close()
    transport.attempt.finish()
    return reply, failed


def explain(error, attempt, request):
    """Return the error to raise for one that requests raised, or a library under it."""
    where = "%s %s" % (request.method, request.url)
    details = {"method": request.method, "url": request.url}
    unsure = replies.UNSURE if attempt.sent and request.method != "GET" else ""
    if attempt.expired or isinstance(error, requests.Timeout) and not attempt.sent:
        what = ("it was not whole after %.3g seconds" % attempt.seconds if attempt.expired else
                "there was no connection, with a time-out of %r" % (request.timeout,))
        return TutumTimeoutError("No answer in time (%s): %s. tutum.timeout says how long to wait."
                                 "%s" % (where, what, unsure), **details)
    reason = request.clean(root(error))
    if attempt.sent:
        return TutumConnectionError("The connection was lost (%s): %s.%s"
                                    % (where, reason, unsure), **details)
    if not isinstance(error, requests.ConnectionError):
        return TutumApiError("The request cannot be sent (%s): %s." % (where, reason), **details)
    remedy = OF_TRUST if "certificate verify failed" in reason.lower() else REMEDY
    return TutumConnectionError("No connection (%s): %s. %s" % (where, reason, remedy), **details)


def root(error):
    """Return the text of the error at the bottom of those that libraries wrap around it."""
    inner = [error]
    while inner:
        error = inner[0]
        inner = [item for item in (getattr(error, "reason", None),) + getattr(error, "args", ())
                 if isinstance(item, Exception)]
    # urllib3 puts the connection before its own words.
    text = without_password(one_line(error)[:replies.QUOTED])
    return re.sub(u"^(<.*?>|[A-Za-z]+\\(.*?\\)): ", u"", text) or type(error).__name__


class Adapter(requests.adapters.HTTPAdapter):
    """Send requests to one service, within the time that they have."""

    def __init__(self, base):
        self.attempt = Attempt()
        self._prefix = len(base.url) - len(base.path)
        self._pool = None
        super(Adapter, self).__init__(pool_connections=1, pool_maxsize=1)

    def get_connection_with_tls_context(self, request, verify, proxies=None, cert=None):
        """Return the pool of connections (requests from 2.32)."""
        return self._pool or self._keep(super(Adapter, self).get_connection_with_tls_context(
            request, verify, proxies=proxies, cert=cert))

    def get_connection(self, url, proxies=None):
        """Return the pool of connections (requests before 2.32)."""
        return self._pool or self._keep(super(Adapter, self).get_connection(url, proxies))

    def _keep(self, pool):
        # What urllib3 documents for those who extend it: how connections are made and kept.
        pool.ConnectionCls = bounded(pool.ConnectionCls, self.attempt)
        pool.pool = Slot()
        self._pool = pool
        return pool

    def close_pool(self):
        """Close the connection."""
        if self._pool is not None:
            self._pool.close()

    def close(self):
        """Close the connection, and what requests keeps beside it."""
        self.close_pool()
        super(Adapter, self).close()

    def request_url(self, request, proxies):
        """Return what to ask for: the path, but the whole address of a proxy."""
        if proxies:
            return super(Adapter, self).request_url(request, proxies)
        return request.url[self._prefix:]

    def build_response(self, request, raw):
        """Return the response without cookies, of which the API has none."""
        response = requests.Response()
        response.request, response.url = request, request.url
        response.raw, response.headers, response.status_code = raw, raw.headers, raw.status
        return response


class Transport(object):
    """Keep a session and what the environment says of proxies and certificates."""

    def __init__(self, base):
        self.session = requests.Session()
        self.adapter = Adapter(base)
        self.attempt = self.adapter.attempt
        self.session.mount(base.url, self.adapter)
        self.settings = self.session.merge_environment_settings(base.url, {}, True, None, None)
        if base.loopback:
            # A proxy elsewhere cannot reach this machine's loopback, and would be sent the key.
            self.settings["proxies"] = dict(
                (scheme, proxy) for scheme, proxy in self.settings["proxies"].items()
                if urls.is_loopback(proxy))

    def close(self):
        """Close its connections."""
        self.session.close()

    def abandon(self):
        """Close the connection alone: what interrupted the rest may have left it locked."""
        self.adapter.close_pool()


class Transports(dict):
    """Hold the transports of one thread of one process that are not in use, by address."""

    def __init__(self):
        super(Transports, self).__init__()
        self.process = os.getpid()

    def close(self):
        """Close all their connections."""
        while self:
            self.popitem()[1].close()

    def __del__(self):
        try:
            self.close()
        except Exception:
            # At the interpreter's end, what this needs may be gone; the system closes the sockets.
            pass


def own_transports():
    """Return the calling thread's transports; neither a fork nor a thread shares one."""
    transports = getattr(_local, "transports", None)
    if transports is None or transports.process != os.getpid():
        transports = _local.transports = Transports()
    return transports


def take_transport(base):
    """Return a transport to a service that nothing else uses until it is given back.

    What interrupts a request, such as a signal's handler, may send requests of its own.
    """
    return own_transports().pop(base.url, None) or Transport(base)


def give_back(base, transport):
    """Keep a transport for the next request, in place of one that was made meanwhile."""
    transports = own_transports()
    other = transports.pop(base.url, None)
    transports[base.url] = transport
    if other is not None:
        other.close()


_local = threading.local()
atexit.register(close)
