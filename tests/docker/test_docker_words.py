"""An engine's words are told from those of users and images, which it repeats."""
import re

import pytest

from tutum.server.engines.docker_connection import IN_TROUBLE, PORT_TAKEN


def test_no_sign_of_trouble_can_stand_in_a_name():
    assert [sign for sign in IN_TROUBLE + PORT_TAKEN if re.fullmatch("[a-z0-9_.-]+", sign)] == []


@pytest.mark.parametrize("ports", [[], [{"inner_port": 80}]])
@pytest.mark.parametrize("sign", PORT_TAKEN)
def test_a_program_that_is_not_there_is_start_failed_whatever_it_is_called(service, sign, ports):
    api = service.start().api
    asked = api.create(image="any/thing", entrypoint=f"'{sign}'", container_ports=ports)
    path = f"application/{asked['uuid']}/"
    assert api.settled(path)["state"] == "Start failed"
    assert f"{sign}: no such file in the image" in api.object(path + "logs/")["logs"]
