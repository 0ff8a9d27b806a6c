"""The service as its operator sees it: started, stopped, killed, and started again."""
import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest
import requests
from serverprocess import Server, processes_of, until

TUTUM_SERVER = [sys.executable, "-m", "tutum.server"]


def run(*arguments, **options):
    return subprocess.run([*TUTUM_SERVER, *arguments], capture_output=True, text=True, timeout=60, **options)


def hello(container):
    port = container["container_ports"][0]["outer_port"]
    return requests.get(f"http://127.0.0.1:{port}/", timeout=5).status_code


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_stopping_the_service_ends_its_containers_and_starting_brings_them_back(server, number):
    api = server.start().api
    application = api.running(target_num_containers=2)
    stopped = api.running(image="any/thing", run_command="sleep 600")
    api.act(f"application/{stopped['uuid']}/stop/")
    api.settled(f"application/{stopped['uuid']}/")
    before = api.containers(application)
    assert server.end(number) == 0
    assert processes_of(str(server.data_dir)) == []
    api = server.start().api
    until(lambda: api.object(f"application/{application['uuid']}/")["state"] == "Running")
    after = api.containers(application)
    changing = {"started_datetime"}
    assert [{key: each[key] for key in each if key not in changing} for each in after] == [
        {key: each[key] for key in each if key not in changing} for each in before]
    assert [hello(each) for each in after] == [200, 200]
    assert api.object(f"application/{stopped['uuid']}/")["state"] == "Stopped"


def test_a_service_that_is_to_outlive_its_terminal_does(server):
    server.command = ["nohup", *server.command]
    api = server.start(stderr=subprocess.DEVNULL).api
    server.process.send_signal(signal.SIGHUP)
    api.running(image="any/thing", run_command="sleep 600")
    assert server.end() == 0


@pytest.mark.skipif(sys.platform != "linux", reason="the service's processes are found through /proc")
def test_containers_that_are_ended_together_with_the_service_start_again_with_it(server):
    api = server.start().api
    application = api.running(target_num_containers=3, autodestroy="ALWAYS")
    before = api.containers(application)
    for pid in descendants(server.process.pid):  # as systemd does it, though in the worst order and slowly
        with suppress(ProcessLookupError):  # it ended with the one before
            os.kill(pid, signal.SIGTERM)
    until(lambda: all(processes_of(f"TUTUM_CONTAINER_UUID={each['uuid']}") == [] for each in before))
    assert server.end() == 0
    api = server.start().api
    assert api.settled(f"application/{application['uuid']}/")["state"] == "Running"
    assert [each["uuid"] for each in api.containers(application)] == [each["uuid"] for each in before]
    assert processes_of(str(server.data_dir)) != []


def descendants(pid):
    """Return the processes below one, the youngest generation first."""
    found, newest = [], [pid]
    while newest:
        newest = [int(child) for parent in newest
                  for child in Path(f"/proc/{parent}/task/{parent}/children").read_text().split()]
        found = newest + found
    return found


def test_a_killed_service_leaves_no_process_and_goes_on_where_it_was(server):
    api = server.start().api
    running = api.running(name="running")
    created = api.create(name="created", target_num_containers=5)
    server.kill()
    until(lambda: processes_of(str(server.data_dir)) == [], timeout=10)
    api = server.start().api
    for application in (running, created):
        assert api.settled(f"application/{application['uuid']}/")["state"] == "Running"
        assert all(hello(container) == 200 for container in api.containers(application))


def test_a_killed_service_can_be_started_again_at_once(server):
    api = server.start().api
    application = api.running(image="any/thing", run_command="sh -c 'trap \"\" TERM; while :; do sleep 1; done'")
    container = api.containers(application)[0]
    server.kill()
    api = server.start().api
    assert api.settled(f"application/{application['uuid']}/")["state"] == "Running"
    groups = {os.getpgid(pid) for pid in processes_of(f"TUTUM_CONTAINER_UUID={container['uuid']}")}
    assert len(groups) == 1


def test_a_second_service_on_the_same_data_is_refused(server):
    server.start()
    second = run("serve", "--port", "0", "--data-dir", str(server.data_dir))
    assert second.returncode == 1 and "is in use by another service" in second.stderr


def test_a_port_in_use_is_told(server, tmp_path):
    port = server.start().base_url.split(":")[2].split("/")[0]
    second = run("serve", "--port", port, "--data-dir", str(tmp_path / "other"))
    assert second.returncode == 1 and "Address already in use" in second.stderr and "--port" in second.stderr


def test_records_and_client_file_are_their_owners_alone(server):
    server.start()
    for path in (server.data_dir, server.data_dir / "tutum.db", server.data_dir / "client.ini"):
        assert path.stat().st_mode & 0o077 == 0


