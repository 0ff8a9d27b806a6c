"""Log in and out, and read the account's file.

Most scripts need none of this: the user and the key are found by themselves.
"""
from __future__ import absolute_import

import six

import tutum
from tutum.api import config, credentials
from tutum.api.exceptions import TutumApiError
from tutum.api.http import send_request

__all__ = ["authenticate", "get_auth", "get_apikey", "get_auth_header", "is_authenticated",
           "load_from_file", "logout"]


def authenticate(username, password, timeout=None):
    """Ask the service for the account's key and use it from now on.

    Where the service gives no key, nothing changes.

    :param username: name of the account
    :param password: its password
    :param timeout: as ``tutum.timeout``, for this call
    :returns: ``None``
    :raises TutumAuthError: when the service refuses the password
    :raises TutumApiError: for any other failure
    """
    user, apikey = get_auth(username, password, timeout)
    if apikey:
        tutum.user, tutum.apikey = user, apikey


def get_auth(username, password, timeout=None):
    """Ask the service for the account's name and key (api-v1 2).

    :param username: name of the account
    :param password: its password
    :param timeout: as ``tutum.timeout``, for this call
    :returns: ``(user, apikey)``, or ``(None, None)`` when the service gives no key
    :raises TutumAuthError: when the service refuses the password
    :raises TutumApiError: for any other failure
    """
    reply = send_request("GET", "auth/", auth=(username, password), timeout=timeout)
    try:
        objects = reply["objects"]
        if objects == []:
            return None, None
        user, apikey = objects[0].get("username") or username, objects[0]["key"]
        if isinstance(user, six.string_types) and isinstance(apikey, six.string_types):
            return user, apikey
    except (AttributeError, LookupError, TypeError):
        pass
    raise TutumApiError("The service's answer holds no key (GET auth/).", method="GET")


def get_apikey(username, password, timeout=None):
    """Ask the service for the account's key.

    :param username: name of the account
    :param password: its password
    :param timeout: as ``tutum.timeout``, for this call
    :returns: the key, or ``None`` when the service gives none
    :raises TutumAuthError: when the service refuses the password
    :raises TutumApiError: for any other failure
    """
    return get_auth(username, password, timeout)[1]


def is_authenticated():
    """Tell whether there are a user and a key; whether they are right, the service knows.

    :returns: a boolean
    """
    return bool(tutum.user and tutum.apikey)


def logout():
    """Forget the user and the key, for as long as the program runs.

    :returns: ``None``
    """
    tutum.user = tutum.apikey = None


def load_from_file(file="~/.tutum"):
    """Read a user and a key from the section ``[auth]`` of a file.

    The values may be quoted. Lines that begin with ``#`` or ``;`` are comments.

    :param file: path; the default stands for the file that ``TUTUM_CONFIG_FILE`` names, if any
    :returns: ``(user, apikey)``, or ``(None, None)`` when the file does not give both
    """
    return config.from_file(file)


def get_auth_header():
    """Return the header that authorizes requests as the present user.

    :returns: a dict with ``Authorization`` alone
    :raises TutumAuthError: when there is no user or no key
    """
    return {"Authorization": credentials.authorization()}
