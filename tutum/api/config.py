"""Settings from outside the code: the account's file and the environment."""
from __future__ import absolute_import

import os
import re

import six

DEFAULT_FILE = "~/.tutum"
DEFAULT_BASE_URL = "http://127.0.0.1:8886/api/v1/"

MAX_FILE_SIZE = 64 * 1024

# Not compiled here: most scripts have no such file, and all would pay at import.
LINE = u"(?s)\\s*([^=:\\s]+)\\s*[=:](.*)$"
QUOTED = u"(?s)([\"'])(.*?)\\1\\s*([#;].*)?$"
COMMENT = u"(?s)(^|\\s)[#;].*$"


#: What was wrong with the account's file when it was read at import, ``None`` for nothing.
complaint = None


class Unusable(Exception):
    """Say why a file gives no credentials; the text holds nothing of its contents."""


def credentials():
    """Return the user and the key of the first source that has both.

    :returns: ``(user, apikey)``, or ``(None, None)``
    """
    global complaint
    user, apikey = os.environ.get("TUTUM_USER"), os.environ.get("TUTUM_APIKEY")
    try:
        in_file = read(DEFAULT_FILE)
    except Unusable as unusable:
        complaint = "The file %s cannot be used: %s." % (locate(DEFAULT_FILE), unusable)
        in_file = None
    if in_file:
        return in_file
    return (user, apikey) if user and apikey else (None, None)


def base_url():
    """Return the address of the service.

    :returns: ``TUTUM_BASE_URL``, else the address at which a local service listens
    """
    return os.environ.get("TUTUM_BASE_URL", "").strip() or DEFAULT_BASE_URL


def from_file(path):
    """Return the user and the key that a file holds.

    :param path: the file; ``~/.tutum`` stands for the one that ``TUTUM_CONFIG_FILE`` names, if any
    :returns: ``(user, apikey)``, or ``(None, None)`` when the file does not give both
    """
    try:
        return read(path) or (None, None)
    except Unusable:
        return None, None


def locate(path):
    """Return the path of the account's file as the system knows it.

    :param path: as in :func:`from_file`
    :returns: the path, ``~`` expanded
    """
    if path == DEFAULT_FILE:
        path = os.environ.get("TUTUM_CONFIG_FILE") or path
    try:
        return os.path.expanduser(path)
    except KeyError:
        # Without HOME, Python before 3.8 looks for a user that need not exist.
        return path


def read(path):
    """Return the credentials of a file.

    :param path: as in :func:`from_file`
    :returns: ``(user, apikey)``, ``None`` when the file is not there
    :raises Unusable: when the file is there and does not give both
    """
    try:
        data = contents(locate(path))
    except (EnvironmentError, TypeError, ValueError, AttributeError) as error:
        raise Unusable("it cannot be read (%s)" % (getattr(error, "strerror", None) or "bad name"))
    if data is None:
        return None
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise Unusable("it is not UTF-8 text")
    values = auth_section(text)
    if values is None:
        raise Unusable("it has no [auth] section")
    missing = [name for name in ("user", "apikey") if not values.get(name)]
    if missing:
        raise Unusable("its [auth] section lacks %s" % " and ".join(missing))
    return six.ensure_str(values["user"]), six.ensure_str(values["apikey"])


def contents(path):
    """Return a file's bytes, ``None`` when it is not there."""
    if path == os.devnull or not os.path.lexists(path):
        return None
    if not os.path.isfile(path):
        # Reading a pipe or a device could block the import for ever.
        raise Unusable("it is not a regular file")
    with open(path, "rb") as source:
        data = source.read(MAX_FILE_SIZE + 1)
    if len(data) > MAX_FILE_SIZE:
        raise Unusable("it is larger than %d bytes" % MAX_FILE_SIZE)
    return data


def auth_section(text):
    """Return the values of the section ``[auth]``, ``None`` when there is no such section.

    The parsers of the standard library differ between Python 2 and 3 in comments, ``%`` and
    duplicates; a file must mean the same to both.
    """
    values, inside = None, False
    for line in re.split(u"\r\n|\r|\n", text):
        line = line.strip()
        if line.startswith(u"["):
            inside = line[1:].split(u"]")[0].strip() == u"auth"
            if inside and values is None:
                values = {}
        elif inside and line[:1] not in (u"#", u";"):
            match = re.match(LINE, line)
            if match:
                values[match.group(1).lower()] = unquoted(match.group(2).strip())
    return values


def unquoted(value):
    """Return a value without its quotes, and without a comment that follows it."""
    match = re.match(QUOTED, value)
    return match.group(2) if match else re.sub(COMMENT, u"", value).strip()
