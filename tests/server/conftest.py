"""The service for its own tests."""
import time

import pytest
from parts import Parts
from serverprocess import Api, Server
from testedengines import ENGINES

from tutum.server.engines.process import ProcessEngine

from tutum.server import accounts
from tutum.server.store import Store


def pytest_addoption(parser):
    parser.addoption("--engine", default="process", choices=list(ENGINES),
                     help="what runs the containers of tests that work with every engine")


def pytest_terminal_summary(terminalreporter):
    """Print what tests say for the end, wherever they ran."""
    for report in terminalreporter.getreports("passed"):
        for name, text in report.user_properties:
            if name == "summary" and report.when == "call":
                terminalreporter.write_line(text)


@pytest.fixture(scope="session")
def engine(request):
    """The engine of the shared service."""
    return ENGINES[request.config.getoption("--engine")]()


@pytest.fixture(scope="session")
def shared_server(engine, tmp_path_factory):
    """A service for tests that do not mind what others make on it."""
    server = Server(tmp_path_factory.mktemp("service")).start("--engine", engine.name)
    yield server
    server.close()


@pytest.fixture
def api(shared_server):
    """A client of the shared service; what a test leaves behind is terminated."""
    api = shared_server.api
    yield api
    for application in api.list("application", limit=100):
        if application["state"] not in ("Terminated", "Terminating"):
            path = f"application/{application['uuid']}/"
            api.settled(path)
            api.act(path, "DELETE")
            api.settled(path)


@pytest.fixture
def stranger(shared_server):
    """A client of the shared service with another account."""
    username = f"stranger-{time.monotonic_ns()}"
    store = Store(shared_server.data_dir / "tutum.db")
    account = accounts.add(store, username)
    store.close()
    return Api(shared_server.base_url, username, account.apikey)


@pytest.fixture
def server(tmp_path):
    """A service of the test's own, started and ended by the test."""
    server = Server(tmp_path / "data")
    yield server
    if server.process is not None:
        server.close()


@pytest.fixture
def parts(tmp_path):
    """The service's parts, in this process."""
    parts = Parts(tmp_path)
    yield parts
    parts.close()


@pytest.fixture
def process_engine(tmp_path):
    """The process engine alone."""
    engine = ProcessEngine(tmp_path / "containers")
    engine.open()
    yield engine
    engine.close()
