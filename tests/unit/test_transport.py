# -*- coding: utf-8 -*-
"""Requests and replies on the wire."""
from __future__ import unicode_literals

import json
import sys
import time
import zlib

import pytest
import requests

import tutum
from rawservice import CLOSE, RESET, reply
from tutum.api import http

UUID = "fee900c6-97da-46b3-a21c-e2b50ed07015"
APP = {"uuid": UUID, "name": "web", "state": "Running"}


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


@pytest.mark.parametrize("name", ["Accept", "accept", "ACCEPT"])
def test_a_header_that_is_there_already_is_replaced(raw, name):
    raw.answer(reply(200))
    http.send_request("GET", "x/", headers={name: "text/plain"})
    assert raw.last.headers["accept"] == "text/plain"
    assert raw.last.names.count("accept") == 1


def test_a_read_may_have_a_body_and_says_how_long_it_is(raw):
    raw.answer(reply(200))
    http.send_request("GET", "x/", data={"a": 1})
    assert raw.last.headers["content-length"] == "7"
    assert "transfer-encoding" not in raw.last.headers


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


@pytest.mark.skipif(sys.version_info[0] < 3, reason="there nothing tells how much memory is used")
def test_a_compressed_reply_is_given_no_more_memory_than_allowed():
    import tracemalloc
    data = zlib.compress(b" " * 50000000)
    tracemalloc.start()
    try:
        with pytest.raises(http.body.Unreadable):
            http.body.inflate(data, "deflate", 1000)
        assert tracemalloc.get_traced_memory()[1] < 1000000
    finally:
        tracemalloc.stop()


def test_a_reply_may_have_any_size_where_there_is_no_bound(raw):
    tutum.max_reply_size = None
    raw.answer(reply(200, body=b"[" + b" " * 100000 + b"]"))
    assert http.send_request("GET", "x/") == []


@pytest.mark.parametrize("size", ["64", -1, 1.5, True])
def test_a_bound_that_is_no_number_is_told_before_anything_is_sent(raw, size):
    tutum.max_reply_size = size
    with pytest.raises(ValueError) as caught:
        http.send_request("POST", "x/")
    assert "tutum.max_reply_size" in str(caught.value) and not raw.requests


@pytest.mark.parametrize("status, error", [
    (200, tutum.TutumApiError), (401, tutum.TutumAuthError), (404, tutum.TutumNotFoundError),
    (503, tutum.TutumServerError)])
def test_a_reply_that_cannot_be_read_still_has_a_status(raw, status, error):
    raw.answer(reply(status, body=b"rubbish", headers={"Content-Encoding": "gzip"}))
    with pytest.raises(tutum.TutumApiError) as caught:
        http.send_request("GET", "x/")
    assert type(caught.value) is error and caught.value.status_code == status
    assert "compression is broken" in str(caught.value)


def test_a_body_that_is_nested_without_end_is_an_error(raw):
    deep = []
    for _ in range(100000):
        deep = [deep]
    with pytest.raises(tutum.TutumApiError) as caught:
        http.send_request("POST", "x/", data=deep)
    assert "nested" in str(caught.value) and not raw.requests


def test_a_key_that_a_reply_spells_in_another_way_is_masked(raw):
    tutum.apikey = "0123/abc\u00e9\U0001f511"
    plain = "you sent " + tutum.apikey
    for text in (json.dumps(plain), json.dumps(plain).replace("/", "\\/"),
                 json.dumps(plain).replace("abc", "\\u0061\\u0062\\u0063"),
                 json.dumps(plain).upper().replace("\\U", "\\u").replace("ABC", "abc")
                 .replace("YOU SENT", "you sent")):
        body = '{"error": %s}' % text
        raw.answer(reply(400, body=body.encode("ascii")))
        with pytest.raises(tutum.TutumBadRequestError) as caught:
            http.send_request("GET", "x/")
        assert "you sent ***" in str(caught.value)
        assert caught.value.body == '{"error": "you sent ***"}'


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


def test_a_status_line_of_any_length_is_told_in_short(raw):
    raw.answer(b"HTTP/1.1 " + b"x" * 60000 + b"\r\n\r\n")
    began = time.time()
    with pytest.raises(tutum.TutumConnectionError) as caught:
        http.send_request("GET", "x/")
    assert len(str(caught.value)) < 1000 and time.time() - began < 5


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
