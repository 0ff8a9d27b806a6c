"""``/image/`` and ``/registry/`` over HTTP (api-v1 5)."""
import pytest

CREDENTIALS = {"username": "ann", "password": "secret-of-the-registry"}


@pytest.fixture
def image(api):
    name = "registry.example.net:5000/acme/shop"
    reply = api.call("POST", "image/", json={"name": name, "description": "A shop", **CREDENTIALS})
    assert reply.status_code == 202
    yield reply.json()
    api.call("DELETE", f"image/{name}/")


def test_a_private_image_is_kept_and_its_credentials_never_returned(api, image):
    assert image["resource_uri"] == "/api/v1/image/registry.example.net:5000/acme/shop/"
    assert (image["is_private_image"], image["description"]) == (True, "A shop")
    assert image["docker_registry"]["host"] == "registry.example.net:5000"
    listed = api.list("image", is_private_image="true")
    assert [each["name"] for each in listed] == [image["name"]]
    assert listed[0]["docker_registry"] == "/api/v1/registry/registry.example.net:5000/"
    for reply in (image, listed[0], api.object(f"image/{image['name']}/")):
        assert not {"username", "password"} & set(reply)


def test_changes_need_the_password_with_the_user_name(api, image):
    path = f"image/{image['name']}/"
    assert api.act(path, "PATCH", json={"description": ""})["description"] == ""
    assert api.act(path, "PATCH", json={"username": "bob", "password": "other"})["name"] == image["name"]
    refused = api.call("PATCH", path, json={"username": "bob"})
    assert (refused.status_code, list(refused.json()["image"])) == (400, ["password"])


def test_delete_answers_without_a_body(api, image):
    reply = api.call("DELETE", f"image/{image['name']}/")
    assert (reply.status_code, reply.text) == (204, "")
    assert api.get(f"image/{image['name']}/").status_code == 404


def test_the_same_image_twice_is_refused(api, image):
    reply = api.call("POST", "image/", json={"name": image["name"], **CREDENTIALS})
    assert reply.status_code == 400 and "already" in reply.json()["image"]["name"][0]


@pytest.mark.parametrize("body, fields", [
    ({}, ["name", "password", "username"]),
    ({"name": "acme/shop:v1", **CREDENTIALS}, ["name"]),
    ({"name": "acme/shop", "username": "", "password": 1}, ["password", "username"]),
])
def test_invalid_attributes_are_named(api, body, fields):
    reply = api.call("POST", "image/", json=body)
    assert (reply.status_code, sorted(reply.json()["image"])) == (400, fields)


def test_built_in_programs_are_images_that_everybody_sees_and_nobody_changes(api):
    path = "image/tutum/hello-world/"
    image = api.object(path)
    assert (image["is_private_image"], image["starred"]) == (False, True)
    tag = image["imagetag_set"][0]
    assert tag["image"]["imageport_set"] == [{"port": 80, "protocol": "tcp"}]
    assert api.object(tag["resource_uri"][len("/api/v1/"):]) == tag
    assert api.call("PATCH", path, json={"description": "mine"}).status_code == 404
    assert api.call("DELETE", path).status_code == 404


def test_another_account_sees_only_public_images(api, stranger, image):
    assert stranger.get(f"image/{image['name']}/").status_code == 404
    assert [each["name"] for each in stranger.list("image")] == ["tutum/hello-world"]
    assert [each["host"] for each in stranger.list("registry")] == ["index.docker.io"]


def test_boolean_filters(api, image):
    assert [each["name"] for each in api.list("image", is_private_image="False")] == ["tutum/hello-world"]
    assert [each["name"] for each in api.list("image", starred="true", base_image="false")] == ["tutum/hello-world"]
    assert api.list("image", docker_registry__host="quay.io") == []
    assert api.get("image/", params={"starred__startswith": "t"}).status_code == 400


def test_registries_are_read_only(api, image):
    hosts = [each["host"] for each in api.list("registry")]
    assert hosts == ["index.docker.io", "registry.example.net:5000"]
    assert api.object("registry/index.docker.io/")["name"] == "Docker Index"
    assert [each["host"] for each in api.list("registry", host="index.docker.io")] == ["index.docker.io"]
    assert api.get("registry/elsewhere.example.net/").status_code == 404
    assert api.call("POST", "registry/", json={}).status_code == 405
