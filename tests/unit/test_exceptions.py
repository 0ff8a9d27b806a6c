# -*- coding: utf-8 -*-
"""Errors: what they carry, and that they never fail themselves."""
from __future__ import unicode_literals

import copy
import pickle
import sys

import pytest

import tutum
from tutum.api import exceptions, replies

CLASSES = [value for value in vars(exceptions).values()
           if isinstance(value, type) and issubclass(value, Exception)]

TEXTS = ["", "plain", "gr\u00fcn", "gr\u00fcn".encode("utf-8"), b"\xff\xfe", "\ud800", "\U0001f433",
         "a\r\nb\x1b[31m\x00", None, 7, ValueError("odd"), object()]


@pytest.mark.parametrize("cls", CLASSES)
@pytest.mark.parametrize("text", TEXTS, ids=repr)
def test_an_error_prints_pickles_and_copies(cls, text):
    error = cls(text)
    error.status_code, error.method, error.url, error.body = 400, "GET", "http://x/", "\ud800\xff"
    copies = [copy.copy(error), copy.deepcopy(error)]
    copies += [pickle.loads(pickle.dumps(error, protocol))
               for protocol in range(pickle.HIGHEST_PROTOCOL + 1)]
    for twin in copies:
        assert type(twin) is cls
        assert str(twin) == str(error) and repr(twin) == repr(error)
        assert vars(twin) == vars(error)
    assert type(str(error)) is str
    assert type("%s" % error) is type("")
    str(error).encode("utf-8") if sys.version_info[0] > 2 else str(error).decode("utf-8")


@pytest.mark.parametrize("cls", CLASSES)
def test_an_error_needs_no_arguments(cls):
    error = cls()
    assert str(error) == "" and "%s" % error == ""
    assert isinstance(error, tutum.TutumApiError)
    assert error.status_code is error.method is error.url is error.body is None
    assert error.retry_after is None


def test_the_classes_tell_apart_what_callers_tell_apart():
    assert set(CLASSES) == {
        tutum.TutumApiError, tutum.TutumAuthError, tutum.TutumNotFoundError,
        tutum.TutumBadRequestError, tutum.TutumServerError, tutum.TutumConnectionError,
        tutum.TutumTimeoutError, tutum.TutumWaitError}
    for cls in CLASSES:
        assert cls.__mro__[1] in (tutum.TutumApiError, Exception)


def test_a_text_is_one_line_without_control_characters():
    assert str(tutum.TutumApiError("a\r\n b\x1b[31m\x00")) == "a b [31m"


def test_an_error_of_waiting_keeps_the_state_through_pickle():
    error = pickle.loads(pickle.dumps(tutum.TutumWaitError("late", state="Starting")))
    assert (str(error), error.state) == ("late", "Starting")


@pytest.mark.parametrize("status, cls", [
    (400, tutum.TutumBadRequestError), (401, tutum.TutumAuthError), (404, tutum.TutumNotFoundError),
    (500, tutum.TutumServerError), (503, tutum.TutumServerError), (405, tutum.TutumApiError),
    (415, tutum.TutumApiError), (429, tutum.TutumApiError), (304, tutum.TutumApiError)])
def test_a_status_becomes_an_error(status, cls):
    error = replies.error("GET", "http://x/", status, '{"error": "no"}')
    assert type(error) is cls
    assert (error.status_code, error.method, error.url) == (status, "GET", "http://x/")
    assert error.body == '{"error": "no"}'
    assert "Status %d (GET http://x/). Response: no" % status in str(error)


@pytest.mark.parametrize("body, words", [
    ('{"error": "Cannot stop"}', "Cannot stop"),
    ('{"error_message": "Sorry"}', "Sorry"),
    ('{"application": {"image": ["This is needed."], "name": ["a", "b"]}}',
     "image: This is needed.; name: a b"),
    ("<h1>Bad gateway</h1>", "<h1>Bad gateway</h1>"),
    ("", "(empty)"), ("{}", "{}"), ("[1]", "[1]"), ('"x"', '"x"'), ("7", "7"), ("null", "null"),
    ('{"error": ""}', "(empty)"), ('{"error": {"a": 1}}', '{"error": {"a": 1}}'),
    ('{"a": {"b": [1]}}', '{"a": {"b": [1]}}'), ("[" * 100000, "[" * 500 + "..."),
    ("x" * 501, "x" * 500 + "...")])
def test_an_error_says_the_services_own_words(body, words):
    error = replies.error("GET", "http://x/", 400, body)
    assert str(error) == "Status 400 (GET http://x/). Response: " + words
    assert error.body == body


def test_an_error_tells_how_long_the_service_asks_to_wait():
    error = replies.error("GET", "http://x/", 429, "", retry_after=120)
    assert error.retry_after == 120 and "wait 120 seconds" in str(error)
