"""When a request is sent once more, and after which pause."""
from __future__ import absolute_import

import random
import re
import time
from calendar import timegm
from email.utils import parsedate_tz

#: The service is up but busy, or what stands before it has lost it for a moment.
BUSY = (429, 502, 503, 504)

FIRST_PAUSE = 0.1
LONGEST_PAUSE = 60

#: More seconds than this, some thirty years, are as many.
LONGEST = 10 ** 9


def pause(tried, retries, safe, lost=False, status=None, retry_after=None, longest=None):
    """Return for how long to wait before the request is sent again.

    :param tried: how often it has been sent again already
    :param retries: how often it may be
    :param safe: whether it may arrive twice: it only reads, or no byte of it has been sent
    :param lost: whether the connection was refused or lost
    :param status: status of the reply, where there was one
    :param retry_after: seconds that the service asked to wait, where it did
    :param longest: seconds that the pause may take; more than a minute it never does
    :returns: seconds, or ``None`` when it must not be sent again
    """
    if tried >= retries or not safe or not (lost or status in BUSY):
        return None
    wanted = max(retry_after or 0, backoff(tried))
    allowed = LONGEST_PAUSE if longest is None else min(longest, LONGEST_PAUSE)
    return None if wanted > allowed else wanted


def backoff(tried):
    """Return a pause that doubles each time, between half of it and all of it by chance.

    :param tried: how often the request has been sent again already
    :returns: seconds
    """
    return min(FIRST_PAUSE * 2 ** tried, LONGEST_PAUSE) * random.uniform(0.5, 1)


def seconds(value, now=None):
    """Return what a header ``Retry-After`` asks for.

    :param value: seconds or an HTTP date, as text; ``None`` when the header is not there
    :param now: present time, for tests
    :returns: seconds, never negative; ``None`` for what is neither of the two
    """
    value = (value or "").strip()
    if re.match("[0-9]+\\Z", value):
        # A number of any length is a fine one, and 5,000 digits are a slow one.
        return int(value) if len(value) < 10 else LONGEST
    try:
        date = parsedate_tz(value)
        return max(0, timegm(date[:6]) - (date[9] or 0) - (time.time() if now is None else now))
    except (TypeError, ValueError, OverflowError, IndexError):
        return None
