"""What a call raises when the service or the network does not do as asked."""
from __future__ import absolute_import

import six

from tutum.api.texts import printable

__all__ = ["TutumApiError", "TutumAuthError", "TutumBadRequestError", "TutumConnectionError",
           "TutumNotFoundError", "TutumServerError", "TutumTimeoutError", "TutumWaitError"]


class TutumApiError(Exception):
    """Say that a call failed; the base of every error of this library.

    Catching it catches all that a call can raise because of the network or the service.

    :param message: what was tried, what came back and what to do
    :param status_code: status of the reply, ``None`` when there was none
    :param method: HTTP method of the request
    :param url: address of the request
    :param body: text of the reply, as it came
    :param retry_after: seconds that the service asked to wait, where it did
    """

    def __init__(self, message="", status_code=None, method=None, url=None, body=None,
                 retry_after=None):
        super(TutumApiError, self).__init__(printable(message))
        self.status_code = status_code
        self.method = method
        self.url = url
        self.body = body
        self.retry_after = retry_after

    def __str__(self):
        return self.args[0] if self.args else ""

    def __unicode__(self):
        return six.ensure_text(str(self), errors="replace")


class TutumAuthError(TutumApiError):
    """Say that there are no usable credentials, or that the service refused them (401)."""


class TutumNotFoundError(TutumApiError):
    """Say that the account has no such object (404)."""


class TutumBadRequestError(TutumApiError):
    """Say that the service will not do this (400): a value or the object's state forbids it."""


class TutumServerError(TutumApiError):
    """Say that the service failed or is not available (5xx)."""


class TutumConnectionError(TutumApiError):
    """Say that there was no connection to the service, or that it was lost."""


class TutumTimeoutError(TutumApiError):
    """Say that the service did not answer in time."""


class TutumWaitError(TutumApiError):
    """Say that an object did not reach the state that was waited for.

    :param message: which object, which state was asked for and which was seen
    :param state: the state that was seen last
    """

    def __init__(self, message="", state=None, **details):
        super(TutumWaitError, self).__init__(message, **details)
        self.state = state
