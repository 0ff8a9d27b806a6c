"""A connection whose requests end at a deadline, whatever the other side does.

The time-out of a socket bounds one read; a service that sends a byte a second never meets it.
"""
from __future__ import absolute_import

import errno
import io
import socket
import ssl
import sys
import time

import six
from six.moves import http_client

from tutum.api import signals

now = getattr(time, "monotonic", time.time)

#: What a system says that takes no byte any more, because the other side has hung up.
UNSENT = (errno.EPIPE, errno.ECONNRESET, errno.ECONNABORTED, errno.ENOTCONN)


class Attempt(object):
    """Hold what is known of a request that is being sent.

    :ivar sent: whether bytes of it may be out
    :ivar expired: whether its time was over before it was
    :ivar interruption: what a signal's handler raised meanwhile, as ``sys.exc_info()`` has it
    :ivar seconds: what it may take, connecting or being sent and answered, whichever it does
    """

    def __init__(self):
        self.start(None)

    def start(self, seconds, end=None):
        """Begin anew.

        :param seconds: what the request may take once it is connected, ``None`` for no bound
        :param end: when all of it must be over, as :func:`now` tells time; ``None`` for no bound
        """
        self.sent = False
        self.expired = False
        self.interruption = None
        self._before = sys.exc_info()[1]
        self._end = end
        self.allowed = seconds
        self.arm(seconds)

    def arm(self, seconds):
        """Let the time count from now.

        :param seconds: what may be taken from now on, ``None`` for no bound
        """
        self.seconds = seconds
        ends = [self._end, None if seconds is None else now() + seconds]
        self.deadline = min([end for end in ends if end is not None] or [None])

    def bound(self, sock):
        """Give a socket the time that is left.

        :param sock: the socket
        :raises socket.timeout: when nothing is left
        :raises socket.error: when a signal's handler has ended the request
        """
        if self.interruption is not None:
            # Whatever took it for an error of its own and goes on comes to its end here.
            raise socket.error(errno.ECONNABORTED, "A signal's handler ended the request")
        left = None if self.deadline is None else self.deadline - now()
        if left is not None and left <= 0:
            self.expired = True
            raise socket.timeout("timed out")
        sock.settimeout(left)

    def call(self, sock, function, argument):
        """Call a function that sends or receives once, within the time that is left.

        :param sock: the socket that the function works on
        :param function: the function
        :param argument: its argument
        :returns: what the function returns
        :raises socket.timeout: when the time is over
        """
        while True:
            self.bound(sock)
            try:
                return function(argument)
            except Exception as error:
                self.look_for_handler()
                # Python 2 lets a signal end the call.
                if (six.PY2 and self.interruption is None and
                        getattr(error, "errno", None) == errno.EINTR):
                    continue
                self.expired = is_time_out(error) or (
                    self.deadline is not None and now() >= self.deadline)
                raise

    def look_for_handler(self):
        """Remember what a signal's handler raised, if the exception being handled comes from it."""
        self.interruption = self.interruption or signals.raised_by_handler(self._before)

    def finish(self):
        """Let go of what was remembered, and raise what a signal's handler raised."""
        interruption, self.interruption, self._before = self.interruption, None, None
        if interruption is not None:
            six.reraise(*interruption)


def is_time_out(error):
    """Tell whether an error is of the time that a socket was given.

    The system's own time-out, of a connection on which nothing arrives, is a lost connection.
    """
    # From Python 3.10 on, both are a socket.timeout; Python 2 tells that of TLS in words alone.
    return (isinstance(error, socket.timeout) and error.errno is None or
            isinstance(error, ssl.SSLError) and "timed out" in str(error))


