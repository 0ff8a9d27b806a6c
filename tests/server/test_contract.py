"""The HTTP contract (api-v1), row by row, against a real service; `contracttable` says what a row is."""
import base64
import json
import re
import sys
import time
from contextlib import closing, contextmanager

import contracttable
import pytest
import requests
from contractmatch import differences
from records import Records
from serverprocess import Server

#: Seconds within which what a row waits for comes about.
PATIENCE = 20

#: A service that never looks through all its records: what rows put there runs by the records alone.
UNSWEPT = [sys.executable, "-c", """
from tutum.server import __main__, controller
controller.SWEEP_INTERVAL = 86400
__main__.main()"""]


@pytest.fixture(scope="module")
def session():
    with requests.Session() as session:
        session.trust_env = False
        yield session


@pytest.fixture(scope="module")
def shared(engine, tmp_path_factory):
    """The service that most rows are for, and its records; everybody sees an image there, whatever the engine."""
    with started(tmp_path_factory.mktemp("contract"), "--engine", engine.name) as (server, records):
        records.show_public("tutum/hello-world")
        yield server, records


@pytest.fixture(scope="module")
def configured(tmp_path_factory):
    """A service whose operator has domains and an image of their own, and its records."""
    directory = tmp_path_factory.mktemp("configured")
    (directory / "server.ini").write_text(
        "[dns]\ncontainers = node.example.net\napplications = web.example.net\n"
        "[image acme/echo]\nentrypoint = echo port\nrun_command = 5432\nports = 5432/tcp 53/udp\n")
    with started(directory, "--config", str(directory / "server.ini")) as found:
        yield found


@contextmanager
def started(directory, *options):
    server = Server(directory / "data")
    server.command = UNSWEPT
    server.start(*options)
    try:
        with closing(Records(server.data_dir)) as records:
            yield server, records
    finally:
        server.close()


@pytest.fixture
def client(request, session):
    """A client with an account of its own, on the service that its row is for; what it started is terminated."""
    steps = request.getfixturevalue("steps")
    server, records = request.getfixturevalue(steps[0].get("service", "shared"))
    client = Client(session, server.base_url, records)
    yield client
    client.terminate()


def pytest_generate_tests(metafunc):
    if "steps" in metafunc.fixturenames:
        rows = contracttable.read(metafunc.config.getoption("--engine"))
        metafunc.parametrize("steps", [pytest.param(row.steps, id=row.id) for row in rows])


def test_row(client, steps):
    for step in steps:
        client.take(step)


@pytest.mark.parametrize("expected, found", [
    (1, 2), (1, True), (1, "1"), (None, 0), ("a", None), ("~a+", "ab"), ("~.*", None), ("~x$uuid", "x7"), ([], None),
    ([1], []), ([1, 2], [2, 1]), ([{"a": 1}], [{"a": 2}]), ({"a": None}, {}), ({"a": 1}, None),
    ({"a": {"b": 1}}, {"a": {"b": 2}}), ({"$only": {"a": 1}}, {"a": 1, "b": 1}), ({"$only": {"a": 1}}, {"a": 2}),
    ({"$only": {}}, None), ({"$keys": ["a"]}, {"a": 1, "b": 1}), ({"$keys": ["a"]}, {}),
    ({"$lacks": ["a"]}, {"a": None}), ({"$lacks": ["a"]}, None), ({"$length": 1}, []),
    ({"$any_order": [1, 2]}, [2, 2]), ({"$any_order": [1]}, [1, 1]),
    ({"$path": "/a?b=1&c=2"}, "/a?c=2&b=2"), ({"$path": "/a"}, "http://b/a"), ({"$path": "/a"}, None),
    ({"$range": [1, 2]}, 3), ({"$range": [1, 2]}, None), ("$uuid", "2B6F0C1E-5A3D-4C2B-9E1F-0D8A7C6B5A49"),
    ("$uuid", "2b6f0c1e-5a3d-1c2b-9e1f-0d8a7c6b5a49"), ("$date", "Sun, 06 Apr 2014 17:59:42 +0000"), ("$date", None),
    ("$recent", "Sun, 6 Apr 2014 17:59:42 +0000"), ("$text", None), ("$integer", True), ("$boolean", 1), ("$list", {}),
    ("$object", []), ("$integer_or_null", "1"), ("$text_or_null", 1), ("$date_or_null", "")])
def test_a_difference_is_told(expected, found):
    assert list(differences(expected, found))


