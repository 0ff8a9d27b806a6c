# -*- coding: utf-8 -*-
"""Objects: their attributes, their changes, and what these send."""
from __future__ import unicode_literals

import copy
import json
import pickle
import re

import pytest
import six

import tutum
from rawservice import page, reply

UUID = "fee900c6-97da-46b3-a21c-e2b50ed07015"
OTHER = "9c0e4f7a-1b2c-4d3e-8f50-a1b2c3d4e5f6"
APP = {"uuid": UUID, "name": "web", "unique_name": "web-2", "state": "Running", "roles": [],
       "target_num_containers": 2, "sequential_deployment": False, "web_public_dns": "web.x",
       "container_ports": [{"inner_port": 80, "protocol": "tcp"}], "stopped_datetime": None}


@pytest.fixture
def app(raw):
    """An application as the service gives it."""
    raw.answer(reply(200, APP))
    return tutum.Application.fetch(UUID)


def answer(raw, **changes):
    raw.answer(reply(202, dict(APP, **changes)))


def test_attributes_are_those_of_the_json(app):
    assert app.name == "web" and app.target_num_containers == 2 and app.stopped_datetime is None
    assert app.container_ports == [{"inner_port": 80, "protocol": "tcp"}]
    assert app.pk == UUID and not app.is_dirty


def test_repr_is_as_the_page_shows(app):
    assert re.match(r"^<tutum\.api\.application\.Application object at 0x[0-9a-f]+>$", repr(app))
    assert re.match(r"^<tutum\.api\.container\.Container object at 0x[0-9a-f]+>$",
                    repr(tutum.Container.create()))


def test_str_says_name_state_and_uuid(app):
    assert str(app) == "Application web-2 (Running, %s)" % UUID
    assert str(tutum.Application.create(name="web")) == "Application web (not saved)"
    assert str(tutum.Application.create()) == "Application (not saved)"
    assert type(str(tutum.Application.create(name="gr\u00fcn"))) is str


def test_an_attribute_that_is_missing_says_what_would_load_it(raw, app):
    with pytest.raises(AttributeError) as caught:
        app.colour
    assert "web-2" in str(caught.value) and "'colour'" in str(caught.value)
    assert "refresh()" in str(caught.value)
    with pytest.raises(AttributeError) as caught:
        tutum.Application.create(name="new").state
    assert "save()" in str(caught.value)
    raw.answer(page([{"uuid": UUID}]))
    listed, = tutum.Application.list()
    with pytest.raises(AttributeError) as caught:
        listed.container_envvars
    assert "list() leaves it out, refresh() loads it" in str(caught.value)
    with pytest.raises(AttributeError) as caught:
        app.image
    assert "the service takes it and never says it" in str(caught.value)
    assert not hasattr(app, "_colour")


def test_a_new_object_sends_all_that_is_given(raw):
    answer(raw)
    app = tutum.Application.create(image="tutum/hello-world", target_num_containers=2, name=None)
    assert app.is_dirty and app.pk is None and app.name is None
    assert app.save() is True
    assert (raw.last.method, raw.last.path) == ("POST", "/api/v1/application/")
    assert raw.last.json == {"image": "tutum/hello-world", "target_num_containers": 2}
    assert app.pk == UUID and app.name == "web" and not app.is_dirty
    with pytest.raises(AttributeError):
        app.image


def test_a_new_object_leaves_out_what_is_empty_but_not_zero(raw):
    answer(raw)
    tutum.Application.create(image="x", name="", roles=[], container_ports=(), odd={},
                             target_num_containers=0, sequential_deployment=False).save()
    assert raw.last.json == {"image": "x", "target_num_containers": 0,
                             "sequential_deployment": False}


def test_a_new_object_without_values_is_for_the_service_to_judge(raw):
    raw.answer(reply(400, {"application": {"image": ["This is needed."]}}))
    with pytest.raises(tutum.TutumBadRequestError) as caught:
        tutum.Application.create().save()
    assert raw.last.json == {} and "image: This is needed." in str(caught.value)


@pytest.mark.parametrize("name, value", [
    ("target_num_containers", 0), ("sequential_deployment", True), ("web_public_dns", ""),
    ("web_public_dns", None), ("container_ports", []), ("autorestart", "ALWAYS"),
    ("target_num_containers", 3)])
def test_an_object_sends_only_what_changed(raw, app, name, value):
    setattr(app, name, value)
    assert app.is_dirty and getattr(app, name) == value
    answer(raw, **{str(name): value})
    assert app.save() is True
    assert (raw.last.method, raw.last.path) == ("PATCH", "/api/v1/application/%s/" % UUID)
    assert raw.last.json == {name: value}
    assert not app.is_dirty and getattr(app, name) == value


def test_an_object_without_changes_sends_nothing(raw, app):
    app.name = "web"
    app.missing = None
    assert not app.is_dirty and app.save() is True
    assert len(raw.requests) == 1


def test_setting_back_is_no_change(app):
    app.target_num_containers = 3
    assert app.is_dirty
    app.target_num_containers = 2
    assert not app.is_dirty


