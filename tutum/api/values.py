"""JSON values: to copy and to send them, and to tell one from another."""
from __future__ import absolute_import

import json

import six

from tutum.api.exceptions import TutumApiError

EDITABLE = (dict, list, tuple)

encoder = json.JSONEncoder(allow_nan=False, separators=(",", ":"))


def encoded(value):
    """Return the JSON of a value.

    :param value: the value
    :returns: text
    :raises TutumApiError: when it is nested too deeply
    :raises TypeError: when something in it is nothing that JSON knows
    :raises ValueError: when a number in it is none, or infinite
    """
    return descend(encoder.encode, value)


def copied(value):
    """Return a copy of a JSON value that shares nothing that can be edited.

    :param value: the value
    :returns: the copy; a tuple becomes a list, as in JSON
    :raises TutumApiError: when it is nested too deeply
    """
    return descend(replicate, value) if isinstance(value, EDITABLE) else value


def same(one, other):
    """Tell whether two values are the same in JSON.

    :param one: a value
    :param other: another
    :returns: a boolean; ``True`` and ``1`` are not the same, a tuple and a list may be
    :raises TutumApiError: when they are nested too deeply
    """
    return one is other or descend(equal, one, other)


def descend(function, *values):
    """Call a function that calls itself for what the values hold."""
    try:
        return function(*values)
    except RuntimeError as error:
        # Python 3's own error of this is one of these, and so is a dict that changes meanwhile.
        if "recursion" not in str(error):
            raise
    raise TutumApiError("The value is nested beyond the interpreter's limit.")


def replicate(value):
    """Return a copy, at the cost of a call for each list and dict."""
    if isinstance(value, dict):
        return dict((name, replicate(item) if isinstance(item, EDITABLE) else item)
                    for name, item in value.items())
    if isinstance(value, (list, tuple)):
        return [replicate(item) if isinstance(item, EDITABLE) else item for item in value]
    return value


def equal(one, other):
    """Tell whether two values are the same, at the cost of a call for each that they hold."""
    if one is other:
        return True
    if isinstance(one, dict):
        return (isinstance(other, dict) and len(one) == len(other) and
                all(name in other and equal(item, other[name]) for name, item in one.items()))
    if isinstance(one, (list, tuple)):
        return (isinstance(other, (list, tuple)) and len(one) == len(other) and
                all(equal(item, another) for item, another in zip(one, other)))
    if isinstance(one, bool) or isinstance(other, bool):
        return False
    return as_text(one) == as_text(other)


def as_text(value):
    """Return what JSON makes of Python 2's bytes, and any other value as it is."""
    if six.PY2 and isinstance(value, str):
        # Python 2 warns when it compares bytes beyond ASCII to text.
        return value.decode("utf-8", "replace")
    return value
