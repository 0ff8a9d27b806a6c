"""Whether a port of this machine is free."""
from __future__ import annotations

import socket

from tutum.server.engines import Port


def can_listen(host: str, port: Port) -> bool:
    """Tell whether a program could listen at the outer port now.

    :param host: an address of this machine
    """
    kind = socket.SOCK_DGRAM if port.protocol == "udp" else socket.SOCK_STREAM
    with socket.socket(socket.AF_INET, kind) as probe:
        if kind == socket.SOCK_STREAM:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port.outer))
        except OSError:
            return False
    return True
