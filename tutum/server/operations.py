"""What users ask for, written down as desired state; the controller then moves the containers there.

Each operation is one transaction, in the session that it is given. It checks the state (api-v1 6), sets transitional
states, and returns the object with them; the controller is woken when the transaction is on the disk.
"""
from __future__ import annotations

import uuid as uuids
from collections.abc import Callable, Collection, Iterable
from typing import Any

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from tutum.server import links, names, quotas, states
from tutum.server.engines import ImageInfo
from tutum.server.errors import RequestError
from tutum.server.store import Application, Container, Link, PortLease


#: The attributes that an application can leave to its image, and how that says them.
_IMAGES_OWN: dict[str, Callable[[ImageInfo], Any]] = {
    "run_command": lambda image: image.run_command,
    "entrypoint": lambda image: image.entrypoint,
    "container_ports": lambda image: [{"inner_port": port.inner, "protocol": port.protocol} for port in image.ports],
}


def create_application(session: Session, account_id: int, attributes: dict[str, Any], linked: Collection[int],
                       image: ImageInfo | None, max_containers: int) -> Application:
    """Make an application and its containers, in state Starting.

    :param attributes: as `validation.new_application` returns them, but for links
    :param linked: what `links.resolve` found
    :param image: the image's own defaults, None where they are not known yet
    :param max_containers: the most containers that the account may have; the other bounds of `quotas` follow from it
    :raises ValidationError: a link leads nowhere any more, or it would be too many containers or ports
    :raises RequestError: it would be too many applications
    """
    quotas.check_containers(session, account_id, attributes["target_num_containers"], max_containers)
    quotas.check_applications(session, account_id, max_containers)
    attributes = dict(attributes)
    name, tag = names.split_image(attributes.pop("image"))
    application = Application(
        uuid=str(uuids.uuid4()), account_id=account_id, image_name=f"{name}:{tag}", last_number=0,
        state=states.STARTING,
        unique_name=names.unique_name(attributes["name"], _taken_names(session, account_id, attributes["name"])),
        left_to_image=[key for key in _IMAGES_OWN if attributes[key] is None], **attributes)
    if image is not None:
        take_defaults(application, image)
    quotas.check_ports(session, account_id, _ports_of(application, application.target_num_containers), max_containers,
                       "container_ports")
    session.add(application)
    _add_containers(application, application.target_num_containers)
    session.flush()  # it gives the application its id
    links.link(session, application, linked)
    return application


def take_defaults(application: Application, image: ImageInfo) -> None:
    """Fill in what an application leaves to its image (api-v1 3.1)."""
    for key, value in left_to_image(application, image).items():
        setattr(application, key, value)


def left_to_image(application: Application, image: ImageInfo) -> dict[str, Any]:
    """Return what an image says of those attributes that an application leaves to it."""
    return {key: _IMAGES_OWN[key](image) for key in application.left_to_image}


def change_application(session: Session, application: Application, changes: dict[str, Any],
                       max_containers: int) -> Application:
    """Change attributes of an application, and scale it when the target is another one (api-v1 3.10).

    :param changes: as `validation.application_changes` returns them
    :raises ValidationError: it would be too many containers or ports
    """
    if application.state in (states.TERMINATING, states.TERMINATED):
        raise _refusal("change", "application", application)
    target = changes.get("target_num_containers", application.target_num_containers)
    if target != application.target_num_containers:
        _check("scale", "application", application, states.APPLICATION_ACTIONS)
        more = target - len(_lasting(application.containers))
        quotas.check_containers(session, application.account_id, more, max_containers)
        quotas.check_ports(session, application.account_id, _ports_of(application, more), max_containers,
                           "target_num_containers")
        _scale(application, target)
    for key, value in changes.items():
        setattr(application, key, value)
    return application


def _ports_of(application: Application, count: int) -> int:
    """Return how many ports so many containers of an application have, as far as its image has said."""
    return count * len(application.container_ports or ())


def _scale(application: Application, target: int) -> None:
    present = _lasting(application.containers)
    _add_containers(application, max(0, target - len(present)))
    for container in sorted(present, key=lambda each: each.number)[target:]:
        container.state = states.TERMINATING
    application.state = states.SCALING


def start_application(session: Session, application: Application) -> Application:
    """Start all containers of an application that are not running."""
    _check("start", "application", application, states.APPLICATION_ACTIONS)
    for container in application.containers:
        if container.state in states.STARTABLE | {states.STOPPING}:
            container.state = states.STARTING
    application.state = states.STARTING
    return application


