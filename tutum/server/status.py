"""The table of applications and containers that ``tutum-server status`` prints."""
from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import select

from tutum.server import states
from tutum.server.store import Application, Container, Store


def table(store: Store) -> str:
    """Describe everything that is not terminated, an application a line with its containers under it."""
    rows = [("ACCOUNT", "NAME", "IMAGE", "STATE", "RUNNING", "PORTS")]
    with store.reading() as session:
        applications = session.scalars(select(Application).where(Application.destroyed_at.is_(None))
                                       .order_by(Application.account_id, Application.id))
        for application in applications:
            containers = [each for each in application.containers if each.state != states.TERMINATED]
            running = sum(each.state == states.RUNNING for each in containers)
            rows.append((application.account.username, application.unique_name, application.image_name,
                         application.state, f"{running}/{application.target_num_containers}", ""))
            rows.extend(("", f"  {each.unique_name}", "", each.state, "", _ports(each)) for each in containers)
    return _columns(rows)


def _ports(container: Container) -> str:
    return ", ".join(f"{port['outer_port']}->{port['inner_port']}/{port['protocol']}"
                     for port in container.container_ports if port["outer_port"] is not None)


def _columns(rows: Iterable[tuple[str, ...]]) -> str:
    widths = [max(map(len, column)) for column in zip(*rows)]
    return "\n".join("  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip() for row in rows)
