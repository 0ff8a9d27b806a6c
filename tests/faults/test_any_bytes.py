"""Whatever bytes come back, a call returns or raises what the library promises."""
from __future__ import unicode_literals

from hypothesis import given, settings
from hypothesis import strategies as st

import tutum
from rawservice import CLOSE
from tutum.api import http

REPLIES = st.one_of(
    st.binary(max_size=200),
    st.builds(lambda rest: b"HTTP/1.1 200 OK\r\n" + rest, st.binary(max_size=200)),
    st.builds(lambda status, rest: b"HTTP/1.1 " + status + b" X\r\nContent-Type: x\r\n\r\n" + rest,
              st.sampled_from([b"100", b"103", b"200", b"204", b"206", b"302", b"400", b"500"]),
              st.binary(max_size=200)),
    st.builds(lambda name, value: (b"HTTP/1.1 200 OK\r\n" + name + b": " + value + b"\r\n\r\n{}"),
              st.sampled_from([b"Content-Length", b"Transfer-Encoding", b"Content-Encoding",
                               b"Location", b"Retry-After", b"Connection"]),
              st.binary(max_size=20)),
    st.builds(lambda body: (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + body),
              st.binary(max_size=50)),
    st.builds(lambda body: (b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n" + body),
              st.binary(max_size=50)))


def test_any_bytes(raw):
    tutum.retries = 0
    tutum.timeout = 5

    @settings(max_examples=150, deadline=None)
    @given(REPLIES, st.sampled_from(["GET", "POST", "DELETE"]))
    def check(answer, method):
        raw.answer([answer, CLOSE])
        del raw.requests[:]
        try:
            http.send_request(method, "x/")
        except tutum.TutumApiError as error:
            assert str(error) and str("0123456789abcdef") not in str(error)
        assert raw.count(method) <= (1 if method != "GET" else http.LONGEST_CHAIN + 1)
    check()
