"""Addresses, primary keys and queries."""
import uuid

import pytest

import tutum
from tutum.api import urls


@pytest.mark.parametrize("address", [
    "http://127.0.0.1:8886/api/v1", "http://127.0.0.1:8886/api/v1/",
    " http://127.0.0.1:8886/api/v1// ", b"http://127.0.0.1:8886/api/v1"])
def test_the_address_may_end_in_a_slash_or_not(address):
    assert urls.base(address).url == "http://127.0.0.1:8886/api/v1/"


@pytest.mark.parametrize("address, origin", [
    ("https://Tutum.Example.net/api/v1/", "https://tutum.example.net:443"),
    ("https://tutum.example.net", "https://tutum.example.net:443"),
    ("http://[::1]:8886/x/", "http://[::1]:8886"),
])
def test_the_origin_is_scheme_host_and_port(address, origin):
    assert urls.base(address).origin == origin


@pytest.mark.parametrize("address", [
    None, "", "127.0.0.1:8886", "ftp://127.0.0.1/", "http://", "http:///x", "http://h/?x=1",
    "http://h/#x", "http://h:port/", "http://[::1/", 7])
def test_what_is_no_address_is_refused(address):
    tutum.base_url = address
    tutum.user, tutum.apikey = "ann", "0123"
    with pytest.raises(tutum.TutumApiError) as caught:
        tutum.Application.list()
    assert "tutum.base_url must be like" in str(caught.value)


def test_an_address_with_a_password_is_refused_without_showing_it():
    with pytest.raises(tutum.TutumApiError) as caught:
        urls.base("https://ann:secret@tutum.example.net/api/v1/")
    assert "tutum.user" in str(caught.value) and "secret" not in str(caught.value)


@pytest.mark.parametrize("address", [
    "http://ann:secret@host:80a/", "http://ann:secret@host:99999/", "http://ann:secret@[::1/",
    "ann:secret@host/", "ftp://ann:secret@host/", "http://ann:sec/secret@host/",
    "http://ann:se cret secret@host:80a/"])
def test_an_address_that_is_none_is_shown_without_a_password(address):
    with pytest.raises(tutum.TutumApiError) as caught:
        urls.base(address)
    assert "tutum.base_url" in str(caught.value) and "secret" not in str(caught.value)


@pytest.mark.parametrize("address", [
    "http://tutum.example.net/", "http://127.0.0.1.example.net/", "http://10.0.0.1/",
    "http://localhost.example.net/", "http://[::2]/", "http://128.0.0.1/"])
def test_the_key_is_not_sent_in_the_clear_to_another_machine(monkeypatch, address):
    tutum.user, tutum.apikey, tutum.base_url = "ann", "0123", address
    for call in (tutum.Application.list, lambda: tutum.auth.get_auth("ann", "secret")):
        with pytest.raises(tutum.TutumAuthError) as caught:
            call()
        assert "TUTUM_ALLOW_HTTP=1" in str(caught.value)
    for value in ("", "0", "no", "true"):
        monkeypatch.setenv("TUTUM_ALLOW_HTTP", value)
        with pytest.raises(tutum.TutumAuthError):
            urls.base(address)
    monkeypatch.setenv("TUTUM_ALLOW_HTTP", "1")
    assert urls.base(address).url == address


@pytest.mark.parametrize("address", [
    "http://127.0.0.1/", "http://127.9.9.9:1/", "http://localhost/", "http://[::1]/",
    "https://tutum.example.net/"])
def test_the_key_may_go_to_loopback_and_by_https(address):
    assert urls.base(address).url == address


@pytest.mark.parametrize("pk, quoted", [
    ("fee900c6-97da-46b3-a21c-e2b50ed07015", "fee900c6-97da-46b3-a21c-e2b50ed07015"),
    (uuid.UUID("fee900c6-97da-46b3-a21c-e2b50ed07015"), "fee900c6-97da-46b3-a21c-e2b50ed07015"),
    (7, "7"), ("a b", "a%20b"), ("a?b#c", "a%3Fb%23c"), ("%2e", "%252e"), (u"\u00e9", "%C3%A9"),
    (u"\u00e9".encode("utf-8"), "%C3%A9"), ("\n", "%0A"), ("...", "..."), (" ", "%20")])
def test_a_key_is_quoted_into_the_path(pk, quoted):
    assert urls.quote_pk(pk) == quoted


@pytest.mark.parametrize("pk", ["", None, ".", "..", "/", "a/b", "../x", "a/", "/a", b"..", b"\xff"])
def test_a_key_that_can_be_none_is_refused(pk):
    with pytest.raises(tutum.TutumApiError):
        urls.quote_pk(pk)


def test_keys_that_have_slashes_keep_them():
    assert urls.quote_pk("quay.io/acme/shop", "/") == "quay.io/acme/shop"
    for pk in ("a//b", "/a", "a/", "a/../b", "./a", ""):
        with pytest.raises(tutum.TutumApiError):
            urls.quote_pk(pk, "/")


@pytest.mark.parametrize("params, query", [
    ({"name": "a b"}, "name=a+b"), ({"name": None}, ""), ({"limit": 0}, "limit=0"),
    ({"starred": True}, "starred=True"), ({"name": u"\u00e9&="}, "name=%C3%A9%26%3D"),
    ({"state__in": ["a", "b"]}, "state__in=a&state__in=b"), ({"b": 1, "a": ""}, "a=&b=1")])
def test_filters_become_a_query(params, query):
    assert urls.query(params) == query


@pytest.mark.parametrize("path, url", [
    ("application/", "application/"), ("/application/", "application/"), ("a b/", "a%20b/"),
    (u"\u00e9?x=\u00e9", "%C3%A9?x=%C3%A9"), ("a\r\nb", "a%0D%0Ab")])
def test_a_path_stays_below_the_address(path, url):
    base = urls.base("http://127.0.0.1/api/v1/")
    assert urls.below(base, path) == base.url + url


def test_parameters_join_those_of_the_path():
    base = urls.base("http://127.0.0.1/")
    assert urls.below(base, "x/", {"a": 1}) == "http://127.0.0.1/x/?a=1"
    assert urls.below(base, "x/?b=2", {"a": 1}) == "http://127.0.0.1/x/?b=2&a=1"


@pytest.mark.parametrize("location, onward", [
    ("/new/", "http://127.0.0.1:81/new/"), ("y/?a=1", "http://127.0.0.1:81/x/y/?a=1"),
    ("http://127.0.0.1:81/\xe9", "http://127.0.0.1:81/%E9"),
    ("http://127.0.0.1:81", "http://127.0.0.1:81/"),
    ("//127.0.0.1:81/z", "http://127.0.0.1:81/z"), ("https://127.0.0.1:81/", None),
    ("http://127.0.0.1/", None), ("http://127.0.0.2:81/", None),
    ("http://a@127.0.0.1:81/", None), ("http://[::1", None), ("", None), (None, None),
    ("mailto:x", None)])
def test_a_redirect_is_followed_to_the_same_place_alone(location, onward):
    base = urls.base("http://127.0.0.1:81/x/")
    assert urls.redirect(base, "http://127.0.0.1:81/x/", location) == onward


@pytest.mark.parametrize("address, here", [
    ("http://127.0.0.1:3128", True), ("localhost:3128", True), ("http://[::1]:3128", True),
    ("http://proxy.example.net:3128", False), ("127.0.0.1.example.net", False), ("http://[::1", False),
    ("", False)])
def test_loopback_is_told_from_other_machines(address, here):
    assert urls.is_loopback(address) is here
