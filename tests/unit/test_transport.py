# -*- coding: utf-8 -*-
"""Requests and replies on the wire."""
from __future__ import unicode_literals

import gc
import os
import socket
import threading
import time
import weakref

import pytest
import requests

import tutum
from rawservice import CLOSE, RESET, SILENCE, reply
from service import until
from tutum.api import http, retry

UUID = "fee900c6-97da-46b3-a21c-e2b50ed07015"
APP = {"uuid": UUID, "name": "web", "state": "Running"}


@pytest.fixture
def pauses(monkeypatch):
    """Collect the pauses between attempts in place of waiting."""
    collected = []
    monkeypatch.setattr(time, "sleep", collected.append)
    return collected


def test_a_request_says_who_asks_for_what(raw):
    raw.answer(reply(200, APP))
    assert http.send_request("get", "/application/%s/" % UUID, params={"a": "b c"}) == APP
    assert (raw.last.method, raw.last.target) == ("GET", "/api/v1/application/%s/?a=b+c" % UUID)
    assert raw.last.headers["authorization"] == "ApiKey ann:0123456789abcdef"
    assert raw.last.headers["accept"] == "application/json"
    assert raw.last.headers["user-agent"] == "python-tutum/" + tutum.__version__
    assert "content-length" not in raw.last.headers and raw.last.body == b""


def test_the_user_agent_can_be_extended(raw):
    raw.answer(reply(200))
    tutum.user_agent = "my-script/2.1\r\nX-Other: 1"
    http.send_request("GET", "x/")
    assert raw.last.headers["user-agent"] == (
        "python-tutum/%s my-script/2.1 X-Other: 1" % tutum.__version__)
    assert "x-other" not in raw.last.headers


@pytest.mark.parametrize("more", ["grün/2", "\u2013", b"\xff", 7])
def test_the_user_agent_may_be_any_text(raw, more):
    tutum.user_agent = more
    raw.answer(reply(204))
    http.send_request("GET", "x/")
    assert raw.last.headers["user-agent"].startswith("python-tutum/1.0.0 ")


@pytest.mark.parametrize("headers", [{"X": "a\r\nY: b"}, {"X\n": "a"}, {"X": "\u2013"}])
def test_a_header_that_cannot_be_sent_is_no_lost_connection(raw, pauses, headers):
    with pytest.raises(tutum.TutumApiError) as caught:
        http.send_request("GET", "x/", headers=headers)
    assert "cannot be sent" in str(caught.value) and type(caught.value) is tutum.TutumApiError
    assert not raw.requests and not pauses


@pytest.mark.parametrize("data, body", [
    ({"name": "grün"}, b'{"name":"gr\\u00fcn"}'), ('{"a": 1}', b'{"a": 1}'), (b"{}", b"{}"),
    ([], b"[]"), ("ü", "ü".encode("utf-8"))])
def test_a_body_is_json(raw, data, body):
    raw.answer(reply(202))
    http.send_request("POST", "x/", data=data)
    assert raw.last.body == body
    assert raw.last.headers["content-type"] == "application/json"
    assert raw.last.headers["content-length"] == str(len(body))


@pytest.mark.parametrize("method", ["POST", "PATCH", "DELETE"])
def test_no_body_is_said_to_be_none(raw, method):
    raw.answer(reply(202))
    http.send_request(method, "x/")
    assert raw.last.headers["content-length"] == "0"
    assert "content-type" not in raw.last.headers


def test_more_headers_can_be_given(raw):
    raw.answer(reply(200))
    http.send_request("GET", "x/", headers={"X-Trace": "7"})
    assert raw.last.headers["x-trace"] == "7"


@pytest.mark.parametrize("status", [200, 201, 202, 204, 205])
def test_an_empty_success_is_no_data(raw, status):
    raw.answer(reply(status), reply(status, body=b" \r\n"), reply(200, APP))
    assert http.send_request("GET", "x/") is None
    assert http.send_request("GET", "x/") is None
    # What a 204 must not have does not reach the next reply.
    assert http.send_request("GET", "x/") == APP


def test_json_may_begin_with_a_byte_order_mark(raw):
    raw.answer(reply(200, body=b"\xef\xbb\xbf[1]"))
    assert http.send_request("GET", "x/") == [1]


