"""Lists, read page by page while they may change."""
import gc
import random

import pytest

import tutum
from rawservice import page, reply
from six.moves.urllib.parse import parse_qs, urlencode


class Listing(object):
    """Serve a list that can be changed, as the service does (api-v1 1.5)."""

    def __init__(self, raw, size, prefix="/api/v1/application/", largest=100):
        self.largest = largest
        self.names = ["%05d" % number for number in range(size)]
        self.prefix = prefix
        raw.answer(self.serve)

    def serve(self, request):
        limit, offset = self.window(request)
        return page(self.part(request), len(self.names), self.following(request),
                    limit=limit, offset=offset)

    def move_to_end(self, name):
        self.names.remove(name)
        self.names.append(name)

    def part(self, request):
        limit, offset = self.window(request)
        return [{"uuid": name} for name in self.names[offset:offset + limit]]

    def following(self, request):
        limit, offset = self.window(request)
        if offset + limit >= len(self.names):
            return None
        query = dict(parse_qs(str(request.query)), limit=limit, offset=offset + limit)
        return self.prefix + "?" + urlencode(query, doseq=True)

    def window(self, request):
        query = parse_qs(str(request.query))
        return (min(int(query.get("limit", ["25"])[0]), self.largest),
                int(query.get("offset", ["0"])[0]))


def names(objects):
    return [item.uuid for item in objects]


def test_a_list_is_a_real_list(raw):
    Listing(raw, 3)
    found = tutum.Application.list()
    assert type(found) is list and names(found) == ["00000", "00001", "00002"]
    assert all(type(item) is tutum.Application and not item.is_dirty for item in found)


def test_all_pages_are_read_and_large(raw):
    listing = Listing(raw, 350)
    assert names(tutum.Application.list()) == listing.names
    assert [request.query.split("&") for request in raw.requests][0] == ["limit=100"]
    assert len(raw.requests) == 4


@pytest.mark.parametrize("size, pages", [(0, 1), (1, 1), (99, 1), (100, 1), (101, 2), (199, 2),
                                         (200, 3), (9901, 100)])
def test_a_page_begins_with_the_end_of_the_one_before_and_none_is_asked_for_in_vain(
        raw, size, pages):
    listing = Listing(raw, size)
    assert names(tutum.Application.list()) == listing.names
    assert len(raw.requests) == pages


@pytest.mark.parametrize("limit", [1, 2, 3, 25])
def test_a_service_may_give_smaller_pages(raw, limit):
    listing = Listing(raw, 70, largest=limit)
    assert names(tutum.Application.list()) == listing.names


def test_a_service_may_have_its_own_pages_whatever_it_is_asked_for(raw):
    listing = Listing(raw, 950)

    def serve(request):
        limit, offset = listing.window(request)
        begin = offset // limit * limit
        following = "/?limit=%d&offset=%d" % (limit, begin + limit)
        return page([{"uuid": name} for name in listing.names[begin:begin + limit]],
                    950, following if begin + limit < 950 else None, offset=begin)

    raw.answer(serve)
    assert names(tutum.Application.list()) == listing.names
    assert len(raw.requests) == 11


def test_replies_made_beforehand_are_read_once_each(raw):
    raw.answer(page([{"uuid": "1"}, {"uuid": "2"}], 5, "/?limit=2&offset=2"),
               page([{"uuid": "3"}, {"uuid": "4"}], 5, "/?limit=2&offset=4", offset=2),
               page([{"uuid": "5"}], 5, None, offset=4))
    assert names(tutum.Application.list()) == ["1", "2", "3", "4", "5"]
    assert len(raw.requests) == 3


def test_filters_are_sent_with_each_page(raw):
    Listing(raw, 150)
    assert len(tutum.Application.list(name="a b", state=None, uuid__startswith=u"\u00e9")) == 150
    for request in raw.requests:
        query = parse_qs(request.query)
        assert query["name"] == ["a b"] and "state" not in query
        assert "uuid__startswith=%C3%A9" in request.query


