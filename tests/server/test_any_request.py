"""Whatever is asked of the service, it answers in the form of the API (api-v1 1.7), and nothing is half made."""
import base64
import http.client
import json
import os
import re
import socket
from collections import Counter
from contextlib import closing
from urllib.parse import quote, urlsplit

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from records import Records
from serverprocess import SETTLED, Api, Server, until

from tutum.server.web import applications, containers, images, views
from tutum.server.web.app import MAX_BODY, create_app

#: So many times as many inputs, and others each time, where the environment says so.
MORE = int(os.environ.get("TUTUM_SOAK_INPUTS", "0"))
MAX_CONTAINERS = 5

#: Every path with each of its methods, so that a new one is driven without being named here; in the place of its
#: parameters are the names of what comes before them.
ROUTES = sorted({(method, re.sub(r"(\w+)/<[\w:]+>", r"\1/{\1}", rule.rule))
                 for rule in create_app(None).url_map.iter_rules() for method in rule.methods - {"HEAD", "OPTIONS"}})
PATHS = sorted({path for _, path in ROUTES})
OTHER_METHODS = ("HEAD", "OPTIONS", "PUT", "TRACE", "CONNECT", "x")

#: The only commands that are sent: what a text says would be run on this machine.
COMMANDS = {"run_command": "sleep 600", "entrypoint": "env"}


def mostly(usual, other):
    """Draw what is usual nine times of ten, so that what is refused is refused for one thing at a time."""
    return st.integers(0, 9).flatmap(lambda number: usual if number else other)


SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(-2, 7), st.integers(), st.floats(), st.text(max_size=20),
    st.sampled_from([10 ** 30, -2 ** 63, "\0", "\ud800", "a" * 70000, "ON_FAILURE", "global", "XL", "any/thing:v1"]))
JSON = st.recursive(SCALARS, lambda inner: st.one_of(
    st.lists(inner, max_size=4), st.dictionaries(st.text(max_size=8), inner, max_size=4)), max_leaves=8)

NAMES = st.text("abc-_0", min_size=1, max_size=4)
TEXTS = st.text(max_size=20)
POLICIES = st.sampled_from(["OFF", "ON_FAILURE", "ALWAYS"])

#: What is right for each attribute.
ATTRIBUTES = {
    "image": st.sampled_from(["any/thing", "any/thing:v1", "tutum/hello-world", "localhost:5000/a/b"]),
    "name": NAMES,
    "target_num_containers": st.integers(1, 3),
    "container_size": st.sampled_from(["XS", "XL"]),
    "run_command": st.just(COMMANDS["run_command"]),
    "entrypoint": st.just(COMMANDS["entrypoint"]),
    "container_ports": st.lists(st.fixed_dictionaries(
        {"inner_port": mostly(st.integers(1, 65535), SCALARS)},
        optional={"protocol": mostly(st.sampled_from(["tcp", "udp"]), SCALARS)}), max_size=3),
    "container_envvars": st.lists(st.fixed_dictionaries(
        {"key": mostly(NAMES, SCALARS), "value": mostly(TEXTS, SCALARS)}), max_size=3),
    "linked_to_application": st.lists(mostly(
        st.just("{application}"), NAMES | st.fixed_dictionaries({"to_application": SCALARS})), max_size=2),
    "autorestart": POLICIES, "autoreplace": POLICIES, "autodestroy": POLICIES,
    "sequential_deployment": st.booleans(),
    "roles": st.lists(st.just("global"), max_size=2),
    "web_public_dns": TEXTS | st.none(),
    "username": TEXTS, "password": TEXTS, "description": TEXTS,
    "tag": st.sampled_from(["v1", "latest"]),
}


def objects(**required):
    """Draw bodies most of whose attributes are right, so that each check is reached."""
    return st.fixed_dictionaries(required, optional={
        key: mostly(right, JSON) for key, right in ATTRIBUTES.items() if key not in required}).map(json.dumps)


