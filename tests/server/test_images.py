"""What replies about images ask of the engine."""
from contextlib import closing

import pytest
from records import Records

from tutum.server.engines import ImageInfo
from tutum.server.store import Store
from tutum.server.throttle import Throttle
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
                                    max_containers=1, throttle=Throttle())).test_client()
        reply = client.get(f"/api/v1/{path}", headers={"Authorization": f"ApiKey {owner.user}:{owner.apikey}"})
    assert reply.status_code == 200 and asked == ["acme/shop:latest"]