def test_a_caller_who_asks_for_a_page_gets_that_page(raw):
    listing = Listing(raw, 300)
    assert names(tutum.Application.list(limit=10)) == listing.names[:10]
    assert names(tutum.Application.list(offset=20)) == listing.names[20:45]
    assert names(tutum.Application.list(limit=5, offset=290)) == listing.names[290:295]
    assert names(tutum.Application.iter(limit=5)) == listing.names[:5]
    assert len(raw.requests) == 4


def test_a_proxy_may_stand_before_the_service(raw):
    tutum.base_url = raw.base_url + "behind/"
    listing = Listing(raw, 150, "https://internal.example.net/other/application/")
    assert names(tutum.Application.list()) == listing.names
    assert set(request.path for request in raw.requests) == {"/api/v1/behind/application/"}


def test_iter_reads_a_page_when_it_comes_to_it(raw):
    Listing(raw, 300)
    items = tutum.Application.iter()
    assert raw.connections == 0
    next(items)
    assert len(raw.requests) == 1
    for _ in range(100):
        next(items)
    assert len(raw.requests) == 2


def test_one_page_is_in_memory_at_a_time(raw):
    listing, in_memory = Listing(raw, 350), []

    def serve(request):
        in_memory.append(sum(type(item) is dict and "roles" in item for item in gc.get_objects()))
        return page([dict(item, roles=[]) for item in listing.part(request)], 350,
                    listing.following(request), offset=listing.window(request)[1])
    raw.answer(serve)
    for _ in tutum.Application.iter():
        pass
    assert len(in_memory) == 4 and max(in_memory) <= 1 + in_memory[0]


@pytest.mark.parametrize("size", [1, 100, 101, 250, 777])
def test_objects_that_stop_matching_do_not_hide_others(raw, size):
    listing = Listing(raw, size)
    expected, seen = list(listing.names), []
    for item in tutum.Application.iter(state="Running"):
        seen.append(item.uuid)
        listing.names.remove(item.uuid)
    assert seen == expected


@pytest.mark.parametrize("size", [1, 100, 101, 250, 777])
def test_objects_that_move_to_the_end_do_not_hide_others(raw, size):
    listing = Listing(raw, size)
    expected, seen = list(listing.names), []
    for item in tutum.Application.iter():
        seen.append(item.uuid)
        listing.move_to_end(item.uuid)
    assert sorted(seen) == expected and len(seen) == size


def test_all_of_a_long_list_of_small_pages_may_move_to_the_end(raw):
    listing = Listing(raw, 1000, largest=10)
    expected, seen = list(listing.names), []
    for item in tutum.Application.iter():
        seen.append(item.uuid)
        listing.move_to_end(item.uuid)
    assert sorted(seen) == expected and len(seen) == 1000


@pytest.mark.parametrize("size", [101, 108, 250, 420])
@pytest.mark.parametrize("remembered", [1, 50, 97, 100, 150])
def test_objects_that_move_to_the_end_and_are_forgotten_there_do_not_hide_others(
        raw, size, remembered):
    listing = Listing(raw, size)
    expected, seen = list(listing.names), []
    for item in tutum.Application.iter():
        seen.append(item.uuid)
        listing.move_to_end(item.uuid)
        if len(seen) > remembered:
            listing.names.remove(seen[-remembered - 1])
    assert sorted(seen) == expected and len(seen) == size


def test_an_object_that_moved_is_not_taken_for_the_place_where_a_walk_was(raw):
    listing = Listing(raw, 101)

    def serve(request):
        if len(raw.requests) == 2:
            del listing.names[1]
        elif len(raw.requests) == 3:
            del listing.names[1]
            listing.names.append("later")
        return listing.serve(request)
    raw.answer(serve)
    seen = []
    for item in tutum.Application.iter():
        seen.append(item.uuid)
        if item.uuid in listing.names[:-1]:
            listing.move_to_end(item.uuid)
    assert "00100" in seen


