"""The records of the logger."""
import logging

import pytest

import tutum
from rawservice import RESET, page, reply
from tutum.api import http, wirelog

KEY = "0123456789abcdef"


@pytest.fixture
def records(caplog):
    """Collect the logger's records on every level."""
    caplog.set_level(logging.DEBUG, logger="python-tutum")
    return lambda level=logging.DEBUG: [record.getMessage() for record in caplog.records
                                        if record.name == "python-tutum"
                                        and record.levelno >= level]


def test_a_record_says_method_path_status_and_time(raw, records):
    raw.answer(page([]))
    tutum.Application.list(name="a b")
    line, = records(logging.INFO)
    assert line.startswith("GET /api/v1/application/?limit=100&name=a+b 200 ")
    assert line.endswith(" ms")


def test_each_attempt_has_a_record(raw, records, monkeypatch):
    raw.answer(RESET, reply(503), reply(200))
    http.send_request("GET", "x/")
    assert [line.split(" ")[2] for line in records(logging.INFO)] == [
        "TutumConnectionError", "503", "200"]


def test_bodies_are_shown_with_secrets_masked(raw, records):
    raw.answer(reply(202, {"uuid": "x", "container_envvars": [
        {"key": "MODE", "value": "s3cret"}, {"key": "EMPTY", "value": ""}]}))
    http.send_request("POST", "x/", data={"password": "s3cret", "name": "web", "username": "ann",
                                          "nested": [{"api_key": {"a": ["s3cret"]}}]})
    text = "\n".join(records())
    assert "s3cret" not in text
    for shown in ("MODE", "web", "ann", '"uuid": "x"', '"value": ""', '"value": "***"'):
        assert shown in text


@pytest.mark.parametrize("odd", [
    {"container_envvars": {"DB": "s3cret"}}, {"container_envvars": [["DB", "s3cret"]]},
    {"container_envvars": ["DB=s3cret"]}, {"registry_password": "s3cret"}, {"passwd": "s3cret"}])
def test_secrets_are_masked_in_forms_that_the_service_does_not_know(raw, records, odd):
    raw.answer(reply(400))
    with pytest.raises(tutum.TutumBadRequestError):
        http.send_request("POST", "x/", data=odd)
    assert "s3cret" not in "\n".join(records())


def test_the_environment_of_a_linked_application_is_masked(raw, records):
    raw.answer(reply(200, {"link_variables": {"DB_1_ENV_PASS": "s3cret", "DB_1_PORT": "tcp://db"}}))
    http.send_request("GET", "x/")
    text = "\n".join(records())
    assert "s3cret" not in text and "tcp://db" in text


def test_the_key_is_in_no_record(raw, records):
    raw.answer(page([{"key": KEY, "username": "ann"}]), reply(200, {"says": "ApiKey ann:" + KEY}),
               reply(400, body=b"you sent " + KEY.encode("ascii")))
    tutum.auth.get_auth("ann", "pass" + KEY)
    http.send_request("GET", "x/?key=" + KEY)
    with pytest.raises(tutum.TutumBadRequestError):
        http.send_request("GET", "x/")
    text = "\n".join(records())
    assert KEY not in text and "***" in text and "not JSON" in text


def test_a_body_is_cut_short_but_no_key_of_it_is_shown_in_part(raw, records):
    raw.answer(reply(200, "x" * (wirelog.LONGEST - 25) + "ApiKey ann:" + KEY))
    http.send_request("GET", "x/")
    text, = [line for line in records() if line.startswith("reply body")]
    assert len(text) < wirelog.LONGEST + 50 and KEY[:4] not in text


def test_nothing_is_prepared_when_nobody_listens(raw, monkeypatch, caplog):
    caplog.set_level(logging.INFO, logger="python-tutum")
    raw.answer(reply(200, {}))
    monkeypatch.setattr(wirelog, "masked", None)
    http.send_request("GET", "x/")
    caplog.set_level(logging.WARNING, logger="python-tutum")
    monkeypatch.setattr(wirelog, "printable", None)
    http.send_request("GET", "x/")


def test_a_record_is_one_line(raw, records):
    raw.answer(reply(200, body=b'"a\\nb"'))
    http.send_request("GET", "x/%0Ay")
    assert not [line for line in records() if "\n" in line]


def test_the_library_sets_up_no_logging():
    logger = logging.getLogger("python-tutum")
    assert tutum.logger is logger and logger.level == logging.NOTSET
    assert [type(handler) for handler in logger.handlers] == [logging.NullHandler]


def test_records_go_to_the_logger_that_is_set(raw, records, monkeypatch):
    other = logging.getLogger("somebody.elses")
    monkeypatch.setattr(tutum, "logger", other)
    shown = []
    handler = logging.Handler()
    handler.emit = lambda record: shown.append(record.getMessage())
    other.addHandler(handler)
    other.setLevel(logging.INFO)
    raw.answer(reply(200))
    try:
        http.send_request("GET", "x/")
    finally:
        other.removeHandler(handler)
    assert len(shown) == 1 and not records()
