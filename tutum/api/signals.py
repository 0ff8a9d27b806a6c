"""What a signal's handler raised, told from what a library under this one did.

A script's time limit often is a handler that raises ``TimeoutError``. That is an ``OSError`` as those
of a socket are, so a library takes it for one of them, and wraps it or goes on.
"""
from __future__ import absolute_import

import sys


def raised_by_handler(before=None):
    """Return the exception of a signal's handler from which the one being handled comes.

    :param before: the exception that was being handled before; what led to it does not count
    :returns: type, exception and traceback as ``sys.exc_info()`` does, ``None`` for no such
    """
    found, chain = None, []
    _, error, traceback = sys.exc_info()
    while error is not None and error is not before and error not in chain:
        # What wraps an exception takes over its traceback, so the innermost counts.
        if came_through_handler(traceback):
            found = type(error), error, traceback
        chain.append(error)
        # Python 2 keeps no context, but there the errors of sockets alone are wrapped.
        error = getattr(error, "__context__", None)
        traceback = getattr(error, "__traceback__", None)
    return found


def pass_on():
    """Raise the exception being handled once more, if a signal's handler raised it."""
    if came_through_handler(sys.exc_info()[2]):
        raise


def came_through_handler(traceback):
    """Tell whether a traceback has a handler in it: a function that was given its caller's frame."""
    while traceback is not None and traceback.tb_next is not None:
        caller, traceback = traceback.tb_frame, traceback.tb_next
        for value in list(traceback.tb_frame.f_locals.values()):
            if any(item is caller for item in (value if isinstance(value, tuple) else [value])):
                return True
    return False
