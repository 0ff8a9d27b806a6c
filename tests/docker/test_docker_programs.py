"""What a container is to run is looked for before it is started."""
import pytest
from serverprocess import until


def ended(api, **attributes):
    """Create an application of one container; return that container and its log when it has ended or failed."""
    application = api.create(image="any/thing", container_ports=[], **attributes)
    container, = until(lambda: [each for each in api.containers(application)
                                if each["state"] in ("Stopped", "Start failed")])
    return container, api.object(f"container/{container['uuid']}/logs/")["logs"]


def path_of(*directories):
    return [{"key": "PATH", "value": ":".join(directories)}]


def test_a_program_that_is_in_no_directory_of_the_path_is_start_failed(service):
    directories = [f"/{number}" for number in range(99)]
    container, log = ended(service.start().api, run_command="nosuch", container_envvars=path_of(*directories))
    assert container["state"] == "Start failed" and "nosuch: no such file in the image" in log


def test_in_a_path_of_thousands_of_directories_a_program_is_taken_to_be_there(service):
    directories = [f"/{number}" for number in range(8000)]
    container, _ = ended(service.start().api, run_command="nosuch", container_envvars=path_of(*directories))
    assert (container["state"], container["exit_code"]) == ("Stopped", 127)


def test_directories_that_repeat_count_once(service):
    directories = ["/nowhere"] * 7000
    container, log = ended(service.start().api, run_command="nosuch", container_envvars=path_of(*directories))
    assert container["state"] == "Start failed" and "nosuch: no such file in the image" in log


@pytest.mark.parametrize("program", ["/bin/busybox/beneath-a-file", "/" + "a" * 300])
def test_a_program_of_which_the_engine_cannot_tell_is_tried(service, program):
    container, log = ended(service.start().api, entrypoint=program)
    assert container["state"] == "Stopped" and f"exec {program} failed: " in log


def test_a_directory_of_the_path_may_be_a_file(service):
    container, log = ended(service.start().api, run_command="echo out",
                           container_envvars=path_of("/bin/busybox", "/bin"))
    assert (container["exit_code"], log) == (0, "out\n")