BODIES = st.one_of(st.just(""), objects(), objects(), JSON.map(json.dumps),
                   st.binary(max_size=60).map(lambda data: data.decode("latin-1")))

#: Bytes that do not end a line, as the characters that stand for them; the same quoted; and text, quoted.
BYTES = st.binary(max_size=12).map(lambda data: data.translate(None, b"\r\n").decode("latin-1"))
QUOTED = st.one_of(st.binary(max_size=12), st.text(max_size=12)).map(lambda text: quote(text, ""))

PARTS = st.one_of(QUOTED, QUOTED, BYTES, st.sampled_from([
    "", ".", "..", "%", "%00", "%2f", "%2e%2e", "%ff", "%zz", "/", "//", "[", "\\", "*", "?", "#", "a" * 5000]))
REQUESTS = mostly(st.sampled_from(ROUTES), st.tuples(st.sampled_from(OTHER_METHODS), st.sampled_from(PATHS)))

#: What comes before a path in a request's first line, where it is not the path alone.
ORIGINS = mostly(st.just(""), st.sampled_from(["http://localhost", "http://[", "http://a:b:c", "//", "*", "?", "a"]))

FIELDS = sorted({*applications.FILTERS, *containers.FILTERS, *images.FILTERS, "limit", "offset", "tail", "host"})
OTHER_FIELDS = sorted(views.APPLICATION_ATTRIBUTES | views.CONTAINER_ATTRIBUTES | images.ATTRIBUTES)
PARAMETERS = st.builds(
    lambda field, lookup, value, times: "&".join([f"{field}{lookup}={value}"] * times),
    mostly(st.sampled_from(FIELDS), st.sampled_from(OTHER_FIELDS) | QUOTED),
    mostly(st.sampled_from(["", "__in", "__startswith"]), st.sampled_from(["__icontains", "__gte", "__x", "__"])),
    mostly(st.sampled_from(["0", "7", "9" * 18, "True", "none", "%00", "%ff", "a,b", "Running", "," * 900]),
           st.one_of(QUOTED, BYTES, st.sampled_from(["-1", "9" * 30, "," * 1001, "%"]))),
    mostly(st.just(1), st.sampled_from([2, 40, 1200])))
QUERIES = st.lists(PARAMETERS, max_size=3).map("&".join)

CREDENTIALS = st.one_of(
    BYTES, BYTES.map("ApiKey {{user}}:{}".format), BYTES.map("Basic {}".format), BYTES.map("Digest a={}".format),
    st.binary(max_size=12).map(lambda data: "Basic " + base64.b64encode(data).decode()))
HEADERS = st.fixed_dictionaries({
    "Authorization": mostly(st.just("{key}"), CREDENTIALS),
    "Content-Type": mostly(st.just("application/json"), BYTES),
    "Host": mostly(st.just("localhost"), BYTES | st.sampled_from(["[", "[::1", "a:b", "a b", "//"])),
    "X-Any": mostly(st.just(""), BYTES),
}, optional={name: st.text("abc,;=\"*/ \t'%-", max_size=12) | BYTES for name in (
    "Accept", "Accept-Encoding", "Content-Encoding", "Cookie", "If-Match", "Origin", "Range", "Referer",
    "X-Forwarded-For", "X-HTTP-Method-Override")})

#: Headers of an everyday request.
USUAL = {"Authorization": "{key}", "Content-Type": "application/json", "Host": "localhost"}