@pytest.mark.parametrize("body", [b"<html>", b"{", b"\xff", b'{"a": NaN}', b"[Infinity]", b"1 2"])
def test_what_is_no_json_is_an_error_with_the_whole_body(raw, body):
    raw.answer(reply(200, body=body))
    with pytest.raises(tutum.TutumApiError) as caught:
        http.send_request("GET", "x/")
    assert str("JSON Parse Error (GET %sx/). Response: ") % raw.base_url in str(caught.value)
    assert caught.value.status_code == 200
    assert caught.value.body == body.decode("latin-1")


def test_connections_are_kept(raw):
    raw.answer(reply(200, APP))
    for _ in range(5):
        tutum.Application.fetch(UUID)
    assert raw.connections == 1


@pytest.mark.parametrize("status", [100, 101, 102, 103, 199])
def test_what_precedes_a_reply_is_not_taken_for_it(raw, status):
    interim = "HTTP/1.1 %d Wait\r\nLink: </x>\r\nContent-Length: 9\r\n\r\n" % status
    raw.answer([interim.encode("ascii") * 2, lambda: time.sleep(0.05), reply(200, ["first"])],
               reply(200, ["second"]))
    assert http.send_request("GET", "x/") == ["first"]
    assert http.send_request("GET", "x/") == ["second"]
    assert raw.connections == 1


def test_a_late_reply_does_not_answer_the_next_request(raw):
    late = threading.Event()
    raw.answer([late.wait, reply(200, ["first"])], reply(200, ["second"]))
    with pytest.raises(tutum.TutumTimeoutError):
        http.send_request("GET", "x/", timeout=0.1)
    late.set()
    assert http.send_request("GET", "x/") == ["second"]


@pytest.mark.parametrize("surplus", [b"x" * 99, reply(200, ["surplus"])])
def test_bytes_behind_a_reply_do_not_answer_the_next_request(raw, surplus):
    raw.answer(reply(200, ["first"]) + surplus, reply(200, ["second"]))
    assert http.send_request("GET", "x/") == ["first"]
    assert http.send_request("GET", "x/") == ["second"]


