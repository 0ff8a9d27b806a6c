"""What one account may have: so many containers, as many applications and images, and twice as many ports.

All follow from the option ``--max-containers``, so that no account takes the whole machine from the others.
"""
from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from tutum.server import states
from tutum.server.engines import StartFailed
from tutum.server.errors import RequestError, ValidationError
from tutum.server.store import Application, Container, Image, PortLease

#: How many ports of the machine an account may have for each container, whichever of its containers have them.
PORTS_FOR_EACH = 2


def check_containers(session: Session, account_id: int, more: int, max_containers: int) -> None:
    """Check that an account may have more containers.

    :raises ValidationError: they are too many
    """
    present = session.scalar(_of_account(func.count(Container.id), account_id))
    if more > 0 and present + more > max_containers:
        raise ValidationError("application", {"target_num_containers": [
            _too_many("containers", present, more, max_containers)]})


def check_applications(session: Session, account_id: int, max_containers: int) -> None:
    """Check that an account may have one application more, also if all were scaled to no container.

    :raises RequestError: it has as many as it may
    """
    present = session.scalar(select(func.count(Application.id)).where(
        Application.account_id == account_id, Application.state != states.TERMINATED))
    _check_one_more("applications", present, max_containers)


def check_images(session: Session, account_id: int, max_containers: int) -> None:
    """Check that an account may have one private image more.

    :raises RequestError: it has as many as it may
    """
    present = session.scalar(select(func.count(Image.id)).where(Image.account_id == account_id))
    _check_one_more("images", present, max_containers)


def check_ports(session: Session, account_id: int, more: int, max_containers: int, attribute: str) -> None:
    """Check that an account may have containers with more ports, as far as it is known which ports they have.

    :param attribute: what of the application says how many ports it is
    :raises ValidationError: they are too many
    """
    present = session.scalar(_of_account(
        func.coalesce(func.sum(func.json_array_length(Container.container_ports)), 0), account_id))
    if more > 0 and present + more > PORTS_FOR_EACH * max_containers:
        raise ValidationError("application", {attribute: [
            _too_many("ports", present, more, PORTS_FOR_EACH * max_containers)]})


def check_leases(session: Session, account_id: int, containers: Iterable[Container], max_containers: int) -> None:
    """Check that an account's containers may be given those ports of the machine that they have not got yet.

    :raises StartFailed: they are too many; it was not known before which ports an image has
    """
    present = session.scalar(_of_account(func.count(PortLease.id), account_id).join(
        PortLease, PortLease.container_id == Container.id))
    more = sum(port["outer_port"] is None for container in containers for port in container.container_ports)
    if more > 0 and present + more > PORTS_FOR_EACH * max_containers:
        raise StartFailed(_too_many("ports", present, more, PORTS_FOR_EACH * max_containers))


def _of_account(what, account_id: int) -> Select:
    """Select something of an account's containers that are not terminated."""
    return select(what).select_from(Container).join(Container.application).where(
        Application.account_id == account_id, Container.state != states.TERMINATED)


def _check_one_more(things: str, present: int, most: int) -> None:
    if present >= most:
        raise RequestError(f"The account has {present} {things}, and may have as many as containers: {most}")


def _too_many(things: str, present: int, more: int, most: int) -> str:
    return f"The account may have {most} {things} and has {present}; {more} more are too many."
