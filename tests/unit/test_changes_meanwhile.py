"""Changes that another thread, or what interrupts this one, makes in the middle of a call."""
import pytest

import tutum
from rawservice import reply
from tutum.api import values

UUID = "fee900c6-97da-46b3-a21c-e2b50ed07015"
APP = {"uuid": UUID, "name": "web", "roles": [], "target_num_containers": 2}


@pytest.fixture
def app(raw):
    """An application as the service gives it."""
    raw.answer(reply(200, APP))
    return tutum.Application.fetch(UUID)


def while_answering(raw, function, **changes):
    """Have a function called while the service holds a request, as another thread would do."""
    def serve(request):
        function()
        return reply(202, dict(APP, **changes))
    raw.answer(serve)


def test_what_is_set_while_an_object_is_saved_stays_pending(raw, app):
    app.target_num_containers = 3
    while_answering(raw, lambda: setattr(app, "target_num_containers", 4), target_num_containers=3)
    assert app.save() and app.target_num_containers == 4 and app.is_dirty
    raw.answer(reply(202, dict(APP, target_num_containers=4)))
    assert app.save() and raw.last.json == {"target_num_containers": 4} and not app.is_dirty


def test_what_is_set_back_while_an_object_is_saved_is_a_change(raw, app):
    app.name = "shop"
    while_answering(raw, lambda: setattr(app, "name", "web"), name="shop")
    assert app.save() and app.name == "web" and app.is_dirty


def test_what_is_edited_while_an_object_is_saved_stays_pending(raw, app):
    app.roles.append("global")
    while_answering(raw, lambda: app.roles.append("more"), roles=["global"])
    assert app.save() and app.roles == ["global", "more"] and app.is_dirty


def test_what_is_set_while_a_new_object_is_saved_stays_pending(raw):
    new = tutum.Application.create(image="x", name="web")
    while_answering(raw, lambda: setattr(new, "name", "shop"))
    assert new.save() and new.name == "shop" and new.is_dirty


def test_what_is_set_while_an_object_is_refreshed_by_force_stays_pending(raw, app):
    app.name = "shop"
    while_answering(raw, lambda: setattr(app, "name", "late"))
    assert app.refresh(force=True) and app.name == "late" and app.is_dirty


def interrupted(monkeypatch, function):
    """Have a function called once while a value is copied, as another thread would do."""
    copied, calls = values.copied, [function]

    def copy(value):
        result = copied(value)
        if calls:
            calls.pop()()
        return result
    monkeypatch.setattr(values, "copied", copy)


def test_what_is_set_while_a_value_is_handed_out_is_not_lost(raw, app, monkeypatch):
    interrupted(monkeypatch, lambda: setattr(app, "roles", ["global"]))
    assert app.roles == ["global"] and app.is_dirty


def test_what_is_loaded_while_a_value_is_handed_out_is_no_change(raw, app, monkeypatch):
    raw.answer(reply(200, dict(APP, roles=["global"])))
    interrupted(monkeypatch, app.refresh)
    assert app.roles == ["global"] and not app.is_dirty


def test_what_is_set_while_a_reply_is_taken_over_stays_pending(raw, app, monkeypatch):
    app.target_num_containers = 3
    same, calls = values.same, []

    def compare(one, other):
        result = same(one, other)
        if raw.count("PATCH") and not calls:
            calls.append(setattr(app, "target_num_containers", 7))
        return result
    monkeypatch.setattr(values, "same", compare)
    raw.answer(reply(202, dict(APP, target_num_containers=5)))
    assert app.save() and app.target_num_containers == 7 and app.is_dirty
