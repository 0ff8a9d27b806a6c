"""The records of the logger ``python-tutum``: one an attempt, and bodies on DEBUG."""
from __future__ import absolute_import

import json
import logging

import tutum
from tutum.api.texts import printable

LONGEST = 10000

SECRETS = frozenset(["apikey", "api_key", "authorization", "secret", "token", "tutum_auth"])


def attempt(request, reply, failed, took):
    """Log an attempt.

    :param request: what was sent
    :param reply: what came back, ``None`` for nothing
    :param failed: the exception in its place
    :param took: seconds
    """
    logger = tutum.logger
    if not logger.isEnabledFor(logging.INFO):
        return
    path = "/" + request.url.split("/", 3)[3]
    logger.info("%s %s %s %.0f ms", request.method, printable(request.clean(path)),
                reply.status if reply else type(failed).__name__, took * 1000)
    if logger.isEnabledFor(logging.DEBUG):
        for name, body in (("request", request.body), ("reply", reply and reply.body)):
            if body:
                # Cut when it is clean: a part of a key would not be known as one.
                text = printable(request.clean(masked(body)))[:LONGEST]
                logger.debug("%s body: %s", name, text)


def masked(body):
    """Return a body's text without the values of environment variables, passwords and keys.

    :param body: bytes of a request or a reply
    :returns: JSON with ``***`` for the secrets; the size alone of what is no JSON
    """
    try:
        return json.dumps(mask(json.loads(body.decode("utf-8"))), sort_keys=True)
    except (ValueError, RuntimeError):
        return "%d bytes that are not JSON" % len(body)


def mask(value, secret=False):
    """Return a JSON value with ``***`` for the secrets in it.

    :param value: the value
    :param secret: whether it stands under a name that says so
    :returns: a copy
    """
    if isinstance(value, dict):
        # In {"key": "MODE", "value": "prod"} the key is a name, alone it is the account's.
        variable = "value" in value
        return dict((name, mask(item, is_secret(name, variable) or
                                secret and not (variable and name == "key")))
                    for name, item in value.items())
    if isinstance(value, list):
        return [mask(item, secret) for item in value]
    return "***" if secret and value not in (None, "") else value


def is_secret(name, variable):
    """Return whether what stands under a name is a secret."""
    name = name.lower()
    # Variables of a link hold those of the environment at its other end.
    return (name in SECRETS or any(part in name for part in ("passw", "envvars", "_env_"))
            or name == ("value" if variable else "key"))
