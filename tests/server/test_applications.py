"""``/application/`` over HTTP (api-v1 3, 6)."""
import re

import pytest
import requests
from serverprocess import until

from tutum.server.engines import MAX_LOG

DETAIL_ONLY = {"container_envvars", "containers", "link_variables", "linked_from_application",
               "linked_to_application", "roles"}


def page_of(container):
    """Read the page that a hello-world container serves; it may run before it listens."""
    port = container["container_ports"][0]["outer_port"]

    def read():
        try:
            return requests.get(f"http://127.0.0.1:{port}/", timeout=5).text
        except requests.ConnectionError:
            return None
    return until(read)


def test_create_answers_at_once_with_what_is_to_be(api):
    reply = api.call("POST", "application/", json={"image": "tutum/hello-world", "name": "web",
                                                   "target_num_containers": 2})
    application = reply.json()
    assert (reply.status_code, application["state"]) == (202, "Starting")
    assert reply.headers["Location"] == application["resource_uri"] == f"/api/v1/application/{application['uuid']}/"
    assert (application["current_num_containers"], application["running_num_containers"]) == (2, 0)
    assert len(application["containers"]) == 2
    assert application["deployed_datetime"] is None
    assert application["image_name"] == "tutum/hello-world:latest"
    assert application["image_tag"] == "/api/v1/image/tutum/hello-world/tag/latest/"


def test_each_container_serves_its_page_and_is_gone_after_delete(api):
    application = api.running(name="web", target_num_containers=2,
                              container_envvars=[{"key": "NAME", "value": "<you>"}])
    containers = api.containers(application)
    assert [container["name"] for container in containers] == ["web-1", "web-2"]
    for container in containers:
        page = page_of(container)
        assert "Hello &lt;you&gt;!" in page and container["unique_name"] in page
    path = f"application/{application['uuid']}/"
    assert api.act(path, "DELETE")["state"] == "Terminating"
    assert api.settled(path)["state"] == "Terminated"
    for container in containers:
        with pytest.raises(requests.ConnectionError):
            requests.get(f"http://127.0.0.1:{container['container_ports'][0]['outer_port']}/", timeout=5)


def test_scaling_up_adds_numbers_and_scaling_down_takes_the_highest(api):
    application = api.running(name="web")
    path = f"application/{application['uuid']}/"
    reply = api.act(path, "PATCH", json={"target_num_containers": 3})
    assert (reply["state"], reply["current_num_containers"], reply["running_num_containers"]) == ("Scaling", 3, 1)
    assert api.settled(path)["running_num_containers"] == 3
    api.act(path, "PATCH", json={"target_num_containers": 1})
    assert api.settled(path)["state"] == "Running"
    lasting = [each for each in api.containers(application) if each["state"] != "Terminated"]
    assert [each["unique_name"] for each in lasting] == ["web-1"]
    api.act(path, "PATCH", json={"target_num_containers": 2})
    assert api.settled(path)["state"] == "Running"
    lasting = [each for each in api.containers(application) if each["state"] != "Terminated"]
    assert [each["unique_name"] for each in lasting] == ["web-1", "web-4"]


def test_scaling_to_zero_ends_as_not_running(api):
    path = f"application/{api.running()['uuid']}/"
    api.act(path, "PATCH", json={"target_num_containers": 0})
    assert api.settled(path)["state"] == "Not running"
    api.act(path, "PATCH", json={"target_num_containers": 1})
    assert api.settled(path)["state"] == "Running"


def test_ports_are_kept_across_stop_and_start(api):
    application = api.running()
    path = f"application/{application['uuid']}/"
    ports = [container["container_ports"] for container in api.containers(application)]
    reply = api.act(path + "stop/")
    assert (reply["state"], reply["running_num_containers"], reply["stopped_num_containers"]) == ("Stopping", 0, 0)
    stopped = api.settled(path)
    assert stopped["state"] == "Stopped" and stopped["stopped_datetime"] is not None
    assert api.act(path + "start/")["state"] == "Starting"
    assert api.settled(path)["state"] == "Running"
    assert [container["container_ports"] for container in api.containers(application)] == ports
    assert "Hello world!" in page_of(api.containers(application)[0])