@pytest.mark.parametrize("size, more", [(500, 200), (400, 199), (1000, 300)])
def test_objects_that_come_in_front_of_a_walk_are_no_error(raw, size, more):
    listing = Listing(raw, size)
    expected, seen = list(listing.names), []
    for item in tutum.Application.iter(state="Running"):
        seen.append(item.uuid)
        if len(seen) == 250:
            listing.names[:0] = ["new-%d" % number for number in range(more)]
    assert set(expected) <= set(seen) and len(set(seen)) == len(seen)


@pytest.mark.parametrize("every", [1, 2, 3, 7, 50])
def test_objects_that_go_now_and_then_do_not_hide_others(raw, every):
    listing = Listing(raw, 500)
    expected, seen = list(listing.names), []
    for number, item in enumerate(tutum.Application.iter()):
        seen.append(item.uuid)
        if number % every == 0:
            listing.names.remove(item.uuid)
    assert seen == expected


@pytest.mark.parametrize("size", [101, 250, 777])
@pytest.mark.parametrize("every", [1, 3, 99])
def test_objects_that_go_while_others_come_do_not_hide_others(raw, size, every):
    listing = Listing(raw, size)
    expected, seen = list(listing.names), []
    for number, item in enumerate(tutum.Application.iter(state="Running")):
        seen.append(item.uuid)
        if number % every == 0 and item.uuid in expected:
            listing.names.remove(item.uuid)
            listing.names.append("new-" + item.uuid)
    assert sorted(name for name in seen if not name.startswith("new")) == expected
    assert len(set(seen)) == len(seen)


@pytest.mark.parametrize("seed", range(40))
def test_whatever_goes_and_comes_what_stays_is_seen_once(raw, seed):
    chance = random.Random(seed)
    listing = Listing(raw, chance.choice([101, 199, 300, 450]))
    first, seen = list(listing.names), []
    for number, item in enumerate(tutum.Application.iter()):
        seen.append(item.uuid)
        for _ in range(chance.choice([0, 0, 0, 0, 1, 1, 2, 30])):
            if len(listing.names) > 10 and chance.random() < 0.6:
                listing.names.remove(chance.choice(listing.names))
            if number < 600 and chance.random() < 0.5:
                listing.names.append("new-%d-%d" % (number, len(listing.names)))
    assert len(set(seen)) == len(seen)
    assert set(first).intersection(listing.names) <= set(seen)


def test_objects_that_come_are_not_repeated(raw):
    listing = Listing(raw, 300)
    expected, seen = list(listing.names), []
    for number, item in enumerate(tutum.Application.iter()):
        seen.append(item.uuid)
        if number % 10 == 0 and number < 200:
            listing.names.insert(0, "new-%d" % number)
    assert [name for name in seen if not name.startswith("new")] == expected
    assert len(set(seen)) == len(seen)


def test_a_list_that_vanishes_ends(raw):
    listing = Listing(raw, 300)
    items = tutum.Application.iter()
    next(items)
    del listing.names[:]
    assert len(list(items)) == 99


@pytest.mark.parametrize("odd", [
    None, [], "x", 7, {}, {"objects": None}, {"objects": {}}, {"objects": "abc", "meta": {}},
    {"objects": [1]}, {"objects": [None]}, {"objects": [{}]}, {"objects": [{"uuid": None}]},
    {"objects": [{"uuid": []}]}, {"objects": ["uuid"]}, {"objects": [["uuid"]]},
    {"objects": [], "meta": [1]}, {"objects": [], "meta": {"next": 5}},
    {"objects": [], "meta": {"next": "http://[::1"}},
    {"objects": [{"uuid": "a"}], "meta": {"next": "nowhere"}},
    {"objects": [{"uuid": "a"}], "meta": {"next": "/?offset=0"}},
    {"objects": [{"uuid": "a"}], "meta": {"next": "/?offset=-5"}},
    {"objects": [{"uuid": "a"}], "meta": {"next": "/?offset=x"}}])