def test_each_thread_has_a_connection_of_its_own(raw):
    raw.answer(reply(200, APP))

    def fetch():
        for _ in range(20):
            tutum.Application.fetch(UUID)
    threads = [threading.Thread(target=fetch) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert raw.connections == 8 and len(raw.requests) == 160


def test_a_thread_that_ends_closes_its_connection(raw):
    raw.answer(reply(200, APP))
    lines = []

    def fetch():
        tutum.Application.fetch(UUID)
        lines.append(weakref.ref(http._local.lines))
    thread = threading.Thread(target=fetch)
    thread.start()
    thread.join()
    del thread
    gc.collect()
    # On Python 2 a thread lets go of what is its own when it has been joined already.
    until(lambda: lines[0]() is None)
    until(lambda: not raw._open)


def test_a_fork_has_a_connection_of_its_own(raw):
    raw.answer(reply(200, APP))
    tutum.Application.fetch(UUID)
    child = os.fork()
    if not child:
        try:
            tutum.Application.fetch(UUID)
        finally:
            os._exit(0)
    os.waitpid(child, 0)
    tutum.Application.fetch(UUID)
    assert [request.connection for request in raw.requests] == [1, 2, 1]


def test_close_closes_the_callers_connections(raw):
    raw.answer(reply(200, APP))
    tutum.Application.fetch(UUID)
    http.close()
    http.close()
    until(lambda: not raw._open)
    tutum.Application.fetch(UUID)
    assert raw.connections == 2


def test_a_service_that_was_restarted_is_found_again(raw, pauses):
    raw.answer(reply(200, APP))
    app = tutum.Application.fetch(UUID)
    raw.hang_up()
    until(lambda: not raw._open)
    assert app.refresh() is True
    raw.hang_up()
    until(lambda: not raw._open)
    assert app.stop() is True
    assert raw.count("POST") == 1


def test_a_lost_read_is_sent_again_with_growing_pauses(raw, pauses):
    raw.answer(RESET, CLOSE, reply(200, APP))
    assert http.send_request("GET", "x/") == APP
    assert len(pauses) == 2 and 0 < pauses[0] <= 0.1 < pauses[1] <= 0.2 or pauses[1] >= 0.1


@pytest.mark.parametrize("retries, sent", [(0, 1), (None, 1), (-1, 1), (4, 5), ("4", 5)])
def test_retries_can_be_set(raw, pauses, retries, sent):
    raw.answer(RESET)
    tutum.retries = retries
    with pytest.raises(tutum.TutumConnectionError):
        http.send_request("GET", "x/")
    assert raw.count("GET") == sent and len(pauses) == sent - 1


@pytest.mark.parametrize("method", ["POST", "PATCH", "DELETE"])
def test_a_lost_write_is_not_sent_again(raw, pauses, method):
    raw.answer(RESET)
    with pytest.raises(tutum.TutumConnectionError) as caught:
        http.send_request(method, "x/")
    assert raw.count(method) == 1 and not pauses
    assert "may have been carried out" in str(caught.value)


def test_a_write_that_never_left_is_tried_again(raw, pauses, monkeypatch):
    port = raw.port
    raw.close()
    with pytest.raises(tutum.TutumConnectionError) as caught:
        http.send_request("POST", "x/")
    assert len(pauses) == tutum.retries
    assert "refused" in str(caught.value)
    assert "may have been carried out" not in str(caught.value)
    assert str(port) in caught.value.url


def test_a_busy_service_says_when_to_come_back(raw, pauses):
    raw.answer(reply(503, headers={"Retry-After": "7"}), reply(429), reply(200, APP))
    assert http.send_request("GET", "x/") == APP
    assert pauses[0] == 7 and pauses[1] < 1


def test_a_long_pause_is_reported_and_not_waited_for(raw, pauses):
    raw.answer(reply(503, headers={"Retry-After": "61"}))
    with pytest.raises(tutum.TutumServerError) as caught:
        http.send_request("GET", "x/")
    assert caught.value.retry_after == 61 and "61 seconds" in str(caught.value)
    assert not pauses


def test_a_redirect_is_followed_for_reads_to_the_same_place(raw):
    raw.answer(reply(301, headers={"Location": "/moved/?a=1"}),
               reply(307, headers={"Location": raw.base_url + "x/"}), reply(200, APP))
    assert http.send_request("GET", "x/") == APP
    assert [request.target for request in raw.requests] == [
        "/api/v1/x/", "/moved/?a=1", "/api/v1/x/"]
    assert all("authorization" in request.headers for request in raw.requests)


def test_a_redirect_elsewhere_is_an_error_that_names_the_place(raw):
    raw.answer(reply(302, headers={"Location": "https://other.example.net/x/"}))
    with pytest.raises(tutum.TutumApiError) as caught:
        http.send_request("GET", "x/")
    assert "https://other.example.net/x/" in str(caught.value)
    assert "tutum.base_url" in str(caught.value) and caught.value.status_code == 302


def test_a_write_is_not_redirected(raw):
    raw.answer(reply(307, headers={"Location": "/moved/"}))
    with pytest.raises(tutum.TutumApiError) as caught:
        http.send_request("POST", "x/")
    assert len(raw.requests) == 1 and "/moved/" in str(caught.value)


@pytest.mark.parametrize("status", [300, 304, 305, 306])
def test_a_status_that_is_no_redirect_is_not_followed(raw, status):
    raw.answer(reply(status, headers={"Location": "/moved/"}))
    with pytest.raises(tutum.TutumApiError):
        http.send_request("GET", "x/")
    assert len(raw.requests) == 1


def test_redirects_end(raw):
    raw.answer(reply(302, headers={"Location": "/x/"}))
    with pytest.raises(tutum.TutumApiError):
        http.send_request("GET", "x/")
    assert len(raw.requests) == http.LONGEST_CHAIN + 1


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
                                     float("nan")])
def test_a_timeout_that_is_none_is_refused(raw, timeout):
    with pytest.raises(ValueError) as caught:
        http.send_request("GET", "x/", timeout=timeout)
    assert repr(timeout) in str(caught.value)
    assert raw.connections == 0


def test_a_reply_may_not_be_larger_than_allowed(raw):
    tutum.max_reply_size = 100
    chunked = (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
               + b"32\r\n" + b" " * 50 + b"\r\n" + b"33\r\n" + b" " * 51 + b"\r\n0\r\n\r\n")
    endless = [b"HTTP/1.1 200 OK\r\n\r\n" + b" " * 101, CLOSE]
    for answer in (reply(200, body=b" " * 101), chunked, endless):
        raw.answer(answer)
        with pytest.raises(tutum.TutumApiError) as caught:
            http.send_request("GET", "x/")
        assert "tutum.max_reply_size" in str(caught.value)
    raw.answer(reply(200, body=b"[" + b" " * 98 + b"]"))
    assert http.send_request("GET", "x/") == []


