"""What is sent again, and where redirects are followed."""
from __future__ import unicode_literals

import errno
import logging

import pytest

import tutum
from rawservice import CLOSE, RESET, SILENCE, reply
from tutum.api import bounded, http, retry

UUID = "fee900c6-97da-46b3-a21c-e2b50ed07015"
APP = {"uuid": UUID, "name": "web", "state": "Running"}


def test_a_lost_read_is_sent_again_with_growing_pauses(raw, pauses):
    raw.answer(RESET, CLOSE, reply(200, APP))
    assert http.send_request("GET", "x/") == APP
    first, second = pauses
    assert 0.05 <= first <= 0.1 <= second <= 0.2


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


def test_a_lost_write_is_not_sent_again_when_a_handler_of_logs_sends_requests(raw, pauses):
    class Asking(logging.Handler):
        def emit(self, record):
            tutum.logger.removeHandler(self)
            tutum.base_url = "http://127.0.0.1:1/"
            with pytest.raises(tutum.TutumConnectionError):
                http.send_request("GET", "x/")
            tutum.base_url = raw.base_url

    raw.answer(RESET)
    handler = Asking()
    tutum.logger.addHandler(handler)
    tutum.logger.setLevel(logging.INFO)
    try:
        with pytest.raises(tutum.TutumConnectionError):
            http.send_request("POST", "x/", data={})
    finally:
        tutum.logger.removeHandler(handler)
        tutum.logger.setLevel(logging.NOTSET)
    assert raw.count("POST") == 1


@pytest.mark.parametrize("method, unsure", [("GET", False), ("POST", True), ("DELETE", True)])
def test_a_time_out_is_not_tried_again_and_says_what_may_have_happened(raw, pauses, method, unsure):
    raw.answer(SILENCE)
    with pytest.raises(tutum.TutumTimeoutError) as caught:
        http.send_request(method, "x/", timeout=0.1)
    assert ("may have been carried out" in str(caught.value)) is unsure
    assert raw.count(method) == 1 and not pauses


def test_a_write_is_not_sent_again_when_a_signal_raises_while_it_goes_out(raw, pauses, monkeypatch):
    call = bounded.Attempt.call

    def interrupted(attempt, sock, function, argument):
        result = call(attempt, sock, function, argument)
        if raw.count("POST") < 2 and isinstance(argument, (bytes, str)):
            raise EnvironmentError(errno.EINTR, "time is up")
        return result
    monkeypatch.setattr(bounded.Attempt, "call", interrupted)
    with pytest.raises(tutum.TutumConnectionError) as caught:
        http.send_request("POST", "x/", data={})
    assert "may have been carried out" in str(caught.value)
    assert raw.count("POST") <= 1 and not pauses


def test_a_write_that_breaks_off_half_way_is_not_sent_again(raw, pauses, monkeypatch):
    call = bounded.Attempt.call

    def broken(attempt, sock, function, argument):
        if isinstance(argument, bytes) and argument.startswith(b"{"):
            raise EnvironmentError(errno.ENOTCONN, "Not connected")
        return call(attempt, sock, function, argument)
    monkeypatch.setattr(bounded.Attempt, "call", broken)
    raw.answer(RESET)
    with pytest.raises(tutum.TutumConnectionError) as caught:
        http.send_request("POST", "x/", data={"a": "b" * 100000})
    assert "may have been carried out" in str(caught.value) and not pauses


def test_what_the_system_calls_a_time_out_is_a_lost_connection(raw, pauses, monkeypatch):
    call = bounded.Attempt.call

    def fail(argument):
        raise EnvironmentError(errno.ETIMEDOUT, "Connection timed out")
    monkeypatch.setattr(bounded.Attempt, "call", lambda attempt, sock, function, argument: call(
        attempt, sock, function if isinstance(argument, bytes) else fail, argument))
    tutum.timeout = None
    with pytest.raises(tutum.TutumConnectionError) as caught:
        http.send_request("POST", "x/", data={})
    assert "timed out" in str(caught.value) and "may have been carried out" in str(caught.value)


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
    assert len(raw.requests) == 6


def test_pauses_are_never_negative(raw, pauses, monkeypatch):
    monkeypatch.setattr(retry.random, "uniform", lambda low, high: low)
    raw.answer(reply(503, headers={"Retry-After": "Fri, 09 May 2014 08:03:07 GMT"}),
               reply(503, headers={"Retry-After": "-5"}), reply(200, APP))
    assert http.send_request("GET", "x/") == APP
    assert all(pause > 0 for pause in pauses)
