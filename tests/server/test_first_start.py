"""The first start of a service: what it makes and tells, and how it ends where it cannot."""
import os
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from fulldisk import small_disk
from serverprocess import Api, Server

TUTUM_SERVER = [sys.executable, "-m", "tutum.server"]

#: Runs the command line, and kills it where it has made the first account and is about to put its file in its place.
KILLED_BEFORE_THE_CLIENT_FILE = [sys.executable, "-c", """
import os, signal
os.replace = lambda *paths: os.kill(os.getpid(), signal.SIGKILL)
from tutum.server.cli import cli
cli()
"""]

#: Runs the command line, and has another program take the port that it was given before it listens there.
BEATEN_TO_THE_PORT = [sys.executable, "-c", """
import socket
bind = socket.socket.bind
def beaten(listener, address):
    bind(listener, address)
    beaten.other = socket.socket()
    beaten.other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    bind(beaten.other, listener.getsockname())
    beaten.other.listen()
socket.socket.bind = beaten
from tutum.server.cli import cli
cli()
"""]

#: Runs the command line as a user that owns nothing.
NOBODY = 65534
AS_NOBODY = [sys.executable, "-c", f"""
import os
from tutum.server.cli import cli
os.seteuid({NOBODY})
cli()
"""]


def serve(data_dir, *options, command=TUTUM_SERVER, **popen_options):
    """Start a service that does not get to serve, and return how it ended."""
    return subprocess.run([*command, "serve", "--port", "0", "--data-dir", str(data_dir), *options],
                          capture_output=True, text=True, timeout=60, **popen_options)


def reason_of(ended):
    """Check that a start failed with a line and no more, and return that line."""
    assert ended.returncode == 1 and ended.stdout == "", (ended.returncode, ended.stdout, ended.stderr)
    line, = ended.stderr.splitlines()
    return line


def client_file_of(server):
    return (server.data_dir / "client.ini").read_text()


def test_a_service_killed_before_it_told_the_first_accounts_key_tells_it_at_the_next_start(server):
    assert serve(server.data_dir, command=KILLED_BEFORE_THE_CLIENT_FILE).returncode == -9
    assert not (server.data_dir / "client.ini").exists()
    assert server.start().api.get("application/").status_code == 200
    assert f"apikey = {server.apikey}\n" in client_file_of(server)


def test_a_client_file_that_is_not_there_is_written_at_the_next_start(server):
    server.start()
    first, written = server.apikey, client_file_of(server)
    server.end()
    (server.data_dir / "client.ini").unlink()
    server.apikey = None
    server.start()
    assert server.apikey == first and client_file_of(server) == written


def test_a_client_file_with_another_key_than_the_records_is_written_anew(server):
    server.start()
    right = client_file_of(server)
    server.end()
    (server.data_dir / "client.ini").write_text("[auth]\nuser = tutum\napikey = void\n")
    server.start()
    assert client_file_of(server) == right


def test_the_client_file_goes_with_the_first_account(server):
    server.start()
    removed = subprocess.run([*TUTUM_SERVER, "user", "remove", "tutum", "--data-dir", server.data_dir], timeout=60)
    assert removed.returncode == 0
    assert not (server.data_dir / "client.ini").exists()


def test_a_later_start_names_the_client_file_and_tells_no_secrets(server):
    server.start()
    server.end()
    server.start()
    told = server.told
    assert f"export TUTUM_BASE_URL={server.base_url}\n" in told
    assert f"export TUTUM_CONFIG_FILE={server.data_dir}/client.ini\n" in told
    assert server.apikey not in told and server.password not in told


def test_a_later_start_without_the_first_account_names_no_client_file(server):
    server.start()
    for arguments in (["add", "ann"], ["remove", "tutum"]):
        subprocess.run([*TUTUM_SERVER, "user", *arguments, "--data-dir", server.data_dir], check=True, timeout=60)
    server.end()
    server.start()
    assert "TUTUM_CONFIG_FILE" not in server.told
    assert Api(server.base_url, "tutum", server.apikey).get("application/").status_code == 401


def test_a_port_in_use_leaves_no_data_directory_behind(shared_server, tmp_path):
    port = shared_server.base_url.split(":")[2].split("/")[0]
    reason = reason_of(serve(tmp_path / "data", "--port", port))
    assert "Address already in use" in reason and "--port" in reason
    assert not (tmp_path / "data").exists()


def test_a_port_that_another_program_takes_meanwhile_is_told(tmp_path):
    reason = reason_of(serve(tmp_path / "data", command=BEATEN_TO_THE_PORT))
    assert "Address already in use" in reason and "--port" in reason


def test_ctrl_c_while_the_service_is_loaded_ends_it_quietly(tmp_path):
    (tmp_path / "waitress.py").write_text("raise KeyboardInterrupt")
    ended = serve(tmp_path / "data", env={**os.environ, "PYTHONPATH": str(tmp_path)})
    assert (ended.returncode, ended.stdout, ended.stderr) == (130, "", "")


def test_a_data_directory_open_to_others_that_is_not_the_services_is_refused_and_left_as_it_is(tmp_path):
    directory = tmp_path / "shared"
    directory.mkdir()
    (directory / "something").touch()
    directory.chmod(0o755)
    assert "is open to others" in reason_of(serve(directory))
    assert directory.stat().st_mode & 0o777 == 0o755 and os.listdir(directory) == ["something"]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be another user")
def test_records_of_another_user_that_everybody_can_read_are_told():
    with tempfile.TemporaryDirectory() as directory:
        records = Path(directory) / "tutum.db"
        records.touch()
        os.chown(directory, NOBODY, NOBODY)
        records.chmod(0o666)
        ended = serve(directory, command=AS_NOBODY)
        assert reason_of(ended) == f"Error: Cannot use {records}: Operation not permitted"


@pytest.mark.parametrize("name, is_file", [("containers", True), ("client.new", False), ("tutum.db", False),
                                           ("lock", False)])
def test_what_is_in_the_way_in_the_data_directory_is_named(tmp_path, name, is_file):
    in_the_way = tmp_path / name
    in_the_way.touch() if is_file else in_the_way.mkdir()
    assert str(in_the_way) in reason_of(serve(tmp_path))


def test_a_data_directory_that_cannot_be_made_is_named(tmp_path):
    (tmp_path / "file").touch()
    assert f"Cannot use {tmp_path}/file/data: Not a directory" in reason_of(serve(tmp_path / "file" / "data"))


@pytest.mark.parametrize("size", [0, 4096, 32768, 65536])
def test_files_that_cannot_be_written_to_the_end_are_told(tmp_path, size):
    ended = serve(tmp_path, preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (size, size)))
    assert f"Cannot use the records in {tmp_path}/tutum.db: " in reason_of(ended)


@pytest.mark.parametrize("size", ["4k", "64k", "124k", "132k"])
def test_a_disk_too_small_for_a_first_start_is_told_and_a_start_with_room_tells_the_key(tmp_path, size):
    with small_disk(tmp_path / "disk", size) as disk:
        server = Server(tmp_path / "disk" / "data")
        assert "Cannot use" in reason_of(serve(server.data_dir))
        subprocess.run(["mount", "-o", "remount,size=8m", disk], check=True)
        try:
            assert server.start().api.get("application/").status_code == 200
        finally:
            server.close()
