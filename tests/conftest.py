"""What the tests of the library share: no state of one test or of the user reaches another."""
import os
import time

import pytest

import tutum
from rawservice import RawService
from service import RealService
from tutum.api import config, credentials, http

SETTINGS = ("user", "apikey", "base_url", "timeout", "retries", "max_reply_size", "user_agent")
FOREIGN = ("TUTUM_USER", "TUTUM_APIKEY", "TUTUM_BASE_URL", "TUTUM_ALLOW_HTTP", "HTTP_PROXY",
           "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "NETRC")


@pytest.fixture(autouse=True)
def untouched(monkeypatch, tmpdir):
    """Give the test an empty home and no settings, and restore those of the library after it."""
    for name in FOREIGN:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    monkeypatch.setenv("HOME", str(tmpdir.mkdir("home")))
    monkeypatch.setenv("TUTUM_CONFIG_FILE", os.devnull)
    for name in SETTINGS:
        monkeypatch.setattr(tutum, name, getattr(tutum, name))
    monkeypatch.setattr(tutum, "user", None)
    monkeypatch.setattr(tutum, "apikey", None)
    monkeypatch.setattr(config, "complaint", None)
    monkeypatch.setattr(credentials, "_warned", False)
    yield
    http.close()


@pytest.fixture
def raw(monkeypatch):
    """Point the library at a service that answers with whatever bytes the test says."""
    service = RawService()
    tutum.base_url = service.base_url
    tutum.user, tutum.apikey = "ann", "0123456789abcdef"
    tutum.timeout = 10
    yield service
    http.close()
    service.close()


@pytest.fixture
def pauses(monkeypatch):
    """Collect the pauses between attempts in place of waiting."""
    collected = []
    monkeypatch.setattr(time, "sleep", collected.append)
    return collected


@pytest.fixture(scope="session")
def running_service(tmpdir_factory):
    """Run the real service for as long as the tests run."""
    service = RealService(str(tmpdir_factory.mktemp("service")))
    yield service
    service.close()


@pytest.fixture
def real(running_service):
    """Point the library at the real service, and remove what the test leaves there."""
    tutum.base_url = running_service.base_url
    tutum.user, tutum.apikey = running_service.user, running_service.apikey
    yield running_service
    tutum.user, tutum.apikey = running_service.user, running_service.apikey
    tutum.base_url = running_service.base_url
    running_service.remove_all()
