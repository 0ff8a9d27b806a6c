"""Texts that come from anywhere, made fit to be shown."""
from __future__ import absolute_import

import re

import six


def printable(text):
    """Return a text as one line of the interpreter's own ``str`` that always prints.

    :param text: any object
    :returns: its text, without control characters and lone surrogates
    """
    return six.ensure_str(one_line(text))


def one_line(text):
    """Return a text as one line, in the type that joins with any other text.

    :param text: any object
    :returns: its text, without control characters and lone surrogates
    """
    if not isinstance(text, (bytes, six.text_type)):
        text = str(text)
    text = six.ensure_text(text, errors="replace")
    text = re.sub(u"[\x00-\x1f\x7f-\x9f\u2028\u2029\\s]+", u" ", text).strip()
    # Python 2 may hold any character above U+FFFF as a pair of them.
    return re.sub(u"[\ud800-\udfff]", u"?", text) if six.PY3 else text


def without_password(text):
    """Return a text as one line in which no address shows a user and a password.

    :param text: any object
    :returns: its text, with ``***`` for what stands before an ``@``
    """
    return re.sub(u"(?<!\\S)\\S*@", u"***@", one_line(text))
