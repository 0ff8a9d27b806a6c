# -*- coding: utf-8 -*-
"""Waiting for a state."""
from __future__ import unicode_literals

import time

import pytest

import tutum
from rawservice import RESET, SILENCE, reply

UUID = "fee900c6-97da-46b3-a21c-e2b50ed07015"


def state(name, **more):
    return reply(200, dict(more, uuid=UUID, name="web", state=name))


@pytest.fixture(params=[tutum.Application, tutum.Container])
def thing(raw, request):
    """An application or a container that is starting."""
    raw.answer(state("Starting", size=1))
    return request.param.fetch(UUID)


@pytest.fixture
def clock(monkeypatch):
    """Let pauses take no time, and collect them."""
    from tutum.api import deployed
    pauses = []
    monkeypatch.setattr(deployed, "now", lambda: sum(pauses))
    monkeypatch.setattr(time, "sleep", pauses.append)
    return pauses


def test_wait_ends_with_the_state(raw, thing, clock):
    raw.answer(state("Starting"), state("Starting"), state("Running"))
    assert thing.wait("Running") is True
    assert thing.state == "Running" and raw.count("GET") == 4


@pytest.mark.parametrize("settled", [
    "Running", "Partly running", "Stopped", "Stopped with errors", "Start failed", "Not running",
    "Terminated", "Something new"])
def test_wait_ends_with_any_settled_state(raw, thing, clock, settled):
    raw.answer(state("Starting"), state("Scaling"), state(settled))
    assert thing.wait() is True
    assert thing.state == settled


def test_wait_looks_before_it_believes(raw, thing, clock):
    raw.answer(state("Running"))
    thing.refresh()
    raw.answer(state("Stopping"), state("Stopped"))
    assert thing.wait() is True and thing.state == "Stopped"


def test_another_settled_state_is_an_error_that_says_it(raw, thing, clock):
    raw.answer(state("Start failed"))
    with pytest.raises(tutum.TutumWaitError) as caught:
        thing.wait("Running")
    assert caught.value.state == "Start failed"
    assert "Start failed" in str(caught.value) and "Running" in str(caught.value)
    assert "web" in str(caught.value)


def test_names_and_states_may_be_any_text(raw, thing, clock):
    raw.answer(reply(200, {"uuid": UUID, "name": "grün", "state": "läuft"}))
    with pytest.raises(tutum.TutumWaitError) as caught:
        thing.wait("hält")
    assert caught.value.state == "läuft" and str("settled as l") in str(caught.value)
    raw.answer(reply(200, {"uuid": UUID, "name": "grün", "state": "Starting"}))
    with pytest.raises(tutum.TutumWaitError) as caught:
        thing.wait("hält", timeout=1)
    assert str("is still Starting") in str(caught.value)


@pytest.mark.parametrize("odd", [{"uuid": UUID}, {"uuid": UUID, "state": None},
                                 {"uuid": UUID, "state": ["Running"]}])
def test_a_reply_without_a_state_is_an_error(raw, thing, clock, odd):
    raw.answer(reply(200, odd))
    with pytest.raises(tutum.TutumApiError) as caught:
        thing.wait()
    assert "no state" in str(caught.value)


def test_the_deadline_is_an_error_that_says_the_state(raw, thing, clock):
    raw.answer(state("Scaling"))
    with pytest.raises(tutum.TutumWaitError) as caught:
        thing.wait("Running", timeout=30)
    assert caught.value.state == "Scaling" and "Scaling after 30 seconds" in str(caught.value)
    assert sum(clock) == pytest.approx(30)


def test_pauses_grow_to_two_seconds(raw, thing, clock):
    raw.answer(state("Starting"))
    with pytest.raises(tutum.TutumWaitError):
        thing.wait(timeout=60)
    assert clock[:-1] == sorted(clock[:-1]) and clock[0] <= 0.1 and max(clock) == 2


