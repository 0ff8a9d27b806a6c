"""Which port of the machine a container gets (api-v1 3.4): one that no other has, until the container is terminated."""
from __future__ import annotations

import random
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from tutum.server.engines import EngineUnavailable, Port
from tutum.server.store import Container, PortLease

FIRST_PORT, LAST_PORT = 49153, 65535

#: Ports tried before the range is taken to be full.
MAX_TRIES = 1000


def lease(session: Session, container: Container, is_free: Callable[[Port], bool]) -> None:
    """Give the container a port of the machine for each of its ports that has none.

    :param is_free: tells whether a port could be used, as far as the engine can see
    :raises EngineUnavailable: no port is free
    """
    taken = {tuple(row) for row in session.execute(select(PortLease.outer_port, PortLease.protocol))}
    ports = []
    for port in container.container_ports:
        if port["outer_port"] is None:
            outer = _choose(port["protocol"], taken, is_free)
            taken.add((outer, port["protocol"]))
            session.add(PortLease(container_id=container.id, outer_port=outer, protocol=port["protocol"]))
            port = {**port, "outer_port": outer}
        ports.append(port)
    container.container_ports = ports


def publish(session: Session, container: Container, wanted: Iterable[dict[str, Any]]) -> None:
    """Have the container publish some ports of its own and no others; those that it has already stay as they are.

    :param wanted: each with `inner_port` and `protocol`
    """
    present = {(port["inner_port"], port["protocol"]): port for port in container.container_ports}
    container.container_ports = [present.pop((port["inner_port"], port["protocol"]), {**port, "outer_port": None})
                                 for port in wanted]
    for port in present.values():
        session.execute(delete(PortLease).where(PortLease.outer_port == port["outer_port"],
                                                PortLease.protocol == port["protocol"]))


def release(session: Session, container: Container) -> None:
    """Let others have the container's ports; its record still shows them."""
    session.execute(delete(PortLease).where(PortLease.container_id == container.id))


def forget(session: Session, container: Container) -> None:
    """Take the container's ports back, so that it can be given others."""
    release(session, container)
    container.container_ports = [{**port, "outer_port": None} for port in container.container_ports]


def _choose(protocol: str, taken: set[tuple[int, str]], is_free: Callable[[Port], bool]) -> int:
    for _ in range(MAX_TRIES):
        outer = random.choice(_range())
        if (outer, protocol) not in taken and is_free(Port(0, protocol, outer)):
            return outer
    raise EngineUnavailable("No port of this machine is free")


def _range() -> range:
    """The ports that containers get: above those of the machine's outgoing connections, if that leaves enough."""
    try:
        _, last_outgoing = Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()
    except (OSError, ValueError):
        return range(FIRST_PORT, LAST_PORT + 1)
    first = max(FIRST_PORT, int(last_outgoing) + 1)
    return range(first if LAST_PORT - first >= 2000 else FIRST_PORT, LAST_PORT + 1)