def test_true_is_not_one(app):
    app.sequential_deployment = 0
    assert app.is_dirty


def test_edits_inside_are_changes(raw, app):
    app.container_ports[0]["inner_port"] = 81
    assert app.is_dirty
    app.container_ports[0]["inner_port"] = 80
    assert not app.is_dirty
    app.roles.append("global")
    answer(raw, roles=["global"])
    app.save()
    assert raw.last.json == {"roles": ["global"]}


def test_edits_of_a_value_that_was_set_are_changes(raw, app):
    mine = ["global"]
    app.roles = mine
    answer(raw, roles=["global"])
    app.save()
    assert not app.is_dirty
    mine.append("more")
    assert app.is_dirty and app.roles == ["global", "more"]


def test_reading_is_no_change(app):
    for name in APP:
        getattr(app, name)
    assert not app.is_dirty


def test_a_failed_save_keeps_the_changes(raw, app):
    app.target_num_containers = 9
    app.roles.append("global")
    for failure in (reply(400, {"error": "no"}), reply(500), reply(202, body=b"{"),
                    reply(202, [1]), reply(202, {"uuid": OTHER}), reply(202, {"name": "x"})):
        raw.answer(failure)
        with pytest.raises(tutum.TutumApiError):
            app.save()
        assert app.target_num_containers == 9 and app.roles == ["global"] and app.is_dirty
        assert app.name == "web" and app.pk == UUID
    answer(raw, target_num_containers=9, roles=["global"])
    assert app.save() is True
    assert raw.last.json == {"target_num_containers": 9, "roles": ["global"]}


def test_a_failed_save_of_a_new_object_leaves_it_new(raw):
    raw.answer(reply(202, body=b"{"), reply(202), reply(202, {"name": "x"}))
    app = tutum.Application.create(image="x")
    for _ in range(3):
        with pytest.raises(tutum.TutumApiError) as caught:
            app.save()
        assert "may have been carried out" in str(caught.value)
        assert app.pk is None and app.is_dirty


def test_what_the_service_makes_of_a_change_counts(raw, app):
    app.name = "other"
    answer(raw)
    app.save()
    assert app.name == "web" and not app.is_dirty


def test_refresh_loads_what_the_service_says(raw, app):
    answer(raw, state="Stopped")
    assert app.refresh() is True
    assert app.state == "Stopped"


def test_refresh_does_not_lose_changes_unless_forced(raw, app):
    app.target_num_containers = 3
    answer(raw, state="Stopped")
    assert app.refresh() is False
    assert len(raw.requests) == 1 and app.state == "Running"
    assert app.refresh(force=True) is True
    assert app.state == "Stopped" and app.target_num_containers == 2 and not app.is_dirty


def test_refresh_drops_what_the_service_no_longer_says(raw, app):
    assert app.container_ports and app.name
    raw.answer(reply(200, {"uuid": UUID, "roles": []}))
    app.refresh()
    for name in ("container_ports", "name"):
        assert not hasattr(app, name)
    assert app.get_all_attributes() == {"uuid": UUID, "roles": []}


def test_a_list_in_hand_is_watched_while_the_service_leaves_it_alone(raw, app):
    ports, roles = app.container_ports, app.roles
    answer(raw, roles=["global"])
    app.refresh()
    ports.append({"inner_port": 81, "protocol": "tcp"})
    assert app.is_dirty
    assert app.roles == ["global"] and app.roles is not roles


@pytest.mark.parametrize("call, method, path, body", [
    (lambda app: app.start(), "POST", "start/", b""),
    (lambda app: app.stop(), "POST", "stop/", b""),
    (lambda app: app.redeploy(), "POST", "redeploy/", b'{"tag":null}'),
    (lambda app: app.redeploy("v2"), "POST", "redeploy/", b'{"tag":"v2"}'),
    (lambda app: app.delete(), "DELETE", "", b"")])
def test_actions_load_the_reply_and_keep_changes(raw, app, call, method, path, body):
    app.target_num_containers = 3
    answer(raw, state="Moving")
    assert call(app) is True
    assert (raw.last.method, raw.last.path) == (method, "/api/v1/application/%s/%s" % (UUID, path))
    assert raw.last.body == body
    assert app.state == "Moving" and app.target_num_containers == 3 and app.is_dirty


@pytest.mark.parametrize("status", [200, 202, 204])
def test_an_empty_reply_is_success(raw, app, status):
    raw.answer(reply(status))
    app.target_num_containers = 3
    app.roles.append("global")
    assert app.save() is True
    assert app.target_num_containers == 3 and app.roles == ["global"] and not app.is_dirty
    app.roles.append("more")
    assert app.is_dirty
    assert app.stop() is True and app.delete() is True
    assert app.pk == UUID and app.roles == ["global", "more"] and app.is_dirty
    with pytest.raises(tutum.TutumApiError) as caught:
        app.refresh(force=True)
    assert "it is empty" in str(caught.value)


