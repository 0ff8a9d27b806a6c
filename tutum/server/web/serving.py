"""The HTTP server under the application: waitress, answering in the API's own form where no request gets through."""
from __future__ import annotations

import json
import logging
import socket
import sys
import time

import waitress
from flask import Flask
from waitress.channel import HTTPChannel
from waitress.parser import HTTPRequestParser, ParsingError, TransferEncodingNotImplemented
from waitress.server import BaseWSGIServer
from waitress.task import ErrorTask

from tutum.server import openfiles
from tutum.server.web.app import MAX_BODY, access_log

#: Threads that answer requests, and connections that are open at most.
THREADS, CONNECTIONS = 8, 1000

#: Files that a connection may take, its socket and a long body, and those that are left to the rest of the service.
FILES_OF_CONNECTION, FILES_OF_SERVICE = 2, 200

#: Bytes of replies that a client may leave unread and still ask for more.
UNREAD = 1 << 20

#: Seconds that a connection may be idle, and that a request may take to come in.
PATIENCE = 120


class _Parser(HTTPRequestParser):
    """Has whatever is wrong with a request be its sender's fault, and answered."""

    def parse_header(self, header_plus: bytes) -> None:
        try:
            super().parse_header(header_plus)
        except ValueError as error:
            raise ParsingError(f"Bad URI: {error}") from error
        except TransferEncodingNotImplemented as error:
            raise ParsingError(str(error)) from error


class _ErrorTask(ErrorTask):
    """Tells in JSON what is wrong with a request that cannot be read."""

    def execute(self) -> None:
        error = self.request.error
        body = json.dumps({"error": f"{error.reason}: {error.body}"}).encode()
        self.status = f"{error.code} {error.reason}"
        self.response_headers = [("Content-Type", "application/json")]
        self.content_length = len(body)
        self.set_close_on_finish()
        self.write(body)
        access_log.info("%s - - - %d %.1f ms", self.channel.addr[0], error.code,
                        (time.time() - self.start_time) * 1000)


class _Channel(HTTPChannel):
    """Has patience with slow clients, but not without end."""

    parser_class = _Parser
    error_task_class = _ErrorTask
    _began: float | None = None

    #: Bytes of replies that are in memory: all since the client last had read what there was.
    kept = 0

    def received(self, data: bytes) -> bool:
        """Take what came in. More of a request that has begun is no new activity, or it could come in without end."""
        is_open = super().received(data)
        self._began = None if self.request is None else self._began or self.last_activity
        self.last_activity = self._began or self.last_activity
        return is_open

    def write_soon(self, data: bytes) -> int:
        with self.outbuf_lock:
            self.kept += len(data)
            return super().write_soon(data)

    def _flush_some(self, do_close: bool = True) -> bool:
        has_sent = super()._flush_some(do_close)
        if has_sent and self.connected and not self.total_outbufs_len:
            self.outbufs[-1].prune()  # or what was sent is in memory for as long as the connection is open
            self.kept = 0
        return has_sent

    def _flush_outbufs_below_high_watermark(self) -> None:
        """Hang up on who asks for more and reads nothing, where waitress keeps one of the threads waiting for it."""
        if self.total_outbufs_len > self.adj.outbuf_high_watermark:
            self.will_close, self.connected = True, False
            self.server.pull_trigger()


def create_server(app: Flask, listener: socket.socket) -> BaseWSGIServer:
    """Make a server for the application on a socket that is bound; its `run` serves until SystemExit."""
    logging.getLogger("waitress.queue").setLevel(logging.ERROR)  # that requests queue for a moment is no news
    # A body just over the limit is read, so that its sender, who still sends, can read the answer.
    server = waitress.create_server(app, sockets=[listener], threads=THREADS, connection_limit=_connections(),
                                    channel_timeout=PATIENCE, cleanup_interval=PATIENCE / 4,
                                    # In memory: a disk that is full must not cut a reply off.
                                    outbuf_overflow=sys.maxsize, outbuf_high_watermark=UNREAD,
                                    asyncore_use_poll=True, ident="tutum", max_request_body_size=16 * MAX_BODY)
    server.channel_class = _Channel
    return server


def kept(server: BaseWSGIServer) -> int:
    """Tell how many bytes of replies are in memory because their clients have not read all of them."""
    return sum(channel.kept for channel in list(server.active_channels.values()))


def _connections() -> int:
    """Have room for all connections, or return how many there is room for; where there is little, half is left."""
    files = openfiles.have_room_for(FILES_OF_SERVICE + FILES_OF_CONNECTION * CONNECTIONS)
    return min(CONNECTIONS, max(files - FILES_OF_SERVICE, files // 2) // FILES_OF_CONNECTION)
