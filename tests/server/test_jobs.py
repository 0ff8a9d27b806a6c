"""Jobs do not wait for each other, and are done in the end."""
import sqlite3
import threading

import pytest
from serverprocess import until

from tutum.server import accounts, jobs, operations
from tutum.server.controller import Controller
from tutum.server.engines import Size
from tutum.server.engines.process import ProcessEngine
from tutum.server.jobs import Jobs
from tutum.server.paths import Addresses
from tutum.server.store import Application, Store
from tutum.server.web import validation


@pytest.fixture
def work():
    work = Jobs()
    yield work
    work.close()


def test_a_job_does_not_wait_for_a_thousand_others(work):
    release, done = threading.Event(), threading.Event()
    try:
        for number in range(1000):
            work.submit(lambda number: release.wait(60), number)
        work.submit(done.set)
        assert done.wait(5)
    finally:
        release.set()


def test_a_job_is_never_done_twice_at_a_time_and_again_if_it_was_asked_for_meanwhile(work):
    begun, release, at_once, most = threading.Semaphore(0), threading.Semaphore(0), [], []

    def job():
        at_once.append(1)
        most.append(len(at_once))
        begun.release()
        release.acquire(timeout=60)
        at_once.pop()
    work.submit(job)
    assert begun.acquire(timeout=5)
    work.submit(job)
    work.submit(job)
    release.release(3)
    until(lambda: len(most) == 2 and not at_once)
    assert most == [1, 1]


def test_a_job_that_fails_is_tried_again_and_at_once_when_it_is_asked_for(work, monkeypatch):
    monkeypatch.setattr(jobs, "FIRST_RETRY", 60.0)
    monkeypatch.setattr(jobs, "LAST_RETRY", 60.0)
    tries = []

    def job():
        tries.append(1)
        if len(tries) == 1:
            raise OSError("not now")
    work.submit(job)
    until(lambda: tries)
    work.submit(job)
    until(lambda: len(tries) > 1)


def test_retries_go_on_however_long_it_takes():
    assert jobs._pause(1) == jobs.FIRST_RETRY
    assert jobs._pause(10 ** 6) == jobs.LAST_RETRY


def test_nothing_is_tried_again_after_the_end(work, monkeypatch):
    monkeypatch.setattr(jobs, "FIRST_RETRY", 0.05)
    tries = []

    def job():
        tries.append(1)
        raise OSError("not now")
    work.submit(job)
    until(lambda: len(tries) > 1)
    work.close()
    until(lambda: not any(thread.name == "job" for thread in threading.enumerate()))
    work.submit(job)
    assert not any(thread.name == "job" for thread in threading.enumerate())


def test_a_job_without_a_thread_can_be_submitted_again(work, monkeypatch):
    done = threading.Event()
    with monkeypatch.context() as patch:
        def start(thread):
            raise RuntimeError("can't start new thread")
        patch.setattr(threading.Thread, "start", start)
        work.submit(done.set)
    assert not done.is_set()
    work.submit(done.set)
    assert done.wait(5)


def test_what_was_accepted_is_done_although_the_records_are_locked_right_after(tmp_path):
    store, engine = Store(tmp_path / "tutum.db"), ProcessEngine(tmp_path / "containers")
    addresses = Addresses("127.0.0.1", "http://127.0.0.1:1", engine.link_address)
    controller = Controller(store, engine, addresses, {"XS": Size(256, 0.25)})
    accounts.add(store, "ann")
    engine.open()
    try:
        with store.writing() as session:
            made = operations.create_application(session, 1, validation.new_application(
                {"image": "any/thing", "run_command": "sleep 600"}, 1), None, 1)
            application_id = made.id
        other = sqlite3.connect(tmp_path / "tutum.db", isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        controller.wake(application_id)
        other.execute("ROLLBACK")
        other.close()

        def state():
            with store.reading() as session:
                return session.get(Application, application_id).state
        until(lambda: state() == "Running")
    finally:
        controller.close()
        engine.close()
        store.close()
