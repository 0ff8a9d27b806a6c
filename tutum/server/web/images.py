"""``/image/`` and ``/registry/`` (api-v1 5)."""
from __future__ import annotations

import uuid
from typing import Any

from flask import Blueprint, Response, request
from sqlalchemy import func, select
from werkzeug.routing import PathConverter

from tutum.server import images, names
from tutum.server.engines import ImageInfo
from tutum.server.errors import NotFound
from tutum.server.paths import image_tag_uri, resource_uri
from tutum.server.store import Image
from tutum.server.web import filters, validation, views
from tutum.server.web.bodies import reply, request_object
from tutum.server.web.context import account, service, writing

blueprint = Blueprint("image", __name__)

FILTERS = {"name": Image.name, "is_private_image": Image.is_private_image, "base_image": Image.base_image,
           "starred": Image.starred, "docker_registry__host": Image.registry_host}
REGISTRY_FILTERS = frozenset(["host", "name", "uuid", "is_tutum_registry"])
REGISTRY_ATTRIBUTES = REGISTRY_FILTERS | {"image_url", "resource_uri"}
ATTRIBUTES = {"resource_uri", "description", "cluster_aware", "image_url", "public_url", "docker_registry",
              "imagetag_set", *(f"docker_registry__{name}" for name in REGISTRY_ATTRIBUTES)}

REGISTRIES = {"index.docker.io": "Docker Index", "quay.io": "Quay.io"}


class ImageName(PathConverter):
    """Has slashes in it, but is not the path of another image's tag (api-v1 5.3)."""

    regex = "(?!.*/tag/[^/]+/?$)[^/].*?"


@blueprint.get("/image/")
def list_images() -> Response:
    """List the images that the account can see."""
    arguments = request.args.to_dict(flat=False)
    page = filters.Page.of(arguments)
    matching = select(Image).where(images.can_see(account().id), *filters.conditions(arguments, FILTERS, ATTRIBUTES))
    with service().store.reading() as session:
        total = session.scalar(select(func.count()).select_from(matching.subquery()))
        found = session.scalars(matching.order_by(Image.id).limit(page.limit).offset(page.offset)).all()
        objects = [_in_list(image) for image in found]
    return reply(page.envelope(request.path, arguments, total, objects))


@blueprint.post("/image/")
def create() -> Response:
    """Add a private image with the credentials for its registry."""
    attributes = validation.new_image(request_object())
    with writing() as session:
        image = images.create(session, account().id, attributes, service().max_containers)
    return reply(_in_detail(image), 202, Location=resource_uri("image", image.name))


@blueprint.get("/image/<path:name>/tag/<tag>/")
def show_tag(name: str, tag: str) -> Response:
    """Show one tag of an image."""
    with service().store.reading() as session:
        image = images.find(session, account().id, name)
    info = service().image_of(f"{name}:{tag}") if names.TAG.fullmatch(tag) else None
    if info is None:
        raise NotFound
    return reply(_tag(image.name, tag, info))


@blueprint.get("/image/<image:name>/")
def show(name: str) -> Response:
    """Show an image in detail."""
    with service().store.reading() as session:
        image = images.find(session, account().id, name)
    return reply(_in_detail(image))


@blueprint.patch("/image/<image:name>/")
def change(name: str) -> Response:
    """Change the description or the credentials of a private image."""
    changes = validation.image_changes(request_object())
    with writing() as session:
        image = images.find_own(session, account().id, name)
        for key, value in changes.items():
            setattr(image, key, value)
    return reply(_in_detail(image), 202)


@blueprint.delete("/image/<image:name>/")
def delete(name: str) -> Response:
    """Forget a private image and its credentials; the registry keeps it."""
    with writing() as session:
        session.delete(images.find_own(session, account().id, name))
    return Response(status=204, content_type="application/json")


@blueprint.get("/registry/")
def list_registries() -> Response:
    """List the registries that the account's images come from, and the default one."""
    arguments = request.args.to_dict(flat=False)
    page = filters.Page.of(arguments)
    found = filters.matching(map(_registry, _registry_hosts()), arguments, REGISTRY_FILTERS, {"is_tutum_registry"},
                             REGISTRY_ATTRIBUTES)
    return reply(page.envelope(request.path, arguments, len(found), found[page.offset:page.offset + page.limit]))


@blueprint.get("/registry/<host>/")
def show_registry(host: str) -> Response:
    """Show a registry."""
    if host not in _registry_hosts():
        raise NotFound
    return reply(_registry(host))


def _registry_hosts() -> list[str]:
    with service().store.reading() as session:
        used = session.scalars(select(Image.registry_host).where(images.can_see(account().id)))
        return sorted({names.DEFAULT_REGISTRY, *used})


def _in_list(image: Image) -> dict[str, Any]:
    info = service().image_of(f"{image.name}:latest")
    return {
        **_common(image),
        "docker_registry": resource_uri("registry", image.registry_host),
        "imagetag_set": [] if info is None else [image_tag_uri(f"{image.name}:latest")],
    }


def _in_detail(image: Image) -> dict[str, Any]:
    info = service().image_of(f"{image.name}:latest")
    return {
        **_common(image),
        "docker_registry": _registry(image.registry_host),
        "imagetag_set": [] if info is None else [_tag(image.name, "latest", info)],
    }


def _common(image: Image) -> dict[str, Any]:
    return {
        "name": image.name,
        "resource_uri": resource_uri("image", image.name),
        "description": image.description,
        "is_private_image": image.is_private_image,
        "base_image": image.base_image,
        "starred": image.starred,
        "cluster_aware": False,
        "image_url": "",
        "public_url": "",
    }


def _tag(name: str, tag: str, info: ImageInfo) -> dict[str, Any]:
    return {
        "full_name": f"{name}:{tag}",
        "name": tag,
        "resource_uri": image_tag_uri(f"{name}:{tag}"),
        "image_info": resource_uri("image", name),
        "image": {
            "author": info.author,
            "docker_id": info.docker_id,
            "entrypoint": info.entrypoint,
            "image_creation": views.date_time(info.created),
            "imageenvvar_set": [{"key": key, "value": value} for key, value in info.environment.items()],
            "imageport_set": [{"port": port.inner, "protocol": port.protocol} for port in info.ports],
            "run_command": info.run_command,
        },
    }


def _registry(host: str) -> dict[str, Any]:
    return {"host": host, "image_url": "", "is_tutum_registry": False, "name": REGISTRIES.get(host, host),
            "resource_uri": resource_uri("registry", host), "uuid": str(uuid.uuid5(uuid.NAMESPACE_DNS, host))}