def test_redeploy_replaces_containers_and_keeps_name_and_port(api):
    application = api.running(name="web", target_num_containers=2)
    path = f"application/{application['uuid']}/"
    before = api.containers(application)
    reply = api.act(path + "redeploy/", json={"tag": "v2"})
    assert (reply["state"], reply["image_name"]) == ("Redeploying", "tutum/hello-world:v2")
    assert api.settled(path)["state"] == "Running"
    after = [each for each in api.containers(application) if each["state"] == "Running"]
    assert {each["uuid"] for each in before}.isdisjoint(each["uuid"] for each in after)

    def endpoints(containers):
        return sorted((each["unique_name"], each["container_ports"][0]["outer_port"]) for each in containers)
    assert endpoints(after) == endpoints(before)
    assert after[0]["unique_name"] in page_of(after[0])


def test_a_command_runs_with_its_environment_and_its_output_is_its_log(api):
    application = api.running(
        image="any/thing", name="job", run_command="-c 'echo out $GREETING; sleep 0.2; echo err >&2; exec sleep 600'",
        entrypoint="sh", container_envvars=[{"key": "GREETING", "value": "hello there"}])
    path = f"application/{application['uuid']}/"
    until(lambda: "err" in api.object(path + "logs/")["logs"])
    assert api.object(path + "logs/") == {"logs": "======>job-1 <======\nout hello there\nerr\n"}


def test_the_last_lines_of_each_log_can_be_asked_for(api):
    created = api.create(image="any/thing", name="job", run_command="printf 'a\nb\nc\n'", target_num_containers=2)
    path = f"application/{created['uuid']}/"
    until(lambda: api.object(path)["state"] == "Stopped")
    assert api.object(path + "logs/?tail=2") == {"logs": "======>job-1 <======\nb\nc\n======>job-2 <======\nb\nc\n"}
    assert api.get(path + "logs/?tail=-1").status_code == api.get(path + "logs/?tail=x").status_code == 400


def test_logs_that_are_too_long_together_are_cut_at_the_beginning_of_a_line(api):
    created = api.create(image="any/thing", name="job", run_command="sh -c 'yes $HOSTNAME | head -c 6000000'",
                         target_num_containers=2, container_size="XL")
    path = f"application/{created['uuid']}/"
    until(lambda: api.object(path)["state"] == "Stopped")
    logs = api.object(path + "logs/")["logs"]
    assert 9_000_000 < len(logs) <= MAX_LOG + 100
    assert set(logs.splitlines()) == {"======>job-1 <======", "======>job-2 <======", "job-1", "job-2"}


@pytest.mark.parametrize("containers, size", [(1, 11_000_000), (2, 6_000_000)])
def test_of_a_last_line_that_is_too_long_the_end_is_given(api, containers, size):
    created = api.create(image="any/thing", name="job", target_num_containers=containers, container_size="XL",
                         run_command=f"sh -c 'echo first; head -c {size} /dev/zero | tr \"\\0\" x; echo'")
    path = f"application/{created['uuid']}/"
    until(lambda: api.object(path)["state"] == "Stopped")
    logs = api.object(path + "logs/")["logs"]
    assert 9_000_000 < len(logs) <= MAX_LOG + 100
    lines = logs.splitlines()
    assert lines[::2] == [f"======>job-{number + 1} <======" for number in range(containers)]
    assert [set(line) for line in lines[1::2]] == [{"x"}] * containers


def test_a_command_that_ends_leaves_its_container_stopped_with_its_exit_code(api):
    created = api.create(image="any/thing", run_command="sh -c 'exit 3'")
    container = until(lambda: [each for each in api.containers(created) if each["state"] == "Stopped"])[0]
    assert (container["exit_code"], container["exit_code_msg"]) == (3, "Exit code 3 (Unknown)")
    assert api.settled(f"application/{created['uuid']}/")["state"] == "Stopped"


