"""The process engine by itself: real processes, no service."""
import os
import resource
import signal
import socket
import time
from contextlib import closing, contextmanager
from dataclasses import replace

import pytest
from fulldisk import small_disk
from parts import spec
from serverprocess import processes_of, until

from tutum.server.engines import EngineUnavailable, Port, PortTaken, StartFailed
from tutum.server.engines import process as process_engine
from tutum.server.engines.keeper import client
from tutum.server.engines.process import ProcessEngine


@pytest.fixture
def engine(process_engine):
    return process_engine


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def test_a_container_sees_its_own_environment_and_nothing_of_the_service(engine, monkeypatch):
    monkeypatch.setenv("SECRET_OF_THE_SERVICE", "hidden")
    container = spec("env", environment={"MODE": "prod"}, ports=(Port(80, "tcp", free_port()),))
    engine.deploy(container)
    until(lambda: not engine.status(container.uuid).running)
    seen = dict(line.split("=", 1) for line in engine.logs(container.uuid).splitlines())
    port = str(container.ports[0].outer)
    assert (seen["MODE"], seen["PORT"], seen["PORT_80_TCP"], seen["HOSTNAME"]) == ("prod", port, port, "web-1")
    assert set(seen) == {"MODE", "PORT", "PORT_80_TCP", "HOSTNAME", "HOST", "HOME", "LANG", "PATH",
                         "TUTUM_CONTAINER_UUID"}


def test_a_container_has_a_directory_of_its_own_until_it_is_removed(engine):
    container = spec("sh -c 'pwd; echo data > file; exec sleep 600'")
    engine.deploy(container)
    home = until(lambda: engine.logs(container.uuid)).strip()
    until(lambda: os.path.exists(os.path.join(home, "file")))
    engine.stop(container.uuid)
    engine.start(container)
    assert os.path.exists(os.path.join(home, "file"))
    assert engine.containers() == {container.uuid}
    engine.remove(container.uuid)
    assert not os.path.exists(home) and engine.containers() == set()
    assert engine.logs(container.uuid) == ""
    assert processes_of(container.uuid) == []


def test_deploying_again_starts_nothing_twice(engine):
    container = spec()
    engine.deploy(container)
    engine.deploy(container)
    assert len(processes_of(f"TUTUM_CONTAINER_UUID={container.uuid}")) == 1


def test_stop_asks_first_and_forces_after_the_grace_time(engine, monkeypatch):
    polite = spec("""sh -c 'trap "echo bye; exit 7" TERM; echo up; while :; do sleep 0.05; done'""")
    engine.deploy(polite)
    until(lambda: engine.logs(polite.uuid))
    assert engine.stop(polite.uuid) == (False, 7)
    assert engine.logs(polite.uuid).endswith("bye\n")
    monkeypatch.setattr(process_engine, "STOP_GRACE", 0.2)
    stubborn = spec("""sh -c 'trap "" TERM; echo up; while :; do sleep 0.05; done'""")
    engine.deploy(stubborn)
    until(lambda: engine.logs(stubborn.uuid))
    assert engine.stop(stubborn.uuid) == (False, 128 + signal.SIGKILL)
    assert engine.stop(stubborn.uuid) == (False, 128 + signal.SIGKILL)


def test_exits_are_told(engine):
    container = spec("sh -c 'exit 4'")
    engine.deploy(container)
    assert next(engine.exits()) == container.uuid
    assert engine.status(container.uuid) == (False, 4)


def test_hello_world_runs_once_it_listens(engine):
    container = spec("", image="tutum/hello-world:v9", ports=(Port(80, "tcp", free_port()),))
    engine.deploy(container)
    socket.create_connection(("127.0.0.1", container.ports[0].outer), 1).close()


def test_hello_world_without_a_port_fails_to_start(engine):
    with pytest.raises(StartFailed, match="needs a port"):
        engine.deploy(spec("", image="tutum/hello-world:latest"))


def test_a_port_in_use_is_told(engine):
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        with pytest.raises(PortTaken, match=str(holder.getsockname()[1])):
            engine.deploy(spec(ports=(Port(80, "tcp", holder.getsockname()[1]),)))


