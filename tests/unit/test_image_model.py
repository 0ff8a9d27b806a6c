"""Images: names with slashes, and credentials that are not kept."""
import pickle

import pytest

import tutum
from rawservice import page, reply

NAME = "quay.io/acme/shop"
IMAGE = {"name": NAME, "description": "", "is_private_image": True}


def test_the_name_keeps_its_slashes(raw):
    raw.answer(reply(200, IMAGE))
    image = tutum.Image.fetch(NAME)
    assert raw.last.path == "/api/v1/image/quay.io/acme/shop/"
    assert image.pk == NAME and image.is_private_image is True


def test_credentials_are_sent_and_forgotten(raw):
    raw.answer(reply(202, IMAGE))
    image = tutum.Image.create(name=NAME, username="ann", password="s3cret")
    assert image.pk is None and image.save() is True
    assert (raw.last.method, raw.last.path) == ("POST", "/api/v1/image/")
    assert raw.last.json == {"name": NAME, "username": "ann", "password": "s3cret"}
    assert image.pk == NAME and not hasattr(image, "password") and not hasattr(image, "username")
    assert b"s3cret" not in pickle.dumps(image, 0)


@pytest.mark.parametrize("answer", [reply(202, IMAGE), reply(204)])
def test_changed_credentials_are_forgotten_too(raw, answer):
    raw.answer(reply(200, IMAGE))
    image = tutum.Image.fetch(NAME)
    image.username, image.password, image.description = "ann", "s3cret", "A shop"
    raw.answer(answer)
    image.save()
    assert raw.last.json == {"username": "ann", "password": "s3cret", "description": "A shop"}
    assert not image.is_dirty and "password" not in image.get_all_attributes()


def test_a_failed_save_keeps_the_credentials(raw):
    raw.answer(reply(400, {"image": {"password": ["Wrong."]}}))
    image = tutum.Image.create(name=NAME, username="ann", password="s3cret")
    with pytest.raises(tutum.TutumBadRequestError) as caught:
        image.save()
    assert image.password == "s3cret" and "password: Wrong." in str(caught.value)


def test_delete_takes_an_empty_reply(raw):
    raw.answer(reply(200, IMAGE))
    image = tutum.Image.fetch(NAME)
    raw.answer(reply(204))
    assert image.delete() is True and image.pk == NAME


def test_images_are_listed_by_name(raw):
    raw.answer(page([IMAGE, dict(IMAGE, name="tutum/mysql")]))
    assert [image.name for image in tutum.Image.list(starred=True)] == [NAME, "tutum/mysql"]
    assert "starred=True" in raw.last.query


@pytest.mark.parametrize("name", ["", "/", "../application", "a//b", "a/..", "a/tag/b",
                                  "a/b/tag/v"])
def test_a_name_that_leads_elsewhere_is_refused(raw, name):
    with pytest.raises(tutum.TutumApiError):
        tutum.Image.fetch(name)
    assert raw.connections == 0
