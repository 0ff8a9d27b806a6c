"""A Docker Engine of the tests' own: real, started in a moment, and gone without a trace.

It runs in namespaces of its own, so it needs root but no other engine minds it. Its published ports answer at
127.0.0.1 of its network namespace: a test enters that namespace, and whatever it starts from there is in it, too.

As a program it runs a command with such an engine, unless ``DOCKER_HOST`` names one already::

    python tests/docker_engine.py pytest tests/docker
"""
import ctypes
import errno
import io
import os
import shutil
import signal
import socket
import subprocess
import sys
import tarfile
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path

import docker

PROGRAMS = ("dockerd", "containerd", "docker-init", "iptables", "ip", "nsenter", "unshare", "setpriv", "tini",
            "busybox")
PACKAGES = "docker.io iptables iproute2 tini busybox-static"
HELLO_WORLD = "tutum/hello-world"
READY_TIMEOUT = 60

_CLONE_NEWNET = 0x40000000

#: Serves a page as the image of the hosted service did, and ends at once when it is told to.
_HELLO_SCRIPT = r"""#!/bin/sh
name=$(printf %s "$NAME" | sed 's/&/\&amp;/g; s/</\&lt;/g; s/>/\&gt;/g')
mkdir -p /www
printf '<h1>Hello %s!</h1><p>My name is %s</p>\n' "$name" "$(hostname)" > /www/index.html
trap 'exit 0' TERM
httpd -f -p 80 -h /www &
wait
"""


def what_is_missing():
    """Return what this machine lacks to run an engine, in one line, or None."""
    if os.geteuid() != 0:
        return "a Docker Engine of the tests' own needs root; or set DOCKER_HOST to one that runs"
    missing = [program for program in PROGRAMS if shutil.which(program) is None]
    if missing:
        return f"{', '.join(missing)} not found: apt-get install --no-install-recommends {PACKAGES}"
    return None


