"""What holds for every request (api-v1 1, 2)."""
import json
import socket

import pytest
import requests


@pytest.mark.parametrize("credential", [
    None, "ApiKey", "ApiKey tutum", "ApiKey tutum:wrong", "ApiKey nobody:key", "Bearer x", "Basic !!!",
    "ApiKey tutum:\xe9",
])
def test_wrong_credentials_are_401_without_a_body(api, shared_server, credential):
    reply = requests.get(shared_server.base_url + "application/", timeout=5,
                         headers={} if credential is None else {"Authorization": credential.encode("latin-1")})
    assert (reply.status_code, reply.text) == (401, "")


def test_the_password_gives_the_key(shared_server):
    url = shared_server.base_url + "auth/"
    reply = requests.get(url, auth=(shared_server.user, shared_server.password), timeout=5)
    assert reply.json()["objects"] == [{"key": shared_server.apikey, "username": shared_server.user}]
    wrong = requests.get(url, auth=(shared_server.user, "wrong"), timeout=5)
    assert (wrong.status_code, wrong.headers["WWW-Authenticate"]) == (401, 'Basic Realm="tutum"')


def test_the_scheme_is_case_insensitive(shared_server):
    headers = {"Authorization": f"apikey {shared_server.user}:{shared_server.apikey}"}
    assert requests.get(shared_server.base_url + "application/", headers=headers, timeout=5).status_code == 200


def test_a_missing_slash_is_redirected_only_where_nothing_is_sent(api):
    reply = api.get("application?limit=1", allow_redirects=False)
    assert (reply.status_code, reply.headers["Location"]) == (301, "/api/v1/application/?limit=1")
    assert api.call("POST", "application", json={"image": "a/b"}, allow_redirects=False).status_code == 404


def test_a_wrong_method_is_told_before_wrong_credentials(shared_server):
    assert requests.put(shared_server.base_url + "application/", timeout=5).status_code == 405
    assert requests.get(shared_server.base_url + "nothing/", timeout=5).status_code == 404


def test_head_and_options(api):
    head = api.call("HEAD", "application/")
    assert (head.status_code, head.text) == (200, "")
    options = api.call("OPTIONS", "application/")
    assert (options.status_code, set(options.headers["Allow"].split(", "))) == (
        200, {"GET", "HEAD", "OPTIONS", "POST"})


def test_headers_of_a_reply(api):
    headers = api.get("application/").headers
    assert headers["Content-Type"] == "application/json"
    assert headers["Cache-Control"] == "must-revalidate, max-age=0"
    assert headers["Vary"] == "Accept, Authorization, Cookie"


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
