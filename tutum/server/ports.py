"""Which port of the machine a container gets (api-v1 3.4): one that no other has, until the container is terminated."""
from __future__ import annotations

import random
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from itertools import chain, islice
from pathlib import Path
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from tutum.server.engines import Port, StartFailed
from tutum.server.store import Container, PortLease

FIRST_PORT, LAST_PORT = 49153, 65535

#: A port of the machine: its number and its protocol.
OuterPort = tuple[int, str]


def taken(session: Session) -> set[OuterPort]:
    """Return the ports of the machine that containers have."""
    return {(number, protocol) for number, protocol in session.execute(
        select(PortLease.outer_port, PortLease.protocol))}


def choose(wanted: Counter[str], unusable: set[OuterPort], is_free: Callable[[Port], bool]) -> list[OuterPort]:
    """Find ports of the machine. This takes a while: a transaction that writes is to come after it.

    :param wanted: how many of each protocol
    :param unusable: what need not be tried
    :param is_free: tells whether a port could be used, as far as the engine can see
    :raises StartFailed: there are not so many
    """
    chosen: list[OuterPort] = []
    numbers = _range()
    begin = random.randrange(len(numbers))
    for protocol, count in wanted.items():
        free = [(number, protocol) for number in islice(
            (number for number in chain(numbers[begin:], numbers[:begin])
             if (number, protocol) not in unusable and is_free(Port(0, protocol, number))), count)]
        if len(free) < count:
            raise StartFailed(f"No {protocol} port of this machine is free")
        chosen += free
    return chosen


def lease(session: Session, containers: Iterable[Container], offered: Iterable[OuterPort]) -> Counter[str]:
    """Give containers a port of the machine for each of their ports that has none.

    :param offered: those to take, as long as nobody else has them
    :returns: how many more are wanted, of each protocol
    """
    free, wanted = defaultdict(list), Counter()
    for number, protocol in offered:
        if session.scalar(select(PortLease.id).where(PortLease.outer_port == number,
                                                     PortLease.protocol == protocol)) is None:
            free[protocol].append(number)
    for container in containers:
        ports = []
        for port in container.container_ports:
            protocol = port["protocol"]
            if port["outer_port"] is None and free[protocol]:
                port = {**port, "outer_port": free[protocol].pop()}
                session.add(PortLease(container_id=container.id, outer_port=port["outer_port"], protocol=protocol))
            elif port["outer_port"] is None:
                wanted[protocol] += 1
            ports.append(port)
        container.container_ports = ports
    return wanted


def publish(session: Session, container: Container, wanted: Iterable[dict[str, Any]]) -> None:
    """Have the container publish some ports of its own and no others; those that it has already stay as they are.

    :param wanted: each with `inner_port` and `protocol`
    """
    present = {(port["inner_port"], port["protocol"]): port for port in container.container_ports}
    container.container_ports = [present.pop((port["inner_port"], port["protocol"]), {**port, "outer_port": None})
                                 for port in wanted]
    _end_leases(session, container, present.values())


def release(session: Session, container: Container) -> None:
    """Let others have the container's ports; its record still shows them."""
    session.execute(delete(PortLease).where(PortLease.container_id == container.id))


def take_back(session: Session, container: Container, refused: set[OuterPort]) -> None:
    """Take those of some ports from the container that it has, so that it can be given others."""
    ports = container.container_ports
    gone = [port for port in ports if (port["outer_port"], port["protocol"]) in refused]
    container.container_ports = [{**port, "outer_port": None} if port in gone else port for port in ports]
    _end_leases(session, container, gone)


def _end_leases(session: Session, container: Container, ports: Iterable[dict[str, Any]]) -> None:
    for port in ports:
        session.execute(delete(PortLease).where(
            PortLease.container_id == container.id, PortLease.outer_port == port["outer_port"],
            PortLease.protocol == port["protocol"]))


def _range() -> range:
    """The ports that containers get: above those of the machine's outgoing connections, if that leaves enough."""
    try:
        _, last_outgoing = Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()
    except (OSError, ValueError):
        return range(FIRST_PORT, LAST_PORT + 1)
    first = max(FIRST_PORT, int(last_outgoing) + 1)
    return range(first if LAST_PORT - first >= 2000 else FIRST_PORT, LAST_PORT + 1)
