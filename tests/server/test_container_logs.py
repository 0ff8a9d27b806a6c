"""Who reads logs of containers, and those of containers that were terminated (api-v1 3.10)."""
import logging
import threading
import uuid
from concurrent.futures import ThreadPoolExecutor

import pytest
from fulldisk import fill, small_disk
from parts import LOG_READERS, Parts
from serverprocess import until

from tutum.server import containerlogs, controller, operations, states
from tutum.server.engines.process import ProcessEngine
from tutum.server.errors import Congested
from tutum.server.store import TERMINATED_VISIBLE, Container, now


def terminated(parts, text="out", command=None):
    """Have a container write something and be terminated, and return its uuid."""
    application_id = parts.running(run_command=command or f"sh -c 'echo {text}; exec sleep 600'")
    container, = parts.containers(application_id)
    until(lambda: text in parts.logs.read(container["uuid"]))
    parts.operate(application_id, operations.terminate_application)
    assert parts.settled(application_id) == states.TERMINATED
    return container["uuid"]


def test_the_output_of_a_job_that_is_destroyed_when_it_is_done_can_be_read(api):
    application = api.create(image="any/thing", name="job", run_command="sh -c 'echo result 42'", autodestroy="ALWAYS")
    path = f"application/{application['uuid']}/"
    until(lambda: api.object(path)["state"] == "Not running")
    assert api.object(path + "logs/") == {"logs": "======>job-1 <======\nresult 42\n"}
    container, = api.containers(application)
    assert api.object(f"container/{container['uuid']}/logs/") == {"logs": "result 42\n"}


def test_the_output_of_a_container_that_was_replaced_can_be_read(api):
    application = api.create(image="any/thing", name="job", run_command="sh -c 'echo run; exit 1'",
                             autoreplace="ON_FAILURE")
    until(lambda: [api.object(f"container/{each['uuid']}/logs/")["logs"] for each in api.containers(application)]
          == ["run\n"] * 4)
    assert sorted(each["state"] for each in api.containers(application))[1:] == ["Terminated"] * 3


def test_nobody_but_the_services_user_can_read_what_is_kept(parts, tmp_path):
    kept = tmp_path / "logs" / terminated(parts)
    assert kept.stat().st_mode & 0o777 == 0o600 and kept.parent.stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("limit, most", [("MAX_KEPT", 100), ("MAX_KEPT_LINES", 10)])
def test_of_a_long_log_the_end_is_kept(parts, monkeypatch, limit, most):
    monkeypatch.setattr(containerlogs, limit, most)
    kept = terminated(parts, "199", "sh -c 'for i in $(seq 100 199); do echo line $i; done; exec sleep 600'")
    lines = parts.logs.read(kept).splitlines()
    assert lines == [f"line {number}" for number in range(200 - len(lines), 200)] and 9 < len(lines) < 13
    assert parts.logs.read(kept, 2) == "line 198\nline 199\n"


def test_of_a_last_line_that_is_too_long_the_end_is_kept(parts, monkeypatch):
    monkeypatch.setattr(containerlogs, "MAX_KEPT", 100)
    kept = terminated(parts, "7", "sh -c 'printf %0150d 7; echo; exec sleep 600'")
    assert parts.logs.read(kept) == "0" * 98 + "7\n"


def test_a_log_that_cannot_be_kept_is_a_warning_and_holds_up_no_termination(tmp_path, caplog):
    with small_disk(tmp_path / "logs", "4k") as directory:
        fill(directory / "filler")
        parts = Parts(tmp_path)
        try:
            with caplog.at_level(logging.WARNING):
                uuid = terminated(parts)
            assert f"The log of container {uuid} is not kept: [Errno 28] No space left on device" in caplog.text
            assert parts.logs.read(uuid) == "" and parts.logs.kept() == set()
        finally:
            parts.close()


class BusyEngine(ProcessEngine):
    """Is at some logs for as long as a test wants."""

    def __init__(self, directory):
        super().__init__(directory)
        self.goes_on, self.readers = threading.Event(), threading.Semaphore(0)

    def logs(self, *arguments):
        self.readers.release()
        assert self.goes_on.wait(30)
        return super().logs(*arguments)


def test_who_waits_for_the_engine_is_bounded_and_others_are_refused_soon_but_for_logs_that_are_kept(tmp_path):
    parts = Parts(tmp_path, BusyEngine)
    try:
        (tmp_path / "logs").mkdir()
        (tmp_path / "logs" / "kept").write_text("kept\n")
        with ThreadPoolExecutor(LOG_READERS) as executor:
            reading = [executor.submit(parts.logs.read, "slow") for _ in range(LOG_READERS)]
            for _ in range(LOG_READERS):
                assert parts.engine.readers.acquire(timeout=30)
            with pytest.raises(Congested):
                parts.logs.read("other")
            assert parts.logs.read("kept") == "kept\n"
            parts.engine.goes_on.set()
        assert [each.result() for each in reading] == [""] * LOG_READERS
        assert parts.logs.read("other") == ""
    finally:
        parts.close()


def test_a_termination_that_is_done_again_loses_nothing(parts):
    kept = terminated(parts)
    parts.logs.keep(kept)
    assert parts.logs.read(kept) == "out\n"


def test_logs_go_with_the_records_of_their_containers(tmp_path, monkeypatch):
    monkeypatch.setattr(controller, "SWEEP_INTERVAL", 0.1)
    parts = Parts(tmp_path)
    try:
        old, recent = terminated(parts), terminated(parts)
        with parts.store.writing() as session:
            container = session.query(Container).filter(Container.uuid == old).one()
            container.destroyed_at = now() - TERMINATED_VISIBLE - 1
        until(lambda: parts.logs.kept() == {recent})
    finally:
        parts.close()


def test_logs_without_a_record_are_removed_at_the_start(tmp_path):
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs" / str(uuid.uuid4())).touch()
    (tmp_path / "logs" / "my-notes").touch()
    parts = Parts(tmp_path)
    try:
        until(lambda: parts.logs.kept() == set())
        assert (tmp_path / "logs" / "my-notes").exists()
    finally:
        parts.close()