def test_closing_ends_every_process(tmp_path):
    engine = ProcessEngine(tmp_path / "containers")
    engine.open()
    container = spec("sh -c 'setsid sleep 600 & sleep 601'")
    engine.deploy(container)
    until(lambda: len(processes_of(container.uuid)) >= 3)
    engine.close()
    assert processes_of(container.uuid) == []
    with pytest.raises(EngineUnavailable):
        engine.deploy(container)


def test_containers_of_a_killed_keeper_have_ended_and_others_can_start(engine):
    container = spec()
    engine.deploy(container)
    os.kill(engine._keeper.pid, signal.SIGKILL)
    assert next(engine.exits()) == container.uuid
    assert engine.status(container.uuid) == (False, 128 + signal.SIGKILL)
    until(lambda: processes_of(container.uuid) == [])
    engine.start(container)
    assert engine.status(container.uuid).running


@pytest.fixture
def busy_keeper(tmp_path, monkeypatch):
    """Has keepers do nothing at all before a file is there, whose path this is."""
    package, go_on = tmp_path / "busy", tmp_path / "go-on"
    package.mkdir()
    (package / "__main__.py").write_text(
        "import os, runpy, sys, time\n"
        f"while not os.path.exists({str(go_on)!r}): time.sleep(0.02)\n"
        f"sys.path.insert(0, {str(client.PACKAGE.parent)!r})\n"
        f"runpy.run_module({client.PACKAGE.name!r}, run_name='__main__', alter_sys=True)\n")
    monkeypatch.setattr(client, "PACKAGE", package)
    monkeypatch.setattr(process_engine, "PATIENCE", 0.2)
    monkeypatch.setattr(client, "TAKE_DOWN_TIME", 0.2)
    return go_on


def test_a_run_that_the_keeper_did_not_answer_for_is_not_taken_to_be_running(busy_keeper, engine, monkeypatch):
    container = spec()
    for _ in range(2):
        with pytest.raises(EngineUnavailable, match="does not answer"):
            engine.deploy(container)
    busy_keeper.touch()
    monkeypatch.undo()
    engine.deploy(container)
    assert engine.status(container.uuid).running and len(processes_of(container.uuid)) == 1


def test_a_keeper_that_does_not_read_holds_up_nobody_but_who_waits_for_it(busy_keeper, engine):
    for _ in range(3):
        container = spec(environment={f"VARIABLE_{number}": "x" * 1000 for number in range(100)})
        with pytest.raises(EngineUnavailable, match="does not answer"):
            engine.deploy(container)
    began = time.monotonic()
    assert engine.status(container.uuid).running and engine.logs(container.uuid) == ""
    engine.close()
    assert time.monotonic() - began < 5


@pytest.fixture(params=["fifo", "link", "directory"])
def replaced_log(request, engine, tmp_path):
    """A stopped container that put something else in the place of its log."""
    container = spec("echo before")
    engine.deploy(container)
    until(lambda: not engine.status(container.uuid).running)
    log = engine._directory / container.uuid / "output.log"
    log.unlink()
    if request.param == "fifo":
        os.mkfifo(log)
    elif request.param == "link":
        (tmp_path / "secret").write_text("secret\n")
        log.symlink_to(tmp_path / "secret")
    else:
        log.mkdir()
    return container


def test_a_container_whose_log_is_no_file_does_not_start_and_holds_up_no_other(engine, replaced_log):
    with pytest.raises(StartFailed, match="Cannot run echo before: .*Not a regular file.*output.log"):
        engine.start(replaced_log)
    other = spec()
    engine.deploy(other)
    assert engine.status(other.uuid).running


def test_a_log_that_is_no_file_is_empty(engine, replaced_log):
    assert engine.logs(replaced_log.uuid) == ""
    engine.remove(replaced_log.uuid)
    assert engine.containers() == set()


def test_a_log_that_cannot_be_read_now_is_not_taken_to_be_empty(engine):
    container = spec("echo here")
    engine.deploy(container)
    until(lambda: engine.logs(container.uuid))
    with no_files_left(), pytest.raises(EngineUnavailable, match="Too many open files"):
        engine.logs(container.uuid)
    assert engine.logs(container.uuid) == "here\n"


