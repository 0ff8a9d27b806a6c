"""What is sent, and what comes back."""
from __future__ import absolute_import

import six

import tutum
from tutum.api import credentials, replies, retry, signals, timeouts, values
from tutum.api.texts import one_line

REDIRECTS = (301, 302, 303, 307, 308)


class Request(object):
    """Hold a request.

    :param method: HTTP method
    :param url: the whole address
    :param authorization: value of that header
    :param headers: mapping of more headers, ``None`` for none
    :param data: bytes or text of the body, or a value that becomes its JSON; ``None`` for none
    :param timeout: seconds for connecting, and for all that follows
    """

    def __init__(self, method, url, authorization, headers=None, data=None, timeout=None):
        self.method = method
        self.url = url
        self.timeout = timeouts.pair(timeout)
        self.headers = {"Accept": "application/json", "Accept-Encoding": "gzip, deflate",
                        "User-Agent": user_agent(), "Authorization": authorization}
        if data is not None:
            data = six.ensure_binary(data if isinstance(data, (bytes, six.text_type))
                                     else values.encoded(data))
            self.headers["Content-Type"] = "application/json"
        if data is not None or method != "GET":
            self.headers["Content-Length"] = str(len(data or b""))
        for name, value in (headers or {}).items():
            # In one spelling, or a header that is here already would be sent twice.
            self.headers[six.ensure_str(name).title()] = value
        self.body = data

    def clean(self, text):
        """Return a text that came back, without the credentials should it repeat them.

        :param text: the text
        :returns: the text to show
        """
        return credentials.scrub(text, self.headers["Authorization"])


class Reply(object):
    """Hold the reply to a request.

    :param request: the :class:`Request`
    :param status: its status
    :param headers: its headers
    :param body: its bytes
    """

    def __init__(self, request, status, headers, body):
        self.request = request
        self.status = status
        self.headers = headers
        self.body = body

    @property
    def retry_after(self):
        """Return the seconds that the service asks to wait, ``None`` where it does not."""
        return retry.seconds(self.headers.get("Retry-After"))

    @property
    def location(self):
        """Return where a redirect leads, an empty text for other replies."""
        return self.headers.get("Location") or "" if self.status in REDIRECTS else ""

    def value(self):
        """Return what the reply holds.

        :returns: its JSON, ``None`` when it has no body
        :raises TutumApiError: when it does not say success, or is no JSON
        """
        request = self.request
        if 200 <= self.status < 300:
            try:
                return replies.decode(self.body)
            except ValueError:
                signals.pass_on()
                error = replies.not_json(request.method, request.url, self.status, self.text())
        else:
            error = replies.error(request.method, request.url, self.status, self.text(),
                                  self.retry_after, request.clean(self.location))
        raise error

    def text(self):
        """Return the text of the body.

        :returns: text, without the credentials
        """
        return self.request.clean(replies.text(self.body))


def user_agent():
    """Return the value of the header ``User-Agent``."""
    name = "python-tutum/" + tutum.__version__
    return credentials.header(name + " ", one_line(tutum.user_agent)) if tutum.user_agent else name
