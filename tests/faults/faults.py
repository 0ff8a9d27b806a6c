# -*- coding: utf-8 -*-
"""The faults that a service, or what stands before it, can show."""
from __future__ import unicode_literals

import gzip
import io
import json
import re
import time
from email.utils import formatdate

from rawservice import CLOSE, RESET, SILENCE, reply
from tutum import (TutumApiError, TutumAuthError, TutumBadRequestError, TutumConnectionError,
                   TutumNotFoundError, TutumServerError, TutumTimeoutError)

UUID = "fee900c6-97da-46b3-a21c-e2b50ed07015"
OBJECT = {"uuid": UUID, "name": "web", "state": "Running"}

#: The right result is as good as an error.
EITHER = "either"

#: It is JSON, though not all interpreters take that much nesting, but not what was asked for.
ALIEN = "alien"

#: Nothing but the right result will do.
RIGHT = "right"

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"

BODY = json.dumps(dict(OBJECT, logs="text", key="4567", objects=[dict(OBJECT, key="4567")],
                       meta={"next": None, "total_count": 1})).encode("ascii")


def dribble(text):
    """Return the parts of a reply that comes byte by byte, all too slowly."""
    parts = []
    for index in range(len(text)):
        parts += [text[index:index + 1], lambda: time.sleep(0.02)]
    return parts


def zipped(data):
    """Return bytes compressed by gzip."""
    buffer = io.BytesIO()
    with gzip.GzipFile(fileobj=buffer, mode="wb") as packer:
        packer.write(data)
    return buffer.getvalue()


def encoded(body, encoding="gzip"):
    """Return a reply with an encoded body."""
    return reply(200, body=body, headers={"Content-Encoding": encoding})


def redirect(status, location):
    """Return a redirect."""
    return reply(status, headers={"Location": location})


def back(status):
    """Return a function that redirects a request to itself."""
    return lambda request: redirect(status, request.target)


def elsewhere(status):
    """Return a function that redirects to the same path of another host, which answers, too."""
    def answer(request):
        port = request.headers["host"].split(":")[1]
        return redirect(status, "http://localhost:%s%s" % (port, request.target))
    return answer


def round_and_round(status):
    """Return a function that redirects in a circle of two."""
    def answer(request):
        return redirect(status, "%s?turn=%d" % (request.path, "turn=1" not in request.query))
    return answer


def listing(following):
    """Return a function that answers with a page whose next page is the given one."""
    def answer(request):
        value = dict(json.loads(BODY.decode("ascii")), meta={"next": following, "total_count": 2})
        return reply(200, value)
    return answer


def always_further(request):
    """Answer with a page that has a next one, wherever it is."""
    offset = int(dict(re.findall("([a-z]+)=([0-9]+)", request.query)).get("offset", 0))
    return listing("/api/v1/application/?offset=%d" % (offset + 100))(request)


def json_reply(body):
    """Return a reply with the body as it is."""
    return reply(200, body=body if isinstance(body, bytes) else body.encode("utf-8"))


