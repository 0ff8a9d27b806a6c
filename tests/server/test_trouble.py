"""The service in trouble: a full disk, a locked database, stubborn containers, clients that hang."""
import fcntl
import os
import shutil
import socket
import sqlite3
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests
from fulldisk import fill, small_disk
from serverprocess import Server, processes_of, until


def test_a_full_disk_is_503_with_the_reason_and_nothing_is_half_made(tmp_path):
    with small_disk(tmp_path / "disk", "4m"):
        server = Server(tmp_path / "disk" / "data")
        try:
            api = server.start().api
            application = api.running(image="any/thing", run_command="sleep 600")
            fill(tmp_path / "disk" / "filler")
            body = {"image": "any/thing", "name": "x", "run_command": "true " + "6" * 50000}
            replies = [api.call("POST", "application/", json=body) for _ in range(50)]
            assert {reply.status_code for reply in replies} <= {202, 503} and replies[-1].status_code == 503
            assert "disk is full" in replies[-1].json()["error"]
            accepted = [reply.json()["uuid"] for reply in replies if reply.status_code == 202]
            assert [each["uuid"] for each in api.list("application", name="x", limit=100)] == accepted
            assert api.object(f"application/{application['uuid']}/")["state"] == "Running"
            (tmp_path / "disk" / "filler").unlink()
            path = f"application/{application['uuid']}/"
            api.act(path + "stop/")
            assert api.settled(path)["state"] == "Stopped"
        finally:
            server.close()


def test_a_locked_database_is_503_with_the_reason_and_nothing_is_half_made(server):
    api = server.start().api
    application = api.running(image="any/thing", run_command="sleep 600")
    path = f"application/{application['uuid']}/"
    other = sqlite3.connect(server.data_dir / "tutum.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    refused = api.call("POST", path + "stop/")
    assert refused.status_code == 503 and "locked" in refused.json()["error"]
    assert api.object(path)["state"] == "Running"
    other.execute("ROLLBACK")
    other.close()
    api.act(path + "stop/")
    assert api.settled(path)["state"] == "Stopped"


def test_a_locked_database_keeps_a_supervisor_waiting_no_longer_than_a_few_seconds(server):
    api = server.start().api
    other = sqlite3.connect(server.data_dir / "tutum.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with ThreadPoolExecutor(16) as clients:
        refused = [clients.submit(server.api.call, "POST", "application/", json={"image": "any/thing"})
                   for _ in range(16)]
        until(lambda: any(each.running() for each in refused))
        began = time.monotonic()
        assert requests.get(api.base_url.replace("/api/v1/", "/healthz"), timeout=30).status_code == 200
        assert time.monotonic() - began < 10
        for each in refused:
            assert each.result().status_code == 503 and "database is locked" in each.result().json()["error"]
    other.execute("ROLLBACK")
    other.close()


def test_records_that_cannot_be_read_are_503_with_the_reason(server):
    api = server.start().api
    with open(server.data_dir / "tutum.db-shm", "r+b") as index:
        fcntl.lockf(index, fcntl.LOCK_EX, 5, 123)  # what a reader locks one of
        refused = api.get("application/")
    assert refused.status_code == 503 and "locking protocol" in refused.json()["error"]
    assert api.get("application/").status_code == 200


def test_a_step_that_could_not_be_written_down_is_done_again(server):
    api = server.start().api
    application = api.running(image="any/thing", run_command="sh -c 'sleep 1; exit 3'")
    path = f"application/{application['uuid']}/"
    other = sqlite3.connect(server.data_dir / "tutum.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    until(lambda: processes_of(api.containers(application)[0]["uuid"]) == [])
    time.sleep(6)
    other.execute("ROLLBACK")
    other.close()
    assert until(lambda: (lambda found: found["state"] == "Stopped" and found)(api.object(path)))
    assert api.containers(application)[0]["exit_code"] == 3


@pytest.mark.skipif(shutil.which("setpriv") is None, reason="setpriv is what takes root's rights")
@pytest.mark.parametrize("spoil", ["chmod 000 ..", "chmod 000 .", "chmod 000 ../output.log",
                                   "cd ..; d=$PWD; cd /; mv $d $d.away; ln -s $d $d"])
def test_a_container_that_spoiled_its_own_files_fails_to_start_and_can_be_deleted(server, spoil):
    if os.geteuid() == 0:
        server.command = ["setpriv", "--bounding-set", "-dac_override,-dac_read_search", *server.command]
    api = server.start().api
    application = api.create(image="any/thing", run_command=f"sh -c '{spoil}; exit 1'")
    path = f"application/{application['uuid']}/"
    until(lambda: api.object(path)["state"] == "Stopped")
    api.act(path + "start/")
    assert api.settled(path)["state"] == "Start failed"
    assert "Start failed: " in api.object(path + "logs/")["logs"]
    api.act(path, "DELETE")
    assert api.settled(path)["state"] == "Terminated"


def test_the_service_ends_within_ten_seconds_whatever_its_containers_and_clients_do(server):
    api = server.start().api
    api.running(image="any/thing", target_num_containers=3,
                run_command="sh -c 'trap \"\" TERM; while :; do sleep 1; done'")
    port = int(server.base_url.split(":")[2].split("/")[0])
    with socket.create_connection(("127.0.0.1", port)) as hanging:
        hanging.sendall(b"POST /api/v1/application/ HTTP/1.1\r\nContent-Length: 100\r\n\r\n{")
        began = time.monotonic()
        assert server.end() == 0
        assert time.monotonic() - began < 10
    assert processes_of(str(server.data_dir)) == []


def test_clients_that_hang_keep_nobody_else_waiting(server):
    api = server.start().api
    port = int(server.base_url.split(":")[2].split("/")[0])
    hanging = [socket.create_connection(("127.0.0.1", port)) for _ in range(50)]
    for each in hanging:
        each.sendall(b"POST /api/v1/application/ HTTP/1.1\r\nContent-Length: 100\r\n\r\n{")
    assert api.get("application/").status_code == 200
    for each in hanging:
        each.close()
