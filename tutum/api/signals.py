"""What a signal's handler raised, told from what a library under this one did.

A script's time limit often is a handler that raises ``TimeoutError``. That is an ``OSError`` as those
of a socket are, so urllib3 takes it for one of them and wraps it.
"""
from __future__ import absolute_import

import functools
import signal
import sys


def raised_by_handler(before=None):
    """Return the exception of a signal's handler from which the one being handled comes.

    :param before: the exception that was being handled before; what led to it does not count
    :returns: type, exception and traceback as ``sys.exc_info()`` does, ``None`` for no such
    """
    codes, found = handler_codes(), None
    _, error, traceback = sys.exc_info()
    while error is not None and error is not before:
        # What wraps an exception takes over its traceback, so the innermost counts; the traceback
        # of one that the handler itself has caught begins in the handler.
        if traceback is not None and codes.intersection(codes_of(traceback.tb_next)):
            found = type(error), error, traceback
        # Python 2 keeps no context, but there the errors of sockets alone are wrapped.
        error = getattr(error, "__context__", None)
        traceback = getattr(error, "__traceback__", None)
    return found


def handler_codes():
    """Return the code objects of all handlers that are set."""
    codes = set()
    for number in range(1, signal.NSIG):
        handler = signal.getsignal(number)
        while isinstance(handler, functools.partial):
            handler = handler.func
        for function in (handler, getattr(type(handler), "__call__", None)):
            code = getattr(getattr(function, "__func__", function), "__code__", None)
            if code is not None:
                codes.add(code)
    return codes


def codes_of(traceback):
    """Yield the code objects of a traceback."""
    while traceback is not None:
        yield traceback.tb_frame.f_code
        traceback = traceback.tb_next
