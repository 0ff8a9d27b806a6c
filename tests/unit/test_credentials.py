# -*- coding: utf-8 -*-
"""The authorization header, and what keeps it out of texts."""
from __future__ import unicode_literals

import base64
import warnings

import pytest

import tutum
from rawservice import reply
from tutum.api import config, credentials, http


def test_the_header_follows_the_globals():
    tutum.user, tutum.apikey = "ann", "0123"
    assert tutum.auth.get_auth_header() == {"Authorization": "ApiKey ann:0123"}
    tutum.apikey = "4567"
    assert tutum.auth.get_auth_header() == {"Authorization": "ApiKey ann:4567"}
    assert type(tutum.auth.get_auth_header()["Authorization"]) is str


def test_a_name_beyond_ascii_is_sent_in_utf_8():
    tutum.user, tutum.apikey = "grün", "0123"
    assert credentials.authorization() == "ApiKey grün:0123".encode("utf-8")


def test_missing_credentials_name_the_three_ways(raw):
    for pair in ((None, "0123"), ("ann", None), ("", "")):
        tutum.user, tutum.apikey = pair
        with pytest.raises(tutum.TutumAuthError) as caught:
            tutum.Application.list()
        for way in ("tutum.user", "tutum.apikey", config.locate("~/.tutum"), "[auth]",
                    "TUTUM_USER", "TUTUM_APIKEY"):
            assert way in str(caught.value)
        assert caught.value.status_code is None
    assert raw.connections == 0


def test_logout_lasts(raw):
    tutum.auth.logout()
    assert not tutum.auth.is_authenticated()
    with pytest.raises(tutum.TutumAuthError):
        tutum.Application.list()


def test_missing_credentials_tell_what_is_wrong_with_the_file(monkeypatch):
    monkeypatch.setattr(config, "complaint", str("The file /x cannot be used: it is odd."))
    with pytest.raises(tutum.TutumAuthError) as caught:
        credentials.authorization()
    assert "The file /x cannot be used: it is odd." in str(caught.value)


def test_a_file_that_cannot_be_used_is_warned_of_once(monkeypatch):
    monkeypatch.setattr(config, "complaint", str("The file /x cannot be used: it is odd."))
    tutum.user, tutum.apikey = "ann", "0123 of its own"
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        credentials.authorization()
        tutum.apikey = "another of its own"
        credentials.authorization()
    assert [str(warning.message) for warning in caught] == [config.complaint]


@pytest.mark.parametrize("name", ["user", "apikey"])
@pytest.mark.parametrize("character", ["\n", "\r", "\x00", "\x7f", "\x85"])
def test_control_characters_are_refused(raw, name, character):
    setattr(tutum, name, "x" + character + "y: secret")
    with pytest.raises(tutum.TutumAuthError) as caught:
        tutum.Application.list()
    assert "tutum.%s holds a control character" % name in str(caught.value)
    assert "secret" not in str(caught.value)
    assert raw.connections == 0


@pytest.mark.parametrize("name", ["user", "apikey"])
@pytest.mark.parametrize("value", [7, b"\xff secret"])
def test_what_is_no_text_is_refused(raw, name, value):
    setattr(tutum, name, value)
    with pytest.raises(tutum.TutumAuthError) as caught:
        tutum.Application.list()
    assert "tutum.%s is no text" % name in str(caught.value) and "secret" not in str(caught.value)
    assert raw.connections == 0


def test_a_password_is_sent_as_basic_credentials():
    assert credentials.basic("ann", "pässword") == (
        "Basic " + base64.b64encode("ann:pässword".encode("utf-8")).decode("ascii"))
    assert type(credentials.basic("ann", "x")) is str


@pytest.mark.parametrize("pair", [("ann", b"\xff secret"), ("ann", 7), (b"\xff secret", "x"),
                                  ("ann", ["secret"])])
def test_what_is_no_password_is_refused_without_being_shown(raw, pair):
    with pytest.raises(tutum.TutumAuthError) as caught:
        tutum.auth.get_auth(*pair)
    error = caught.value
    assert "is no text" in str(error) and "secret" not in repr(error) + str(error)
    assert getattr(error, "__context__", None) is None and raw.connections == 0


@pytest.mark.parametrize("pair", [("", "x"), ("ann", ""), (None, None)])
def test_no_password_is_no_request(raw, pair):
    with pytest.raises(tutum.TutumAuthError):
        tutum.auth.get_auth(*pair)
    assert raw.connections == 0


def test_texts_are_cleaned_of_the_key():
    value = "ApiKey ann:0123456789"
    text = "Authorization: ApiKey ann:0123456789, key 0123456789, user ann"
    assert credentials.scrub(text, value) == "Authorization: ApiKey ***, key ***, user ann"


def test_texts_are_cleaned_of_the_password():
    value = credentials.basic("ann", "pässword")
    text = "%s is ann:pässword, and the word pässword" % value
    assert credentials.scrub(text, value) == "Basic *** is ***, and the word ***"


@pytest.mark.parametrize("value, cleaned", [
    ("ApiKey ann:0123456789\n", "b'ApiKey ***', key ***"), (b"ApiKey ann:0123456789", "b'ApiKey ***', key ***"),
    ("0123456789", "b'ApiKey ann:***', key ***"), ("Basic 0123456789", "b'ApiKey ann:***', key ***"),
    ("", "b'ApiKey ann:0123456789', key 0123456789"), (None, "b'ApiKey ann:0123456789', key 0123456789")])
def test_texts_are_cleaned_of_whatever_was_sent(value, cleaned):
    assert credentials.scrub("b'ApiKey ann:0123456789', key 0123456789", value) == cleaned


def test_a_header_of_the_callers_own_is_no_less_secret(raw, caplog):
    raw.answer(reply(400, {"error": "bad header ApiKey bob:9876543210"}))
    with caplog.at_level("DEBUG", "python-tutum"):
        for value in ("ApiKey bob:9876543210", "ApiKey bob:9876543210\n"):
            with pytest.raises(tutum.TutumApiError) as caught:
                http.send_request("GET", "x/", headers={"authorization": value})
            assert "9876543210" not in str(caught.value) + repr(caught.value.body)
    assert raw.last.headers["authorization"] == "ApiKey bob:9876543210"
    assert caplog.records and "9876543210" not in caplog.text


def test_a_key_that_could_be_a_word_is_cleaned_as_a_pair_alone():
    assert credentials.scrub("key a:key", str("ApiKey a:key")) == "key ***"
