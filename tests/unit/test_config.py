"""The account's file and the environment."""
import os
import subprocess
import sys

import pytest
import six

import tutum
from tutum.api import config

KEYS = "user = annabel\napikey = 0123\n"


@pytest.fixture
def write(tmpdir, monkeypatch):
    """Return a function that writes the account's file."""
    path = tmpdir.join("account")
    monkeypatch.setenv("TUTUM_CONFIG_FILE", str(path))

    def write_bytes(data):
        path.write_binary(data if isinstance(data, bytes) else data.encode("utf-8"))
        return str(path)
    return write_bytes


@pytest.mark.parametrize("text", [
    "[auth]\nuser = ann\napikey = 0123\n",
    "[auth]\nuser = \"ann\"\napikey = \"0123\"\n",
    "[auth]\nuser='ann'\napikey='0123'",
    "[auth]\nuser: ann\napikey: 0123",
    "[auth]\r\nuser = ann\r\napikey = 0123\r\n",
    "[auth]\rUSER = ann\rApiKey = 0123\r",
    u"\ufeff[auth]\nuser = ann\napikey = 0123\n",
    "# mine\n; too\n\n[auth]\n  # of\n  user = ann\n  apikey = 0123\n",
    "[auth] # mine\nuser = ann # me\napikey = \"0123\" ; key\n",
    "[other]\nuser = eve\n[auth]\nuser = ann\napikey = 0123\n[more]\napikey = 4567\n",
    "[auth]\nuser = eve\n[auth]\nuser = ann\napikey = 0123\n",
    "user = eve\n[auth]\na line of no kind\nuser = ann\napikey = 0123\n",
])
def test_the_file_may_be_written_in_many_ways(write, text):
    assert config.from_file(write(text)) == ("ann", "0123")


@pytest.mark.parametrize("value, read", [
    ("50%", "50%"), ("%(home)s", "%(home)s"), ("a#b;c", "a#b;c"), ("\"a # b\"", "a # b"),
    ("\"a\"b\"", "a\"b"), ("\"a", "\"a"), ("a=b:c", "a=b:c"), (u"gr\u00fcn", u"gr\u00fcn"),
])
def test_a_value_is_what_stands_there(write, value, read):
    found = config.from_file(write(u"[auth]\nuser = ann\napikey = %s\n" % value))
    assert found == ("ann", six.ensure_str(read))
    assert type(found[1]) is str


@pytest.mark.parametrize("data, reason", [
    (b"\x00\xff\xfe binary", "is not UTF-8 text"),
    ("[auth]\nuser = annabel\n", "lacks apikey"),
    ("[auth]\nuser =\napikey = # none\n", "lacks user and apikey"),
    ("", "has no [auth] section"),
    ("[Auth]\n" + KEYS, "has no [auth] section"),
    ("#" * 70000, "larger than"),
], ids=lambda value: value[:20])
def test_a_file_that_cannot_be_used_gives_nothing_and_says_why(write, monkeypatch, data, reason):
    path = write(data)
    assert config.from_file(path) == (None, None)
    assert config.credentials() == (None, None)
    assert path in config.complaint and reason in config.complaint
    assert "annabel" not in config.complaint.replace(path, "")


def test_a_file_that_is_not_there_is_no_complaint(monkeypatch, tmpdir):
    monkeypatch.setenv("TUTUM_CONFIG_FILE", str(tmpdir.join("missing")))
    assert config.credentials() == (None, None)
    assert config.complaint is None


def test_the_null_device_is_no_file_at_all(monkeypatch):
    monkeypatch.setenv("TUTUM_CONFIG_FILE", os.devnull)
    assert config.credentials() == (None, None)
    assert config.complaint is None


@pytest.mark.parametrize("path", ["/", "a\x00b", None, 7, "/dev/zero"])
def test_what_is_no_file_gives_nothing(path):
    assert config.from_file(path) == (None, None)


def test_a_pipe_does_not_block_the_import(tmpdir):
    path = str(tmpdir.join("pipe"))
    os.mkfifo(path)
    assert config.from_file(path) == (None, None)


def test_a_file_that_may_not_be_read_is_named(write, monkeypatch):
    path = write("[auth]\n" + KEYS)

    def refuse(*_):
        raise IOError(13, "Permission denied")
    monkeypatch.setattr(config, "open", refuse, raising=False)
    assert config.credentials() == (None, None)
    assert path in config.complaint and "Permission denied" in config.complaint


def test_the_file_outranks_the_environment(write, monkeypatch):
    write("[auth]\n" + KEYS)
    monkeypatch.setenv("TUTUM_USER", "eve")
    monkeypatch.setenv("TUTUM_APIKEY", "4567")
    assert config.credentials() == ("annabel", "0123")


def test_user_and_key_come_from_one_source(write, monkeypatch):
    write("[auth]\nuser = ann\n")
    monkeypatch.setenv("TUTUM_APIKEY", "4567")
    assert config.credentials() == (None, None)
    monkeypatch.setenv("TUTUM_USER", "eve")
    assert config.credentials() == ("eve", "4567")


def test_the_default_file_is_in_the_home(monkeypatch, tmpdir):
    monkeypatch.delenv("TUTUM_CONFIG_FILE")
    tmpdir.join("home", ".tutum").write("[auth]\n" + KEYS)
    assert config.credentials() == ("annabel", "0123")
    assert tutum.auth.load_from_file() == ("annabel", "0123")


def test_a_user_without_a_home_has_no_file(monkeypatch):
    monkeypatch.delenv("TUTUM_CONFIG_FILE")

    def unknown(path):
        raise KeyError("uid not found")
    monkeypatch.setattr(os.path, "expanduser", unknown)
    assert config.credentials() == (None, None)
    assert config.complaint is None


def test_the_address_is_that_of_a_local_service_unless_the_environment_says(monkeypatch):
    assert config.base_url() == "http://127.0.0.1:8886/api/v1/"
    monkeypatch.setenv("TUTUM_BASE_URL", " https://tutum.example.net/api/v1 ")
    assert config.base_url() == "https://tutum.example.net/api/v1"


def test_import_takes_the_settings_and_prints_nothing(write, monkeypatch):
    write("[auth]\nuser = ann\n")
    monkeypatch.setenv("TUTUM_USER", "eve")
    monkeypatch.setenv("TUTUM_APIKEY", "4567")
    monkeypatch.setenv("TUTUM_BASE_URL", "http://127.0.0.1:1/x")
    script = "import tutum; print(tutum.user, tutum.apikey, tutum.base_url)"
    process = subprocess.Popen([sys.executable, "-W", "error", "-c", script],
                               stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                               universal_newlines=True)
    shown = process.communicate()[0].strip()
    assert shown.replace("'", "").replace(",", "").strip("()") == "eve 4567 http://127.0.0.1:1/x"
