"""``/container/`` (api-v1 4)."""
from __future__ import annotations

from collections.abc import Callable

from flask import Blueprint, Response, request
from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload

from tutum.server import operations
from tutum.server.errors import NotFound
from tutum.server.store import Application, Container
from tutum.server.web import filters, validation, views
from tutum.server.web.applications import FILTERS as APPLICATION_FILTERS
from tutum.server.web.bodies import reply, request_object
from tutum.server.web.context import account, service, shown, visible, writing
from tutum.server.web.logs import reply_with

blueprint = Blueprint("container", __name__)

FILTERS = {"name": Container.unique_name, "unique_name": Container.unique_name, "uuid": Container.uuid,
           "state": Container.state,
           **{f"application__{field}": column for field, column in APPLICATION_FILTERS.items()}}
ATTRIBUTES = views.CONTAINER_ATTRIBUTES | {f"application__{name}" for name in views.APPLICATION_ATTRIBUTES}


@blueprint.get("/container/")
def list_containers() -> Response:
    """List the containers of all of the account's applications, terminated ones last."""
    arguments = request.args.to_dict(flat=False)
    page = filters.Page.of(arguments)
    matching = select(Container.id).join(Container.application).where(
        Application.account_id == account().id, visible(Container),
        *filters.conditions(arguments, FILTERS, ATTRIBUTES))
    with service().store.reading() as session:
        total, found = filters.read_page(session, Container, matching, page, joinedload(Container.application))
        objects = [views.container_in_list(container, service().addresses) for container in found]
    return reply(page.envelope(request.path, arguments, total, objects))


@blueprint.get("/container/<uuid>/")
def show(uuid: str) -> Response:
    """Show a container in detail."""
    return shown("container", uuid, _find, views.container_in_detail)


@blueprint.patch("/container/<uuid>/")
def change(uuid: str) -> Response:
    """Set a container's `web_public_dns`, which alone can be changed (api-v1 4.3)."""
    changes = validation.container_changes(request_object())
    return _operate(uuid, lambda session, container: operations.change_container(session, container, changes))


@blueprint.delete("/container/<uuid>/")
def terminate(uuid: str) -> Response:
    """Terminate a container, which is not replaced."""
    return _operate(uuid, operations.terminate_container)


@blueprint.post("/container/<uuid>/start/")
def start(uuid: str) -> Response:
    """Start a container."""
    request_object()  # nothing in it counts, but it is held to the form of every body
    return _operate(uuid, operations.start_container)


@blueprint.post("/container/<uuid>/stop/")
def stop(uuid: str) -> Response:
    """Stop a container."""
    request_object()  # nothing in it counts, but it is held to the form of every body
    return _operate(uuid, operations.stop_container)


# Containers are redeployed with their application: the path is known, and no method allowed (api-v1 4.3).
blueprint.add_url_rule("/container/<uuid>/redeploy/", "redeploy", methods=[])


@blueprint.get("/container/<uuid>/logs/")
def logs(uuid: str) -> Response:
    """Give what a container wrote, all or the last lines, and why it did not start if it did not."""
    tail = filters.tail(request.args)
    with service().store.reading() as session:
        container = _find(session, uuid)
    return reply_with(views.logs(service().logs_of(container.uuid, tail), container.start_error))


def _find(session: Session, uuid: str) -> Container:
    container = session.scalar(select(Container).join(Container.application).where(
        Container.uuid == uuid.lower(), Application.account_id == account().id, visible(Container)))
    if container is None:
        raise NotFound
    return container


def _operate(uuid: str, operation: Callable[[Session, Container], Container]) -> Response:
    with writing() as session:
        container = operation(session, _find(session, uuid))
        session.flush()
        body = views.container_in_detail(container, service().addresses)
        application_id = container.application_id
    service().wake(application_id)
    return reply(body, 202)
