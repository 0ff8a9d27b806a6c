"""The library over TLS, with a certificate of the tests' own authority."""
import os
import ssl
import time

import pytest

import tutum
from rawservice import CLOSE, RESET, SILENCE, RawService, reply
from tutum.api import http, retry, urls

HERE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "tls")


@pytest.fixture
def secure(monkeypatch):
    """Point the library at a service that speaks TLS."""
    context = ssl.SSLContext(getattr(ssl, "PROTOCOL_TLS_SERVER", ssl.PROTOCOL_SSLv23))
    context.load_cert_chain(os.path.join(HERE, "localhost.pem"))
    service = RawService(lambda connection: context.wrap_socket(connection, server_side=True))
    tutum.base_url = "https://localhost:%d/api/v1/" % service.port
    tutum.user, tutum.apikey = "ann", "0123456789abcdef"
    yield service
    http.close()
    service.close()


@pytest.fixture
def trusted(secure, monkeypatch):
    """Trust the authority, by the environment as users of requests do."""
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", os.path.join(HERE, "authority.pem"))
    return secure


def test_a_trusted_service_is_spoken_to(trusted):
    trusted.answer(reply(200, [1]))
    for _ in range(3):
        assert http.send_request("GET", "x/") == [1]
    assert trusted.connections == 1


def test_a_service_that_is_not_trusted_gets_no_key(secure):
    with pytest.raises(tutum.TutumConnectionError) as caught:
        http.send_request("POST", "x/")
    assert "certificate verify failed" in str(caught.value).lower()
    assert "REQUESTS_CA_BUNDLE" in str(caught.value)
    assert not secure.requests


def test_a_bundle_that_is_missing_is_named(secure, monkeypatch):
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/no/such/bundle.pem")
    with pytest.raises(tutum.TutumApiError) as caught:
        http.send_request("GET", "x/")
    assert "/no/such/bundle.pem" in str(caught.value)


def test_the_deadline_holds(trusted):
    def dribble():
        for byte in range(100):
            yield b" "
            yield lambda: time.sleep(0.02)
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n"
    tutum.timeout = (5, 0.2)
    for answer in ([SILENCE], [head, SILENCE], [head] + list(dribble())):
        trusted.answer(answer)
        began = time.time()
        with pytest.raises(tutum.TutumTimeoutError):
            http.send_request("GET", "x/")
        assert time.time() - began < 2


def test_the_time_of_a_request_begins_when_it_is_connected(trusted, monkeypatch):
    wrap = trusted._wrap

    def slowly(connection):
        time.sleep(1)
        return wrap(connection)
    monkeypatch.setattr(trusted, "_wrap", slowly)
    trusted.answer([lambda: time.sleep(0.5), reply(200, [1])])
    assert http.send_request("GET", "x/", timeout=(5, 1.3)) == [1]


def test_a_large_body_arrives_whole(trusted):
    trusted.answer(reply(200))
    http.send_request("POST", "x/", data=b" " * 3000000)
    assert len(trusted.last.body) == 3000000


@pytest.mark.parametrize("answer", [CLOSE, RESET, reply(407), reply(502)])
def test_a_write_that_a_proxy_kept_is_tried_again(raw, monkeypatch, answer):
    monkeypatch.setattr(retry, "backoff", lambda tried: 0)
    monkeypatch.setenv("https_proxy", raw.base_url)
    tutum.base_url = "https://tutum.example.net/api/v1/"
    raw.answer(answer)
    with pytest.raises(tutum.TutumConnectionError) as caught:
        http.send_request("POST", "x/")
    assert [request.method for request in raw.requests] == ["CONNECT"] * (1 + tutum.retries)
    assert "may have been carried out" not in str(caught.value)


def test_a_proxy_sees_no_key_of_a_tunnel(raw, monkeypatch):
    monkeypatch.setenv("https_proxy", raw.base_url)
    tutum.base_url = "https://tutum.example.net/api/v1/"
    raw.answer(reply(407))
    with pytest.raises(tutum.TutumConnectionError):
        http.send_request("GET", "x/")
    assert tutum.apikey not in repr([request.headers for request in raw.requests])


def test_a_proxy_is_used_for_other_machines(monkeypatch):
    monkeypatch.setenv("https_proxy", "http://proxy.example.net:3128")
    transport = http.Transport(urls.base("https://tutum.example.net/api/v1/"))
    assert transport.settings["proxies"]["https"] == "http://proxy.example.net:3128"
    transport.session.close()
