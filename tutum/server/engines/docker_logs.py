"""The logs of a Docker engine's container, read several times as fast as the SDK reads them."""
from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from typing import BinaryIO

from docker import APIClient

from tutum.server.engines import MAX_LOG

#: Lines of a log that are read, the last ones.
MAX_LINES = 1_000_000

_BLOCK = 1 << 20
_HEADER = 8


def read(client: APIClient, container_id: str, tail: int | None = None, size: int = MAX_LOG) -> bytes:
    """Return what a container wrote to stdout and stderr, oldest first; nothing when it is not there.

    :param tail: how many lines to return, the last ones; None for all
    :param size: how many bytes to return at most
    """
    lines = MAX_LINES if tail is None else min(tail, MAX_LINES)
    url = f"{client.base_url}/v{client.api_version}/containers/{container_id}/logs"
    with client.get(url, params={"stdout": 1, "stderr": 1, "tail": lines}, stream=True,
                    timeout=client.timeout) as reply:
        if reply.status_code == 404:
            return b""
        reply.raise_for_status()
        return _end(_messages(reply.raw), size)


def _end(blocks: Iterator[bytes], most: int) -> bytes:
    """Return the end of a log, as `files.read_log` does, without ever holding much more."""
    kept: deque[bytes] = deque()
    size, is_cut = 0, False
    for block in blocks:
        kept.append(block)
        size += len(block)
        while size - len(kept[0]) >= most:
            size -= len(kept.popleft())
            is_cut = True
    log = b"".join(kept)
    if not is_cut and size <= most:
        return log
    end = log[-most:]
    return end.partition(b"\n")[2] or end


def _messages(stream: BinaryIO) -> Iterator[bytes]:
    """Yield what the containers' messages hold; each has a header that ends with its length."""
    rest = b""
    while block := stream.read(_BLOCK):
        block = rest + block
        messages, begin = [], 0
        while (text := begin + _HEADER) <= len(block):
            end = text + int.from_bytes(block[begin + 4:text], "big")
            if end > len(block):
                break
            messages.append(block[text:end])
            begin = end
        rest = block[begin:]
        yield b"".join(messages)
