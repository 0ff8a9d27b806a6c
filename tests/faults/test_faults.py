"""Every public call meets every fault: it ends in time, and loses and repeats nothing."""
import time

import pytest

import faults
import tutum
from tutum.api import http, retry

KEY = "0123456789abcdef"


def acting(name, *args):
    """Return a call of a method of an object with a change that is not saved."""
    def call(thing):
        return getattr(thing, name)(*args)
    return call


#: Name of a public call, its method, what calls it with an object, and what is right to return.
CALLS = [
    ("fetch", "GET", lambda thing: type(thing).fetch(faults.UUID), lambda found: found.pk),
    ("list", "GET", lambda thing: type(thing).list(), lambda found: len(found) == 1),
    ("iter", "GET", lambda thing: [one for one in type(thing).iter()],
     lambda found: len(found) == 1),
    ("save a new one", "POST", lambda thing: type(thing).create(name="x").save(), bool),
    ("save a change", "PATCH", acting("save"), bool),
    ("refresh", "GET", acting("refresh", True), bool),
    ("delete", "DELETE", acting("delete"), bool),
    ("start", "POST", acting("start"), bool),
    ("stop", "POST", acting("stop"), bool),
    ("redeploy", "POST", acting("redeploy", "v2"), bool),
    ("logs", "GET", lambda thing: thing.logs, lambda found: found == "text"),
    ("wait", "GET", acting("wait", "Running", None), bool),
    ("get_auth", "GET", lambda thing: tutum.auth.get_auth("ann", KEY),
     lambda found: found == ("ann", "4567")),
    ("get_apikey", "GET", lambda thing: tutum.auth.get_apikey("ann", KEY),
     lambda found: found == "4567"),
    ("authenticate", "GET", lambda thing: tutum.auth.authenticate("ann", KEY),
     lambda found: found is None),
    ("send_request", "PATCH", lambda thing: http.send_request("PATCH", "x/", data={"a": 1}),
     lambda found: True),
]


@pytest.fixture(autouse=True)
def haste(raw, monkeypatch):
    """Let nothing take long."""
    monkeypatch.setattr(retry, "backoff", lambda tried: 0.001)
    tutum.max_reply_size = 2 * 1024 * 1024


def changed(cls):
    """Return an object with a change that is not saved."""
    thing = cls()
    thing._reply = dict(faults.OBJECT)
    thing.name = "changed"
    return thing


def hardly(method, call, thing, raw, outcome, right):
    """Make a call and check all that must hold whatever comes back."""
    began = time.time()
    error = found = None
    try:
        found = call(thing)
    except tutum.TutumApiError as caught:
        error = caught
    took = time.time() - began

    if outcome == faults.RIGHT:
        assert error is None, error
    elif outcome != faults.EITHER:
        assert type(error) is outcome or outcome is tutum.TutumApiError and error, (error, found)
    if error is None:
        assert right(found)
    else:
        text = str(error)
        assert method in text and (error.status_code is None or error.url in text)
        assert KEY not in text + repr(vars(error)) and "\n" not in text
    if error:
        assert thing.name == "changed" and thing.is_dirty
    assert took < 2
    arrived = [request.method for request in raw.requests
               if request.headers["user-agent"].endswith(tutum.user_agent)]
    assert set(arrived) <= {method}
    assert len(arrived) <= (1 if method != "GET" or isinstance(error, tutum.TutumTimeoutError)
                            else 1 + max(http.LONGEST_CHAIN, tutum.retries))
    return error


@pytest.mark.parametrize("name, method, call, right", CALLS, ids=[row[0] for row in CALLS])
def test_every_fault(raw, name, method, call, right):
    wrong = []
    for number, (fault, answer, outcome) in enumerate(faults.FAULTS):
        if outcome == faults.ALIEN:
            outcome = faults.EITHER if name == "send_request" else tutum.TutumApiError
        tutum.timeout = 0.05 if outcome is tutum.TutumTimeoutError else 5
        tutum.user, tutum.apikey = "ann", KEY
        # A request that timed out may arrive when the next fault is under way already.
        tutum.user_agent = "fault-%d" % number
        raw.answer(answer)
        # They share all their code, so half of the faults is enough for each.
        cls = (tutum.Application, tutum.Container)[len(fault) % 2 if name != "redeploy" else 0]
        try:
            hardly(method, call, changed(cls), raw, outcome, right)
        except Exception as error:
            wrong.append("%s: %s: %s" % (fault, type(error).__name__, error))
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("name, method, call, right", CALLS, ids=[row[0] for row in CALLS])
def test_nobody_listens(raw, name, method, call, right):
    raw.close()
    error = hardly(method, call, changed(tutum.Application), raw, tutum.TutumConnectionError, right)
    assert "python -m tutum.server serve" in str(error) and "TUTUM_BASE_URL" in str(error)
