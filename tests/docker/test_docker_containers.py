"""What the service makes on a Docker Engine."""
import os
import signal
import socket
import subprocess
import sys
from configparser import ConfigParser
from pathlib import Path

import docker_engine
import pytest
import requests
from serverprocess import Api, until

from tutum.server import accounts
from tutum.server.containerlogs import MAX_KEPT
from tutum.server.store import Store

EXAMPLES = Path(__file__).parents[2] / "docs" / "examples"
QUICKSTART = EXAMPLES / "quickstart.py"
RUN = [sys.executable, "-m", "tutum.server", "run", "--engine", "docker", "--"]
TCP_AND_UDP = {"image": "any/thing", "run_command": "sleep 600", "container_ports": [
    {"inner_port": 53, "protocol": "tcp"}, {"inner_port": 53, "protocol": "udp"}]}


def found(client, server, container=None):
    """Return the containers that the engine has of a service, or the one of a record."""
    if container is None:
        return docker_engine.containers(client, server.label)
    one, = docker_engine.containers(client, server.label, f"tutum.uuid={container['uuid']}")
    return one


def ours(client):
    """Return all that any service has made on the engine."""
    label = "tutum.service"
    return [each.name for each in
            docker_engine.containers(client, label) + client.networks.list(filters={"label": label})]


def add_account(server, username):
    """Add an account to a running service; return a client of it."""
    store = Store(server.data_dir / "tutum.db")
    account = accounts.add(store, username)
    store.close()
    return Api(server.base_url, username, account.apikey)


def test_both_documented_sessions_run(client):
    ended = subprocess.run([*RUN, sys.executable, str(QUICKSTART)], stdout=subprocess.PIPE, text=True, timeout=120)
    assert ended.returncode == 0
    states = [line.strip('"') for line in ended.stdout.splitlines() if line.startswith('"') and "-" not in line]
    assert states == ["Starting", "Running", "Scaling", "Running", "Stopped", "Running", "Terminating", "Terminated",
                      "Running", "Stopping", "Stopped", "Running", "Terminating", "Terminated", "Not running",
                      "Terminated"]
    assert ours(client) == []


