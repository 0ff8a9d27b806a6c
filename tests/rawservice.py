"""A service of raw sockets: it counts what arrives and answers with any bytes at all."""
from __future__ import unicode_literals

import json
import socket
import struct
import threading

#: Say nothing until the other side hangs up.
SILENCE = object()

#: End the connection as a crash does, by a reset.
RESET = object()

#: End the connection in good order.
CLOSE = object()


class Request(object):
    """A request as it arrived, and the number of the connection that it came by."""

    def __init__(self, head, body, connection):
        lines = head.decode("latin-1").split("\r\n")
        self.method, self.target, _ = lines[0].split(" ", 2)
        self.path, _, self.query = self.target.partition("?")
        self.headers, self.names = {}, []
        for line in lines[1:]:
            name, _, value = line.partition(":")
            self.names.append(name.strip().lower())
            self.headers[self.names[-1]] = value.strip()
        self.body = body
        self.connection = connection

    @property
    def json(self):
        """The body's JSON."""
        return json.loads(self.body.decode("utf-8"))

    def __repr__(self):
        return str("<%s %s>" % (self.method, self.target))


class RawService(object):
    """Listen on a free port and answer each request by the next of the given replies.

    A reply is bytes, one of the constants above, a list of these, or a function that makes one of a
    request. The last reply is given for ever.
    """

    def __init__(self, wrap=None):
        self.requests = []
        self.connections = 0
        self._replies = [reply(404, {"error": "Not found"})]
        self._wrap = wrap or (lambda connection: connection)
        self._lock = threading.Lock()
        self._open = set()
        self._listener = socket.socket()
        self._listener.bind(("127.0.0.1", 0))
        self._listener.listen(64)
        self.port = self._listener.getsockname()[1]
        self.base_url = str("http://127.0.0.1:%d/api/v1/" % self.port)
        self._spawn(self._accept)

    def answer(self, *replies):
        """Set the replies to come."""
        with self._lock:
            self._replies = list(replies)

    def count(self, method):
        """Return how many requests of a method have arrived."""
        return len([request for request in self.requests if request.method == method])

    @property
    def last(self):
        """The request that arrived last."""
        return self.requests[-1]

    def hang_up(self):
        """Close all connections, as a service does that is started anew."""
        with self._lock:
            for connection in self._open:
                try:
                    connection.shutdown(socket.SHUT_RDWR)
                except socket.error:
                    pass

    def close(self):
        """Stop listening and close all connections."""
        try:
            self._listener.shutdown(socket.SHUT_RDWR)
        except socket.error:
            pass
        self._listener.close()
        self.hang_up()

    def _spawn(self, target, *args):
        thread = threading.Thread(target=target, args=args)
        thread.daemon = True
        thread.start()

    def _accept(self):
        while True:
            try:
                connection, _ = self._listener.accept()
            except (socket.error, ValueError):
                return
            self.connections += 1
            self._spawn(self._serve, connection, self.connections)

    def _serve(self, connection, number):
        with self._lock:
            self._open.add(connection)
        channel = connection
        try:
            channel = self._wrap(connection)
            channel.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            buffered = b""
            while True:
                request, buffered = self._receive(channel, buffered, number)
                if request is None or not self._send(channel, request, self._next(request)):
                    return
        except (socket.error, ValueError):
            pass
        finally:
            with self._lock:
                self._open.discard(connection)
            channel.close()
            connection.close()

    def _next(self, request):
        with self._lock:
            self.requests.append(request)
            return self._replies.pop(0) if len(self._replies) > 1 else self._replies[0]

    @staticmethod
    def _receive(channel, buffered, number):
        while b"\r\n\r\n" not in buffered:
            data = channel.recv(65536)
            if not data:
                return None, b""
            buffered += data
        head, _, buffered = buffered.partition(b"\r\n\r\n")
        length = int(Request(head, b"", number).headers.get("content-length", 0))
        while len(buffered) < length:
            data = channel.recv(65536)
            if not data:
                return None, b""
            buffered += data
        return Request(head, buffered[:length], number), buffered[length:]

    def _send(self, channel, request, answer):
        """Send an answer and return whether the connection goes on."""
        if callable(answer):
            answer = answer(request)
        for part in [answer] if not isinstance(answer, list) else answer:
            if part is SILENCE:
                while channel.recv(65536):
                    pass
                return False
            if part is RESET:
                linger = struct.pack(str("ii"), 1, 0)
                channel.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            if part in (RESET, CLOSE):
                return False
            if callable(part):
                part()
            else:
                channel.sendall(part)
        return True


def reply(status=200, value=None, headers=(), body=None):
    """Return the bytes of a reply; without value and body it has none."""
    if body is None:
        body = b"" if value is None else json.dumps(value).encode("utf-8")
    lines = ["HTTP/1.1 %d Some Reason" % status, "Content-Type: application/json",
             "Content-Length: %d" % len(body)]
    lines += ["%s: %s" % pair for pair in dict(headers).items()]
    return "\r\n".join(lines + ["", ""]).encode("latin-1") + body


def page(objects, total=None, following=None, **meta):
    """Return the bytes of a page of a list (api-v1 1.5)."""
    meta = dict({"limit": 100, "offset": 0, "previous": None, "next": following,
                 "total_count": len(objects) if total is None else total}, **meta)
    return reply(200, {"meta": meta, "objects": objects})