class DockerEngine:
    """A Docker Engine that can be killed and started again.

    :param directory: holds all that it writes
    :param room: the most bytes that its images and containers can have
    """

    def __init__(self, directory, room=None):
        self._directory = Path(directory)
        self._name = f"tutum-{os.getpid()}-{self._directory.name}"
        self._process = None
        self._client = None
        self._room = room
        self._data = self._directory / "data"
        self.host = f"unix://{self._directory}/docker.sock"

    def __enter__(self):
        subprocess.run(["ip", "netns", "add", self._name], check=True)
        try:
            self._data.mkdir()
            if self._room is not None:
                subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={self._room}", "tmpfs", self._data], check=True)
            subprocess.run(self._in_namespace("ip", "link", "set", "lo", "up"), check=True)
            self.start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def start(self):
        """Start the engine and wait until it answers."""
        # What the engine keeps in /run is its own and ends with it; sockets' paths are to be short, too.
        dockerd = ["dockerd", "--host", self.host, "--cgroup-parent", f"/{self._name}", "--data-root", str(self._data),
                   "--exec-root", "/run/docker", "--pidfile", "/run/docker.pid"]
        with open(self._directory / "dockerd.log", "ab") as log:
            self._process = subprocess.Popen(
                self._in_namespace("unshare", "--uts", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc",
                                   "sh", "-c", 'mount -t tmpfs tmpfs /run && exec tini -- "$@"', "sh", *dockerd),
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)
        deadline = time.monotonic() + READY_TIMEOUT
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise AssertionError("the engine does not start: "
                                     + (self._directory / "dockerd.log").read_text("utf-8", "replace")[-2000:])
            time.sleep(0.05)

    def kill(self):
        """End the engine and its containers at once, as a power failure would."""
        self._process.kill()
        self._process.wait()

    @contextmanager
    def hanging(self):
        """Have the engine answer nothing meanwhile."""
        daemon, = (int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()
                   and (entry / "cmdline").read_bytes().startswith(f"dockerd\0--host\0{self.host}\0".encode()))
        os.kill(daemon, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(daemon, signal.SIGCONT)

    def fill(self):
        """Leave no room for anything."""
        with open(self._data / "filler", "wb", buffering=0) as filler:
            try:
                while filler.write(bytes(1 << 16)):
                    pass
            except OSError as error:
                if error.errno != errno.ENOSPC:
                    raise

    def make_room(self):
        """Undo `fill`."""
        (self._data / "filler").unlink()

    def __exit__(self, *exception):
        if self._client is not None:
            self._client.close()
        if self._process is not None and self._process.poll() is None:
            self.kill()
        if self._room is not None:
            subprocess.run(["umount", self._data], check=False)
        subprocess.run(["ip", "netns", "delete", self._name], check=False)
        self._remove_control_groups()
        shutil.rmtree(self._directory, ignore_errors=True)

    @contextmanager
    def namespace(self):
        """Have the calling thread, and all that it starts meanwhile, in the engine's network namespace."""
        with open("/proc/thread-self/ns/net") as before, open(f"/run/netns/{self._name}") as inside:
            _enter(inside)
            try:
                yield
            finally:
                _enter(before)

    @property
    def client(self):
        """A client of the engine."""
        if self._client is None:
            self._client = docker.DockerClient(self.host)
        return self._client

    def _in_namespace(self, *command):
        return ["setpriv", "--pdeathsig", "KILL", "nsenter", f"--net=/run/netns/{self._name}", *command]

    def _answers(self):
        try:
            with socket.socket(socket.AF_UNIX) as connection:
                connection.settimeout(5)
                connection.connect(self.host[len("unix://"):])
                connection.sendall(b"GET /_ping HTTP/1.0\r\n\r\n")
                return b" 200 " in connection.recv(64)
        except OSError:
            return False

    def _remove_control_groups(self):
        for top in Path("/sys/fs/cgroup").glob(f"**/{self._name}"):
            for path, _, _ in os.walk(top, topdown=False):
                try:
                    os.rmdir(path)
                except OSError:
                    pass


@contextmanager
def running_engine(**options):
    """Run an engine of the tests' own; give the engine, whose namespace the calling thread is in."""
    with DockerEngine(tempfile.mkdtemp(prefix="engine-"), **options) as engine, engine.namespace():
        yield engine


def make_images(client, *names):
    """Make images that hold busybox, and serve a page unless they are told to do something else."""
    for name in names:
        repository, _, tag = name.partition(":")
        client.api.import_image_from_data(
            file_system(), repository=repository, tag=tag or "latest",
            changes=['CMD ["/bin/hello"]', "EXPOSE 80", "ENV NAME=world", "ENV PATH=/bin"])


def containers(client, *labels):
    """Return the containers that have some labels, whether they run or not; one that goes meanwhile is none."""
    return client.containers.list(all=True, ignore_removed=True, filters={"label": list(labels)})


def main(command):
    """Run a command with an engine that `DOCKER_HOST` names; return its exit status."""
    if os.environ.get("DOCKER_HOST"):
        return subprocess.run(command, check=False).returncode
    missing = what_is_missing()
    if missing is not None:
        print(f"No Docker Engine, so this is not run: {' '.join(command)}\n{missing}", file=sys.stderr)
        return 1 if os.environ.get("CI") else 0
    with running_engine() as engine:
        return subprocess.run(command, env={**os.environ, "DOCKER_HOST": engine.host}, check=False).returncode


def file_system():
    """Return a tar archive of busybox and of what serves a page."""
    archive = io.BytesIO()
    busybox = shutil.which("busybox")
    with tarfile.open(fileobj=archive, mode="w") as tar:
        tar.add(busybox, "bin/busybox")
        for applet in subprocess.run([busybox, "--list"], stdout=subprocess.PIPE, text=True, check=True).stdout.split():
            if applet != "busybox":
                link = tarfile.TarInfo(f"bin/{applet}")
                link.type, link.linkname = tarfile.SYMTYPE, "busybox"
                tar.addfile(link)
        script = tarfile.TarInfo("bin/hello")
        script.size, script.mode = len(_HELLO_SCRIPT), 0o755
        tar.addfile(script, io.BytesIO(_HELLO_SCRIPT.encode()))
        for name in ("tmp", "root", "etc"):
            directory = tarfile.TarInfo(name)
            directory.type, directory.mode = tarfile.DIRTYPE, 0o755
            tar.addfile(directory)
    return archive.getvalue()


def _enter(namespace):
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.setns(namespace.fileno(), _CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), "cannot enter the network namespace")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
