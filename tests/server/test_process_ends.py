"""Nothing of a container of the process engine outlives it, whatever it does and whatever is killed."""
import fcntl
import os
import random
import signal
import subprocess
import sys
import termios
from contextlib import suppress

import pytest
from parts import spec
from serverprocess import processes_of, until

from tutum.server.engines.process import ProcessEngine

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux lets one process inherit another's")


@pytest.fixture
def engine(process_engine):
    return process_engine


@pytest.fixture
def mark():
    """A text by which processes are found that have no environment."""
    mark = f"86400.{random.randrange(10**9)}"
    yield mark
    for pid in processes_of(mark):
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def hidden(mark, before="", after="exec sleep 600"):
    """A container one of whose processes has neither its group, session, parent, environment, directory nor output."""
    away = f"(cd / && env -i setsid sleep {mark} < /dev/null > /dev/null 2>&1 &)"
    return spec(f"sh -c '{before} {away}; echo up; {after}'")


def deploy(engine, *containers, mark):
    before = len(sleeping(mark))
    for container in containers:
        engine.deploy(container)
    until(lambda: len(sleeping(mark)) == before + len(containers))


def sleeping(mark):
    """Return the processes that sleep for so long."""
    found = []
    for pid in processes_of(mark):
        try:
            with open(f"/proc/{pid}/cmdline", "rb") as file:
                if file.read() == f"sleep\0{mark}\0".encode():
                    found.append(pid)
        except OSError:
            pass
    return found


def supervisor_of(container):
    first = until(lambda: processes_of(f"TUTUM_CONTAINER_UUID={container.uuid}"))[0]
    with open(f"/proc/{first}/stat") as file:
        return int(file.read().rpartition(")")[2].split()[1])


@pytest.mark.parametrize("end", ["stop", "remove"])
def test_nothing_is_left_when_a_container_was_stopped_or_removed(engine, mark, end):
    container = hidden(mark)
    deploy(engine, container, mark=mark)
    getattr(engine, end)(container.uuid)
    assert processes_of(mark) == []


def test_nothing_is_left_when_a_container_has_ended_by_itself(engine, mark):
    container = hidden(mark, after="read line < ../go; exit 5")
    directory = engine._directory / container.uuid
    directory.mkdir()
    os.mkfifo(directory / "go")
    deploy(engine, container, mark=mark)
    (directory / "go").write_text("now\n")
    assert next(engine.exits()) == container.uuid
    assert engine.status(container.uuid) == (False, 5)
    assert processes_of(mark) == []


def test_nothing_is_left_of_hundreds_of_processes(engine, mark):
    container = hidden(mark, before=f"for i in $(seq 300); do (env -i setsid sleep {mark} &); done;")
    engine.deploy(container)
    until(lambda: len(sleeping(mark)) > 300)
    engine.stop(container.uuid)
    assert processes_of(mark) == []


def test_nothing_is_left_when_the_engine_was_closed(engine, mark):
    deploy(engine, hidden(mark), mark=mark)
    engine.close()
    assert processes_of(mark) == []


@pytest.mark.parametrize("name", ["SIGKILL", "SIGSTOP"])
def test_nothing_is_left_when_the_keeper_was_killed_or_stopped(engine, mark, name):
    containers = [hidden(mark) for _ in range(3)]
    deploy(engine, *containers, mark=mark)
    os.kill(engine._keeper.pid, signal.Signals[name])
    exits = engine.exits()
    assert {next(exits) for _ in containers} == {container.uuid for container in containers}
    assert processes_of(mark) == []
    engine.start(containers[0])
    assert engine.status(containers[0].uuid).running


def test_nothing_is_left_when_a_supervisor_was_killed(engine, mark):
    container, other = hidden(mark), spec()
    engine.deploy(other)
    deploy(engine, container, mark=mark)
    os.kill(supervisor_of(container), signal.SIGKILL)
    assert next(engine.exits()) == container.uuid
    assert engine.status(container.uuid) == (False, 128 + signal.SIGKILL)
    assert processes_of(mark) == []
    assert engine.status(other.uuid).running


@pytest.mark.parametrize("name", ["KILL", "STOP", "SEGV"])
def test_a_container_ends_that_kills_or_stops_its_supervisor(engine, mark, name):
    container = hidden(mark, after=f"kill -{name} $PPID; sleep 600")
    engine.deploy(container)
    assert next(engine.exits()) == container.uuid
    assert engine.status(container.uuid).exit_code > 128
    assert processes_of(mark) == []


def test_what_is_known_by_its_environment_ends_when_keeper_and_supervisors_were_killed_at_once(engine, mark):
    container = spec(f"sh -c 'cd /; setsid sleep {mark} < /dev/null > /dev/null 2>&1 & exec sleep 600'")
    deploy(engine, container, mark=mark)
    supervisor = supervisor_of(container)
    os.kill(engine._keeper.pid, signal.SIGSTOP)  # it sees to nothing any more, and is killed for that
    os.kill(supervisor, signal.SIGKILL)
    assert next(engine.exits()) == container.uuid
    assert processes_of(mark) == []


@pytest.mark.parametrize("where", ["directory", "file"])
def test_what_is_at_work_in_the_directory_of_a_container_ends_before_the_engine_starts(tmp_path, where):
    home = tmp_path / "containers" / "some" / "home"
    home.mkdir(parents=True)
    with open(home / "file", "w") as file:
        left = subprocess.Popen(["sleep", "600"], env={}, cwd=home if where == "directory" else "/",
                                stdout=file if where == "file" else None, start_new_session=True)
    other = subprocess.Popen(["sleep", "600"], cwd=tmp_path, start_new_session=True)
    engine = ProcessEngine(tmp_path / "containers")
    engine.open()
    try:
        assert left.wait(0) == -signal.SIGKILL
        assert other.poll() is None
    finally:
        other.kill()
        other.wait()
        engine.close()


def outlives_a_start(process, directory):
    """Tell whether a process is there when an engine has started; it is ended then."""
    engine = ProcessEngine(directory / "containers")
    engine.open()
    try:
        return process.poll() is None
    finally:
        process.kill()
        process.wait()
        engine.close()


def test_who_only_reads_files_of_a_container_is_left_alone(tmp_path):
    log = tmp_path / "containers" / "some" / "output.log"
    log.parent.mkdir(parents=True)
    log.write_text("")
    with open(log) as file:
        backup = subprocess.Popen(["sleep", "600"], cwd=tmp_path, stdin=file, start_new_session=True)
    assert outlives_a_start(backup, tmp_path)


def test_who_looks_around_in_the_directory_at_a_terminal_is_left_alone(tmp_path):
    (tmp_path / "containers" / "some").mkdir(parents=True)
    master, terminal = os.openpty()
    operator = subprocess.Popen(["sleep", "600"], cwd=tmp_path / "containers" / "some", stdin=terminal,
                                start_new_session=True, preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0))
    assert outlives_a_start(operator, tmp_path)
    os.close(master)
    os.close(terminal)


def test_a_container_has_no_files_of_the_keeper(engine):
    engine.deploy(spec())
    container = spec("sh -c 'ls /proc/$$/fd; exit 0'")
    engine.deploy(container)
    until(lambda: not engine.status(container.uuid).running)
    assert engine.logs(container.uuid).split() == ["0", "1", "2"]
