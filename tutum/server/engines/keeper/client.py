"""The keeper as the service sees it: started, told what to do, and listened to."""
from __future__ import annotations

import json
import os
import queue
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

from tutum.server import openfiles

#: What is run, by itself.
PACKAGE = Path(__file__).parent

#: Seconds within which the keeper takes everything down.
TAKE_DOWN_TIME = 6.0

#: Seconds within which all is down when the keeper is killed.
KILL_TIME = 1.0


class KeeperProcess:
    """A keeper that runs. One that is stopped is killed, because who stopped it was a container.

    :param lock_file: an open file whose lock it is to share, so that it is free only when all is down
    :param hear: called with each message that it sends
    :param lose: called when it has ended, and all that it started with it
    """

    def __init__(self, lock_file: int | None, hear: Callable[[dict], None], lose: Callable[[], None]) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-S", "-m", PACKAGE.name, str(openfiles.GIVEN)], cwd=PACKAGE.parent,
            env={"LANG": "C.UTF-8"}, stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True,
            pass_fds=[] if lock_file is None else [lock_file])
        self._hear, self._lose = hear, lose
        self._requests: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        self._listener = threading.Thread(target=self._listen, name="keeper", daemon=True)
        self._listener.start()
        threading.Thread(target=self._write, name="requests", daemon=True).start()
        threading.Thread(target=self._watch, name="keeper's stop", daemon=True).start()

    @property
    def pid(self) -> int:
        return self._process.pid

    def send(self, **request) -> None:
        """Have a request sent after those before it; whether the keeper reads does not matter."""
        self._requests.put(json.dumps(request).encode() + b"\n")

    def close(self) -> None:
        """Have it take everything down and end, and kill it if it does not."""
        self._requests.put(None)
        self._listener.join(TAKE_DOWN_TIME)
        self._process.kill()
        self._listener.join(KILL_TIME)

    def _write(self) -> None:
        try:
            with self._process.stdin as stdin:
                for request in iter(self._requests.get, None):
                    stdin.write(request)
                    stdin.flush()
        except OSError:
            pass  # it has ended, which is seen where it is listened to

    def _watch(self) -> None:
        try:
            os.waitid(os.P_PID, self._process.pid, os.WSTOPPED | os.WEXITED | os.WNOWAIT)
        except ChildProcessError:
            return  # it has ended, and was waited for
        self._process.kill()

    def _listen(self) -> None:
        with self._process.stdout as lines:  # they end when the supervisors have ended, too
            for line in lines:
                self._hear(json.loads(line))
        self._process.wait()
        self._requests.put(None)
        self._lose()
