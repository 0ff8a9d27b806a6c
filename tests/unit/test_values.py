# -*- coding: utf-8 -*-
"""JSON values."""
from __future__ import unicode_literals

import sys

import pytest

import tutum
from rawservice import reply
from tutum.api import values

UUID = "fee900c6-97da-46b3-a21c-e2b50ed07015"


@pytest.mark.parametrize("one, other", [
    (1, 1), (1, 1.0), ("a", "a"), (None, None), (True, True), ([1, [2]], [1, [2]]),
    ((1, 2), [1, 2]), ({"a": {"b": [1]}}, {"a": {"b": [1]}}), ({}, {}), ([], ())])
def test_same_values(one, other):
    assert values.same(one, other) and values.same(other, one)


@pytest.mark.parametrize("one, other", [
    (1, 2), (1, True), (0, False), (1, "1"), (None, False), (None, 0), ([1], [True]),
    ([1], [1, 2]), ({"a": 1}, {"a": 1, "b": None}), ({"a": 1}, {"b": 1}), ({}, []), ("", None),
    ({"a": [{"b": 1}]}, {"a": [{"b": True}]}), ([1, 2], [2, 1])])
def test_different_values(one, other):
    assert not values.same(one, other) and not values.same(other, one)


def test_what_is_no_number_is_itself():
    odd = float("nan")
    assert values.same([odd], [odd])


@pytest.mark.skipif(sys.version_info[0] > 2, reason="there bytes are no text")
def test_bytes_are_text_where_they_are_str():
    assert values.same("grün".encode("utf-8"), "grün")
    assert values.same("grün", "grün".encode("utf-8"))
    assert not values.same(b"\xff", "grün")


def test_a_copy_shares_nothing_that_can_be_edited():
    value = {"a": [{"b": [1]}], "c": (1, [2])}
    twin = values.copied(value)
    assert twin == {"a": [{"b": [1]}], "c": [1, [2]]}
    twin["a"][0]["b"].append(2)
    twin["c"][1].append(3)
    assert value == {"a": [{"b": [1]}], "c": (1, [2])}


def test_nesting_without_end_is_an_error():
    value = []
    value.append(value)
    with pytest.raises(tutum.TutumApiError):
        values.copied(value)


@pytest.mark.parametrize("depth", [1, 10, 200])
def test_a_value_may_be_nested(raw, depth):
    body = '{"uuid": "%s", "x": %s}' % (UUID, "[" * depth + "]" * depth)
    raw.answer(reply(200, body=body.encode("ascii")))
    app = tutum.Application.fetch(UUID)
    app.x.append("more")
    assert app.is_dirty and app.save()
    assert raw.last.json["x"][-1] == "more"


def test_a_value_nested_without_end_is_an_error(raw):
    raw.answer(reply(200, {"uuid": UUID, "roles": []}))
    app = tutum.Application.fetch(UUID)
    app.roles = deep = []
    for _ in range(5000):
        deep.append([])
        deep = deep[0]
    app._reply = dict(app._reply, roles=copied_by_hand(app.roles))
    for ask in (lambda: app.is_dirty, app.save, app.stop, app.get_all_attributes):
        with pytest.raises(tutum.TutumApiError) as caught:
            ask()
        assert "nested" in str(caught.value)
    assert raw.count("POST") <= 1


def copied_by_hand(value):
    """Return a copy of lists that hold one list each."""
    copied = inner = []
    while value:
        value = value[0]
        inner.append([])
        inner = inner[0]
    return copied
