"""Clients that send what is no HTTP, or send and read too slowly; what is asked in order is in `test_contract`."""
import json
import socket
import sys
import time
from contextlib import ExitStack
from urllib.parse import urlsplit

import pytest
from fulldisk import fill, small_disk
from serverprocess import until

#: Runs the command line of a service that soon loses patience.
IMPATIENT = [sys.executable, "-c", """
from tutum.server.web import serving
serving.PATIENCE = 1
from tutum.server.cli import cli
cli()
"""]

#: Runs the command line of a service that may have so many files open, or so many after it has raised its limit.
LIMITED = """
import resource
resource.setrlimit(resource.RLIMIT_NOFILE, (%d, %d))
from tutum.server.cli import cli
cli()
"""


def connect(server):
    return socket.create_connection(("127.0.0.1", urlsplit(server.base_url).port), timeout=10)


def with_a_long_log(server):
    """Start a service, and return a client of it and the path of a log of nine million bytes."""
    api = server.start().api
    application = api.running(image="any/thing", run_command="sh -c 'yes | head -c 9000000; exec sleep 600'")
    path = f"application/{application['uuid']}/logs/"
    until(lambda: len(api.object(path)["logs"]) > 9000000)
    return api, path


@pytest.mark.parametrize("request_bytes, status", [
    (b"POST /api/v1/application/ HTTP/1.1\r\nContent-Length: 99999999999\r\n\r\n", b"413"),
    (b"POST /api/v1/application/ HTTP/1.1\r\nContent-Length: -1\r\n\r\n", b"400"),
    (b"GET / HTTP/1.1\r\nA: " + b"a" * 262144 + b"\r\n\r\n", b"431"),
    (b"\0\r\n\r\n", b"400"),
])
def test_requests_that_cannot_be_read_get_the_error_form_too(shared_server, request_bytes, status):
    with connect(shared_server) as connection:
        connection.sendall(request_bytes)
        head, _, body = b"".join(iter(lambda: connection.recv(65536), b"")).partition(b"\r\n\r\n")
    assert head.split()[1] == status
    assert json.loads(body)["error"]


@pytest.mark.parametrize("path", ["/api/v1/auth/", "/api/v1/application/"])
@pytest.mark.parametrize("credentials", [b"\xc3\xa9", b"!", b"YQ", b"\xff"])
def test_basic_credentials_that_cannot_be_read_are_401(shared_server, path, credentials):
    with connect(shared_server) as connection:
        connection.sendall(b"GET %s HTTP/1.1\r\nAuthorization: Basic %s\r\n\r\n" % (path.encode(), credentials))
        assert connection.recv(65536).split()[1] == b"401"


def test_a_request_that_comes_in_bit_by_bit_is_not_waited_for_without_end(server):
    server.command = IMPATIENT
    server.start()
    with connect(server) as slow:
        slow.sendall(b"GET / HTTP/1.1\r\n")
        deadline = time.monotonic() + 20
        with pytest.raises(ConnectionError):
            while time.monotonic() < deadline:
                slow.sendall(b"X: a\r\n")
                time.sleep(0.05)


def test_clients_that_ask_for_much_and_read_nothing_keep_nobody_else_waiting(server):
    api, path = with_a_long_log(server)
    asking = f"GET /api/v1/{path} HTTP/1.1\r\nAuthorization: ApiKey {server.user}:{server.apikey}\r\n\r\n".encode()
    with ExitStack() as stack:
        for _ in range(10):
            stack.enter_context(connect(server)).sendall(asking * 8)
        for _ in range(20):
            assert api.get("application/").status_code == 200


def test_logs_are_refused_while_others_are_not_read_and_given_again_then(server):
    api, path = with_a_long_log(server)
    asking = f"GET /api/v1/{path} HTTP/1.1\r\nAuthorization: ApiKey {server.user}:{server.apikey}\r\n\r\n".encode()
    with ExitStack() as stack:
        for _ in range(30):  # of each, the system itself keeps some megabytes
            connection = stack.enter_context(connect(server))
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)  # so that the system reads little, too
            connection.sendall(asking)
        until(lambda: api.get(path).status_code == 503)
        refused = api.get(path)
        assert refused.headers["Retry-After"] == "1" and "slow clients" in refused.json()["error"]
        assert api.get("application/").status_code == 200
    until(lambda: api.get(path).status_code == 200)


def test_logs_that_were_read_keep_no_others_from_being_read(server):
    _, path = with_a_long_log(server)
    clients = [server.api for _ in range(10)]  # each has a connection, and it stays open
    assert {client.get(path).status_code for client in clients} == {200}


def test_a_full_disk_cuts_no_log_off(server, tmp_path, monkeypatch):
    with small_disk(tmp_path / "disk", "1m") as disk:
        monkeypatch.setenv("TMPDIR", str(disk))
        api, path = with_a_long_log(server)
        fill(disk / "filler")
        assert len(api.object(path)["logs"]) > 9000000


def test_idle_connections_leave_the_service_the_files_that_it_needs(server):
    server.command = [sys.executable, "-c", LIMITED % (256, 256)]
    api = server.start().api
    assert api.list("application") == []
    with ExitStack() as stack:
        for _ in range(300):
            stack.enter_context(connect(server))
        created = api.create(image="any/thing", run_command="sh -c 'echo hello'", target_num_containers=10)
        path = f"application/{created['uuid']}/"
        until(lambda: api.object(path)["state"] == "Stopped")
        assert api.object(path + "logs/")["logs"].count("hello") == 10


def test_more_connections_than_the_usual_limit_of_files_are_answered(server):
    server.command = [sys.executable, "-c", LIMITED % (256, 4096)]
    server.start()
    with ExitStack() as stack:
        for _ in range(300):
            stack.enter_context(connect(server))
        assert server.api.get("application/").status_code == 200


def test_containers_have_the_limit_of_files_that_the_service_was_started_with(server):
    server.command = [sys.executable, "-c", LIMITED % (256, 4096)]
    api = server.start().api
    created = api.create(image="any/thing", name="job", run_command="sh -c 'ulimit -Sn; ulimit -Hn'")
    path = f"application/{created['uuid']}/"
    until(lambda: api.object(path)["state"] == "Stopped")
    assert api.object(path + "logs/")["logs"] == "======>job-1 <======\n256\n4096\n"
