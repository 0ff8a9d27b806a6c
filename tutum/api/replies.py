"""What a reply says: its JSON, or the error that it means."""
from __future__ import absolute_import

import json

import six

from tutum.api import signals
from tutum.api.exceptions import (TutumApiError, TutumAuthError, TutumBadRequestError,
                                  TutumNotFoundError, TutumServerError)
from tutum.api.texts import one_line

#: How much of a reply is quoted in an error's text; the whole is in its ``body``.
QUOTED = 500

ERRORS = {400: TutumBadRequestError, 401: TutumAuthError, 404: TutumNotFoundError}

UNSURE = " The request may have been carried out: look before you repeat it."


def refuse(name):
    """Raise the error for a number that JSON does not have."""
    raise ValueError("%s is not JSON" % name)


# NaN and Infinity are Python's own additions to JSON.
decoder = json.JSONDecoder(parse_constant=refuse)


def decode(body):
    """Return what a successful reply holds.

    :param body: bytes of the reply
    :returns: the JSON value, ``None`` when the body is empty
    :raises ValueError: when the body is no JSON
    """
    if not body:
        return None
    try:
        decoded = body.decode("utf-8-sig")
        return decoder.decode(decoded) if decoded.strip() else None
    except RuntimeError:
        signals.pass_on()
        raise ValueError("nested beyond the interpreter's limit")


def text(body):
    """Return the text of a body, whatever its bytes.

    :param body: bytes of the reply
    :returns: text
    """
    try:
        return body.decode("utf-8")
    except UnicodeDecodeError:
        return body.decode("latin-1")


def not_json(method, url, status, text):
    """Return the exception for a reply that says success and is no JSON.

    :param method: method of the request
    :param url: address of the request
    :param status: status of the reply
    :param text: body of the reply
    :returns: a :class:`TutumApiError`
    """
    return TutumApiError("JSON Parse Error (%s %s). Response: %s%s"
                         % (method, url, quotation(text), "" if method == "GET" else UNSURE),
                         status_code=status, method=method, url=url, body=text)


def unreadable(method, url, status, what):
    """Return the exception for a reply whose body cannot be read.

    :param method: method of the request
    :param url: address of the request
    :param status: status of the reply
    :param what: what is wrong with it
    :returns: a :class:`TutumApiError` or one of its subclasses
    """
    return class_of(status)("%s (status %d, %s %s).%s" % (
        what, status, method, url, UNSURE if method != "GET" and status < 300 else ""),
        status_code=status, method=method, url=url)


def error(method, url, status, text, retry_after=None, location=None):
    """Return the exception that a reply without success means.

    :param method: method of the request
    :param url: address of the request
    :param status: status of the reply
    :param text: body of the reply
    :param retry_after: seconds that the service asked to wait, where it did
    :param location: where a redirect leads, where the reply is one
    :returns: a :class:`TutumApiError` or one of its subclasses
    """
    parts = ["Status %d (%s %s). Response: %s" % (status, method, url, quotation(message(text)))]
    if status == 401:
        parts.insert(0, "Not authorized: the service refused the credentials.")
    if location:
        parts.append("It leads to %s, which is not followed: if that is where the service is now, "
                     "set tutum.base_url." % one_line(location))
    if retry_after is not None:
        parts.append("The service asks to wait %d seconds." % retry_after)
    return class_of(status)(" ".join(parts), status_code=status, method=method, url=url,
                            body=text, retry_after=retry_after)


def class_of(status):
    """Return the class of the exception that a status means."""
    return ERRORS.get(status, TutumServerError if 500 <= status < 600 else TutumApiError)


def message(text):
    """Return the service's own words from the error forms of api-v1 1.7.

    :param text: body of a reply
    :returns: its message; the body as it is when it has none of these forms
    """
    try:
        value = decoder.decode(text)
        for name in ("error", "error_message"):
            if isinstance(value.get(name), six.string_types):
                return value[name]
        return "; ".join("%s: %s" % (field, texts if isinstance(texts, six.string_types)
                                     else " ".join(texts)) for fields in value.values()
                         for field, texts in sorted(fields.items())) or text
    except (ValueError, RuntimeError, AttributeError, TypeError):
        return text


def quotation(text):
    """Return the beginning of a text, as one line."""
    text = one_line(text[:QUOTED + 1])
    return (text[:QUOTED] + "..." if len(text) > QUOTED else text) or "(empty)"