def test_records_and_client_file_are_their_owners_alone_again_after_a_copy_of_them_was_put_back(server):
    api = server.start().api
    api.create(image="any/thing", run_command="sleep 600")
    server.kill()  # leaves the journal behind
    paths = [server.data_dir, *(server.data_dir / name for name in (
        "tutum.db", "tutum.db-wal", "tutum.db-shm", "client.ini"))]
    for path in paths:
        path.chmod(0o755)
    server.start()
    assert [path for path in paths if path.stat().st_mode & 0o077] == []


def test_the_key_is_shown_at_the_first_start_alone(server):
    server.start()
    first = (server.apikey, server.password)
    server.end()
    server.apikey = server.password = None
    server.start()
    assert all(first) and (server.apikey, server.password) == (None, None)


def test_other_machines_are_let_in_only_when_that_is_said(tmp_path):
    refused = run("serve", "--host", "0.0.0.0", "--port", "0", "--data-dir", str(tmp_path))
    assert refused.returncode == 2 and "--allow-remote" in refused.stderr


def test_run_hands_the_service_to_the_command_and_returns_its_status(tmp_path):
    ended = run("run", "--", "sh", "-c", "env; cat $TUTUM_CONFIG_FILE; exit 5", cwd=tmp_path)
    assert ended.returncode == 5, ended.stderr
    lines = dict(line.split("=", 1) for line in ended.stdout.splitlines() if "=" in line)
    assert lines["TUTUM_BASE_URL"].startswith("http://127.0.0.1:")
    assert (lines["user "].strip(), lines["apikey "].strip()) == (lines["TUTUM_USER"], lines["TUTUM_APIKEY"])
    assert not os.path.exists(lines["TUTUM_CONFIG_FILE"])
    with pytest.raises(requests.ConnectionError):
        requests.get(lines["TUTUM_BASE_URL"], timeout=5)


def test_run_says_what_it_cannot_run():
    ended = run("run", "--", "/does/not/exist")
    assert ended.returncode == 127 and "/does/not/exist" in ended.stderr


CREATE_AND_WAIT = """
import json, os, time, urllib.request
def call(method, path, body=None):
    request = urllib.request.Request(os.environ["TUTUM_BASE_URL"] + path, method=method,
        data=body and json.dumps(body).encode(), headers={"Content-Type": "application/json",
        "Authorization": "ApiKey %(TUTUM_USER)s:%(TUTUM_APIKEY)s" % os.environ})
    return json.load(urllib.request.urlopen(request))
app = call("POST", "application/", {"image": "tutum/hello-world"})
while call("GET", "application/%s/" % app["uuid"])["state"] != "Running":
    time.sleep(0.02)
print("DATA " + os.path.dirname(os.environ["TUTUM_CONFIG_FILE"]), flush=True)
time.sleep(600)
"""


@pytest.mark.parametrize("number, to_group, status", [
    (signal.SIGINT, True, 130), (signal.SIGTERM, False, 143), (signal.SIGHUP, False, 129),
])
def test_run_takes_everything_down_when_it_is_interrupted(number, to_group, status):
    # The signal ends the command by Python's default for it; a terminal sends Ctrl-C to the whole group.
    script = CREATE_AND_WAIT
    if number == signal.SIGINT:
        script = "import signal; signal.signal(signal.SIGINT, signal.SIG_DFL)\n" + script
    process = subprocess.Popen([*TUTUM_SERVER, "run", "--", sys.executable, "-c", script], stdout=subprocess.PIPE,
                               text=True, start_new_session=True)
    data_dir = process.stdout.readline().split()[1]
    assert processes_of(data_dir) != []
    (os.killpg if to_group else os.kill)(process.pid, number)
    assert process.wait(15) == status
    process.stdout.close()
    assert processes_of(data_dir) == []
    assert not os.path.exists(data_dir)


def test_requests_are_answered_while_the_service_starts_its_containers_again(server):
    api = server.start().api
    application = api.running(target_num_containers=8)
    server.kill()
    api = server.start().api
    assert api.object(f"application/{application['uuid']}/")["state"] in ("Starting", "Running")
    assert api.settled(f"application/{application['uuid']}/")["running_num_containers"] == 8


def test_a_slow_stop_holds_nothing_else_up(server):
    api = server.start().api
    slow = api.running(image="any/thing", run_command="sh -c 'trap \"\" TERM; while :; do sleep 1; done'")
    api.act(f"application/{slow['uuid']}/stop/")
    began = time.monotonic()
    other = api.running()
    assert hello(api.containers(other)[0]) == 200
    assert api.object(f"application/{slow['uuid']}/")["state"] == "Stopping"
    assert time.monotonic() - began < 10


def test_two_services_side_by_side_share_nothing(server, tmp_path):
    other = Server(tmp_path / "other")
    try:
        mine, theirs = server.start().api, other.start().api
        mine.running(name="mine")
        assert theirs.list("application") == []
    finally:
        other.close()
