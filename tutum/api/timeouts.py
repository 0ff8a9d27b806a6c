"""How long a request may take, in the forms that requests takes."""
from __future__ import absolute_import

import six

NUMBERS = six.integer_types + (float,)

#: Seconds that every system can wait, some thirty years.
LONGEST = 1e9


def pair(timeout):
    """Return a time-out's two numbers.

    :param timeout: as ``tutum.timeout``
    :returns: seconds for connecting, and for all that follows; ``None`` for no bound
    :raises ValueError: when it is none, or leaves no time
    """
    parts = timeout if isinstance(timeout, tuple) else (timeout, timeout)
    if hasattr(timeout, "connect_timeout"):
        # urllib3's own has an object of no meaning where it is not set.
        rest = timeout.read_timeout if timeout.total is None else timeout.total
        parts = [part if isinstance(part, NUMBERS) else None
                 for part in (timeout.connect_timeout, rest)]
    if len(parts) != 2 or not all(part is None or leaves_time(part) for part in parts):
        raise ValueError("A time-out is (connect, read), one number for both or None for no bound, "
                         "in seconds, more than 0 and at most %d, not %r" % (LONGEST, timeout))
    return tuple(parts)


def within(parts, seconds):
    """Return a time-out that ends within what is left, or at once where nothing is.

    :param parts: the two numbers of a time-out
    :param seconds: what is left, ``None`` for no bound
    :returns: two numbers
    """
    if seconds is None:
        return parts
    left = max(seconds, 0.001)
    return tuple(left if part is None else min(part, left) for part in parts)


def check_wait(seconds):
    """Raise an error for what is no time to wait for something.

    :param seconds: seconds, ``None`` for no bound
    :raises ValueError: when it is neither
    """
    if seconds is not None and not (seconds == 0 or leaves_time(seconds)):
        raise ValueError("The time to wait is a number of seconds from 0 to %d, or None for no "
                         "bound, not %r" % (LONGEST, seconds))


def leaves_time(part):
    """Tell whether a value is a number of seconds that can pass."""
    return isinstance(part, NUMBERS) and not isinstance(part, bool) and 0 < part <= LONGEST
