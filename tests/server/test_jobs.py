"""Jobs do not wait for each other, and are done in the end."""
import sqlite3
import threading
import time
import uuid
from contextlib import closing

import pytest
from parts import Parts, spec
from serverprocess import until

from tutum.server import controller, jobs, operations
from tutum.server.engines import EngineUnavailable, StartFailed
from tutum.server.engines.process import ProcessEngine
from tutum.server.jobs import Jobs


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


def test_a_job_that_fails_is_tried_again_once_after_its_pause_however_often_it_is_asked_for(work, monkeypatch):
    monkeypatch.setattr(jobs, "FIRST_RETRY", 0.5)
    tries = []

    def job():
        tries.append(time.monotonic())
        if len(tries) == 1:
            for _ in range(3):
                work.submit(job)
            raise OSError("not now")
    work.submit(job)
    until(lambda: not any(thread.name == "job" for thread in threading.enumerate()))
    assert len(tries) == 2 and tries[1] - tries[0] >= 0.5


def test_the_end_cuts_a_pause_short(work, monkeypatch):
    monkeypatch.setattr(jobs, "FIRST_RETRY", 60.0)
    monkeypatch.setattr(jobs, "LAST_RETRY", 60.0)
    tried = threading.Event()

    def job():
        tried.set()
        raise OSError("not now")
    work.submit(job)
    assert tried.wait(5)
    work.close()
    until(lambda: not any(thread.name == "job" for thread in threading.enumerate()))


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


def test_what_was_accepted_is_done_although_the_records_are_locked_right_after(parts, tmp_path, caplog):
    other = sqlite3.connect(tmp_path / "tutum.db", isolation_level=None)

    def lock_and_look(application_id):
        other.execute("BEGIN IMMEDIATE")
        look(application_id)
    look, parts.controller.wake = parts.controller.wake, lock_and_look
    application_id = parts.create()
    until(lambda: "database is locked" in caplog.text)
    other.execute("ROLLBACK")
    other.close()
    assert parts.settled(application_id) == "Running"


class SilentEngine(ProcessEngine):
    """Tells of no exit."""

    def exits(self):
        return iter(())


def test_an_exit_that_nobody_told_of_is_found(tmp_path, monkeypatch):
    monkeypatch.setattr(controller, "SWEEP_INTERVAL", 0.2)
    with closing(Parts(tmp_path, SilentEngine)) as parts:
        application_id = parts.running(run_command=f"sh -c 'while [ ! -e {tmp_path}/end ]; do sleep 0.02; done'")
        (tmp_path / "end").touch()
        until(lambda: parts.state(application_id) == "Stopped")


def test_a_container_that_comes_up_without_a_record_is_removed(tmp_path, monkeypatch):
    monkeypatch.setattr(controller, "SWEEP_INTERVAL", 0.2)
    with closing(Parts(tmp_path)) as parts:
        application_id = parts.running()
        recorded, = parts.containers(application_id)
        unknown = spec()
        parts.engine.deploy(unknown)
        until(lambda: parts.engine.containers() == {recorded["uuid"]})
        assert not parts.engine.status(unknown.uuid).running
        assert parts.state(application_id) == "Running"


class StubbornEngine(ProcessEngine):
    """Cannot remove one of its containers, the first that it is to remove."""

    stays = None

    def remove(self, uuid):
        self.stays = self.stays or uuid
        if uuid == self.stays:
            raise EngineUnavailable("not now")
        super().remove(uuid)


def test_an_unknown_container_that_cannot_be_removed_keeps_no_other(tmp_path):
    for _ in range(3):
        (tmp_path / "containers" / str(uuid.uuid4())).mkdir(parents=True)
    with closing(Parts(tmp_path, StubbornEngine)) as parts:
        until(lambda: parts.engine.containers() == {parts.engine.stays})


class SlowEngine(ProcessEngine):
    """Has deployed a container only when it is let to."""

    def __init__(self, *arguments):
        super().__init__(*arguments)
        self.deploying, self.may_go_on = threading.Event(), threading.Event()
        self.may_go_on.set()

    def deploy(self, spec):
        super().deploy(spec)
        self.deploying.set()
        self.may_go_on.wait(30)


def test_what_a_start_did_is_written_down_although_a_stop_was_asked_for_meanwhile(tmp_path):
    with closing(Parts(tmp_path, SlowEngine)) as parts:
        application_id = parts.running(target_num_containers=2, autoreplace="ON_FAILURE")
        parts.engine.deploying.clear()
        parts.engine.may_go_on.clear()
        parts.engine.stop(parts.containers(application_id)[0]["uuid"])
        assert parts.engine.deploying.wait(30)
        parts.operate(application_id, operations.stop_application)
        parts.engine.may_go_on.set()
        assert parts.settled(application_id) == "Stopped"
        for container in parts.containers(application_id):
            assert container["deployed_datetime"] and container["started_datetime"]


def test_a_redeploy_asks_for_the_newest_build_once_for_all_containers(parts):
    application_id = parts.running(target_num_containers=5)
    pulls = []

    def pull(name, credentials=None, anew=False, pull=parts.engine.pull):
        pulls.append(anew)
        return pull(name, credentials, anew)
    parts.engine.pull = pull
    for count in (1, 2):
        parts.operate(application_id, operations.redeploy_application, None)
        assert parts.settled(application_id) == "Running"
        assert pulls == [True] * count


def test_a_redeploy_whose_image_cannot_be_had_says_so_of_every_container(parts):
    application_id = parts.running(target_num_containers=3)

    def pull(name, credentials=None, anew=False):
        raise StartFailed("no such tag")
    parts.engine.pull = pull
    parts.operate(application_id, operations.redeploy_application, "other")
    assert parts.settled(application_id) == "Start failed"
    assert parts.start_errors(application_id)["Start failed: no such tag"] == 3
