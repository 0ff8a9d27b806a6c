"""The files of the process engine's containers: logs to read, and directories to remove, whatever is in them."""
import os
import shutil
import socket
import subprocess
import sys
import time
from contextlib import closing

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tutum.server.engines import files


@pytest.mark.parametrize("text, count, expected", [
    (b"a\nb\nc\n", 2, b"b\nc\n"), (b"a\nb\nc", 2, b"b\nc"), (b"a\nb\n", 3, b"a\nb\n"), (b"a\n\n\n", 2, b"\n\n"),
    (b"a\n", 0, b""), (b"\n", 0, b""), (b"", 2, b""), (b"a", 1, b"a"), (b"a\nb\n", None, b"a\nb\n"),
])
def test_the_last_lines_of_a_text(text, count, expected):
    assert files.last_lines(text, count) == expected


@given(st.lists(st.sampled_from([b"", b"a", b"b" * 70000])), st.integers(0, 5), st.booleans())
def test_the_last_lines_of_a_text_of_many_blocks(lines, count, ends_with_newline):
    text = b"\n".join(lines) + b"\n" * ends_with_newline
    expected = text.splitlines(keepends=True)
    assert files.last_lines(text, count) == b"".join(expected[max(0, len(expected) - count):])


@pytest.mark.parametrize("count", [9_999_999, 10**12])
def test_many_lines_of_a_text_of_newlines_are_found_at_once(count):
    text = b"\n" * 10_000_000
    began = time.thread_time()
    assert len(files.last_lines(text, count)) == min(count, len(text))
    assert time.thread_time() - began < 0.3


def test_what_is_no_file_is_no_log(tmp_path):
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "file").touch()
    for path in ("absent", "absent/output.log", "file/output.log", "fifo", "."):
        assert files.read_log(tmp_path / path) is None
    assert files.read_log(tmp_path / "file") == ""


def test_a_directory_is_removed_however_deep_it_is(tmp_path):
    top, here = tmp_path / "container", os.open(".", os.O_RDONLY)
    top.mkdir()
    try:
        os.chdir(top)
        for _ in range(3000):
            os.mkdir("deeper")
            os.chdir("deeper")
            open("file", "w").close()
    finally:
        os.chdir(here)
        os.close(here)
    files.remove(top)
    assert not top.exists()


@pytest.mark.skipif(shutil.which("setpriv") is None, reason="setpriv is what takes root's rights")
def test_directories_that_may_not_be_written_are_removed(tmp_path):
    top = tmp_path / "container"
    (top / "closed" / "inner" / "empty").mkdir(parents=True)
    (top / "closed" / "inner" / "file").touch()
    (top / "closed" / "inner" / "empty").chmod(0o000)
    (top / "closed" / "inner").chmod(0o000)
    (top / "closed").chmod(0o500)
    top.chmod(0o000)
    without_rights = ["setpriv", "--bounding-set", "-dac_override,-dac_read_search"] if os.geteuid() == 0 else []
    code = "import sys, pathlib; from tutum.server.engines import files; files.remove(pathlib.Path(sys.argv[1]))"
    subprocess.run([*without_rights, sys.executable, "-c", code, top], check=True)
    assert not top.exists()


def test_links_are_removed_and_not_followed(tmp_path):
    (tmp_path / "elsewhere").mkdir(mode=0o750)
    (tmp_path / "elsewhere" / "file").touch()
    (tmp_path / "container" / "inner").mkdir(parents=True)
    (tmp_path / "container" / "inner" / "link").symlink_to(tmp_path / "elsewhere")
    files.remove(tmp_path / "container")
    assert not (tmp_path / "container").exists() and os.listdir(tmp_path / "elsewhere") == ["file"]
    assert (tmp_path / "elsewhere").stat().st_mode & 0o777 == 0o750


@pytest.mark.parametrize("kind", ["file", "link", "fifo", "socket"])
def test_what_is_in_the_place_of_a_directory_is_removed(tmp_path, monkeypatch, kind):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "elsewhere").mkdir()
    if kind == "file":
        (tmp_path / "container").touch()
    elif kind == "link":
        (tmp_path / "container").symlink_to(tmp_path / "elsewhere")
    elif kind == "fifo":
        os.mkfifo("container")
    else:
        with closing(socket.socket(socket.AF_UNIX)) as listener:
            listener.bind("container")
    files.remove(tmp_path / "container")
    assert not os.path.lexists("container") and (tmp_path / "elsewhere").is_dir()


def test_what_is_not_there_cannot_be_removed(tmp_path):
    with pytest.raises(FileNotFoundError):
        files.remove(tmp_path / "container")