def test_what_is_no_list_is_an_error(raw, odd):
    raw.answer(reply(200, odd))
    with pytest.raises(tutum.TutumApiError) as caught:
        tutum.Application.list()
    assert "The list cannot be read (GET application/)" in str(caught.value)
    assert len(raw.requests) == 1


@pytest.mark.parametrize("meta", [
    None, {}, {"next": None}, {"next": ""}, {"total_count": None}, {"total_count": "many"},
    {"total_count": -1}, {"total_count": 99}])
def test_a_list_may_say_little_of_itself(raw, meta):
    raw.answer(reply(200, {"objects": [{"uuid": "a"}, {"uuid": "b"}], "meta": meta}))
    assert names(tutum.Application.list()) == ["a", "b"]
    assert len(raw.requests) <= 2


def test_a_next_page_that_leads_back_is_an_error(raw):
    raw.answer(page([{"uuid": "a"}], following="/api/v1/application/?offset=1", total=9))
    with pytest.raises(tutum.TutumApiError):
        tutum.Application.list()
    assert len(raw.requests) == 2


def test_an_object_is_not_repeated_within_a_page(raw):
    raw.answer(page([{"uuid": "a"}, {"uuid": "a"}, {"uuid": "b"}], total=2))
    assert names(tutum.Application.list()) == ["a", "b"]


def test_parameters_that_repeat_in_next_are_kept(raw):
    raw.answer(page([{"uuid": "a"}], total=2, following="?state__in=a&state__in=b&offset=1"),
               page([{"uuid": "b"}], total=2))
    assert names(tutum.Application.list(state__in=["a", "b"])) == ["a", "b"]
    assert [parse_qs(request.query)["state__in"] for request in raw.requests] == [["a", "b"]] * 2


def test_a_list_whose_next_page_is_always_further_is_an_error(raw):
    def serve(request):
        offset = int(parse_qs(str(request.query)).get("offset", ["0"])[0])
        return page([{"uuid": "a"}, {"uuid": "b"}], total=10 ** 9,
                    following="?offset=%d" % (offset + 50), offset=offset)
    raw.answer(serve)
    with pytest.raises(tutum.TutumApiError) as caught:
        tutum.Application.list()
    assert "nothing new" in str(caught.value) and len(raw.requests) < 5


def test_a_list_that_goes_on_behind_its_end_is_an_error(raw):
    def serve(request):
        offset = int(parse_qs(str(request.query)).get("offset", ["0"])[0])
        return page([{"uuid": "%d" % (offset + more)} for more in range(50)], total=120,
                    following="?offset=%d" % (offset + 50), offset=offset)
    raw.answer(serve)
    with pytest.raises(tutum.TutumApiError) as caught:
        tutum.Application.list()
    assert "behind its end" in str(caught.value) and len(raw.requests) < 8


@pytest.mark.parametrize("totals", [(350, 300), (350, None), (None, 350), (900, 350)])
def test_a_total_that_goes_up_and_down_does_not_keep_a_walk_from_its_end(raw, totals):
    listing = Listing(raw, 350)

    def serve(request):
        limit, offset = listing.window(request)
        return page(listing.part(request), following=listing.following(request), limit=limit,
                    offset=offset, total_count=totals[len(raw.requests) % 2])
    raw.answer(serve)
    assert names(tutum.Application.list()) == listing.names
    assert len(raw.requests) < 40


def test_a_list_that_is_never_the_same_is_not_walked_for_ever(raw):
    raw.answer(lambda request: page([{"uuid": "%d" % len(raw.requests)}], total=10 ** 9))
    assert len(tutum.Application.list()) == len(raw.requests) == 6
