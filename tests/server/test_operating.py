"""What an operator does and sees: accounts, status, health, logs, the configuration file, limits."""
import re
import socket
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import requests
from parts import MAX_CONTAINERS
from serverprocess import Api, until
from sqlalchemy.exc import IntegrityError

from tutum.server import accounts
from tutum.server import config as config_file
from tutum.server.store import Account, Store
from tutum.server.throttle import Throttle
from tutum.server.web.app import create_app
from tutum.server.web.context import Context

TUTUM_SERVER = [sys.executable, "-m", "tutum.server"]


def run(*arguments):
    return subprocess.run([*TUTUM_SERVER, *map(str, arguments)], capture_output=True, text=True, timeout=60)


def manage(server, *arguments):
    ended = run("user", *arguments, "--data-dir", server.data_dir)
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


def key_in(output):
    return re.search("TUTUM_APIKEY=(.+)", output)[1]


def password_in(output):
    return re.search("Password of .*: (.+)", output)[1]


def login(server, username, password):
    return requests.get(server.base_url + "auth/", auth=(username, password), timeout=5)


def test_accounts_are_managed_while_the_service_runs(server):
    server.start()
    made = manage(server, "add", "ann")
    assert manage(server, "list").split() == ["tutum", "ann"]
    assert Api(server.base_url, "ann", key_in(made)).list("application") == []
    assert login(server, "ann", password_in(made)).json()["objects"][0]["key"] == key_in(made)

    changed = manage(server, "passwd", "ann")
    assert login(server, "ann", password_in(made)).status_code == 401
    assert login(server, "ann", password_in(changed)).status_code == 200

    rotated = manage(server, "rotate-key", "ann")
    assert Api(server.base_url, "ann", key_in(made)).get("application/").status_code == 401
    assert Api(server.base_url, "ann", key_in(rotated)).get("application/").status_code == 200

    manage(server, "remove", "ann")
    assert Api(server.base_url, "ann", key_in(rotated)).get("application/").status_code == 401
    assert login(server, "ann", password_in(changed)).status_code == 401


def test_rotating_the_first_accounts_key_keeps_its_client_file_true(server):
    server.start()
    apikey = key_in(manage(server, "rotate-key", "tutum"))
    assert f"apikey = {apikey}\n" in (server.data_dir / "client.ini").read_text()


@pytest.mark.parametrize("arguments, reason", [
    (["add", "tutum"], "already"), (["add", "no spaces"], "cannot be a user name"),
    (["passwd", "nobody"], "no account"), (["rotate-key", "nobody"], "no account"),
    (["remove", "nobody"], "no account"),
])
def test_what_cannot_be_done_to_an_account_is_said(shared_server, arguments, reason):
    ended = run("user", *arguments, "--data-dir", shared_server.data_dir)
    assert ended.returncode == 1 and reason in ended.stderr


def test_an_account_with_applications_is_not_removed(api, shared_server):
    api.running()
    ended = run("user", "remove", "tutum", "--data-dir", shared_server.data_dir)
    assert ended.returncode == 1 and "has applications" in ended.stderr


def test_a_request_whose_account_is_removed_before_its_turn_to_write_is_401(parts):
    app = create_app(Context(parts.store, parts.addresses, lambda image: accounts.remove(parts.store, "ann"),
                             parts.logs.read, parts.controller.wake, MAX_CONTAINERS, Throttle(), lambda: 0))
    key = f"ApiKey ann:{accounts.find(parts.store, 'ann').apikey}"
    reply = app.test_client().post("/api/v1/application/", json={"image": "any/thing"},
                                   headers={"Authorization": key})
    assert (reply.status_code, reply.data, reply.content_type) == (401, b"", "application/json")


def test_no_account_has_the_id_of_one_that_was_removed(parts):
    removed = accounts.find(parts.store, "ann")
    accounts.remove(parts.store, "ann")
    accounts.add(parts.store, "eve")
    assert accounts.find(parts.store, "eve").id != removed.id


def test_passwords_are_kept_as_salted_scrypt_hashes(server):
    server.start()
    records = b"".join(path.read_bytes() for path in server.data_dir.glob("tutum.db*"))
    assert b"scrypt:" in records and server.password.encode() not in records


def test_errors_of_the_records_hold_no_secrets(tmp_path):
    with closing(Store(tmp_path / "tutum.db")) as store, pytest.raises(IntegrityError) as caught:
        with store.writing() as session:
            session.add_all(Account(username="ann", password_hash="the hash", apikey="the key") for _ in range(2))
    assert "the hash" not in str(caught.value) and "the key" not in str(caught.value)


