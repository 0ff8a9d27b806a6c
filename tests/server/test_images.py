"""What replies about images ask of the engine."""
from contextlib import closing

import pytest
from records import Records

from tutum.server.engines import ImageInfo
from tutum.server.errors import ValidationError
from tutum.server.store import Store
from tutum.server.throttle import Throttle
from tutum.server.web import validation
from tutum.server.web.app import create_app
from tutum.server.web.context import Context


@pytest.mark.parametrize("path", ["image/acme/shop/", "image/acme/shop/tag/latest/", "image/"])
def test_the_engine_is_asked_once_for_what_it_knows_of_an_image(tmp_path, path):
    asked = []

    def image_of(name):
        asked.append(name)
        return ImageInfo()
    with closing(Records(tmp_path)) as records, closing(Store(tmp_path / "tutum.db")) as store:
        owner = records.owner()
        records.put(owner, {"image": "acme/shop"})
        client = create_app(Context(store=store, addresses=None, image_of=image_of, logs_of=None, wake=None,
                                    max_containers=1, throttle=Throttle(), kept=None)).test_client()
        reply = client.get(f"/api/v1/{path}", headers={"Authorization": f"ApiKey {owner.user}:{owner.apikey}"})
    assert reply.status_code == 200 and asked == ["acme/shop:latest"]


TOO_LONG = {"username": "x" * (4 * 1024 + 1), "password": "x" * (16 * 1024 + 1), "description": "x" * (4 * 1024 + 1)}


def test_a_registry_s_token_can_be_a_password():
    body = {"name": "acme/shop", "username": "ann", "password": TOO_LONG["password"][1:], "description": ""}
    assert validation.new_image(body) == body


@pytest.mark.parametrize("check", [validation.new_image, validation.image_changes])
def test_long_texts_of_an_image_are_refused(check):
    with pytest.raises(ValidationError) as refused:
        check({"name": "acme/shop", **TOO_LONG})
    assert sorted(refused.value.body["image"]) == sorted(TOO_LONG)
