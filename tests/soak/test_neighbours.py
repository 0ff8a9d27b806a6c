"""What one account does to hundreds of containers does not hold another account up."""
import time

import pytest
from serverprocess import Api, Server

from tutum.server import accounts
from tutum.server.store import Store

CONTAINERS = 199
COMMAND = {"image": "any/thing", "run_command": "sleep 1000"}


@pytest.fixture
def server(tmp_path):
    server = Server(tmp_path / "data").start("--max-containers", str(2 * CONTAINERS), "--log-level", "warning")
    yield server
    server.close()


@pytest.fixture
def neighbour(server):
    """A client with another account."""
    store = Store(server.data_dir / "tutum.db")
    account = accounts.add(store, "neighbour")
    store.close()
    return Api(server.base_url, account.username, account.apikey)


def timed(work):
    began = time.monotonic()
    done = work()
    return time.monotonic() - began, done


def while_it_moves(api, path, neighbour):
    """Have the neighbour make and terminate applications until all has arrived.

    :returns: the seconds that took, those of each of the neighbour's requests, and of each start of a container
    """
    began, requests, starts = time.monotonic(), [], []
    while api.object(path)["state"] not in ("Running", "Terminated"):
        seconds, created = timed(lambda: neighbour.create(**COMMAND))
        requests.append(seconds)
        own = f"application/{created['uuid']}/"
        starts.append(timed(lambda: neighbour.settled(own))[0])
        requests.append(timed(lambda: neighbour.act(own, "DELETE"))[0])
    return time.monotonic() - began, sorted(requests), sorted(starts)


def test_operations_on_many_containers_hold_no_other_account_up(server, neighbour, capsys):
    api = server.api
    path = f"application/{api.running(**COMMAND)['uuid']}/"
    for name, method, suffix, body in (("scale", "PATCH", "", {"target_num_containers": CONTAINERS}),
                                       ("redeploy", "POST", "redeploy/", {}), ("terminate", "DELETE", "", None)):
        api.act(path + suffix, method, json=body)
        took, requests, starts = while_it_moves(api, path, neighbour)
        with capsys.disabled():
            print(f"\n{name} of {CONTAINERS} took {took:.1f} s; {len(requests)} requests of a neighbour meanwhile: "
                  f"half up to {requests[len(requests) // 2] * 1000:.0f} ms, the longest {requests[-1] * 1000:.0f} ms; "
                  f"its containers started within {starts[-1] * 1000:.0f} ms")
        assert requests[-1] < took / 5 and starts[-1] < took
