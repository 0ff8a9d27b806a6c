"""Requests that are no HTTP the service can read; what it reads is in `test_contract`."""
import json
import socket

import pytest


@pytest.mark.parametrize("request_bytes, status", [
    (b"POST /api/v1/application/ HTTP/1.1\r\nContent-Length: 99999999999\r\n\r\n", b"413"),
    (b"POST /api/v1/application/ HTTP/1.1\r\nContent-Length: -1\r\n\r\n", b"400"),
    (b"GET / HTTP/1.1\r\nA: " + b"a" * 262144 + b"\r\n\r\n", b"431"),
    (b"\0\r\n\r\n", b"400"),
])
def test_requests_that_cannot_be_read_get_the_error_form_too(shared_server, request_bytes, status):
    port = int(shared_server.base_url.split(":")[2].split("/")[0])
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        connection.sendall(request_bytes)
        head, _, body = b"".join(iter(lambda: connection.recv(65536), b"")).partition(b"\r\n\r\n")
    assert head.split()[1] == status
    assert json.loads(body)["error"]