class BoundedReader(io.RawIOBase):
    """Read from a socket within the time that an attempt has."""

    _file = None

    def __init__(self, sock, attempt):
        # The file counts as a user of the socket, which thus stays open until all is read.
        self._file = sock.makefile("rb", 0)
        self._sock = self._file._sock if six.PY2 else sock
        self._attempt = attempt

    def readable(self):
        """Return True, as the buffer around it asks."""
        return True

    def readinto(self, buffer):
        """Receive what is there.

        :param buffer: takes the bytes
        :returns: their number, 0 at the end
        :raises socket.timeout: when the attempt's time is over
        """
        return self._attempt.call(self._sock, self._sock.recv_into, buffer)

    def close(self):
        """Let the socket go."""
        if self._file is not None:
            self._file.close()
        super(BoundedReader, self).close()


class BoundedFile(io.BufferedReader):
    """Buffer what is read, and tell a line that was cut short from one that ended."""

    def readline(self, limit=-1):
        """Read a line, as http.client does of a reply's head and of its chunks.

        :param limit: bytes to read at most
        :returns: the line
        :raises socket.error: when the connection ended before the line did
        """
        line = super(BoundedFile, self).readline(limit)
        if not line.endswith(b"\n") and len(line) != limit:
            # To http.client an end within the head is as good as an empty line.
            raise socket.error(errno.ECONNRESET, "the reply ended within its head")
        return line


class BoundedSocket(object):
    """Stand for a socket where http.client only makes a file of it."""

    def __init__(self, sock, attempt):
        self._sock = sock
        self._attempt = attempt

    def makefile(self, *_):
        """Return a file to read from.

        :returns: a :class:`BoundedFile`
        """
        return BoundedFile(BoundedReader(self._sock, self._attempt))


class FinalResponse(http_client.HTTPResponse, object):
    """Skip what precedes the final reply.

    To http.client only 100 is not final; what follows another would answer the next request.
    """

    def begin(self):
        """Read the head of the final reply."""
        super(FinalResponse, self).begin()
        while self.status < 200:
            self.headers = self.msg = None
            super(FinalResponse, self).begin()


class BoundedConnection(object):
    """Mix deadlines into an HTTP connection, through http.client's public methods."""

    attempt = None

    def connect(self):
        """Connect; the time for the request starts here."""
        self.attempt.arm(self.timeout)
        try:
            super(BoundedConnection, self).connect()
        finally:
            # What asked a proxy for a tunnel was no byte of the request.
            self.attempt.sent = False
        self.attempt.arm(self.attempt.allowed)

    def request(self, *args, **kwargs):
        """Send a request, as http.client does, whose head and body go through :meth:`send`."""
        try:
            return super(BoundedConnection, self).request(*args, **kwargs)
        except Exception:
            # Here and not above: urllib3 goes on after a broken pipe, and Python 2 wraps without a trace.
            self.attempt.look_for_handler()
            raise

    def send(self, data):
        """Send bytes.

        :param data: head or body of a request
        :raises socket.timeout: when the attempt's time is over
        """
        if self.sock is None:
            self.connect()
        attempt = self.attempt
        while data:
            # Set before: bytes may be out although a signal's handler makes the call raise.
            before, attempt.sent = attempt.sent, True
            try:
                count = attempt.call(self.sock, self.sock.send, data)
            except EnvironmentError as error:
                attempt.sent = before or error.errno not in UNSENT
                raise
            data = data[count:]

    def response_class(self, sock, *args, **kwargs):
        """Return a reply that reads from the socket within the time.

        :param sock: the socket
        :returns: what http.client makes of it
        """
        return FinalResponse(BoundedSocket(sock, self.attempt), *args, **kwargs)


def bounded(connection_class, attempt):
    """Return a class of connections that keep to an attempt's time.

    :param connection_class: the class to extend
    :param attempt: the :class:`Attempt` that all its connections follow
    :returns: the new class
    """
    # Python 2's own connections are classes of the old kind, which super() does not take.
    return type("Bounded" + connection_class.__name__, (BoundedConnection, connection_class),
                {"attempt": attempt})
