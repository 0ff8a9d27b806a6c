"""Directories and logs of the process engine's containers, which a container can have made anything of."""
from __future__ import annotations

import errno
import os
import stat
import uuid
from pathlib import Path

from tutum.server.engines import MAX_LOG
from tutum.server.engines.keeper.processes import NotRegular, open_regular

#: Bytes of a log in which lines are counted at a time.
_BLOCK = 1 << 16

_MACHINE_LACKS = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.EIO,
                            errno.EROFS})


def containers(directory: Path) -> set[str]:
    """Return the uuids of the containers that have something in a directory; what else is there is somebody's own."""
    return {name for name in os.listdir(directory) if _is_uuid(name)}


def _is_uuid(name: str) -> bool:
    try:
        return str(uuid.UUID(name)) == name
    except ValueError:
        return False


def is_trouble_of_the_machine(error: OSError) -> bool:
    """Tell whether an error is one that passes, because the machine lacks something; others are a container's doing."""
    return error.errno in _MACHINE_LACKS


def read_log(path: Path, tail: int | None = None, size: int = MAX_LOG) -> str | None:
    """Return the end of a log, of one that is too long from the beginning of a line, or of its last line the end.

    :param tail: how many lines to return, the last ones; None for all
    :param size: how many bytes to return at most
    :returns: None where there is no file
    :raises OSError: it cannot be read
    """
    try:
        file = open_regular(str(path), os.O_RDONLY)
    except (FileNotFoundError, NotADirectoryError, NotRegular):
        return None
    with open(file, "rb") as log:
        length = log.seek(0, os.SEEK_END)
        log.seek(max(0, length - size))
        text = log.read(size)
    if length > size:
        text = text.partition(b"\n")[2] or text
    return last_lines(text, tail).decode("utf-8", "replace")


def last_lines(text: bytes, count: int | None) -> bytes:
    """Return so many lines of the end of a text, all for None."""
    if count is None:
        return text
    if count == 0:
        return b""
    begin = len(text) - 1  # the end of the last line begins none
    while begin > 0:
        block = max(0, begin - _BLOCK)
        lines = text.count(b"\n", block, begin)
        if lines >= count:
            break
        count, begin = count - lines, block
    else:
        return text
    for _ in range(count):
        begin = text.rfind(b"\n", 0, begin)
    return text[begin + 1:]


def remove(path: Path) -> None:
    """Remove a directory with all that is in it, or what is in its place, also where its owner may not write or look.

    Its directories are moved up to stand next to each other, so that none is too deep, and no path too long.

    :raises OSError: something of it cannot be removed, or it is not there
    """
    if not stat.S_ISDIR(os.lstat(path).st_mode):
        os.unlink(path)
        return
    os.chmod(path, 0o700)
    left = _empty(path, path)
    while left:
        directory = left.pop()
        left.extend(_empty(directory, path))
        os.rmdir(directory)
    os.rmdir(path)


def _empty(directory: str | Path, place: Path) -> list[str]:
    """Remove all from a directory but the directories, which are moved to another place.

    :returns: where they are now
    """
    moved = []
    with os.scandir(directory) as entries:
        for entry in list(entries):
            if entry.is_dir(follow_symlinks=False):
                os.chmod(entry.path, 0o700)
                moved.append(os.path.join(place, uuid.uuid4().hex))
                os.rename(entry.path, moved[-1])
            else:
                os.unlink(entry.path)
    return moved
