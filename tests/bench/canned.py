"""A service that answers from memory, so that a benchmark measures its client alone.

    python canned.py

It prints the port that it listens on, and ends with its standard input. ``GET /connections`` tells
how many connections were opened.
"""
import json
import socket
import sys
import threading

PAGE = 100
PAGES = 100

HEAD = ("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
        "Cache-Control: must-revalidate, max-age=0\r\nVary: Accept, Authorization, Cookie\r\n"
        "Date: Fri, 09 May 2014 08:03:07 GMT\r\nServer: waitress\r\nContent-Length: %d\r\n\r\n")

UUID = "2b6f0c1e-5a3d-4c2b-9e1f-%012d"

DETAIL_ONLY = ("container_envvars", "containers", "link_variables", "linked_from_application",
               "linked_to_application", "roles")


def application(number=0):
    """Return an application as large as real ones are."""
    uuid = UUID % number
    uri = "/api/v1/application/%s/" % uuid
    host = "shop-%d-ann.alpha.example.net"
    links = {"SHOP_TUTUM_API_URL": "https://api.example.net" + uri}
    for index in (1, 2):
        prefix = "SHOP_%d_PORT" % index
        links.update({
            prefix: "tcp://%s:49160" % (host % index),
            prefix + "_80_TCP": "tcp://%s:49160" % (host % index),
            prefix + "_80_TCP_ADDR": host % index,
            prefix + "_80_TCP_PORT": "49160",
            prefix + "_80_TCP_PROTO": "tcp"})
    return {
        "autodestroy": "OFF", "autoreplace": "OFF", "autorestart": "ON_FAILURE",
        "container_envvars": [{"application": uri, "key": "MODE", "value": "prod"}],
        "container_ports": [{"application": uri, "inner_port": 80, "outer_port": None,
                             "protocol": "tcp"}],
        "container_size": "S",
        "containers": ["/api/v1/container/9c0e4f7a-1b2c-4d3e-8f50-%012d/" % number] * 2,
        "current_num_containers": 2, "deployed_datetime": "Fri, 9 May 2014 08:03:07 +0000",
        "destroyed_datetime": None, "entrypoint": "", "image_name": "acme/shop:v3",
        "image_tag": "/api/v1/image/acme/shop/tag/v3/", "link_variables": links,
        "linked_from_application": [], "linked_to_application": [], "name": "shop-%d" % number,
        "public_dns": "shop-ann.web.example.net", "resource_uri": uri, "roles": [],
        "run_command": "/start", "running_num_containers": 2, "sequential_deployment": False,
        "started_datetime": "Fri, 9 May 2014 08:03:07 +0000", "state": "Running",
        "stopped_datetime": None, "stopped_num_containers": 0, "target_num_containers": 2,
        "unique_name": "shop-%d" % number, "uuid": uuid,
        "web_public_dns": "shop-ann.web.example.net"}


def listed(number):
    """Return an application as lists show it."""
    return dict((name, value) for name, value in application(number).items()
                if name not in DETAIL_ONLY)


def page(offset, pages):
    """Return a page of a list."""
    following = None
    if offset + PAGE < PAGE * pages:
        following = "/api/v1/application/?limit=%d&offset=%d&pages=%d" % (
            PAGE, offset + PAGE, pages)
    return {"meta": {"limit": PAGE, "next": following, "offset": offset, "previous": None,
                     "total_count": PAGE * pages},
            "objects": [listed(number) for number in range(offset, min(offset + PAGE, PAGE * pages))]}


def reply(value):
    """Return the bytes of a reply."""
    body = json.dumps(value, sort_keys=True).encode("ascii")
    return (HEAD % len(body)).encode("ascii") + body


class Canned(object):
    """Answer requests from a table."""

    def __init__(self):
        self.connections = 0
        self.detail = reply(application())
        self.one = reply(page(0, 1))
        # The library asks for pages that overlap by one object, others follow what next says.
        self.many = dict((str(offset), reply(page(offset, PAGES))) for step in (PAGE, PAGE - 1)
                         for offset in range(0, PAGE * PAGES, step))
        self.listener = socket.socket()
        self.listener.bind(("127.0.0.1", 0))
        self.listener.listen(64)

    def run(self):
        """Accept connections for ever."""
        while True:
            connection, _ = self.listener.accept()
            self.connections += 1
            start(self.serve, connection)

    def serve(self, connection):
        """Answer what comes by a connection."""
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        buffered = b""
        while True:
            while b"\r\n\r\n" not in buffered:
                data = connection.recv(65536)
                if not data:
                    return
                buffered += data
            head, _, buffered = buffered.partition(b"\r\n\r\n")
            lines = head.decode("latin-1").split("\r\n")
            length = sum(int(line.split(":")[1]) for line in lines
                         if line.lower().startswith("content-length:"))
            while len(buffered) < length:
                buffered += connection.recv(65536)
            buffered = buffered[length:]
            connection.sendall(self.answer(lines[0].split(" ")[1]))

    def answer(self, target):
        """Return the reply to a request."""
        if target == "/connections":
            return reply(self.connections)
        if "/application/?" not in target:
            return self.detail
        if "pages=%d" % PAGES not in target:
            return self.one
        return self.many[target.partition("offset=")[2].partition("&")[0] or "0"]


def start(target, *args):
    """Run a function in a thread that does not keep the process."""
    thread = threading.Thread(target=target, args=args)
    thread.daemon = True
    thread.start()


if __name__ == "__main__":
    service = Canned()
    start(service.run)
    print(service.listener.getsockname()[1])
    sys.stdout.flush()
    sys.stdin.read()
