"""What was read of the records is kept until one changes, as long as it does not take much memory."""
from contextlib import closing

import pytest
from records import Records

from tutum.server.cache import MAX_BYTES, MAX_BYTES_OF_ONE
from tutum.server.paths import Addresses
from tutum.server.store import Store
from tutum.server.throttle import Throttle
from tutum.server.web.app import create_app
from tutum.server.web.context import Context


class Reader:
    """Asks a cache, and counts how often something has to be made."""

    def __init__(self, cache):
        self._cache = cache
        self.made = 0

    def read(self, key, size=0):
        def make():
            self.made += 1
            return b"x" * size
        return self._cache.get(key, make, len)

    def has_kept(self, key):
        made = self.made
        self.read(key)
        return self.made == made


@pytest.fixture
def records(tmp_path):
    with closing(Records(tmp_path)) as records:
        yield records


@pytest.fixture
def store(tmp_path):
    with closing(Store(tmp_path / "tutum.db")) as store:
        yield store


@pytest.fixture
def reader(store):
    return Reader(store.cache)


def test_what_was_read_is_kept(reader):
    assert reader.read("a", 10) == reader.read("a", 10) == b"x" * 10
    assert reader.made == 1


def test_nothing_is_kept_that_was_read_before_another_changed_a_record(reader, records):
    reader.read("a")
    records.owner()
    assert not reader.has_kept("a")


def test_nothing_is_kept_that_was_being_read_while_a_record_changed(store, reader, records):
    def make():
        records.owner()
        reader.read("b")
        return b""
    store.cache.get("a", make)
    assert not reader.has_kept("a")


def test_what_is_large_is_not_kept(reader):
    reader.read("small", MAX_BYTES_OF_ONE // 2)
    reader.read("large", MAX_BYTES_OF_ONE + 1)
    assert reader.has_kept("small") and not reader.has_kept("large")


def test_no_more_is_kept_than_there_is_room_for(reader):
    size = MAX_BYTES_OF_ONE // 2
    keys = range(2 * MAX_BYTES // size)
    for key in keys:
        reader.read(key, size)
    assert reader.has_kept(keys[-1]) and not reader.has_kept(keys[0])


def test_small_things_without_end_are_not_kept_without_end(reader):
    for key in range(MAX_BYTES // 500):
        reader.read(key)
    assert not reader.has_kept(0)


def test_a_reply_is_kept_once_however_its_uuid_is_written(store, records):
    owner = records.owner()
    records.put(owner, "shop")
    addresses = Addresses("127.0.0.1", "http://127.0.0.1:1", lambda name, port: None)
    client = create_app(Context(store=store, addresses=addresses, image_of=None, logs_of=None, wake=None,
                                max_containers=1, throttle=Throttle(), kept=None)).test_client()
    uuid = owner.uuids["shop"]
    for written in (uuid, uuid.upper(), uuid.title()):
        reply = client.get(f"/api/v1/application/{written}/",
                           headers={"Authorization": f"ApiKey {owner.user}:{owner.apikey}"})
        assert reply.json["uuid"] == uuid
    assert [key for key in store.cache._kept if key[0] == "application"] == [("application", owner.id, uuid)]
