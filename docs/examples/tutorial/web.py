"""A page that greets its visitors and has them counted by the application that it is linked to."""
import os
from http.server import BaseHTTPRequestHandler, HTTPServer
from urllib.request import urlopen

COUNTER = "http://%(COUNTER_1_PORT_80_TCP_ADDR)s:%(COUNTER_1_PORT_80_TCP_PORT)s/" % os.environ


class Page(BaseHTTPRequestHandler):
    """Answers with one line of text."""

    def do_GET(self):
        with urlopen(COUNTER, timeout=10) as answer:
            number = answer.read().decode()
        self.send_response(200)
        self.end_headers()
        self.wfile.write(f"Hello visitor {number}, this is {os.environ['HOSTNAME']}".encode())
        print("greeted visitor", number, flush=True)

    def log_message(self, *_):
        pass


HTTPServer((os.environ["HOST"], int(os.environ["PORT"])), Page).serve_forever()
