"""Nobody who writes waits for all requests of another account or all jobs of another application."""
import itertools
import threading
from contextlib import closing, contextmanager

import pytest
from records import Records
from serverprocess import until

from tutum.server.store import Image, Store
from tutum.server.throttle import Throttle
from tutum.server.turns import Job, NoTurn, Request, Turns
from tutum.server.web.app import create_app
from tutum.server.web.context import Context

ANN, BOB, EVE = Request(1), Request(2), Request(3)
SHOP, BLOG, WIKI = Job(1), Job(2), Job(3)


class Line:
    """Those who wait for a turn while somebody has it, and the order in which they got it."""

    def __init__(self, turns, take_turn=None):
        self._turns = turns
        self._take_turn = take_turn or turns.taken
        self._threads = []
        self.served = []

    def join(self, whose):
        """Have somebody wait, behind all that wait already."""
        before = self._waiting()
        self._threads.append(threading.Thread(target=self._have_a_turn, args=(whose,)))
        self._threads[-1].start()
        until(lambda: self._waiting() == before + 1)

    def _waiting(self):
        return sum(len(line) for lines in (self._turns._requests, self._turns._jobs) for line in lines._lines.values())

    def _have_a_turn(self, whose):
        with self._take_turn(whose):
            self.served.append(whose)

    def until_all_are_served(self):
        for thread in self._threads:
            thread.join(10)
        return self.served


def order_of(*waiting):
    turns = Turns()
    line = Line(turns)
    with turns.taken(Job(9)):
        for whose in waiting:
            line.join(whose)
    return line.until_all_are_served()


def test_a_request_goes_before_jobs_that_have_waited_longer():
    assert order_of(SHOP, SHOP, SHOP, BLOG, ANN)[0] == ANN


def test_requests_and_jobs_alternate():
    assert order_of(SHOP, SHOP, SHOP, ANN, BLOG, ANN) == [ANN, SHOP, ANN, BLOG, SHOP, SHOP]


def test_requests_of_many_accounts_and_jobs_of_many_applications_alternate():
    assert order_of(ANN, BOB, EVE, SHOP, BLOG, WIKI) == [ANN, SHOP, BOB, BLOG, EVE, WIKI]


def test_no_flood_of_requests_keeps_a_job_from_being_done():
    assert order_of(*[ANN] * 50, SHOP).index(SHOP) == 1


def test_no_flood_of_requests_keeps_another_account_s_from_being_done():
    assert order_of(*[ANN] * 50, BOB).index(BOB) == 1


def test_accounts_take_turns():
    assert order_of(ANN, ANN, ANN, BOB, BOB, EVE) == [ANN, BOB, EVE, ANN, BOB, ANN]


def test_an_application_with_one_job_waits_for_one_of_another_with_many():
    assert order_of(*[SHOP] * 50, BLOG, WIKI).index(BLOG) == 1


def test_applications_take_turns():
    assert order_of(SHOP, SHOP, SHOP, BLOG, BLOG, WIKI) == [SHOP, BLOG, WIKI, SHOP, BLOG, SHOP]


def test_a_request_writes_before_the_jobs_of_an_application_with_many(tmp_path):
    with closing(Store(tmp_path / "tutum.db")) as store:
        line = Line(store._turns, store.writing)
        with store.writing(SHOP):
            for whose in [*[SHOP] * 20, ANN, BLOG]:
                line.join(whose)
        assert line.until_all_are_served()[:3] == [ANN, SHOP, BLOG]


def test_a_request_of_one_account_writes_before_the_many_of_another(tmp_path):
    with closing(Records(tmp_path)) as records, closing(Store(tmp_path / "tutum.db")) as store:
        client = create_app(Context(store=store, addresses=None, image_of=lambda name: None, logs_of=None, wake=None,
                                    max_containers=100, throttle=Throttle(), kept=None)).test_client
        owners = {owner.user: owner for owner in (records.owner("ann"), records.owner("bob"))}

        @contextmanager
        def add_an_image(user):
            client().post("/api/v1/image/", json={"name": f"acme/{next(numbers)}", "username": user, "password": "x"},
                          headers={"Authorization": f"ApiKey {user}:{owners[user].apikey}"})
            yield
        numbers, line, (ann, bob) = itertools.count(), Line(store._turns, add_an_image), owners
        with store.writing(SHOP):
            for user in [*[ann] * 5, bob]:
                line.join(user)
        line.until_all_are_served()
        with store.reading() as session:
            assert [each.username for each in session.query(Image).order_by(Image.id)][:3] == [ann, bob, ann]


def test_who_does_not_want_to_wait_longer_is_passed_over():
    turns = Turns()
    line = Line(turns)
    with turns.taken(SHOP):
        with pytest.raises(NoTurn):
            with turns.taken(ANN, timeout=0.01):
                pass
        line.join(BLOG)
    assert line.until_all_are_served() == [BLOG]
    with turns.taken(ANN, timeout=0):
        pass


def test_nobody_has_a_turn_while_another_has_one_and_none_is_lost():
    turns, inside, most, had = Turns(), [], [], []

    def work(whose):
        for _ in range(200):
            try:
                with turns.taken(whose, timeout=0.0005 if isinstance(whose, Request) else -1):
                    inside.append(whose)
                    most.append(len(inside))
                    inside.pop()
            except NoTurn:
                pass
        had.append(whose)
    threads = [threading.Thread(target=work, args=(whose,)) for whose in (ANN, ANN, BOB, SHOP, SHOP, BLOG)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert len(had) == len(threads) and set(most) == {1}
    with turns.taken(ANN, timeout=0):
        pass
