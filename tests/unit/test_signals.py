"""What a signal's handler does in the middle of a request: send others, or end it."""
from __future__ import unicode_literals

import errno
import functools
import os
import signal
import socket
import threading
import time

import pytest
import requests
import six

import tutum
from rawservice import RESET, SILENCE, reply
from tutum.api import http, replies


@pytest.fixture
def on_signal():
    """Set a signal's handler, and return what as a part of a reply has it called."""
    before = signal.getsignal(signal.SIGALRM)

    def signalled(handler):
        signal.signal(signal.SIGALRM, handler)
        return lambda: os.kill(os.getpid(), signal.SIGALRM)
    yield signalled
    signal.signal(signal.SIGALRM, before)


def test_a_lost_write_is_not_sent_again_when_a_handler_sends_requests(raw, pauses, on_signal):
    ended = threading.Event()

    def handler(*_):
        with pytest.raises(tutum.TutumApiError) as caught:
            http.send_request("GET", "x/", headers={"X": "a\n"})
        assert "cannot be sent" in str(caught.value)
        ended.set()

    raw.answer([on_signal(handler), lambda: ended.wait(10), RESET])
    with pytest.raises(tutum.TutumConnectionError):
        http.send_request("POST", "x/", data={})
    assert raw.count("POST") == 1


def test_a_request_goes_on_when_a_handler_sends_one_to_the_same_service(raw, on_signal):
    found, ended = [], threading.Event()

    def handler(*_):
        found.append(http.send_request("GET", "second/"))
        ended.set()

    raw.answer([on_signal(handler), lambda: ended.wait(10), reply(200, {"uuid": "first"})],
               reply(200, {"uuid": "second"}))
    assert http.send_request("GET", "first/") == {"uuid": "first"}
    assert found == [{"uuid": "second"}]
    raw.answer(reply(200, {"uuid": "third"}))
    http.send_request("GET", "x/")
    assert raw.connections == 2


class TimeLimit(Exception):
    """What a script raises from a handler to end a call."""


class Raising(object):
    """A handler that is no function."""

    def __init__(self, error):
        self._error = error

    def __call__(self, *_):
        raise self._error

    def handle(self, number, frame):
        raise self._error


def handle(error, *_):
    try:
        {}["remembered"]
    except KeyError:
        raise error


def once(error):
    """Return a handler that is none any more when it raises."""
    def handle(number, frame):
        signal.signal(number, signal.SIG_IGN)
        raise error
    return handle


#: What a handler may raise: an error of its own, or one such as the library meets itself.
ERRORS = [TimeLimit(), OSError("over"), OSError(errno.EINTR, "over"), OSError(errno.EAGAIN, "over"),
          ValueError("over"), KeyboardInterrupt(),
          tutum.TutumConnectionError("The handler's own call failed"),
          requests.ConnectionError("The handler's own request failed")]
if not six.PY2:
    # There urllib3 wraps them, and nothing tells any more where they came from.
    ERRORS.extend([socket.error(errno.EPIPE, "over"), socket.timeout("over")])


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("error", ERRORS, ids=repr)
def test_what_a_handler_raises_ends_the_call(raw, pauses, on_signal, method, error):
    raw.answer([on_signal(functools.partial(handle, error)), SILENCE])
    with pytest.raises(type(error)) as caught:
        http.send_request(method, "x/")
    assert caught.value is error
    assert raw.count(method) == 1 and not pauses
    raw.answer(reply(200, {"uuid": "second"}))
    assert http.send_request("GET", "x/") == {"uuid": "second"} and raw.connections == 2


@pytest.mark.parametrize("handler", [
    Raising, lambda error: Raising(error).handle, once,
    lambda error: functools.partial(handle, error)], ids=["object", "method", "once", "partial"])
def test_a_handler_may_be_anything_that_can_be_called(raw, on_signal, handler):
    error = OSError("over")
    raw.answer([on_signal(handler(error)), SILENCE])
    with pytest.raises(OSError) as caught:
        http.send_request("GET", "x/")
    assert caught.value is error


@pytest.mark.parametrize("error", [ValueError("over"), RuntimeError("over")], ids=repr)
def test_what_a_handler_raises_is_no_fault_of_the_replys(raw, on_signal, monkeypatch, error):
    part = on_signal(functools.partial(handle, error))

    class Decoder(object):
        def decode(self, text):
            part()
            time.sleep(10)
    monkeypatch.setattr(replies, "decoder", Decoder())
    raw.answer(reply(200, {}))
    with pytest.raises(type(error)) as caught:
        http.send_request("POST", "x/")
    assert caught.value is error


def test_what_a_handler_raised_before_has_nothing_to_do_with_a_lost_connection(raw, on_signal):
    part = on_signal(functools.partial(handle, OSError("over")))
    raw.answer(RESET)
    try:
        part()
        time.sleep(10)
    except OSError:
        with pytest.raises(tutum.TutumConnectionError):
            http.send_request("POST", "x/")
