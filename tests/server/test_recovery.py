"""What follows when a container ends by itself, over HTTP (api-v1 3.7)."""
from serverprocess import until

CRASH = "sh -c 'echo run; exit 1'"


def ended(api, application, state):
    """Wait until every container of an application has a state, and return them."""
    def check():
        found = api.containers(application)
        return found if all(each["state"] in (state, "Terminated") for each in found) else None
    return until(check)


def runs(api, container):
    return api.object(f"container/{container['uuid']}/logs/")["logs"].count("run\n")


def test_autorestart_tries_three_times_and_leaves_the_container_stopped(api):
    application = api.create(image="any/thing", run_command=CRASH, autorestart="ON_FAILURE")
    container, = until(lambda: [each for each in api.containers(application)
                                if each["state"] == "Stopped" and runs(api, each) == 4])
    assert container["exit_code"] == 1
    assert api.settled(f"application/{application['uuid']}/")["state"] == "Stopped"


def test_autorestart_on_failure_leaves_a_success_alone(api):
    application = api.create(image="any/thing", run_command="sh -c 'echo run'", autorestart="ON_FAILURE",
                             autodestroy="ON_FAILURE")
    container, = ended(api, application, "Stopped")
    assert runs(api, container) == 1


def test_autoreplace_makes_new_containers_with_the_same_name(api):
    application = api.create(image="any/thing", name="job", run_command=CRASH, autoreplace="ALWAYS")
    until(lambda: len(api.containers(application)) == 4)
    containers = ended(api, application, "Stopped")
    assert sorted(each["state"] for each in containers) == ["Stopped"] + ["Terminated"] * 3
    assert {each["unique_name"] for each in containers} == {"job-1"}
    assert runs(api, containers[0]) == 1


def test_autodestroy_terminates_what_ended(api):
    application = api.create(image="any/thing", run_command="sh -c 'exit 0'", autodestroy="ALWAYS")
    path = f"application/{application['uuid']}/"
    until(lambda: api.object(path)["state"] == "Not running")
    assert api.object(path)["target_num_containers"] == 0


def test_a_stop_that_was_asked_for_triggers_no_recovery(api):
    application = api.running(image="any/thing", run_command="sleep 600", autorestart="ALWAYS", autoreplace="ALWAYS",
                              autodestroy="ALWAYS")
    path = f"application/{application['uuid']}/"
    api.act(path + "stop/")
    assert api.settled(path)["state"] == "Stopped"
    assert [each["state"] for each in api.containers(application)] == ["Stopped"]