def test_status_prints_a_table(api, shared_server):
    application = api.running(name="web", target_num_containers=2)
    ports = [each["container_ports"][0]["outer_port"] for each in api.containers(application)]
    lines = [line.split() for line in run("status", "--data-dir", shared_server.data_dir).stdout.splitlines()]
    assert lines[0] == ["ACCOUNT", "NAME", "IMAGE", "STATE", "RUNNING", "PORTS"]
    at = lines.index(["tutum", "web", "tutum/hello-world:latest", "Running", "2/2"])
    assert lines[at + 1:at + 3] == [[f"web-{number}", "Running", f"{port}->80/tcp"]
                                    for number, port in zip((1, 2), ports)]


def test_status_says_when_no_service_runs(server):
    server.start()
    running = run("status", "--data-dir", server.data_dir)
    server.end()
    ended = run("status", "--data-dir", server.data_dir)
    assert running.stdout.startswith("ACCOUNT")
    assert ended.stdout == ("No service runs on this data; below is how the last one left it.\n" + running.stdout)


def test_status_without_any_data_says_so(tmp_path):
    ended = run("status", "--data-dir", tmp_path / "nothing")
    assert ended.returncode == 1 and "--data-dir" in ended.stderr
    assert not (tmp_path / "nothing").exists()


def _sqlite(path, statement):
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(statement)


@pytest.mark.parametrize("spoil, reason", [
    (lambda path: path.write_bytes(b"not a database, but longer than a header of one"), "file is not a database"),
    (lambda path: _sqlite(path, "PRAGMA user_version = 99"), "another version of the service"),
    (lambda path: _sqlite(path, "CREATE TABLE notes (text)"), "database of another program"),
])
@pytest.mark.parametrize("command", ["serve", "status"])
def test_records_that_cannot_be_used_are_named_with_the_reason(tmp_path, command, spoil, reason):
    records = tmp_path / "tutum.db"
    spoil(records)
    ended = run(command, "--data-dir", tmp_path, *(["--port", "0"] if command == "serve" else []))
    assert ended.returncode == 1 and reason in ended.stderr and str(records) in ended.stderr
    assert "Traceback" not in ended.stderr


def test_health_needs_no_credentials(shared_server):
    reply = requests.get(shared_server.base_url.replace("/api/v1/", "/healthz"), timeout=5)
    assert (reply.status_code, reply.json()) == (200, {"status": "ok"})


def test_each_request_is_a_log_line_without_secrets(server, tmp_path):
    with open(tmp_path / "log", "w") as log:
        api = server.start(stderr=log).api
        api.get("application/", params={"api_key": server.apikey})
        login(server, "tutum", "wrong-password")
        api.create(image="any/thing", run_command="sleep 600",
                   container_envvars=[{"key": "TOKEN", "value": "secret-value"}])
        server.end()
    lines = (tmp_path / "log").read_text()
    assert re.search(r"127.0.0.1 tutum GET /api/v1/application/ 200 [\d.]+ ms\n", lines)
    assert re.search(r"127.0.0.1 - GET /api/v1/auth/ 401 [\d.]+ ms\n", lines)
    for secret in (server.apikey, server.password, "wrong-password", "secret-value"):
        assert secret not in lines


def test_a_request_that_cannot_be_read_is_a_log_line_too(server, tmp_path):
    with open(tmp_path / "log", "w") as log:
        server.start(stderr=log)
        with socket.create_connection(("127.0.0.1", urlsplit(server.base_url).port), timeout=5) as connection:
            connection.sendall(b"GET /?api_key=secret\xff HTTP/1.1\r\nAuthorization\r\n\r\n")
            assert connection.recv(65536).split()[1] == b"400"
        server.end()
    line, = (tmp_path / "log").read_text().splitlines()
    assert re.search(r"tutum.server.access: 127.0.0.1 - - - 400 [\d.]+ ms$", line)


def test_guessing_passwords_is_slowed_and_keys_go_on_working(server):
    server.start()
    statuses = [login(server, "tutum", "wrong").status_code for _ in range(7)]
    assert statuses == [401] * 5 + [429] * 2
    refused = login(server, "tutum", server.password)
    assert refused.status_code == 429 and 1 <= int(refused.headers["Retry-After"]) <= 60
    assert server.api.get("application/").status_code == 200
    assert login(server, "ann", "wrong").status_code == 401
    until(lambda: login(server, "tutum", server.password).status_code == 200)


def test_logins_that_cannot_be_read_are_slowed_as_wrong_ones_are(server):
    server.start()
    statuses = [requests.get(server.base_url + "auth/", headers={"Authorization": b"Basic \xc3\xa9"},
                             timeout=5).status_code for _ in range(6)]
    assert statuses == [401] * 5 + [429]


def test_guessing_keys_is_slowed_and_the_right_one_goes_on_working(server):
    server.start()
    wrong = Api(server.base_url, "tutum", "wrong")
    statuses = [wrong.get("application/").status_code for _ in range(8)]
    assert statuses == [401] * 5 + [429] * 3
    assert server.api.get("application/").status_code == 200


