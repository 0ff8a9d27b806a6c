"""Manage the applications and containers of a Tutum service from Python.

    >>> import tutum
    >>> app = tutum.Application.create(image="tutum/hello-world", name="my-new-app")
    >>> app.save()
    True

Credentials come from ``tutum.user`` and ``tutum.apikey`` when set in code, else from the file
``~/.tutum``, else from ``TUTUM_USER`` and ``TUTUM_APIKEY``. The settings below are read whenever a
request is made, so they can be changed at any time.
"""
from __future__ import absolute_import

import logging

from tutum.api import auth, config, http
from tutum.api.application import Application
from tutum.api.container import Container
from tutum.api.exceptions import (TutumApiError, TutumAuthError, TutumBadRequestError,
                                  TutumConnectionError, TutumNotFoundError, TutumServerError,
                                  TutumTimeoutError, TutumWaitError)
from tutum.api.image import Image

__all__ = ["Application", "Container", "Image", "TutumApiError", "TutumAuthError",
           "TutumBadRequestError", "TutumConnectionError", "TutumNotFoundError",
           "TutumServerError", "TutumTimeoutError", "TutumWaitError", "apikey", "auth", "base_url",
           "http", "logger", "max_reply_size", "retries", "timeout", "user", "user_agent"]

__version__ = "1.0.0"

#: The account's name and its key. Both are ``None`` when no source has the two of them.
user, apikey = config.credentials()

#: Where the service is: ``TUTUM_BASE_URL``, else the address of a local service.
base_url = config.base_url()

#: Seconds to wait: ``(connect, read)``, one number for both, or ``None`` to wait for ever, as
#: requests takes it. The second also bounds a whole attempt, from sending to the last byte.
timeout = (10, 60)

#: How many more times a read is tried when the connection is lost or the service is busy.
retries = 2

#: Bytes that one reply may have, also after decompression; ``None`` for no bound. More is an error.
max_reply_size = 64 * 1024 * 1024

#: What to add to the ``User-Agent`` of each request, for example ``"my-script/2.1"``.
user_agent = ""

#: Takes one INFO record for each attempt, and bodies with secrets masked on DEBUG.
logger = logging.getLogger("python-tutum")
logger.addHandler(logging.NullHandler())
