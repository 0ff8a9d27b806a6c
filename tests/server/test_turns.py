"""Neither a request nor an application waits for all jobs of another application, and no job for all requests."""
import threading
from contextlib import closing

import pytest
from serverprocess import until

from tutum.server.store import Store
from tutum.server.turns import REQUEST, NoTurn, Turns


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
        return sum(map(len, self._turns._waiting.values()))

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
    with turns.taken(9):
        for whose in waiting:
            line.join(whose)
    return line.until_all_are_served()


def test_a_request_goes_before_jobs_that_have_waited_longer():
    assert order_of(1, 1, 1, 2, REQUEST)[0] == REQUEST


def test_requests_and_jobs_alternate():
    assert order_of(1, 1, 1, REQUEST, 2, REQUEST) == [REQUEST, 1, REQUEST, 2, 1, 1]


def test_no_flood_of_requests_keeps_a_job_from_being_done():
    assert order_of(*[REQUEST] * 50, 1).index(1) == 1


def test_an_application_with_one_job_waits_for_one_of_another_with_many():
    assert order_of(*[1] * 50, 2, 3).index(2) == 1


def test_applications_take_turns():
    assert order_of(1, 1, 1, 2, 2, 3) == [1, 2, 3, 1, 2, 1]


def test_a_request_writes_before_the_jobs_of_an_application_with_many(tmp_path):
    with closing(Store(tmp_path / "tutum.db")) as store:
        line = Line(store._turns, store.writing)
        with store.writing(1):
            for whose in [*[1] * 20, REQUEST, 2]:
                line.join(whose)
        assert line.until_all_are_served()[:3] == [REQUEST, 1, 2]


def test_who_does_not_want_to_wait_longer_is_passed_over():
    turns = Turns()
    line = Line(turns)
    with turns.taken(1):
        with pytest.raises(NoTurn):
            with turns.taken(REQUEST, timeout=0.01):
                pass
        line.join(2)
    assert line.until_all_are_served() == [2]
    with turns.taken(REQUEST, timeout=0):
        pass


def test_nobody_has_a_turn_while_another_has_one_and_none_is_lost():
    turns, inside, most, had = Turns(), [], [], []

    def work(whose):
        for _ in range(200):
            try:
                with turns.taken(whose, timeout=0.0005 if whose is REQUEST else -1):
                    inside.append(whose)
                    most.append(len(inside))
                    inside.pop()
            except NoTurn:
                pass
        had.append(whose)
    threads = [threading.Thread(target=work, args=(whose,)) for whose in (REQUEST, REQUEST, 1, 1, 2, 3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert len(had) == len(threads) and set(most) == {1}
    with turns.taken(REQUEST, timeout=0):
        pass
