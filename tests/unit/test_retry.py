"""When a request is sent once more."""
import pytest

from tutum.api import retry

NOW = 1399622587
DATE = "Fri, 09 May 2014 08:03:%02d GMT"


@pytest.mark.parametrize("header, seconds", [
    ("0", 0), ("7", 7), (" 7 ", 7), ("120", 120), ("9" * 5000, 10 ** 9), (DATE % 7, 0), (DATE % 37, 30), (DATE % 1, 0),
    ("Fri, 09 May 2014 10:03:37 +0200", 30), ("Fri, 09 May 2014 08:03:37", 30)])
def test_both_forms_of_retry_after_are_read(header, seconds):
    assert retry.seconds(header, NOW) == seconds


@pytest.mark.parametrize("header", [
    None, "", u"\u00b2", "soon", "-5", "1.5", "9" * 5000, "Fri, 99 May 2014", "\x00", ",", "5 5 5 5 5 5 5 5",
    "Fri, 09 May 99999999999 08:03:37 GMT"])
def test_rubbish_is_no_number_or_never_negative(header):
    found = retry.seconds(header, NOW)
    assert found is None or found >= 0


def test_pauses_double_and_vary():
    for tried in range(4):
        pauses = set(retry.backoff(tried) for _ in range(50))
        assert len(pauses) > 1
        assert all(0.05 * 2 ** tried <= pause <= 0.1 * 2 ** tried for pause in pauses)
    assert retry.backoff(1000) <= retry.LONGEST_PAUSE


@pytest.mark.parametrize("status", [429, 502, 503, 504])
def test_a_busy_service_is_asked_again(status):
    assert retry.pause(0, 2, safe=True, status=status) > 0
    assert retry.pause(1, 2, safe=True, status=status) > 0
    assert retry.pause(2, 2, safe=True, status=status) is None
    assert retry.pause(0, 2, safe=False, status=status) is None


@pytest.mark.parametrize("status", [None, 200, 304, 400, 401, 404, 500, 501])
def test_any_other_answer_is_final(status):
    assert retry.pause(0, 2, safe=True, status=status) is None


def test_a_lost_connection_is_tried_again_where_that_is_safe():
    assert retry.pause(0, 2, safe=True, lost=True) > 0
    assert retry.pause(0, 2, safe=False, lost=True) is None
    assert retry.pause(0, 0, safe=True, lost=True) is None


def test_the_service_says_how_long_to_wait_up_to_a_minute():
    assert retry.pause(0, 2, safe=True, status=503, retry_after=7) == 7
    assert retry.pause(0, 2, safe=True, status=503, retry_after=60) == 60
    assert retry.pause(0, 2, safe=True, status=503, retry_after=61) is None
    assert retry.pause(0, 2, safe=True, status=503, retry_after=0) > 0


def test_whoever_has_more_time_is_told_all_the_same():
    assert retry.pause(0, 2, safe=True, status=503, retry_after=60, longest=600) == 60
    assert retry.pause(0, 2, safe=True, status=503, retry_after=61, longest=600) is None
    assert retry.pause(0, 2, safe=True, status=503, retry_after=7, longest=6) is None
