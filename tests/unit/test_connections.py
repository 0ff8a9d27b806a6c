"""Connections: kept, never shared, and never left with a reply that is meant for another."""
from __future__ import unicode_literals

import gc
import os
import threading
import time
import weakref

import pytest

import tutum
from rawservice import reply
from service import until
from tutum.api import http

UUID = "fee900c6-97da-46b3-a21c-e2b50ed07015"
APP = {"uuid": UUID, "name": "web", "state": "Running"}


def test_connections_are_kept(raw):
    raw.answer(reply(200, APP))
    for _ in range(5):
        tutum.Application.fetch(UUID)
    assert raw.connections == 1


@pytest.mark.parametrize("status", [100, 101, 102, 103, 199])
def test_what_precedes_a_reply_is_not_taken_for_it(raw, status):
    interim = "HTTP/1.1 %d Wait\r\nLink: </x>\r\nContent-Length: 9\r\n\r\n" % status
    raw.answer([interim.encode("ascii") * 2, lambda: time.sleep(0.05), reply(200, ["first"])],
               reply(200, ["second"]))
    assert http.send_request("GET", "x/") == ["first"]
    assert http.send_request("GET", "x/") == ["second"]
    assert raw.connections == 1


def test_a_late_reply_does_not_answer_the_next_request(raw):
    late = threading.Event()
    raw.answer([late.wait, reply(200, ["first"])], reply(200, ["second"]))
    with pytest.raises(tutum.TutumTimeoutError):
        http.send_request("GET", "x/", timeout=0.1)
    late.set()
    assert http.send_request("GET", "x/") == ["second"]


@pytest.mark.parametrize("surplus", [b"x" * 99, reply(200, ["surplus"])])
def test_bytes_behind_a_reply_do_not_answer_the_next_request(raw, surplus):
    raw.answer(reply(200, ["first"]) + surplus, reply(200, ["second"]))
    assert http.send_request("GET", "x/") == ["first"]
    assert http.send_request("GET", "x/") == ["second"]


def test_each_thread_has_a_connection_of_its_own(raw):
    raw.answer(reply(200, APP))

    def fetch():
        for _ in range(20):
            tutum.Application.fetch(UUID)
    threads = [threading.Thread(target=fetch) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert raw.connections == 8 and len(raw.requests) == 160


def test_a_thread_that_ends_closes_its_connection(raw):
    raw.answer(reply(200, APP))
    transports = []

    def fetch():
        tutum.Application.fetch(UUID)
        transports.append(weakref.ref(http._local.transports))
    thread = threading.Thread(target=fetch)
    thread.start()
    thread.join()
    del thread
    gc.collect()
    # On Python 2 a thread lets go of what is its own when it has been joined already.
    until(lambda: transports[0]() is None)
    until(lambda: not raw._open)


def test_a_fork_has_a_connection_of_its_own(raw):
    raw.answer(reply(200, APP))
    tutum.Application.fetch(UUID)
    child = os.fork()
    if not child:
        try:
            tutum.Application.fetch(UUID)
        finally:
            os._exit(0)
    os.waitpid(child, 0)
    tutum.Application.fetch(UUID)
    assert [request.connection for request in raw.requests] == [1, 2, 1]


def test_close_closes_the_callers_connections(raw):
    raw.answer(reply(200, APP))
    tutum.Application.fetch(UUID)
    http.close()
    http.close()
    until(lambda: not raw._open)
    tutum.Application.fetch(UUID)
    assert raw.connections == 2


def test_a_service_that_was_restarted_is_found_again(raw, pauses):
    raw.answer(reply(200, APP))
    app = tutum.Application.fetch(UUID)
    raw.hang_up()
    until(lambda: not raw._open)
    assert app.refresh() is True
    raw.hang_up()
    until(lambda: not raw._open)
    assert app.stop() is True
    assert raw.count("POST") == 1
