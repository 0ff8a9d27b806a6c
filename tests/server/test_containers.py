"""``/container/`` over HTTP (api-v1 4, 6.4)."""
from serverprocess import until


def test_stop_start_and_delete_one_container(api):
    application = api.running(name="web", target_num_containers=2)
    container = api.containers(application)[0]
    path = f"container/{container['uuid']}/"
    assert api.act(path + "stop/")["state"] == "Stopping"
    stopped = api.settled(path)
    assert (stopped["state"], stopped["exit_code"], stopped["exit_code_msg"]) == (
        "Stopped", 0, "Exit code 0 (Success)")
    assert api.settled(f"application/{application['uuid']}/")["state"] == "Partly running"
    assert api.act(path + "start/")["state"] == "Starting"
    started = api.settled(path)
    assert (started["state"], started["exit_code"]) == ("Running", 0)
    assert started["container_ports"] == container["container_ports"]
    assert api.act(path, "DELETE")["state"] == "Terminating"
    assert api.settled(path)["state"] == "Terminated"
    parent = api.settled(f"application/{application['uuid']}/")
    assert (parent["target_num_containers"], parent["current_num_containers"], parent["state"]) == (1, 1, "Running")


def test_an_application_without_its_last_container_is_not_running(api):
    application = api.running()
    api.act(f"container/{api.containers(application)[0]['uuid']}/", "DELETE")
    path = f"application/{application['uuid']}/"
    api.settled(f"container/{api.containers(application)[0]['uuid']}/")
    assert api.object(path)["state"] == "Not running"


def test_containers_are_found_by_their_application(api):
    wanted, other = api.running(name="wanted", target_num_containers=2), api.running(name="other")
    for filters in ({"application__name": "wanted"}, {"application__uuid": wanted["uuid"]},
                    {"application__uuid__startswith": wanted["uuid"][:18]}, {"application__unique_name": "wanted"},
                    {"unique_name__startswith": "wanted-", "application__state": "Running"}):
        found = [each for each in api.list("container", state="Running", **filters)]
        assert [each["application"] for each in found] == [wanted["resource_uri"]] * 2
    assert [each["unique_name"] for each in api.list("container", name="other-1", state="Running")] == ["other-1"]
    assert other["uuid"] != wanted["uuid"]


def test_only_web_public_dns_can_be_changed(api):
    path = f"container/{api.containers(api.running())[0]['uuid']}/"
    assert api.act(path, "PATCH", json={"web_public_dns": "www.example.net"})["web_public_dns"] == "www.example.net"
    reply = api.call("PATCH", path, json={"name": "other"})
    assert (reply.status_code, reply.json()) == (400, {"container": {"name": ["Cannot be changed."]}})


def test_logs_stay_when_the_container_is_stopped_and_when_it_is_terminated(api):
    application = api.running(image="any/thing", run_command="sh -c 'echo up; echo here; exec sleep 600'")
    path = f"container/{api.containers(application)[0]['uuid']}/"
    until(lambda: api.object(path + "logs/") == {"logs": "up\nhere\n"})
    assert api.object(path + "logs/?tail=1") == {"logs": "here\n"}
    api.act(path + "stop/")
    api.settled(path)
    assert api.object(path + "logs/") == {"logs": "up\nhere\n"}
    api.act(path, "DELETE")
    api.settled(path)
    assert api.object(path + "logs/") == {"logs": "up\nhere\n"}


def test_actions_are_refused_while_the_application_moves(api):
    application = api.create(image="any/thing", run_command="sh -c 'trap \"\" TERM; while :; do sleep 1; done'")
    path = f"application/{application['uuid']}/"
    api.settled(path)
    container = api.containers(application)[0]
    api.act(path + "stop/")
    reply = api.call("DELETE", f"container/{container['uuid']}/")
    assert reply.status_code == 400 and "Stopping" in reply.json()["error"]


def test_another_account_sees_nothing_of_it(api, stranger):
    path = f"container/{api.containers(api.running())[0]['uuid']}/"
    for method, suffix in (("GET", ""), ("PATCH", ""), ("DELETE", ""), ("POST", "start/"), ("POST", "stop/"),
                           ("GET", "logs/")):
        assert stranger.call(method, path + suffix).status_code == 404


def test_containers_are_not_made_by_themselves(api):
    reply = api.call("POST", "container/", json={})
    assert reply.status_code == 405
    assert reply.headers["Allow"] == reply.text == "GET, HEAD, OPTIONS"