def stop_application(session: Session, application: Application) -> Application:
    """Stop all containers of an application that are running or just being started."""
    _check("stop", "application", application, states.APPLICATION_ACTIONS)
    for container in application.containers:
        if container.state in (states.RUNNING, states.STARTING):
            container.state = states.STOPPING
    application.state = states.STOPPING
    return application


def redeploy_application(session: Session, application: Application, tag: str | None) -> Application:
    """Replace every container by a new one with the same number, name and ports.

    :param tag: another tag of the image, None for the present one
    """
    _check("redeploy", "application", application, states.APPLICATION_ACTIONS)
    if tag is not None:
        application.image_name = f"{application.image_name.rpartition(':')[0]}:{tag}"
    replace_containers(session, _lasting(application.containers))
    application.state = states.REDEPLOYING
    return application


def replace_containers(session: Session, containers: Iterable[Container]) -> list[Container]:
    """Terminate containers and make others with their numbers, names and ports (api-v1 3.3)."""
    replaced = []
    for old in containers:
        new = _new_container(old.application, old.number)
        new.container_ports, new.web_public_dns = old.container_ports, old.web_public_dns
        old.state = states.TERMINATING
        replaced.append((old, new))
    session.flush()  # it gives the new ones their ids
    for old, new in replaced:
        session.execute(update(PortLease).where(PortLease.container_id == old.id).values(container_id=new.id))
    return [new for _, new in replaced]


def terminate_application(session: Session, application: Application) -> Application:
    """Terminate an application and all of its containers; links to it disappear."""
    _check("terminate", "application", application, states.APPLICATION_ACTIONS)
    for container in application.containers:
        if container.state != states.TERMINATED:
            container.state = states.TERMINATING
    application.state = states.TERMINATING
    session.execute(delete(Link).where((Link.to_id == application.id) | (Link.from_id == application.id)))
    return application


def start_container(session: Session, container: Container) -> Container:
    """Start one container."""
    return _move_container("start", container, states.STARTING)


def stop_container(session: Session, container: Container) -> Container:
    """Stop one container."""
    return _move_container("stop", container, states.STOPPING)


def terminate_container(session: Session, container: Container) -> Container:
    """Terminate one container, which is not replaced: the application's target drops by one (api-v1 4.3)."""
    _move_container("terminate", container, states.TERMINATING)
    want_one_less(container.application)
    return container


def want_one_less(application: Application) -> None:
    """Lower an application's target because one of its containers is not to be replaced."""
    application.target_num_containers = max(0, application.target_num_containers - 1)


def change_container(session: Session, container: Container, changes: dict[str, Any]) -> Container:
    """Change attributes of a container.

    :param changes: as `validation.container_changes` returns them
    """
    if container.state in (states.TERMINATING, states.TERMINATED):
        raise _refusal("change", "container", container)
    for key, value in changes.items():
        setattr(container, key, value)
    return container


def _move_container(action: str, container: Container, state: str) -> Container:
    _check(action, "container", container, states.CONTAINER_ACTIONS)
    if container.application.state in states.TRANSITIONAL:
        raise RequestError(f"Cannot {action} a container while its application is in state "
                           f"{container.application.state}")
    container.state = state
    return container


def _add_containers(application: Application, count: int) -> None:
    for number in range(application.last_number + 1, application.last_number + count + 1):
        _new_container(application, number)
    application.last_number += count


def _new_container(application: Application, number: int) -> Container:
    container = Container(
        uuid=str(uuids.uuid4()), number=number, unique_name=f"{application.unique_name}-{number}",
        state=states.STARTING, image_name=application.image_name,
        container_ports=[{**port, "outer_port": None} for port in application.container_ports or ()])
    application.containers.append(container)
    return container


def _lasting(containers: Iterable[Container]) -> list[Container]:
    return [container for container in containers
            if container.state not in (states.TERMINATING, states.TERMINATED)]


def _taken_names(session: Session, account_id: int, name: str) -> set[str]:
    """Return the unique names in use that are a name, or that name with something after a hyphen."""
    column = Application.unique_name
    return set(session.scalars(select(column).where(
        Application.account_id == account_id, Application.state != states.TERMINATED,
        (column == name) | (column > f"{name}-") & (column < f"{name}."))))  # "." comes right after "-"


def _check(action: str, resource: str, item: Application | Container, accepted: dict[str, frozenset[str]]) -> None:
    if item.state not in accepted[action]:
        raise _refusal(action, resource, item)


def _refusal(action: str, resource: str, item: Application | Container) -> RequestError:
    return RequestError(f"Cannot {action} {resource} in state {item.state}")