def test_no_time_is_one_look(raw, thing):
    raw.answer(state("Starting"))
    with pytest.raises(tutum.TutumWaitError):
        thing.wait(timeout=0)
    assert raw.count("GET") == 2
    raw.answer(state("Running"))
    assert thing.wait(timeout=0) is True


def test_wait_without_end(raw, thing, clock):
    raw.answer(*[state("Starting")] * 100 + [state("Running")])
    assert thing.wait(timeout=None) is True


@pytest.mark.parametrize("timeout", [None, 60, (10, 60), (None, None), (10, None)])
def test_a_silent_service_does_not_outlast_the_deadline(raw, thing, timeout):
    raw.answer(SILENCE)
    tutum.timeout = timeout
    began = time.time()
    with pytest.raises(tutum.TutumWaitError) as caught:
        thing.wait(timeout=0.2)
    assert time.time() - began < 3 and caught.value.state == "Starting"


@pytest.mark.parametrize("wanted", [None, "Running", "Stopped"])
def test_a_state_that_was_seen_before_is_no_answer(raw, thing, wanted):
    raw.answer(state("Running"))
    thing.refresh()
    raw.answer(SILENCE)
    with pytest.raises(tutum.TutumWaitError) as caught:
        thing.wait(wanted, timeout=0.2)
    assert "did not answer within 0.2 seconds" in str(caught.value)
    assert "Running" in str(caught.value) and caught.value.state == "Running"


def test_connections_that_are_lost_late_do_not_outlast_the_deadline(raw, thing):
    raw.answer([lambda: time.sleep(0.9), RESET])
    began = time.time()
    with pytest.raises(tutum.TutumApiError):
        thing.wait(timeout=1)
    assert time.time() - began < 1.8


def test_a_service_that_asks_for_more_than_is_left_is_reported(raw, thing, monkeypatch):
    pauses = []
    monkeypatch.setattr(time, "sleep", pauses.append)
    raw.answer(reply(503, headers={"Retry-After": "6"}))
    with pytest.raises(tutum.TutumServerError) as caught:
        thing.wait(timeout=5)
    assert not pauses and caught.value.retry_after == 6
    raw.answer(reply(503, headers={"Retry-After": "4"}), state("Running"))
    assert thing.wait(timeout=5) and pauses == [4]
    raw.answer(reply(503, headers={"Retry-After": "61"}))
    with pytest.raises(tutum.TutumServerError):
        thing.wait(timeout=600)
    assert pauses == [4]


@pytest.mark.parametrize("options", [{"total": None}, {"connect": 5}, {"total": 60}])
def test_the_deadline_holds_with_a_timeout_of_urllib3(raw, thing, options):
    tutum.timeout = pytest.importorskip("urllib3").Timeout(**options)
    raw.answer(SILENCE)
    with pytest.raises(tutum.TutumWaitError):
        thing.wait(timeout=0.2)


def test_a_timeout_before_the_deadline_is_told_as_such(raw, thing):
    raw.answer(SILENCE)
    tutum.timeout = 0.1
    for timeout in (None, 30):
        with pytest.raises(tutum.TutumTimeoutError):
            thing.wait(timeout=timeout)


@pytest.mark.parametrize("timeout", [-1, "5", (3, 5), float("nan"), float("inf"), True])
def test_what_is_no_time_to_wait_is_refused(raw, thing, timeout):
    sent = len(raw.requests)
    with pytest.raises(ValueError) as caught:
        thing.wait(timeout=timeout)
    assert "number of seconds" in str(caught.value) and len(raw.requests) == sent


def test_waiting_keeps_changes(raw, thing, clock):
    thing.size = 3
    raw.answer(state("Running", size=2))
    thing.wait()
    assert thing.size == 3 and thing.is_dirty and thing.state == "Running"


def test_an_object_that_is_gone_ends_the_wait(raw, thing, clock):
    raw.answer(reply(404))
    with pytest.raises(tutum.TutumNotFoundError):
        thing.wait()