def test_the_key_is_not_read_from_netrc(raw, tmpdir, monkeypatch):
    path = tmpdir.join("netrc")
    path.write("machine 127.0.0.1 login eve password secret\n")
    monkeypatch.setenv(str("NETRC"), str(path))
    raw.answer(reply(200))
    http.send_request("GET", "x/")
    assert raw.last.headers["authorization"] == "ApiKey ann:0123456789abcdef"


def test_a_proxy_elsewhere_does_not_see_what_is_for_loopback(raw, monkeypatch):
    monkeypatch.setenv(str("http_proxy"), str("http://192.0.2.1:3128"))
    raw.answer(reply(200, APP))
    assert http.send_request("GET", "x/") == APP


def test_a_proxy_on_this_machine_is_used(raw, monkeypatch):
    monkeypatch.setenv(str("http_proxy"), str("http://127.0.0.1:%d" % raw.port))
    raw.answer(reply(200, APP))
    tutum.base_url = "http://127.0.0.1:9/api/v1/"
    assert http.send_request("GET", "x/") == APP
    assert raw.last.target == "http://127.0.0.1:9/api/v1/x/"


def test_no_proxy_is_respected(raw, monkeypatch):
    monkeypatch.setenv(str("http_proxy"), str("http://127.0.0.1:9"))
    monkeypatch.setenv(str("no_proxy"), str("127.0.0.1"))
    raw.answer(reply(200, APP))
    assert http.send_request("GET", "x/") == APP


def test_the_environment_is_worked_out_once(raw, monkeypatch):
    calls = []
    monkeypatch.setattr(requests.Session, "merge_environment_settings",
                        lambda *_: calls.append(1) or {"proxies": {}, "stream": True,
                                                       "verify": True, "cert": None})
    raw.answer(reply(200, APP))
    for _ in range(5):
        http.send_request("GET", "x/")
    assert len(calls) == 1


def test_an_address_that_changes_is_followed(raw):
    raw.answer(reply(200, APP))
    http.send_request("GET", "x/")
    tutum.base_url = raw.base_url.replace("127.0.0.1", "localhost")
    http.send_request("GET", "x/")
    tutum.base_url = raw.base_url.replace("/api/v1/", "/prefix")
    http.send_request("GET", "x/")
    assert [request.path for request in raw.requests] == [
        "/api/v1/x/", "/api/v1/x/", "/prefix/x/"]
    assert raw.requests[1].headers["host"] == "localhost:%d" % raw.port


def test_an_error_holds_no_key_and_no_request(raw):
    import pickle
    import traceback
    for answer in (RESET, reply(400, body=b"you sent ApiKey ann:0123456789abcdef"),
                   reply(200, body=b"0123456789abcdef"),
                   reply(302, headers={"Location": "http://x/?0123456789abcdef"})):
        raw.answer(answer)
        tutum.retries = 0
        with pytest.raises(tutum.TutumApiError) as caught:
            http.send_request("POST", "x/")
        error = caught.value
        assert getattr(error, "__cause__", None) is None
        assert getattr(error, "__context__", None) is None
        texts = [str(error), repr(error), repr(vars(error)), repr(pickle.dumps(error, 0)),
                 "".join(traceback.format_exception_only(type(error), error))]
        assert not [text for text in texts if "0123456789abcdef" in text]


def test_a_call_that_is_interrupted_leaves_no_half_read_reply(raw, monkeypatch):
    raw.answer(reply(200, {"uuid": "first"}), reply(200, {"uuid": "second"}))

    def interrupt(*_):
        raise KeyboardInterrupt
    with monkeypatch.context() as patch:
        patch.setattr(http.body, "read", interrupt)
        with pytest.raises(KeyboardInterrupt):
            http.send_request("GET", "x/")
    assert http.send_request("GET", "x/") == {"uuid": "second"}


def test_pauses_are_never_negative(raw, pauses, monkeypatch):
    monkeypatch.setattr(retry.random, "uniform", lambda low, high: low)
    raw.answer(reply(503, headers={"Retry-After": "Fri, 09 May 2014 08:03:07 GMT"}),
               reply(503, headers={"Retry-After": "-5"}), reply(200, APP))
    assert http.send_request("GET", "x/") == APP
    assert all(pause > 0 for pause in pauses)
