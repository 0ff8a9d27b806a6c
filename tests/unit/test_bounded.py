"""The time that an attempt has."""
import errno
import socket
import ssl
import sys

import pytest

from tutum.api.bounded import Attempt


@pytest.fixture
def sock():
    """A socket that nobody talks to."""
    sock = socket.socket()
    yield sock
    sock.close()


def test_a_socket_gets_the_time_that_is_left(sock):
    attempt = Attempt()
    attempt.start(5)
    attempt.bound(sock)
    assert 4 < sock.gettimeout() <= 5
    attempt.start(None)
    attempt.bound(sock)
    assert sock.gettimeout() is None


def test_nothing_is_begun_when_the_time_is_over(sock):
    attempt = Attempt()
    attempt.start(-1)
    with pytest.raises(socket.timeout):
        attempt.call(sock, pytest.fail, "called")
    assert attempt.expired


@pytest.mark.skipif(sys.version_info[0] > 2, reason="there the interpreter sees to it")
def test_a_signal_does_not_end_the_call(sock):
    answers = [EnvironmentError(errno.EINTR, "Interrupted"), 7]

    def function(argument):
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer
    assert Attempt().call(sock, function, None) == 7


@pytest.mark.parametrize("error, expired", [
    (EnvironmentError(errno.ECONNRESET, "Reset"), False),
    (EnvironmentError(errno.ETIMEDOUT, "Connection timed out"), False),
    # What Python 2 says of TLS, on the dot or a moment before it.
    (ssl.SSLError("The read operation timed out"), True)])
def test_any_other_failure_is_passed_on(sock, error, expired):
    def function(argument):
        raise error
    attempt = Attempt()
    attempt.start(5)
    with pytest.raises(EnvironmentError):
        attempt.call(sock, function, None)
    assert attempt.expired is expired
