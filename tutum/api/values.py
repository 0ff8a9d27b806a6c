"""JSON values: to copy them, and to tell one from another."""
from __future__ import absolute_import

import six

from tutum.api.exceptions import TutumApiError


def copied(value):
    """Return a copy of a JSON value that shares nothing that can be edited.

    :param value: the value
    :returns: the copy; a tuple becomes a list, as in JSON
    :raises TutumApiError: when it is nested too deeply to be copied
    """
    try:
        return replicate(value)
    except RuntimeError:
        pass
    raise TutumApiError("The value is nested beyond the interpreter's limit.")


def replicate(value):
    """Return a copy, at the cost of a call for each list and dict."""
    if isinstance(value, dict):
        return dict((name, replicate(item) if isinstance(item, EDITABLE) else item)
                    for name, item in value.items())
    if isinstance(value, (list, tuple)):
        return [replicate(item) if isinstance(item, EDITABLE) else item for item in value]
    return value


EDITABLE = (dict, list, tuple)


def same(one, other):
    """Tell whether two values are the same in JSON.

    :param one: a value
    :param other: another
    :returns: a boolean; ``True`` and ``1`` are not the same, a tuple and a list may be
    """
    if one is other:
        return True
    if isinstance(one, dict):
        return (isinstance(other, dict) and len(one) == len(other) and
                all(name in other and same(item, other[name]) for name, item in one.items()))
    if isinstance(one, (list, tuple)):
        return (isinstance(other, (list, tuple)) and len(one) == len(other) and
                all(same(item, another) for item, another in zip(one, other)))
    if isinstance(one, bool) or isinstance(other, bool):
        return False
    return as_text(one) == as_text(other)


def as_text(value):
    """Return what JSON makes of Python 2's bytes, and any other value as it is."""
    if six.PY2 and isinstance(value, str):
        # Python 2 warns when it compares bytes beyond ASCII to text.
        return value.decode("utf-8", "replace")
    return value
