"""Logging in and out."""
import base64

import pytest

import tutum
from rawservice import SILENCE, page, reply
from tutum.api import auth


def test_a_password_gives_user_and_key(raw):
    raw.answer(page([{"key": "4567", "username": "annabel"}]))
    assert auth.get_auth("ann@example.net", "secret") == ("annabel", "4567")
    assert auth.get_apikey("ann@example.net", "secret") == "4567"
    assert (raw.last.method, raw.last.target) == ("GET", "/api/v1/auth/")
    scheme, credential = raw.last.headers["authorization"].split(" ")
    assert (scheme, base64.b64decode(credential)) == ("Basic", b"ann@example.net:secret")


@pytest.mark.parametrize("ask", [auth.get_auth, auth.get_apikey, auth.authenticate])
def test_each_call_can_be_given_its_own_time(raw, ask):
    raw.answer(SILENCE)
    tutum.timeout = None
    with pytest.raises(tutum.TutumTimeoutError):
        ask("ann", "secret", timeout=0.1)


def test_a_service_that_names_no_user_means_the_one_who_asked(raw):
    raw.answer(page([{"key": "4567"}]))
    assert auth.get_auth("ann", "secret") == ("ann", "4567")


def test_authenticate_sets_the_globals(raw):
    auth.logout()
    assert not auth.is_authenticated()
    raw.answer(page([{"key": "4567", "username": "annabel"}]))
    assert auth.authenticate("ann", "secret") is None
    assert (tutum.user, tutum.apikey) == ("annabel", "4567") and auth.is_authenticated()


def test_no_key_changes_nothing(raw):
    raw.answer(page([]))
    assert auth.get_auth("ann", "secret") == (None, None)
    assert auth.get_apikey("ann", "secret") is None
    before = tutum.user, tutum.apikey
    auth.authenticate("ann", "secret")
    assert (tutum.user, tutum.apikey) == before


def test_a_refused_password_changes_nothing(raw):
    raw.answer(reply(401))
    before = tutum.user, tutum.apikey
    with pytest.raises(tutum.TutumAuthError):
        auth.authenticate("ann", "wrong")
    assert (tutum.user, tutum.apikey) == before


@pytest.mark.parametrize("odd", [None, [], 7, {}, {"objects": 7}, {"objects": [7]},
                                 {"objects": [{}]}, {"objects": {"a": 1}}, {"objects": ""},
                                 {"objects": [{"key": None}]}, {"objects": [{"key": {"a": 1}}]},
                                 {"objects": [{"key": "4567", "username": 7}]}])
def test_an_odd_answer_is_an_error(raw, odd):
    raw.answer(reply(200, odd))
    with pytest.raises(tutum.TutumApiError):
        auth.get_auth("ann", "secret")


def test_the_file_is_read_on_demand(tmpdir):
    path = tmpdir.join("account")
    path.write("[auth]\nuser = ann\napikey = 4567\n")
    assert auth.load_from_file(str(path)) == ("ann", "4567")
    assert auth.load_from_file(str(tmpdir.join("missing"))) == (None, None)
    assert auth.load_from_file() == (None, None)