def test_an_unsaved_object_has_nothing_to_act_on(raw):
    app = tutum.Application.create(image="x")
    for call in (app.start, app.stop, app.redeploy, app.delete, app.refresh, app.wait,
                 lambda: app.logs):
        with pytest.raises(tutum.TutumApiError) as caught:
            call()
        assert str(caught.value) == "You must save the object before performing this operation"
    assert raw.connections == 0


def test_logs_are_text(raw, app):
    raw.answer(reply(200, {"logs": "=====>web-1\nhello"}))
    assert app.logs == "=====>web-1\nhello"
    assert (raw.last.method, raw.last.path) == ("GET", "/api/v1/application/%s/logs/" % UUID)
    for odd in ({}, {"logs": None}, [], None):
        raw.answer(reply(200, odd))
        with pytest.raises(tutum.TutumApiError):
            app.logs


def test_a_reply_cannot_shadow_methods(raw):
    odd = dict(APP, start="x", logs="y", pk="z", is_dirty=True, save=1, wait=2, iter=3, _reply=4)
    raw.answer(reply(200, odd))
    app = tutum.Application.fetch(UUID)
    assert callable(app.start) and callable(app.save) and callable(app.wait) and callable(app.iter)
    assert app.pk == UUID and app.is_dirty is False
    raw.answer(reply(200, {"logs": "real"}))
    assert app.logs == "real"
    assert app.get_all_attributes() == APP


@pytest.mark.parametrize("name", ["pk", "is_dirty", "logs", "start", "list", "save"])
def test_methods_cannot_be_set(app, name):
    with pytest.raises(AttributeError):
        setattr(app, name, "x")
    with pytest.raises(AttributeError):
        tutum.Application.create(**{str(name): "x"})
    assert not app.is_dirty


def test_fetch_refuses_a_key_that_cannot_be_one(raw):
    for pk in ("", None, "..", "a/b"):
        with pytest.raises(tutum.TutumApiError):
            tutum.Application.fetch(pk)
    assert raw.connections == 0


@pytest.mark.parametrize("odd", [None, [], "x", 7, {}, {"uuid": None}, {"uuid": []}, [APP], True])
def test_fetch_refuses_what_is_no_object(raw, odd):
    raw.answer(reply(200, odd))
    with pytest.raises(tutum.TutumApiError) as caught:
        tutum.Application.fetch(UUID)
    assert "application" in str(caught.value)


def test_equality_is_by_class_and_key(raw, app):
    raw.answer(reply(200, dict(APP, state="Stopped")), reply(200, {"uuid": OTHER}))
    twin, other = tutum.Application.fetch(UUID), tutum.Application.fetch(OTHER)
    raw.answer(reply(200, APP))
    container = tutum.Container.fetch(UUID)
    assert app == twin and not app != twin and hash(app) == hash(twin)
    assert app != other and not app == other
    assert app != container and app != UUID and not app == None  # noqa: E711
    assert len({app, twin, other, container}) == 3


def test_an_unsaved_object_equals_only_itself():
    one, other = tutum.Application.create(name="x"), tutum.Application.create(name="x")
    assert one == one and one != other and len({one, other}) == 2


@pytest.mark.parametrize("duplicate", [copy.copy, copy.deepcopy] + [
    lambda app, protocol=protocol: pickle.loads(pickle.dumps(app, protocol))
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1)])
def test_copies_have_the_changes_and_share_nothing(raw, app, duplicate):
    app.target_num_containers = 3
    app.roles.append("global")
    twin = duplicate(app)
    assert type(twin) is tutum.Application and twin == app
    assert twin.get_all_attributes() == app.get_all_attributes()
    twin.roles.append("more")
    twin.name = "twin"
    assert app.roles == ["global"] and app.name == "web"
    answer(raw)
    twin.save()
    assert raw.last.json == {"target_num_containers": 3, "roles": ["global", "more"],
                             "name": "twin"}
    assert duplicate(tutum.Application.create(name="new")).name == "new"


def test_dir_shows_attributes_and_methods(app):
    app.colour = "red"
    shown = dir(app)
    assert {"name", "state", "container_ports", "colour", "save", "logs", "wait"} <= set(shown)
    assert shown == sorted(set(shown)) and all(type(name) is str for name in shown)


def test_all_attributes_are_ready_for_json_and_apart(app):
    app.roles = ("global",)
    found = app.get_all_attributes()
    assert json.loads(json.dumps(found)) == dict(APP, roles=["global"]) == found
    found["container_ports"].append(1)
    found["roles"].append(1)
    assert app.container_ports == APP["container_ports"] and app.roles == ("global",)


def test_any_name_of_the_json_is_an_attribute(raw):
    raw.answer(reply(200, {"uuid": UUID, "größe": 2, "two words": 3}))
    app = tutum.Application.fetch(UUID)
    assert app.get_all_attributes() == {"uuid": UUID, "größe": 2, "two words": 3}
    assert {six.ensure_str("größe"), "two words"} < set(dir(app))


def test_underscored_attributes_are_the_scripts_own(raw, app):
    app._note = "mine"
    assert app._note == "mine" and not app.is_dirty
    assert "_note" not in app.get_all_attributes()