@pytest.mark.parametrize("attributes, reason", [
    ({"image": "no/image"}, "{engine.no_image}"),
    ({"image": "any/thing", "run_command": "/does/not/exist"}, "{engine.no_program}"),
    ({"image": "any/thing", "run_command": "sh -c 'unclosed"}, "No closing quotation"),
])
def test_what_cannot_start_is_start_failed_and_its_log_says_why(api, engine, attributes, reason):
    created = api.create(**attributes)
    path = f"application/{created['uuid']}/"
    assert api.settled(path)["state"] == "Start failed"
    container = api.containers(created)[0]
    assert container["state"] == "Start failed"
    assert reason.format(engine=engine) in api.object(f"container/{container['uuid']}/logs/")["logs"]


def test_sequential_deployment_starts_one_after_the_other(api):
    application = api.running(image="any/thing", run_command="sleep 600", target_num_containers=3,
                              sequential_deployment=True)
    logs = [api.object(f"container/{each['uuid']}/") for each in api.containers(application)]
    assert [each["unique_name"][-1] for each in logs] == ["1", "2", "3"]


def test_lists_carry_the_list_view(api):
    application = api.running()
    listed = api.list("application", uuid=application["uuid"])[0]
    detail = api.object(f"application/{application['uuid']}/")
    assert set(detail) - set(listed) == DETAIL_ONLY
    assert {key: detail[key] for key in listed} == listed


def test_dates_have_the_form_of_the_era(api):
    application = api.running()
    assert re.fullmatch(r"(Mon|Tue|Wed|Thu|Fri|Sat|Sun), [1-9]\d? \w{3} \d{4} \d\d:\d\d:\d\d \+0000",
                        application["deployed_datetime"])


def test_a_name_that_is_taken_gets_a_number(api):
    assert [api.create(name="web")["unique_name"] for _ in range(3)] == ["web", "web-2", "web-3"]


def test_the_smallest_number_that_is_free_is_taken_whatever_else_is_called_alike(api):
    for name in ("web", "web-1", "web-3", "web-two", "webs", "Web-2", "web_2"):
        api.create(name=name)
    assert [api.create(name="web")["unique_name"] for _ in range(2)] == ["web-2", "web-4"]


def test_terminated_applications_are_listed_last_and_their_name_is_free(api):
    path = f"application/{api.running(name='web')['uuid']}/"
    api.act(path, "DELETE")
    api.settled(path)
    again = api.create(name="web")
    assert again["unique_name"] == "web"
    assert api.list("application", name="web")[0]["uuid"] == again["uuid"]
    assert api.list("application", name="web")[-1]["state"] == "Terminated"


def test_filters_and_paging(api):
    made = [api.create(image="any/thing", run_command="sleep 600", name=f"app-{number}") for number in range(5)]
    names = {each["name"] for each in made}
    live = [each for each in api.list("application", name__startswith="app-") if each["name"] in names]
    assert [each["name"] for each in live][:5] == sorted(names)
    reply = api.get("application/", params={"name__startswith": "app-", "limit": 2, "offset": 2}).json()
    assert [each["name"] for each in reply["objects"]] == ["app-2", "app-3"]
    assert (reply["meta"]["limit"], reply["meta"]["offset"]) == (2, 2)
    assert "limit=2" in reply["meta"]["next"] and "offset=4" in reply["meta"]["next"]
    assert reply["meta"]["next"].startswith("/api/v1/application/?")
    assert "name__startswith=app-" in reply["meta"]["previous"]
    assert [each["uuid"] for each in api.list("application", uuid__startswith=made[1]["uuid"][:13])] == [
        made[1]["uuid"]]
    assert {each["name"] for each in api.list("application", name__in="app-1,app-4")} == {"app-1", "app-4"}
    assert api.list("application", state="No such state") == []
    assert api.list("application", uuid__startswith="not hex") == []
    assert len(api.list("application", unknown="ignored", name="app-1", limit=0)) >= 1


@pytest.mark.parametrize("query, text", [
    ("limit=-1", "Invalid limit '-1' provided"),
    ("offset=x", "Invalid offset 'x' provided"),
    ("name__regex=a", "'regex' is not an allowed filter on the 'name' field."),
    ("image_name=a", "The 'image_name' field does not allow filtering."),
])
def test_filters_that_are_not_allowed_are_refused(api, query, text):
    reply = api.get("application/?" + query)
    assert reply.status_code == 400 and text in reply.json()["error"]