class Service:
    """A service of which anything can be asked, with an account that has one of each thing there is."""

    def __init__(self, directory):
        self.inputs, self.statuses = 0, Counter()
        self.log = directory / "log"
        with open(self.log, "w") as log:
            self.server = Server(directory / "data").start(
                "--max-containers", str(MAX_CONTAINERS), "--log-level", "warning", stderr=log)
        self.records = Records(self.server.data_dir)
        self.owner = self.records.owner()
        self.api = Api(self.server.base_url, self.owner.user, self.owner.apikey)
        self.address = (urlsplit(self.server.base_url).hostname, urlsplit(self.server.base_url).port)
        self.application, self._places = None, None

    def close(self):
        self.records.close()
        self.server.close()

    def places(self):
        """Return what the places stand for; what is not there any more is made again."""
        if self.application is None or self.api.object(self.application)["state"] == "Terminated":
            made = self.api.create(image="any/thing", run_command=COMMANDS["run_command"])
            self.application = f"application/{made['uuid']}/"
        self.settle()
        if self.api.get("image/own/image/").status_code == 404:
            self.api.act("image/", json={"name": "own/image", "username": "ann", "password": "secret"})
        application = self.api.object(self.application)
        container = application["containers"][0].split("/")[-2] if application["containers"] else "none"
        self._places = {"{application}": application["uuid"], "{container}": container, "{image}": "own/image",
                        "{tag}": "v1", "{registry}": "index.docker.io", "{user}": self.owner.user,
                        "{key}": f"ApiKey {self.owner.user}:{self.owner.apikey}"}
        return self._places

    def settle(self):
        """Wait until all that was accepted has come to its end."""
        until(lambda: all(each["state"] in SETTLED for resource in ("application", "container")
                          for each in self.api.list(resource, limit=100)))

    def ask(self, method, target, headers, body):
        """Send a request as it stands, check what must hold for every reply, and return its status and its JSON."""
        places = self._places or self.places()
        target, headers = filled(target, places), {name: filled(value, places) for name, value in headers.items()}
        before = self.records.count(self.owner)
        reply, data = self.send(method, target, headers, harmless(filled(body, places)))
        self.inputs += 1
        self.statuses[reply.status] += 1
        found = form(method, reply, data)
        made = [after - count for after, count in zip(self.records.count(self.owner), before)]
        if reply.status < 300 and method != "GET":
            self._places = None
        if reply.status >= 300:
            assert made == [0, 0, 0], (reply.status, data, made)
        elif made[0]:
            assert method == "POST" and made == [1, found["target_num_containers"], 0], (data, made)
            assert len(found["containers"]) == found["current_num_containers"] == found["target_num_containers"]
            self.remove(f"application/{found['uuid']}/")
        return reply.status, found

    def send(self, method, target, headers, body):
        head = b"\r\n".join([b"%s %s HTTP/1.1" % (method.encode(), target),
                             *(b"%s: %s" % (name.encode(), value) for name, value in headers.items()),
                             b"Content-Length: %d" % len(body), b"Connection: close", b"", b""])
        with socket.create_connection(self.address, timeout=30) as connection:
            connection.sendall(head + body)
            with closing(http.client.HTTPResponse(connection, method=method)) as reply:
                reply.begin()
                return reply, reply.read()

    def remove(self, path):
        self.settle()
        self.api.act(path, "DELETE")
        self.settle()


def filled(text, places):
    """Put what is there into its places, and return bytes."""
    for place, value in places.items():
        text = text.replace(place, value)
    return text.encode("latin-1")


def harmless(body):
    """Return a body with no command in it but those that may be run."""
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        return body
    commands = {key: COMMANDS[key] for key in COMMANDS if isinstance(found, dict) and isinstance(found.get(key), str)}
    return json.dumps({**found, **commands}).encode() if commands else body


def form(method, reply, data):
    """Check that a reply has the form that its status asks for, and return its JSON."""
    assert 200 <= reply.status < 500, (reply.status, data)
    if method == "HEAD":
        return None
    if reply.status in (204, 301, 401, 429) or method == "OPTIONS" and reply.status == 200:
        assert data == b"", data
        return None
    if reply.status == 405:
        assert data.decode() == reply.getheader("Allow") and data
        return None
    assert reply.getheader("Content-Type") == "application/json"
    found = json.loads(data)
    assert isinstance(found, dict) and found
    if reply.status >= 400 and "error" in found:
        assert isinstance(found["error"], str) and found["error"]
    elif reply.status >= 400:
        (resource, messages), = found.items()
        assert resource in ("application", "container", "image") and messages
        assert all(texts and all(isinstance(text, str) and text for text in texts) for texts in messages.values())
    return found