class Client:
    """Takes the steps of one row."""

    def __init__(self, session, base_url, records):
        self._session = session
        self._base_url = base_url
        self._records = records
        self._owner, self._stranger = records.owner(), None
        self._names = {"host": base_url[:-len("/api/v1/")], **_account_names(self._owner)}
        self._was_accepted = False

    def take(self, step):
        self._put(step.get("given", ()))
        request = self._request(step)
        deadline = time.monotonic() + PATIENCE
        while True:
            reply = self._session.send(request, timeout=30, allow_redirects=False)
            self._was_accepted |= reply.status_code == 202
            faults = list(self._awaited(step, reply))
            if not faults or time.monotonic() > deadline:
                break
            time.sleep(0.02)
        faults.extend(self._faults(step, reply))
        if faults:
            pytest.fail("\n".join([f"{request.method} {request.path_url} answered {reply.status_code} {reply.text}",
                                   *faults]), pytrace=False)
        for name, path in step.get("save", {}).items():
            self._names[name] = _at(reply.json(), path)

    def terminate(self):
        """Terminate everything, if there is anything of which the engine knows."""
        for uuid in self._records.make_deletable(self._owner) if self._was_accepted else ():
            self.take({"send": f"DELETE application/{uuid}/", "status": 202})

    def _put(self, given):
        for each in given:
            objects = [each]
            if isinstance(each, str) and each.startswith("$"):
                objects = [f"app-{number}" for number in range(1, int(each[1:]) + 1)]
            owner, prefix = self._owner, ""
            if isinstance(each, dict):
                objects = [self._filled({key: value for key, value in each.items() if key != "of"})]
                if each.get("of") == "stranger":
                    owner, prefix = self.stranger, "stranger."
            self._records.put(owner, *objects)
            self._names.update((prefix + name, uuid) for name, uuid in owner.uuids.items())

    @property
    def stranger(self):
        """The second account, made when a row first speaks of it."""
        if self._stranger is None:
            self._stranger = self._records.owner("stranger")
            self._names.update(_account_names(self._stranger, "stranger."))
        return self._stranger

    def _request(self, step):
        method, path = self._filled(step["send"]).split(" ", 1)
        url = self._names["host"] + path if path.startswith("/") else self._base_url + path
        headers = {"Authorization": self._authorization(step)}
        body = step.get("data")
        if "json" in step:
            body = json.dumps(self._filled(step["json"]))
        if body is not None:
            headers["Content-Type"] = "application/json"
        headers.update(step.get("send_headers", {}))
        body = None if body is None else body.encode()
        return self._session.prepare_request(requests.Request(method, url, headers=headers, data=body))

    def _authorization(self, step):
        if "basic" in step:
            return "Basic " + base64.b64encode(self._filled(step["basic"]).encode()).decode()
        return self._filled(step.get("auth", "ApiKey <user>:<apikey>"))

    def _awaited(self, step, reply):
        """Say what is not yet as the step waits for."""
        if "until" in step:
            yield from differences(self._filled(step["until"]), _body(reply))
        if "until_status" in step:
            yield from differences(step["until_status"], reply.status_code, "status")

    def _faults(self, step, reply):
        """Say what is not as it must be."""
        if "status" in step:
            yield from differences(step["status"], reply.status_code, "status")
        if "as" in step:
            self._name(step["as"], _body(reply))
        for name, value in step.get("headers", {}).items():
            yield from differences(self._filled(value), reply.headers.get(name), name)
        if "text" in step:
            yield from differences(step["text"], reply.text, "text")
        if "body" in step:
            yield from differences(self._filled(step["body"]), _body(reply))
        if step.get("keys_sorted"):
            reply.json(object_pairs_hook=_check_order)

    def _name(self, name, body):
        """Remember an application, and its containers by their numbers."""
        self._names[name] = body["uuid"]
        for number, uri in enumerate(body["containers"], 1):
            self._names[f"{name}-{number}"] = uri.split("/")[-2]

    def _filled(self, value):
        """Put what is known of this run in the place of its names."""
        if isinstance(value, dict):
            if value.keys() == {"$ago"}:
                return time.time() - value["$ago"]
            return {key: self._filled(each) for key, each in value.items()}
        if isinstance(value, list):
            return [self._filled(each) for each in value]
        if not isinstance(value, str):
            return value
        if "<stranger." in value:
            assert self.stranger
        whole = re.fullmatch(r"<([\w.-]+)>", value)
        return self._names[whole[1]] if whole else re.sub(r"<([\w.-]+)(?::(\w+))?>", self._text_of, value)

    def _text_of(self, found):
        text, form = str(self._names[found[1]]), found[2]
        if form is None:
            return text
        return text.upper() if form == "upper" else text[:int(form)]


def _account_names(owner, prefix=""):
    basic = base64.b64encode(f"{owner.user}:{owner.password}".encode()).decode()
    return {prefix + "user": owner.user, prefix + "apikey": owner.apikey, prefix + "password": owner.password,
            prefix + "basic": basic}


def _body(reply):
    return reply.json() if reply.text else None


def _at(value, path):
    for key in path.split(".") if path else ():
        value = value[int(key)] if isinstance(value, list) else value[key]
    return value


def _check_order(pairs):
    keys = [key for key, _ in pairs]
    assert keys == sorted(keys)
