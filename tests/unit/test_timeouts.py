"""Time-outs: no call takes longer than it may, whatever the other side does."""
from __future__ import unicode_literals

import socket
import time

import pytest

import tutum
from rawservice import SILENCE, reply
from tutum.api import http

UUID = "fee900c6-97da-46b3-a21c-e2b50ed07015"
APP = {"uuid": UUID, "name": "web", "state": "Running"}


@pytest.mark.parametrize("timeout", [0.2, (5, 0.2)])
def test_silence_ends_with_the_read_timeout(raw, timeout):
    raw.answer(SILENCE)
    tutum.timeout = timeout
    began = time.time()
    with pytest.raises(tutum.TutumTimeoutError) as caught:
        http.send_request("GET", "x/")
    assert time.time() - began < 2
    assert "tutum.timeout" in str(caught.value) and len(raw.requests) == 1


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("timeout", [0.2, (0.2, 60), (0.2, None)])
def test_a_connection_that_is_not_made_ends_with_the_connect_timeout(raw, method, timeout):
    full = socket.socket()
    full.bind(("127.0.0.1", 0))
    full.listen(0)
    crowd = [socket.socket() for _ in range(4)]
    for one in crowd:
        one.setblocking(False)
        one.connect_ex(full.getsockname())
    tutum.base_url = "http://127.0.0.1:%d/" % full.getsockname()[1]
    began = time.time()
    with pytest.raises(tutum.TutumTimeoutError) as caught:
        http.send_request(method, "x/", timeout=timeout)
    assert time.time() - began < 2
    assert "no connection" in str(caught.value) and "0.2" in str(caught.value)
    assert "carried out" not in str(caught.value)
    for one in crowd + [full]:
        one.close()


def test_one_call_can_have_a_timeout_of_its_own(raw):
    raw.answer(SILENCE)
    for call in (lambda: tutum.Application.fetch(UUID, timeout=0.1),
                 lambda: tutum.Application.list(timeout=0.1),
                 lambda: tutum.Application.create(image="x").save(timeout=(1, 0.1))):
        with pytest.raises(tutum.TutumTimeoutError):
            call()


def dribble(text, pause=0.05):
    """Return the parts of a reply that comes byte by byte."""
    parts = []
    for index in range(len(text)):
        parts += [lambda: time.sleep(pause), text[index:index + 1]]
    return parts


@pytest.mark.parametrize("parts", [
    dribble(reply(200, APP)), [reply(200, body=b" " * 500)[:-500]] + dribble(b" " * 500),
    dribble(b"HTTP/1.1 100 Continue\r\n\r\n" * 50)])
def test_a_dribble_ends_with_the_read_timeout(raw, parts):
    raw.answer(parts)
    tutum.timeout = 0.3
    began = time.time()
    with pytest.raises(tutum.TutumTimeoutError):
        http.send_request("GET", "x/")
    assert 0.25 < time.time() - began < 2


def test_a_service_that_takes_no_bytes_ends_with_the_read_timeout(raw):
    raw.answer(SILENCE)
    tutum.timeout = (5, 0.3)
    # More than the sockets' buffers hold, so sending stops half way.
    raw._receive = lambda channel, buffered, number: time.sleep(3) or (None, b"")
    began = time.time()
    with pytest.raises(tutum.TutumTimeoutError):
        http.send_request("POST", "x/", data=b" " * (32 * 1024 * 1024))
    assert time.time() - began < 2


def test_a_timeout_can_be_switched_off(raw):
    raw.answer(dribble(reply(200, [1]), 0.001))
    tutum.timeout = None
    assert http.send_request("GET", "x/") == [1]
    tutum.timeout = (5, None)
    assert http.send_request("GET", "x/") == [1]


def test_a_timeout_may_be_an_object_of_urllib3(raw):
    timeout_class = pytest.importorskip("urllib3").Timeout
    raw.answer(SILENCE)
    for timeout in (timeout_class(connect=5, read=0.1), timeout_class(total=0.1)):
        with pytest.raises(tutum.TutumTimeoutError):
            http.send_request("GET", "x/", timeout=timeout)
    raw.answer(reply(200, [1]))
    for timeout in (timeout_class(connect=5), timeout_class(), timeout_class(total=5, read=5)):
        assert http.send_request("GET", "x/", timeout=timeout) == [1]


@pytest.mark.parametrize("timeout", [0, -1, (5, 0), (0, 5), (5,), (1, 2, 3), [1, 2], "5", True,
                                     float("nan"), float("inf"), 1e10])
def test_a_timeout_that_is_none_is_refused(raw, timeout):
    with pytest.raises(ValueError) as caught:
        http.send_request("GET", "x/", timeout=timeout)
    assert repr(timeout) in str(caught.value)
    assert raw.connections == 0
