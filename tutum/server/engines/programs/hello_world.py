"""The program of ``tutum/hello-world``: a page that greets and says on which container it runs.

It listens on the port that ``PORT`` gives, at the address ``HOST``, and greets ``NAME``, "world" by default.
"""
from __future__ import annotations

import html
import os
import signal
import socketserver
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>Hello {name}!</title>
<style>
body {{ font-family: sans-serif; text-align: center; margin-top: 4em; color: #253237; }}
h1 {{ font-size: 3em; }}
</style>
</head>
<body>
<h1>Hello {name}!</h1>
<p>My hostname is <strong>{hostname}</strong></p>
</body>
</html>
"""


class Page(BaseHTTPRequestHandler):
    """Answers every path with the page."""

    def do_GET(self) -> None:
        page = PAGE.format(name=html.escape(os.environ.get("NAME", "world")),
                           hostname=html.escape(os.environ.get("HOSTNAME", ""))).encode("utf-8", "replace")
        self.send_response(200)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(page)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(page)

    do_HEAD = do_GET


class Server(ThreadingHTTPServer):
    """Looks no names up: the machine may have no resolver."""

    daemon_threads = True

    def server_bind(self) -> None:
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = self.server_address[:2]


def main() -> None:
    """Serve until SIGTERM."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    server = Server((os.environ["HOST"], int(os.environ["PORT"])), Page)
    print(f"Listening at http://{os.environ['HOST']}:{os.environ['PORT']}/", flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