def test_an_account_has_so_many_containers_and_no_more(server):
    api = server.start("--max-containers", "3").api
    application = api.running(image="any/thing", run_command="sleep 600", target_num_containers=2)
    path = f"application/{application['uuid']}/"
    for refused in (api.call("POST", "application/", json={"image": "any/thing", "target_num_containers": 2}),
                    api.call("POST", "application/", json={"image": "any/thing", "target_num_containers": 4}),
                    api.call("PATCH", path, json={"target_num_containers": 4})):
        assert refused.status_code == 400 and refused.json()["application"]["target_num_containers"]
    api.act(path, "PATCH", json={"target_num_containers": 3})
    assert api.settled(path)["state"] == "Running"


def test_an_account_has_no_more_applications_than_containers(server):
    api = server.start("--max-containers", "2").api
    paths = []
    for _ in range(2):
        paths.append(f"application/{api.running(image='any/thing', run_command='sleep 600')['uuid']}/")
        api.act(paths[-1], "PATCH", json={"target_num_containers": 0})
        assert api.settled(paths[-1])["state"] == "Not running"
    refused = api.call("POST", "application/", json={"image": "any/thing"})
    assert refused.status_code == 400 and "2 applications" in refused.json()["error"]
    api.act(paths[0], "DELETE")
    api.settled(paths[0])
    api.create(image="any/thing")


def test_an_account_has_no_more_private_images_than_containers(server):
    api = server.start("--max-containers", "2").api
    image = {"username": "ann", "password": "secret"}
    for name in ("acme/shop", "acme/blog"):
        api.act("image/", json={"name": name, **image})
    refused = api.call("POST", "image/", json={"name": "acme/wiki", **image})
    assert refused.status_code == 400 and "2 images" in refused.json()["error"]
    api.call("DELETE", "image/acme/shop/")
    api.act("image/", json={"name": "acme/wiki", **image})


def test_an_account_has_two_ports_for_each_container_and_no_more(server):
    api = server.start("--max-containers", "3").api
    three = [{"inner_port": number} for number in (1, 2, 3)]
    application = api.running(image="any/thing", run_command="sleep 600", container_ports=three)
    path = f"application/{application['uuid']}/"
    refused = api.call("POST", "application/", json={"image": "any/thing", "target_num_containers": 2,
                                                     "container_ports": three})
    assert refused.status_code == 400 and "6 ports and has 3; 6 more" in str(refused.json()["application"])
    refused = api.call("PATCH", path, json={"target_num_containers": 3})
    assert refused.status_code == 400 and refused.json()["application"]["target_num_containers"]
    api.act(path, "PATCH", json={"target_num_containers": 2})
    assert api.settled(path)["state"] == "Running"
    api.act(path + "redeploy/")
    assert api.settled(path)["state"] == "Running"


def test_the_configuration_file_gives_sizes_names_and_images(server, tmp_path):
    config = tmp_path / "tutum.ini"
    config.write_text("[sizes]\nXS = 64 MB, 1 CPU\n[dns]\ncontainers = node.example.net\napplications = "
                      "web.example.net\n[image acme/limits]\nrun_command = sh -c 'ulimit -d; exec sleep 600'\n"
                      "ports = 80/tcp 53/udp\n")
    api = server.start("--config", str(config)).api
    application = api.running(image="acme/limits:v1", name="my_App")
    assert application["run_command"] == "sh -c 'ulimit -d; exec sleep 600'"
    assert application["public_dns"] == "my-app-tutum.web.example.net"
    container, = api.containers(application)
    assert container["public_dns"] == "my-app-1-tutum.node.example.net"
    assert [(port["inner_port"], port["protocol"]) for port in container["container_ports"]] == [
        (80, "tcp"), (53, "udp")]
    log = until(lambda: api.object(f"container/{container['uuid']}/logs/")["logs"])
    assert log == f"{64 * 1024}\n"
    assert "acme/limits" in [image["name"] for image in api.list("image")]


@pytest.mark.parametrize("text, reason", [
    ("[sizes]\nXS = much\n", "size XS = much"), ("[sizes]\nXS = 99999999999999999999 MB, 1 CPU\n", "size XS"),
    ("[colours]\n", "no section [colours]"), ("no section\n", "section"),
    ("[dns]\nhost = a\n", "no setting 'host'"), ("[image UPPER]\n", "no image's name"),
    ("[image a/b]\nports = http\n", "'http' is no port"),
])
def test_a_configuration_file_that_is_wrong_is_refused_with_the_reason(tmp_path, text, reason):
    config = tmp_path / "tutum.ini"
    config.write_text(text)
    ended = run("serve", "--config", config, "--data-dir", tmp_path / "data")
    assert ended.returncode == 2 and reason in ended.stderr


def test_the_example_of_a_configuration_file_is_right():
    example = config_file.read(Path(__file__).parents[2] / "docs" / "examples" / "tutum-server.ini")
    assert example.sizes == config_file.SIZES and list(example.images) == ["acme/files"]
