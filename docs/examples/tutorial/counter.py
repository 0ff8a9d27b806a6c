"""A program that counts: each request to / gets the next number, one to /crash ends it.

The number is kept in the working directory, so it outlives a crash.
"""
import os
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

KEPT = Path("count")


class Counter(BaseHTTPRequestHandler):
    """Answers with the next number."""

    def do_GET(self):
        if self.path == "/crash":
            os._exit(1)
        number = int(KEPT.read_text()) + 1 if KEPT.exists() else 1
        KEPT.write_text(str(number))
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"%d" % number)
        print("counted to", number, flush=True)

    def log_message(self, *_):
        pass


HTTPServer((os.environ["HOST"], int(os.environ["PORT"])), Counter).serve_forever()
