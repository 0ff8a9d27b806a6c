"""The authorization header, and what keeps it out of texts."""
from __future__ import absolute_import

import base64
import binascii
import re
import warnings

import six

import tutum
from tutum.api import config
from tutum.api.exceptions import TutumAuthError

MISSING = ("No credentials. Give them in one of three ways: set tutum.user and tutum.apikey; write "
           "user and apikey under [auth] in the file %s; or set TUTUM_USER and TUTUM_APIKEY.")

CONTROL = u"[\x00-\x1f\x7f-\x9f]"

#: One backslash, in a pattern.
BACKSLASH = u"\\\\"

#: A key shorter than this could be a word that stands in texts for other reasons.
SHORTEST_MASKED = 6

#: User, key and header of the last call; most calls are for the same account.
_last = (None, None, None)
_warned = False


def authorization():
    """Return the value of the header ``Authorization`` for the present user and key.

    :returns: ``ApiKey <user>:<key>``, bytes when it is not ASCII (api-v1 1.2)
    :raises TutumAuthError: when user or key is missing or cannot be sent
    """
    global _last
    last_user, last_key, value = _last
    user, apikey = tutum.user, tutum.apikey
    if user is last_user and apikey is last_key and value is not None:
        return value
    if not user or not apikey:
        raise TutumAuthError(" ".join(filter(None, [
            MISSING % config.locate(config.DEFAULT_FILE), config.complaint])))
    warn_of_file()
    value = header("ApiKey ", "%s:%s" % (checked("tutum.user", user),
                                         checked("tutum.apikey", apikey)))
    _last = (user, apikey, value)
    return value


def basic(username, password):
    """Return the value of the header ``Authorization`` for a user and a password.

    :param username: name of the account
    :param password: its password
    :returns: ``Basic <base64>`` (api-v1 1.2)
    :raises TutumAuthError: when one of the two is missing or cannot be sent
    """
    if not username or not password:
        raise TutumAuthError("A user name and a password are needed to ask for the key.")
    pair = u"%s:%s" % (as_text("The user name", username), as_text("The password", password))
    return "Basic " + six.ensure_str(base64.b64encode(pair.encode("utf-8")))


def scrub(text, value):
    """Return a text in which nothing of an authorization header is left.

    :param text: what came back from the service
    :param value: the header's value that was sent
    :returns: the text with ``***`` for the secrets
    """
    text = six.ensure_text(text, errors="replace")
    scheme, _, credential = six.ensure_text(value or u"", errors="replace").strip().partition(u" ")
    pairs = [credential or scheme]
    if scheme == u"Basic":
        try:
            pairs.append(base64.b64decode(credential).decode("utf-8"))
        except (TypeError, ValueError):
            pass  # it is none of ours
    secret = pairs[-1].partition(u":")[2]
    if len(secret) >= SHORTEST_MASKED:
        pairs.append(secret)
    for each in filter(None, pairs):
        # Most texts have no escapes, and a large one is searched much faster so.
        text = (re.sub(spellings(each), u"***", text) if u"\\" in text
                else text.replace(each, u"***"))
    return text


def spellings(secret):
    """Return a pattern that finds a secret, also where JSON escapes characters of it."""
    return u"".join(u"(?:%s?%s|%s)" % (BACKSLASH, re.escape(character), escaped(character))
                    for character in secret)


def escaped(character):
    """Return a pattern that finds a character written as JSON's ``\\u`` and four digits."""
    digits = binascii.hexlify(character.encode("utf-16-be")).decode("ascii")
    return u"".join((BACKSLASH + u"u" if index % 4 == 0 else u"")
                    + u"[%s%s]" % (digit, digit.upper()) for index, digit in enumerate(digits))


def warn_of_file():
    """Warn once of a file that could not be used."""
    global _warned
    if config.complaint and not _warned:
        _warned = True
        warnings.warn(config.complaint, stacklevel=2)


def checked(name, value):
    """Return a setting as text that can stand in a header."""
    text = as_text(name, value)
    if re.search(CONTROL, text):
        raise TutumAuthError("%s holds a control character: set it anew." % name)
    return text


def as_text(name, value):
    """Return a secret as text."""
    text = None
    try:
        text = six.ensure_text(value)
        text.encode("utf-8")
    except (TypeError, UnicodeError):
        text = None
    # Raised here and not above: the error that was caught holds the value.
    if text is None:
        raise TutumAuthError("%s is no text: set it anew." % name)
    return text


def header(scheme, credential):
    """Return a header's value in the type that every version of http.client takes."""
    value = (u"%s%s" % (scheme, credential)).encode("utf-8")
    try:
        return six.ensure_str(value, "ascii")
    except UnicodeDecodeError:
        return value