@pytest.mark.parametrize("end", [None, signal.SIGTERM])
def test_run_takes_down_what_was_made_and_what_is_just_being_made(client, end):
    script = ("import tutum, time; tutum.Application.create(image='tutum/hello-world').save(); "
              "app = tutum.Application.list()[0]; app.wait(); "
              "tutum.Application.create(image='any/thing', run_command='sleep 600', target_num_containers=5).save(); "
              f"print('made', flush=True); {'time.sleep(600)' if end else ''}")
    process = subprocess.Popen([*RUN, sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "made\n"
    if end:
        process.send_signal(end)
    process.wait(60)
    process.stdout.close()
    assert ours(client) == []


def test_a_container_is_labelled_limited_and_named(client, service):
    api = service.start().api
    application = api.running(name="web", container_size="S")
    container, = api.containers(application)
    made = found(client, service, container)
    assert made.labels["tutum.application"] == application["uuid"] and made.labels["tutum.account"] == "tutum"
    assert made.attrs["Config"]["Hostname"] == "web-1"
    limits = made.attrs["HostConfig"]
    assert (limits["Memory"], limits["CpuQuota"] / limits["CpuPeriod"]) == (512 * 1024 * 1024, 0.5)
    assert limits["RestartPolicy"]["Name"] in ("", "no")


def test_what_an_image_says_is_the_default_and_is_shown(client, service):
    api = service.start().api
    application = api.running()
    assert (application["run_command"], application["entrypoint"]) == ("/bin/hello", "")
    assert [(port["inner_port"], port["protocol"]) for port in application["container_ports"]] == [(80, "tcp")]
    api.act("image/", json={"name": "tutum/hello-world", "username": "ann", "password": "secret"})
    tag, = api.object("image/tutum/hello-world/")["imagetag_set"]
    image = client.images.get("tutum/hello-world").attrs
    assert tag["image"]["docker_id"] == image["Id"].split(":")[1]
    assert {"key": "NAME", "value": "world"} in tag["image"]["imageenvvar_set"]
    assert tag["image"]["imageport_set"] == [{"port": 80, "protocol": "tcp"}]
    assert tag["image"]["image_creation"].endswith(" +0000")


def test_tcp_and_udp_ports_are_published_on_this_machine_alone(service):
    api = service.start().api
    container, = api.containers(api.running(**TCP_AND_UDP))
    kinds = {"tcp": socket.SOCK_STREAM, "udp": socket.SOCK_DGRAM}
    for port in container["container_ports"]:
        with socket.socket(socket.AF_INET, kinds[port["protocol"]]) as probe:
            with pytest.raises(OSError, match="in use"):
                probe.bind(("127.0.0.1", port["outer_port"]))
        with socket.socket(socket.AF_INET, kinds[port["protocol"]]) as probe:
            probe.bind(("127.0.0.2", port["outer_port"]))


def test_tcp_and_udp_ports_stay_over_stop_start_and_redeploy(client, service):
    api = service.start().api
    application = api.running(**TCP_AND_UDP)
    before, = api.containers(application)
    path = f"application/{application['uuid']}/"
    for action in ("stop", "start", "redeploy"):
        api.act(path + f"{action}/")
        api.settled(path)
    after, = [each for each in api.containers(application) if each["state"] == "Running"]
    assert {port: at for port, at in found(client, service, after).ports.items() if at} == {
        f"{port['inner_port']}/{port['protocol']}": [{"HostIp": "127.0.0.1", "HostPort": str(port["outer_port"])}]
        for port in before["container_ports"]}


def test_a_public_host_has_ports_published_on_all_addresses(client, service):
    api = service.start("--public-host", "docker.example.net").api
    container, = api.containers(api.running())
    assert container["public_dns"] == "docker.example.net"
    binding, = found(client, service, container).attrs["HostConfig"]["PortBindings"]["80/tcp"]
    assert binding == {"HostIp": "0.0.0.0", "HostPort": str(container["container_ports"][0]["outer_port"])}


def test_long_names_are_shortened_to_host_names_that_links_use(client, service):
    api = service.start().api
    name = "a" * 63
    target, = api.containers(api.running(name=name))
    linking, = api.containers(api.running(image="any/thing", run_command="sleep 600", linked_to_application=[name]))
    address = linked_address(api, linking, f"{name.upper()}_1")
    assert len(address) == 63 and found(client, service, target).attrs["Config"]["Hostname"] == address
    assert "Hello world!" in until(lambda: page_of(client, service, linking, address))


def test_names_that_differ_in_capitals_alone_lead_to_their_own_containers(client, service):
    api = service.start().api
    for name in ("shop", "Shop", "SHOP"):
        api.running(name=name, container_envvars=[{"key": "NAME", "value": name}])
    for name in ("shop", "Shop", "SHOP"):
        linking, = api.containers(api.running(image="any/thing", run_command="sleep 600", linked_to_application=[name]))
        address = linked_address(api, linking, "SHOP_1")
        assert f"Hello {name}!" in until(lambda: page_of(client, service, linking, address))


def linked_address(api, container, linked):
    """Return the address that a container's link variables give for another."""
    variables = api.object(f"container/{container['uuid']}/")["container_envvars"]
    address, = [each["value"] for each in variables if each["key"] == f"{linked}_PORT_80_TCP_ADDR"]
    return address


def page_of(client, server, container, address):
    """Return the page that a container is given at an address."""
    request = f"printf 'GET / HTTP/1.0\\r\\n\\r\\n' | nc -w 5 {address} 80"
    return found(client, server, container).exec_run(["sh", "-c", request])[1].decode()


def test_each_account_has_a_network_of_its_own(client, service):
    api = service.start().api
    target, = api.containers(api.running(name="target"))
    stranger = add_account(service, "stranger")
    container, = stranger.containers(stranger.running(image="any/thing", run_command="sleep 600"))
    here, there = (list(found(client, service, each).attrs["NetworkSettings"]["Networks"].items())
                   for each in (target, container))
    assert len(here) == len(there) == 1 and here[0][0] != there[0][0]
    code, _ = found(client, service, container).exec_run(["nc", "-w", "1", here[0][1]["IPAddress"], "80"])
    assert code != 0


def test_a_network_makes_room_for_another_when_no_container_needs_it(client, service):
    api = service.start().api
    for account, each in (("tutum", api), ("second", add_account(service, "second")), ("tutum", api)):
        application = each.running(image="any/thing", run_command="sleep 600")
        network, = client.networks.list(filters={"label": service.label})
        assert network.attrs["Labels"]["tutum.account"] == account
        path = f"application/{application['uuid']}/"
        each.act(path, "DELETE")
        each.settled(path)


def test_memory_that_a_container_has_not_ends_it(service):
    api = service.start().api
    created = api.create(image="any/thing", run_command="dd if=/dev/zero of=/dev/null bs=400M count=1")
    container = until(lambda: [each for each in api.containers(created) if each["state"] == "Stopped"], 60)[0]
    assert container["exit_code"] == 137


def test_logs_have_both_streams_in_order_running_stopped_or_terminated(service):
    api = service.start().api
    command = "sh -c 'echo first; sleep 0.5; echo second >&2; sleep 0.5; echo third; sleep 600'"
    application = api.running(image="any/thing", run_command=command)
    whole = {"logs": "first\nsecond\nthird\n"}
    path = f"container/{api.containers(application)[0]['uuid']}/"
    until(lambda: api.object(path + "logs/") == whole)
    api.act(path + "stop/")
    api.settled(path)
    assert api.object(path + "logs/") == whole
    assert api.object(path + "logs/?tail=2") == {"logs": "second\nthird\n"}
    api.act(path, "DELETE")
    api.settled(path)
    assert api.object(path + "logs/") == whole
    assert api.object(path + "logs/?tail=2") == {"logs": "second\nthird\n"}


def test_of_a_long_log_the_end_is_kept_when_the_container_is_terminated(service):
    api = service.start().api
    line = "0" * 199
    application = api.running(image="any/thing", run_command=f"sh -c 'yes {line} | head -n 20000; echo end; sleep 600'")
    path = f"container/{api.containers(application)[0]['uuid']}/"
    until(lambda: api.object(path + "logs/?tail=1") == {"logs": "end\n"})
    api.act(path, "DELETE")
    api.settled(path)
    kept = api.object(path + "logs/")["logs"]
    assert MAX_KEPT - 2 * len(line) < len(kept) <= MAX_KEPT
    assert set(kept.splitlines()[:-1]) == {line} and kept.endswith("\nend\n")


def test_volumes_go_with_their_container(client, service):
    api = service.start().api
    container = client.containers.create("any/thing", "true")
    client.api.commit(container.id, repository="with/volume", tag="latest", changes="VOLUME /data")
    container.remove()
    before = {volume.id for volume in client.volumes.list()}
    application = api.running(image="with/volume", run_command="sleep 600")
    assert {volume.id for volume in client.volumes.list()} != before
    path = f"application/{application['uuid']}/"
    api.act(path, "DELETE")
    api.settled(path)
    assert {volume.id for volume in client.volumes.list()} == before


def test_what_others_made_is_not_touched(client, service, tmp_path):
    labels = {"tutum.service": "another", "tutum.uuid": "another", "tutum.account": "tutum"}
    foreign = client.containers.run("any/thing", ["sleep", "600"], detach=True, labels=labels, name="web-1")
    try:
        api = service.start().api
        application = api.running(name="web")
        service.end()
        api = service.start().api
        api.act(f"application/{application['uuid']}/", "DELETE")
        assert api.settled(f"application/{application['uuid']}/")["state"] == "Terminated"
        foreign.reload()
        assert foreign.status == "running"
    finally:
        foreign.remove(force=True)


def test_a_container_without_a_record_is_removed_at_the_start(client, service):
    service.start()
    service.end()
    key, _, identity = service.label.partition("=")
    client.containers.run("any/thing", ["sleep", "600"], detach=True, labels={key: identity, "tutum.uuid": "unknown"})
    service.start()
    until(lambda: found(client, service) == [])


def test_containers_outlive_the_service_and_what_ended_meanwhile_is_seen(client, service):
    api = service.start().api
    kept, = api.containers(api.running(name="kept"))
    ended, = api.containers(api.running(image="any/thing", name="ended", run_command="sleep 600"))
    service.end()
    found(client, service, ended).kill()
    started_at = found(client, service, kept).attrs["State"]["StartedAt"]
    api = service.start().api
    path = f"container/{ended['uuid']}/"
    assert until(lambda: api.object(path)["state"] == "Stopped" and api.object(path))["exit_code"] == 137
    assert api.object(f"container/{kept['uuid']}/")["state"] == "Running"
    assert found(client, service, kept).attrs["State"]["StartedAt"] == started_at


def test_an_address_that_is_none_is_refused():
    ended = subprocess.run([*RUN[:-1], "--docker-host", "nonsense://x", "--", "true"], capture_output=True, text=True,
                           timeout=60, env={**os.environ})
    assert ended.returncode == 1 and "nonsense" in ended.stderr


def test_pages_answer_under_the_ports_that_are_kept(service):
    api = service.start().api
    application = api.running(target_num_containers=2)
    path = f"application/{application['uuid']}/"
    ports = [each["container_ports"][0]["outer_port"] for each in api.containers(application)]
    for action in ("stop", "start", "redeploy"):
        api.act(path + f"{action}/")
        assert api.settled(path)["state"] == ("Stopped" if action == "stop" else "Running")
    for port in ports:
        until(lambda: _answers(port))


def test_redeploy_takes_what_is_left_to_the_image_from_the_new_tag(client, service):
    for tag, changes in (("v1", ["CMD sleep 601", "EXPOSE 80 81"]), ("v2", ["CMD sleep 602", "EXPOSE 80 82/udp"])):
        client.api.import_image_from_data(docker_engine.file_system(), repository="any/shop", tag=tag,
                                          changes=[*changes, "ENV PATH=/bin"])
    api = service.start().api
    application = api.running(image="any/shop:v1", name="left")
    own = api.running(image="any/shop:v1", name="own", run_command="sleep 603", container_ports=[{"inner_port": 81}])
    before = _ports_of(api, application)
    for each in (application, own):
        api.act(f"application/{each['uuid']}/redeploy/", json={"tag": "v2"})
    application, own = (api.settled(f"application/{each['uuid']}/") for each in (application, own))
    after = _ports_of(api, application)
    assert (application["state"], application["run_command"]) == ("Running", "/bin/sh -c 'sleep 602'")
    assert before.keys() == {"80/tcp", "81/tcp"} and after.keys() == {"80/tcp", "82/udp"}
    assert after["80/tcp"] == before["80/tcp"]
    assert (own["run_command"], _ports_of(api, own).keys()) == ("sleep 603", {"81/tcp"})


def _ports_of(api, application):
    container, = api.list("container", application__uuid=application["uuid"], state="Running")
    return {f"{port['inner_port']}/{port['protocol']}": port["outer_port"] for port in container["container_ports"]}


def _answers(port):
    try:
        return requests.get(f"http://127.0.0.1:{port}/", timeout=5).status_code == 200
    except requests.ConnectionError:
        return False


def test_the_unit_file_starts_a_service_on_the_docker_engine(client, tmp_path):
    unit = ConfigParser()
    unit.read(EXAMPLES / "tutum-server.service")
    program, *arguments = unit["Service"]["ExecStart"].split()
    data_dir = arguments.index("--data-dir") + 1
    assert Path(program).name == "tutum-server"
    assert Path(arguments[data_dir]).parent == Path("/var/lib") / unit["Service"]["StateDirectory"]
    arguments[data_dir] = str(tmp_path / "data")
    process = subprocess.Popen([sys.executable, "-m", "tutum.server", *arguments, "--port", "0"],
                               stdout=subprocess.PIPE, text=True)
    try:
        assert any(line.startswith("Listening at ") for line in process.stdout)
        assert (tmp_path / "data" / "docker.id").exists()
    finally:
        process.terminate()
        process.stdout.close()
        assert process.wait(int(unit["Service"]["TimeoutStopSec"])) == 0