@pytest.fixture(scope="module")
def service(tmp_path_factory):
    service = Service(tmp_path_factory.mktemp("any"))
    yield service
    service.close()


def inputs(count):
    """Return the settings of a property that is tried with so many inputs."""
    return settings(max_examples=count * max(MORE, 1), derandomize=not MORE, deadline=None, database=None)


def test_any_request_is_answered_in_the_form_of_the_api(service):
    @inputs(300)
    @given(REQUESTS, ORIGINS, st.none() | st.none() | PARTS, mostly(st.just(""), QUERIES), HEADERS, BODIES)
    def check(request, origin, part, query, headers, body):
        method, path = request
        if part is not None:
            path = re.sub(r"\{\w+\}", lambda _: part, path)
        service.ask(method, f"{origin}{path}?{query}", headers, body)
    check()


def test_any_application_is_made_whole_or_not_at_all(service):
    @inputs(100)
    @given(objects(image=mostly(ATTRIBUTES["image"], JSON)))
    def check(body):
        service.ask("POST", "/api/v1/application/", USUAL, body)
    check()


CHANGES = [route for route in ROUTES if route[0] in ("PATCH", "DELETE") or route[0] == "POST" and "{" in route[1]]


def test_any_change_is_made_whole_or_not_at_all(service):
    @inputs(100)
    @given(st.sampled_from(CHANGES), objects())
    def check(request, body):
        service.ask(*request, USUAL, body)
    check()


def test_any_credentials_are_answered(service):
    @inputs(100)
    @given(st.sampled_from(ROUTES), CREDENTIALS)
    def check(request, credentials):
        service.ask(*request, {**USUAL, "Authorization": credentials}, "")
    check()


LISTS = [path for method, path in ROUTES if method == "GET" and "{" not in path]


def test_any_query_is_answered(service):
    @inputs(150)
    @given(st.sampled_from(LISTS), QUERIES)
    def check(path, query):
        service.ask("GET", f"{path}?{query}", USUAL, "")
    check()


#: Requests that may carry something.
READ = [route for route in ROUTES if route[0] in ("POST", "PATCH")]


@pytest.mark.parametrize("method, path", READ)
@pytest.mark.parametrize("body", [
    b"{", b"[]", b"null", b'"text"', b"\xff", b'{"name": "\xff"}', b'{"name": "\0"}', b'{"name": NaN}',
    b"[" * 100000, b'{"a":' * 100000, b'{"target_num_containers": ' + b"9" * 5000 + b"}",
], ids=lambda body: repr(body[:30]))
def test_a_body_that_is_no_object_is_400(service, method, path, body):
    status, found = service.ask(method, path, USUAL, body.decode("latin-1"))
    assert status == 400 and found["error"].startswith("The request's body ")


@pytest.mark.parametrize("method, path", [route for route in ROUTES if route[0] != "GET"])
def test_a_body_over_a_mebibyte_is_413(service, method, path):
    assert service.ask(method, path, USUAL, '{"name": "%s"}' % ("a" * MAX_BODY))[0] == 413


def test_a_target_that_is_no_address_is_400(service):
    assert service.ask("GET", "http://[a/", USUAL, "")[0] == 400


def test_a_transfer_coding_that_is_not_known_is_400(service):
    assert service.ask("POST", "/api/v1/application/", {**USUAL, "Transfer-Encoding": "gzip"}, "{}")[0] == 400


@pytest.mark.parametrize("path", LISTS)
@pytest.mark.parametrize("query", ["name=a&" * 2000, f"name__in={',' * 900}&" * 50])
def test_a_query_of_thousands_of_filters_is_answered(service, path, query):
    assert service.ask("GET", f"{path}?{query}", USUAL, "")[0] in (200, 400)


def test_nothing_went_wrong_behind_the_answers(service, record_property):
    counts = ", ".join(f"{count} by {status}" for status, count in sorted(service.statuses.items()))
    record_property("summary", f"{service.inputs} inputs were answered: {counts}")
    assert "Traceback" not in service.log.read_text()