LOST = {
    "reset at once": RESET,
    "reset within the headers": [HEAD[:30], RESET],
    "reset after the headers": [HEAD + b"Content-Length: 100\r\n\r\n", RESET],
    "reset within the body": [HEAD + b"Content-Length: 9999\r\n\r\n" + BODY, RESET],
    "closed at once": CLOSE,
    "closed within the headers": [HEAD[:30], CLOSE],
    "closed before the body": [HEAD + b"Content-Length: 100\r\n\r\n", CLOSE],
    "closed within the body": [HEAD + b"Content-Length: 9999\r\n\r\n" + BODY, CLOSE],
    "a chunk cut short": [HEAD + b"Transfer-Encoding: chunked\r\n\r\nff\r\nabc", CLOSE],
    "the last chunk missing": [HEAD + b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n", CLOSE],
    "a chunk without a size": [HEAD + b"Transfer-Encoding: chunked\r\n\r\nxyz\r\n{}\r\n", CLOSE],
}

LATE = {
    "silence": SILENCE,
    "silence within the headers": [HEAD, SILENCE],
    "silence within the body": [HEAD + b"Content-Length: 9999\r\n\r\n" + BODY, SILENCE],
    "silence after half a chunk": [HEAD + b"Transfer-Encoding: chunked\r\n\r\nff\r\nabc", SILENCE],
    "headers byte by byte": dribble(HEAD * 5),
    "a body byte by byte": [HEAD + b"Content-Length: 999\r\n\r\n"] + dribble(b" " * 999),
    "chunks byte by byte": [HEAD + b"Transfer-Encoding: chunked\r\n\r\n"] +
    dribble(b"1\r\n \r\n" * 99),
    "continue for ever": dribble(b"HTTP/1.1 100 Continue\r\n\r\n" * 9),
}

ODD = {
    "no HTTP": ([b"SSH-2.0-OpenSSH\r\n\r\n", CLOSE], EITHER),
    "an odd status line": ([b"HTTP/1.1 abc\r\n\r\n", CLOSE], TutumApiError),
    "an endless header": ([HEAD + b"X: " + b"x" * 100000 + b"\r\n\r\n", CLOSE], TutumApiError),
    "headers that are none": ([b"HTTP/1.1 200 OK\r\n\xff\xfe\r\n: \r\n\r\n{", CLOSE],
                              TutumApiError),
    "continue, then the reply": (b"HTTP/1.1 100 Continue\r\n\r\n" + json_reply(BODY), RIGHT),
    "early hints, then the reply": (b"HTTP/1.1 103 Hints\r\n\r\n" + json_reply(BODY), RIGHT),
    "102 alone": ([b"HTTP/1.1 102 Processing\r\n\r\n", CLOSE], TutumConnectionError),
    "101 alone": ([b"HTTP/1.1 101 Switching\r\n\r\n", CLOSE], TutumConnectionError),
    "204": (reply(204), EITHER),
    "204 with a body": (reply(204, body=BODY), EITHER),
    "205": (reply(205), EITHER),
    "205 with a body": (reply(205, body=BODY), RIGHT),
    "304": (reply(304), TutumApiError),
    "304 with a body": (reply(304, body=BODY), TutumApiError),
    "a length that is none": ([HEAD + b"Content-Length: many\r\n\r\n" + BODY, CLOSE], RIGHT),
    "no length": ([HEAD + b"\r\n" + BODY, CLOSE], RIGHT),
    "two lengths": (
        [HEAD + b"Content-Length: 5\r\nContent-Length: 7\r\n\r\n" + BODY, CLOSE], EITHER),
    "too large": (reply(200, body=b" " * 3000000), TutumApiError),
    "too large by chunks": ([HEAD + b"Transfer-Encoding: chunked\r\n\r\n"] +
                            [b"40000\r\n" + b" " * 0x40000 + b"\r\n"] * 10, TutumApiError),
}

REDIRECTS = dict(
    [("%d %s" % (status, where), (answer, TutumApiError))
     for status in (300, 301, 302, 303, 307, 308)
     for where, answer in (("elsewhere", redirect(status, "https://other.example.net/x/")),
                           ("to another name of this host", elsewhere(status)),
                           ("to itself", back(status)), ("in a circle", round_and_round(status)))],
    **{"nowhere": (reply(301), TutumApiError),
       "to rubbish": (redirect(301, "http://[::1"), TutumApiError),
       "to a file": (redirect(301, "file:///etc/passwd"), TutumApiError)})

ERRORS = {
    "400 with a message": (reply(400, {"error": "No such lookup."}), TutumBadRequestError),
    "400 with fields": (reply(400, {"application": {"image": ["Needed."]}}), TutumBadRequestError),
    "400 with HTML": (reply(400, body=b"<html><h1>Bad Request</h1>"), TutumBadRequestError),
    "400 with a list": (reply(400, [1, {"a": 2}]), TutumBadRequestError),
    "400 with a number": (reply(400, 7), TutumBadRequestError),
    "400 with a text": (reply(400, "no"), TutumBadRequestError),
    "400 in latin-1": (reply(400, body="grün".encode("latin-1")), TutumBadRequestError),
    "400 with zeros": (reply(400, body=b"\x00" * 50), TutumBadRequestError),
    "400 with nothing": (reply(400), TutumBadRequestError),
    "401": (reply(401), TutumAuthError),
    "401 for Basic": (reply(401, headers={"WWW-Authenticate": "Basic Realm=x"}), TutumAuthError),
    "404": (reply(404), TutumNotFoundError),
    "404 with a message": (reply(404, {"error": "Not found"}), TutumNotFoundError),
    "405": (reply(405, body=b"GET", headers={"Allow": "GET"}), TutumApiError),
    "409": (reply(409), TutumApiError),
    "415": (reply(415, {"error": "JSON only."}), TutumApiError),
    "429": (reply(429), TutumApiError),
    "500 with nothing": (reply(500), TutumServerError),
    "500 with a message": (reply(500, {"error_message": "Sorry."}), TutumServerError),
    "502": (reply(502, body=b"<html>"), TutumServerError),
    "503": (reply(503), TutumServerError),
    "504": (reply(504), TutumServerError),
    "999": (reply(999), TutumApiError),
}

CONTENT = {
    "JSON cut short": (json_reply(BODY[:-5]), TutumApiError),
    "null": (json_reply("null"), EITHER),
    "a number": (json_reply("7"), ALIEN),
    "a text": (json_reply('"text"'), ALIEN),
    "a list": (json_reply("[1, 2]"), ALIEN),
    "HTML": (json_reply("<html>"), TutumApiError),
    "latin-1": (json_reply('{"uuid": "gr\xfcn"}'.encode("latin-1")), TutumApiError),
    "zeros": (json_reply(b"\x00" * 100), TutumApiError),
    "deep lists": (json_reply("[" * 5000 + "]" * 5000), ALIEN),
    "deep objects": (json_reply('{"a":' * 5000 + "1" + "}" * 5000), ALIEN),
    "deep in an attribute": (json_reply(BODY.decode("ascii").replace(
        '"web"', "[" * 5000 + "]" * 5000)), EITHER),
    "NaN": (json_reply(BODY.decode("ascii").replace('"web"', "NaN")), TutumApiError),
    "infinity": (json_reply(BODY.decode("ascii").replace('"web"', "-Infinity")), TutumApiError),
    "a huge number": (json_reply(BODY.decode("ascii").replace('"web"', "9" * 4000)), RIGHT),
    "duplicate names": (json_reply(BODY[:-1] + b', "uuid": "%s"}' % UUID.encode("ascii")), RIGHT),
    "no primary key": (json_reply('{"name": "web"}'), ALIEN),
    "another's primary key": (reply(200, dict(OBJECT, uuid="other")), EITHER),
    "no objects": (json_reply('{"objects": null, "meta": {}}'), ALIEN),
    "objects that are none": (json_reply('{"objects": [1, null], "meta": {}}'), ALIEN),
    "next to another host": (listing("https://other.example.net/api/v1/x/?offset=5"), EITHER),
    "next to itself": (listing("/api/v1/application/?limit=100"), EITHER),
    "next nowhere": (listing("nowhere"), EITHER),
    "next always further": (always_further, EITHER),
    "next is a number": (listing(7), EITHER),
    "a surrogate": (json_reply(BODY.decode("ascii").replace('"web"', '"\\ud800"')), RIGHT),
    "gzip": (encoded(zipped(BODY)), RIGHT),
    "gzip that is broken": (encoded(zipped(BODY)[:-12] + b"\xff" * 12), EITHER),
    "gzip that is none": (encoded(BODY), TutumApiError),
    "gzip that is cut short": (encoded(zipped(BODY)[:30]), TutumApiError),
    "gzip of a thousandfold": (encoded(zipped(BODY + b" " * 1000000)), RIGHT),
    "gzip of too much": (encoded(zipped(BODY + b" " * 3000000)), TutumApiError),
    "an encoding not asked for": (encoded(BODY, "br"), TutumApiError),
    "no encoding": (encoded(BODY, "identity"), RIGHT),
    "a byte order mark": (json_reply(b"\xef\xbb\xbf" + BODY), RIGHT),
}

BUSY = dict(
    ("%d, %s" % (status, wait), (reply(status, headers={"Retry-After": value}), outcome))
    for status, outcome in ((429, TutumApiError), (503, TutumServerError))
    for wait, value in (("wait no second", "0"), ("wait two minutes", "120"),
                        ("until a past date", formatdate(0, usegmt=True)),
                        ("until a far date", formatdate(4e9, usegmt=True)),
                        ("wait rubbish", "soon\x7f"), ("wait since ever", "-1")))

#: What goes wrong: name, what the service does, and what the call does then.
FAULTS = (
    [(name, answer, TutumConnectionError) for name, answer in LOST.items()]
    + [(name, answer, TutumTimeoutError) for name, answer in LATE.items()]
    + [(name, answer, outcome) for group in (ODD, REDIRECTS, ERRORS, BUSY, CONTENT)
       for name, (answer, outcome) in group.items()])
