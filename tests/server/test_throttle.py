"""Who guesses passwords or keys is slowed down, and nobody else."""
from contextlib import closing

import pytest

from tutum.server import accounts, throttle
from tutum.server.store import Store
from tutum.server.throttle import Throttle
from tutum.server.web.app import create_app
from tutum.server.web.context import Context


class Logins:
    """Logs in to a service of which only the accounts are there."""

    def __init__(self, store):
        self.ann = accounts.add(store, "ann")
        self.throttle = Throttle()
        self._client = create_app(Context(
            store=store, addresses=None, image_of=None, logs_of=None, wake=None, max_containers=1,
            throttle=self.throttle, kept=None)).test_client()

    def by_password(self, username, password="wrong", address="10.0.0.1"):
        return self._client.get("/api/v1/auth/", auth=(username, password), environ_base={"REMOTE_ADDR": address})

    def by_key(self, username, apikey="wrong", address="10.0.0.1"):
        return self._client.get("/api/v1/auth/", headers={"Authorization": f"ApiKey {username}:{apikey}"},
                                environ_base={"REMOTE_ADDR": address})


@pytest.fixture
def logins(tmp_path, monkeypatch):
    monkeypatch.setattr(throttle, "FREE_FAILURES_OF_ADDRESS", 8)
    with closing(Store(tmp_path / "tutum.db")) as store:
        yield Logins(store)


@pytest.fixture(params=["by_password", "by_key"])
def login(request, logins):
    return getattr(logins, request.param)


def test_guesses_at_ever_new_names_are_slowed(login):
    replies = [login(f"name-{number}") for number in range(10)]
    assert [reply.status_code for reply in replies] == [401] * 8 + [429] * 2
    assert 1 <= int(replies[-1].headers["Retry-After"]) <= 60 and replies[-1].data == b""


def test_guesses_from_one_address_slow_no_other(login):
    for number in range(9):
        login(f"name-{number}", address="10.0.0.1")
    assert login("name", address="10.0.0.2").status_code == 401


def test_the_right_key_is_let_in_while_its_address_and_name_are_slowed(logins):
    for number in range(9):
        logins.by_key(f"name-{number}")
        logins.by_key("ann")
    assert logins.by_key("ann").status_code == 429
    assert logins.by_key("ann", logins.ann.apikey).status_code == 200


def test_wrong_keys_do_not_slow_passwords(logins):
    for number in range(9):
        logins.by_key(f"name-{number}")
    assert logins.by_password("ann", logins.ann.password).status_code == 200


def test_an_account_of_ones_own_does_not_clear_the_guesses_at_others(logins):
    statuses = []
    for number in range(9):
        statuses.append(logins.by_password(f"name-{number}").status_code)
        logins.by_password("ann", logins.ann.password)
    assert statuses == [401] * 8 + [429]


def test_guesses_are_forgotten_after_a_while(login, monkeypatch):
    for number in range(9):
        login(f"name-{number}")
    assert login("name").status_code == 429
    monkeypatch.setattr(throttle, "MEMORY", 0.0)
    assert login("name").status_code == 401


def test_names_longer_than_any_accounts_are_one(login):
    statuses = [login("n" * 64 + str(number)).status_code for number in range(6)]
    assert statuses == [401] * 5 + [429]


def test_so_many_failures_are_remembered_and_no_more(monkeypatch):
    monkeypatch.setattr(throttle, "MAX_REMEMBERED", 20)
    slowed = Throttle()
    for _ in range(6):
        slowed.failed("key", "10.0.0.1", "ann")
    assert slowed.wait("key", "10.0.0.1", "ann") > 0
    for number in range(20):
        slowed.failed("key", f"10.0.1.{number}", "ann")
    assert slowed.wait("key", "10.0.0.1", "ann") == 0


def test_so_many_passwords_are_looked_at_at_once_and_further_ones_are_to_come_again(logins):
    with logins.throttle.hashing, logins.throttle.hashing:
        refused = logins.by_password("ann", logins.ann.password)
        assert (refused.status_code, refused.headers["Retry-After"], refused.data) == (429, "1", b"")
        assert logins.by_key("ann", logins.ann.apikey).status_code == 200
    assert logins.by_password("ann", logins.ann.password).status_code == 200


def test_a_password_refused_unseen_counts_as_no_failure(logins):
    with logins.throttle.hashing, logins.throttle.hashing:
        for _ in range(20):
            logins.by_password("ann")
    assert logins.by_password("ann").status_code == 401