@pytest.mark.parametrize("body, fields", [
    ({}, ["image"]),
    ({"image": ""}, ["image"]),
    ({"image": "UPPER/case"}, ["image"]),
    ({"image": "a/b", "name": "no spaces"}, ["name"]),
    ({"image": "a/b", "target_num_containers": 0}, ["target_num_containers"]),
    ({"image": "a/b", "target_num_containers": True}, ["target_num_containers"]),
    ({"image": "a/b", "target_num_containers": 10 ** 30}, ["target_num_containers"]),
    ({"image": "a/b", "container_size": "XXL", "autorestart": "YES"}, ["autorestart", "container_size"]),
    ({"image": "a/b", "container_ports": [{"inner_port": 80}, {"inner_port": "80"}]}, ["container_ports"]),
    ({"image": "a/b", "container_ports": [{"inner_port": 70000}]}, ["container_ports"]),
    ({"image": "a/b", "container_ports": [{"inner_port": number} for number in range(1, 34)]}, ["container_ports"]),
    ({"image": "a/b", "container_envvars": {"KEY": "value"}}, ["container_envvars"]),
    ({"image": "a/b", "container_envvars": [{"key": "A", "value": "nul \0"}]}, ["container_envvars"]),
    ({"image": "a/b", "run_command": ["ls"]}, ["run_command"]),
    ({"image": "a/b", "linked_to_application": ["nothing"]}, ["linked_to_application"]),
    ({"image": "a/b", "roles": ["admin"]}, ["roles"]),
])
def test_invalid_attributes_are_named_with_a_message(api, body, fields):
    reply = api.call("POST", "application/", json=body)
    assert reply.status_code == 400
    assert sorted(reply.json()["application"]) == fields
    assert all(isinstance(text, str) for messages in reply.json()["application"].values() for text in messages)


@pytest.mark.parametrize("data, content_type, status", [
    (b"{", "application/json", 400),
    (b"[]", "application/json", 400),
    (b"\xff", "application/json", 400),
    (b'{"image": NaN}', "application/json", 400),
    (b"[" * 100000, "application/json", 400),
    (b"image=a/b", "application/x-www-form-urlencoded", 415),
    (b" " * (1024 * 1024 + 1), "application/json", 413),
])
def test_bodies_that_cannot_be_read_are_refused(api, data, content_type, status):
    reply = api.call("POST", "application/", data=data, headers={"Content-Type": content_type})
    assert reply.status_code == status and reply.json()["error"]


def test_actions_that_do_not_fit_the_state_are_refused(api):
    path = f"application/{api.running()['uuid']}/"
    reply = api.call("POST", path + "start/")
    assert (reply.status_code, reply.json()) == (400, {"error": "Cannot start application in state Running"})
    api.act(path + "stop/")
    api.settled(path)
    assert api.call("POST", path + "stop/").status_code == 400
    assert api.call("PATCH", path, json={"target_num_containers": 2}).status_code == 400
    assert api.call("PATCH", path, json={"target_num_containers": 1}).status_code == 202
    assert api.call("PATCH", path).status_code == 202


def test_another_account_sees_nothing_of_it(api, stranger):
    application = api.running()
    path = f"application/{application['uuid']}/"
    for method, suffix in (("GET", ""), ("PATCH", ""), ("DELETE", ""), ("POST", "start/"), ("POST", "stop/"),
                           ("POST", "redeploy/"), ("GET", "logs/")):
        reply = stranger.call(method, path + suffix)
        assert (reply.status_code, reply.json()) == (404, {"error": "Not found"})
    assert stranger.list("application") == stranger.list("container") == []
    assert stranger.list("application", uuid__startswith=application["uuid"][:4]) == []
    assert stranger.create(name=application["name"])["unique_name"] == application["name"]


def test_upper_case_uuids_are_accepted(api):
    uuid = api.running()["uuid"]
    assert api.object(f"application/{uuid.upper()}/")["uuid"] == uuid


