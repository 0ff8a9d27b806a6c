"""``/application/`` (api-v1 3)."""
from __future__ import annotations

from collections.abc import Callable

from flask import Blueprint, Response, request
from sqlalchemy import select
from sqlalchemy.orm import Session

from tutum.server import links, names, operations
from tutum.server.engines import MAX_LOG
from tutum.server.errors import NotFound
from tutum.server.paths import resource_uri
from tutum.server.store import Application, Container
from tutum.server.web import filters, validation, views
from tutum.server.web.bodies import reply, request_object
from tutum.server.web.context import account, service, shown, visible, writing
from tutum.server.web.logs import reply_with

blueprint = Blueprint("application", __name__)

FILTERS = {"name": Application.name, "unique_name": Application.unique_name, "uuid": Application.uuid,
           "state": Application.state}


@blueprint.get("/application/")
def list_applications() -> Response:
    """List the account's applications, terminated ones last."""
    arguments = request.args.to_dict(flat=False)
    page = filters.Page.of(arguments)
    matching = select(Application.id).where(
        Application.account_id == account().id, visible(Application),
        *filters.conditions(arguments, FILTERS, views.APPLICATION_ATTRIBUTES))
    with service().store.reading() as session:
        total, found = filters.read_page(session, Application, matching, page)
        counts = views.count_states(session, [application.id for application in found])
        objects = [views.application_in_list(application, counts[application.id], service().addresses)
                   for application in found]
    return reply(page.envelope(request.path, arguments, total, objects))


@blueprint.post("/application/")
def create() -> Response:
    """Make an application and launch it."""
    attributes = validation.new_application(request_object(), service().max_containers)
    image = service().image_of(":".join(names.split_image(attributes["image"])))  # may take as long as an engine does
    with service().store.reading() as session:
        linked = links.resolve(session, account().id, attributes.pop("linked_to_application"))
    with writing() as session:
        application = operations.create_application(session, account().id, attributes, linked, image,
                                                    service().max_containers)
        body = views.application_in_detail(application, service().addresses)
        application_id = application.id
    service().wake(application_id)
    return reply(body, 202, Location=body["resource_uri"])


@blueprint.get("/application/<uuid>/")
def show(uuid: str) -> Response:
    """Show an application in detail."""
    return shown("application", uuid, _find, views.application_in_detail)


@blueprint.patch("/application/<uuid>/")
def change(uuid: str) -> Response:
    """Change an application; a new target scales it."""
    changes = validation.application_changes(request_object(), service().max_containers)
    return _operate(uuid, lambda session, application: operations.change_application(
        session, application, changes, service().max_containers))


@blueprint.delete("/application/<uuid>/")
def terminate(uuid: str) -> Response:
    """Terminate an application with all of its containers."""
    return _operate(uuid, operations.terminate_application)


@blueprint.post("/application/<uuid>/start/")
def start(uuid: str) -> Response:
    """Start what is not running of an application."""
    request_object()  # nothing in it counts, but it is held to the form of every body
    return _operate(uuid, operations.start_application)


@blueprint.post("/application/<uuid>/stop/")
def stop(uuid: str) -> Response:
    """Stop what is running of an application."""
    request_object()  # nothing in it counts, but it is held to the form of every body
    return _operate(uuid, operations.stop_application)


@blueprint.post("/application/<uuid>/redeploy/")
def redeploy(uuid: str) -> Response:
    """Replace an application's containers."""
    tag = validation.redeploy_tag(request_object())
    return _operate(uuid, lambda session, application: operations.redeploy_application(session, application, tag))


@blueprint.get("/application/<uuid>/logs/")
def logs(uuid: str) -> Response:
    """Give the logs of all containers that can be seen, or the last lines of each, each under a heading."""
    tail = filters.tail(request.args)
    with service().store.reading() as session:
        containers = session.execute(select(
            Container.unique_name, Container.uuid, Container.start_error).where(
                Container.application_id == _find(session, uuid).id, visible(Container)).order_by(Container.id)).all()
    texts: list[str] = []
    for name, each, error in containers:
        texts.append(f"======>{name} <======\n{_whole_lines(views.logs(service().logs_of(each, tail), error))}")
        if sum(map(len, texts)) > MAX_LOG:
            texts = [_end(text, MAX_LOG // len(containers)) for text in texts]
    return reply_with("".join(texts))


def _whole_lines(text: str) -> str:
    return text if not text or text.endswith("\n") else text + "\n"


def _end(text: str, size: int) -> str:
    """Leave out the beginning of a log, but for its heading, if it is too long."""
    heading, _, log = text.partition("\n")
    if len(log) <= size:
        return text
    end = log[-size:]
    return f"{heading}\n{end.partition(chr(10))[2] or end}"


def _find(session: Session, uuid: str) -> Application:
    application = session.scalar(select(Application).where(
        Application.uuid == uuid.lower(), Application.account_id == account().id, visible(Application)))
    if application is None:
        raise NotFound
    return application


def _operate(uuid: str, operation: Callable[[Session, Application], Application]) -> Response:
    with writing() as session:
        application = operation(session, _find(session, uuid))
        session.flush()
        body = views.application_in_detail(application, service().addresses)
        application_id = application.id
    service().wake(application_id)
    return reply(body, 202, Location=resource_uri("application", body["uuid"]))
