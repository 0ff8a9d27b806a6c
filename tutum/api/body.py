"""The body of a reply, read to a bounded size."""
from __future__ import absolute_import

import re
import sys
import zlib

import six

CHUNK = 64 * 1024

#: Bytes for which memory is taken at once.
LARGEST_READ = 64 * 1024 * 1024

#: The largest size that Python 2's zlib takes.
LARGEST_INFLATED = 2 ** 31 - 1


class Unreadable(Exception):
    """Say that a body came whole but cannot be used."""


def largest(size):
    """Return the bytes that a body may have.

    :param size: as ``tutum.max_reply_size``
    :returns: a number
    :raises ValueError: when it is none
    """
    if size is None:
        return sys.maxsize
    if not isinstance(size, six.integer_types) or isinstance(size, bool) or size < 0:
        raise ValueError("tutum.max_reply_size is a number of bytes, or None for no bound, not %r"
                         % (size,))
    return size


def read(method, response, limit):
    """Return the body of a reply.

    :param method: method of the request
    :param response: what requests returned, its body not yet read
    :param limit: bytes that the body may have, also after decompression
    :returns: its bytes
    :raises Unreadable: when it is too large, or broken
    :raises EnvironmentError: when the connection ended before the body did
    """
    raw, headers = response.raw, response.headers
    length = headers.get("Content-Length") or ""
    if method == "HEAD" or response.status_code in (204, 304) or response.status_code < 200:
        return raw.read(decode_content=False)
    if re.match("[0-9]+\\Z", length) and "Transfer-Encoding" not in headers:
        data = read_known(raw, int(length), limit)
    else:
        data = read_unknown(raw, limit)
    encoding = headers.get("Content-Encoding")
    return inflate(data, encoding.strip().lower(), limit) if encoding and data else data


def read_known(raw, length, limit):
    """Return a body whose length the reply has told."""
    if length > limit:
        raise too_large(limit)
    # urllib3 gives a connection back to its pool when a read meets the end. Memory for a length
    # that nobody has bounded is taken as the bytes come.
    data = (raw.read(length or None, decode_content=False) if length <= LARGEST_READ
            else read_unknown(raw, limit))
    if len(data) < length:
        raise EnvironmentError("the reply ended after %d of %d bytes" % (len(data), length))
    return data


def read_unknown(raw, limit):
    """Return a body that ends by itself."""
    chunks, size = [], 0
    while True:
        chunk = raw.read(CHUNK, decode_content=False)
        if not chunk:
            return b"".join(chunks)
        size += len(chunk)
        if size > limit:
            raise too_large(limit)
        chunks.append(chunk)


def inflate(data, encoding, limit):
    """Return a body decompressed."""
    if encoding == "identity":
        return data
    if encoding not in ("gzip", "x-gzip", "deflate"):
        raise Unreadable("The reply is encoded as %s, which was not asked for" % encoding[:50])
    for window in (zlib.MAX_WBITS | 32, -zlib.MAX_WBITS):
        unpacker = zlib.decompressobj(window)
        try:
            # The byte that is added shows up behind the end, if that is there.
            text = unpacker.decompress(data + b"\0", min(limit + 1, LARGEST_INFLATED))
        except zlib.error:
            continue
        if len(text) > limit:
            raise too_large(limit)
        if unpacker.unused_data:
            return text
    raise Unreadable("The reply's compression is broken")


def too_large(limit):
    """Return the error for a reply that has more bytes than are allowed."""
    return Unreadable("The reply is larger than the %d bytes that tutum.max_reply_size allows"
                      % limit)