def test_a_linking_container_gets_the_way_to_the_linked_one(api, engine):
    api.running(name="my-db")
    application = api.running(image="any/thing", name="front", linked_to_application=["my-db"],
                              run_command="sh -c 'env; exec sleep 600'")
    container = api.containers(application)[0]
    log = until(lambda: api.object(f"container/{container['uuid']}/logs/")["logs"])
    address = re.search(r"^MY_DB_1_PORT_80_TCP=tcp://(.+)$", log, re.MULTILINE)[1]
    assert "MY_DB_TUTUM_API_URL=http://127.0.0.1:" in log
    assert "Hello world!" in engine.read_from(container, f"http://{address}/")


def test_containers_of_a_sequence_get_the_variables_of_those_before(api):
    application = api.running(image="any/thing", name="seq", sequential_deployment=True, target_num_containers=3,
                              run_command="sh -c 'env; exec sleep 600'", container_ports=[{"inner_port": 80}])
    for container in api.containers(application):
        own = int(container["unique_name"][-1])
        environment = {each["key"] for each in api.object(f"container/{container['uuid']}/")["container_envvars"]}
        log = until(lambda: api.object(f"container/{container['uuid']}/logs/")["logs"])
        for number in (1, 2, 3):
            assert (f"SEQ_{number}_PORT_80_TCP" in environment) == (number < own)
            assert (f"SEQ_{number}_PORT_80_TCP=" in log) == (number < own)


STUBBORN = {"image": "any/thing", "run_command": "sh -c 'trap \"\" TERM; while :; do sleep 1; done'"}


def act_on_container(api, container, action, wait=True):
    path = f"container/{container['uuid']}/"
    api.act(path + f"{action}/")
    if wait:
        api.settled(path)


def test_stop_also_stops_a_container_that_is_just_being_started(api):
    application = api.running(image="any/thing", run_command="sleep 600", target_num_containers=2)
    path, container = f"application/{application['uuid']}/", api.containers(application)[0]
    act_on_container(api, container, "stop")
    act_on_container(api, container, "start", wait=False)
    api.act(path + "stop/")
    settled = api.settled(path)
    assert (settled["state"], settled["stopped_num_containers"]) == ("Stopped", 2)


def test_start_also_starts_a_container_that_is_just_being_stopped(api):
    application = api.running(**STUBBORN, target_num_containers=3)
    path, (stopped, stopping, _) = f"application/{application['uuid']}/", api.containers(application)
    act_on_container(api, stopped, "stop")
    act_on_container(api, stopping, "stop", wait=False)
    api.act(path + "start/")
    settled = api.settled(path)
    assert (settled["state"], settled["running_num_containers"]) == ("Running", 3)


def test_a_role_gives_containers_a_key_while_their_application_is_there(api):
    application = api.running(image="any/thing", roles=["global"], run_command="sh -c 'env; exec sleep 600'")
    container, = api.containers(application)
    log = until(lambda: api.object(f"container/{container['uuid']}/logs/")["logs"])
    header = {"Authorization": re.search(r"^TUTUM_AUTH=(.+)$", log, re.MULTILINE)[1]}
    assert api.session.headers["Authorization"].partition(":")[2] not in api.get("auth/", headers=header).text
    path = f"application/{application['uuid']}/"
    assert requests.get(api.base_url + path, headers=header, timeout=5).json()["uuid"] == application["uuid"]
    forged = {"Authorization": header["Authorization"][:-1] + "x"}
    assert requests.get(api.base_url + path, headers=forged, timeout=5).status_code == 401
    api.act(path, "DELETE")
    api.settled(path)
    assert requests.get(api.base_url + path, headers=header, timeout=5).status_code == 401


def test_containers_are_asked_to_end_before_they_are_removed(api):
    command = "sh -c 'trap \"echo bye; sleep 1; exit\" TERM; echo up; while :; do sleep 0.05; done'"
    application = api.running(image="any/thing", run_command=command)
    path = f"application/{application['uuid']}/"
    until(lambda: "up" in api.object(path + "logs/")["logs"])
    api.act(path, "DELETE")
    until(lambda: "bye" in api.object(path + "logs/")["logs"])
    assert api.settled(path)["state"] == "Terminated"