@contextmanager
def no_files_left():
    """Let this process open no more files."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (0, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_a_container_whose_directory_is_no_directory_does_not_start(engine):
    container = spec("true")
    (engine._directory / container.uuid).mkdir()
    (engine._directory / container.uuid / "home").touch()
    with pytest.raises(StartFailed, match="Its directory cannot be used.*home"):
        engine.deploy(container)


def test_a_container_that_made_its_directory_a_link_to_itself_does_not_start_and_has_an_empty_log(engine):
    container = spec("true")
    place = engine._directory / container.uuid
    place.symlink_to(place)
    with pytest.raises(StartFailed, match="Its directory cannot be used.*symbolic links"):
        engine.deploy(container)
    assert engine.logs(container.uuid) == ""


def test_a_directory_that_cannot_be_made_now_is_tried_again(tmp_path):
    with small_disk(tmp_path / "disk", "64k,nr_inodes=8") as directory, closing(ProcessEngine(directory)) as engine:
        engine.open()
        container = spec()
        with pytest.raises(OSError, match="No space left"):
            for number in range(8):
                (directory / str(number)).touch()
        with pytest.raises(EngineUnavailable, match="Cannot make the directory.*No space left"):
            engine.deploy(container)
        for file in directory.glob("[0-9]"):
            file.unlink()
        engine.deploy(container)
        assert engine.status(container.uuid).running


def test_only_what_has_the_name_of_a_container_is_one(engine):
    container = spec("true")
    engine.deploy(container)
    for name in ("my-notes", "lost+found", container.uuid + ".old", container.uuid.replace("-", "")):
        (engine._directory / name).mkdir()
    assert engine.containers() == {container.uuid}


def test_a_container_that_put_something_else_in_the_place_of_its_directory_is_removed(engine):
    container = spec("sh -c 'cd ../..; mv $1 away; mkfifo $1'")
    container = replace(container, run_command=container.run_command.replace("$1", container.uuid))
    engine.deploy(container)
    until(lambda: not engine.status(container.uuid).running)
    assert engine.containers() == {container.uuid}
    engine.remove(container.uuid)
    assert engine.containers() == set()


def test_a_container_ignores_and_blocks_no_signal_that_the_service_ignores_or_blocks(tmp_path):
    ignored = [signal.SIGINT, signal.SIGQUIT, signal.SIGUSR1, signal.SIGCHLD]
    before = [signal.signal(number, signal.SIG_IGN) for number in ignored]
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM, signal.SIGUSR2])
    engine = ProcessEngine(tmp_path / "containers")
    try:
        engine.open()
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGTERM, signal.SIGUSR2])
        for number, handler in zip(ignored, before):
            signal.signal(number, handler)
    container = spec("grep -E 'Sig(Ign|Blk)' /proc/self/status")
    try:
        engine.deploy(container)
        until(lambda: not engine.status(container.uuid).running)
        assert engine.logs(container.uuid).split() == ["SigBlk:", "0" * 16, "SigIgn:", "0" * 16]
    finally:
        engine.close()


def test_of_a_log_that_is_too_long_the_end_is_returned(engine):
    container = spec("sh -c 'for i in $(seq 100 199); do echo line $i; done'")
    engine.deploy(container)
    until(lambda: not engine.status(container.uuid).running)
    lines = engine.logs(container.uuid, size=100).splitlines()
    assert lines == [f"line {number}" for number in range(200 - len(lines), 200)] and 5 < len(lines) < 20


@pytest.mark.parametrize("end, expected", [("", "0" * 99 + "7"), ("; echo", "0" * 98 + "7\n")])
def test_of_a_line_that_is_too_long_the_end_is_returned(engine, end, expected):
    container = spec(f"sh -c 'echo first; printf %0150d 7{end}'")
    engine.deploy(container)
    until(lambda: not engine.status(container.uuid).running)
    assert engine.logs(container.uuid, size=100) == expected
