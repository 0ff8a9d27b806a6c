"""The records of images: those that everybody sees, and accounts' own with their credentials (api-v1 5)."""
from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from tutum.server import names, quotas
from tutum.server.engines import Credentials
from tutum.server.errors import NotFound, ValidationError
from tutum.server.store import Image, Store


def show_public(store: Store, image_names: Iterable[str]) -> None:
    """Make these, and no others, the images that everybody sees."""
    with store.writing() as session:
        session.execute(delete(Image).where(Image.account_id.is_(None)))
        session.add_all(Image(name=name, registry_host=names.registry_host(name), is_private_image=False, starred=True)
                        for name in image_names)


def find(session: Session, account_id: int, name: str) -> Image:
    """Find an image that an account can see, its own before a public one.

    :raises NotFound: there is none
    """
    image = session.scalar(select(Image).where(Image.name == name, can_see(account_id))
                           .order_by(Image.account_id.is_(None)).limit(1))
    if image is None:
        raise NotFound
    return image


def can_see(account_id: int):
    """Return the condition that an account can see an image."""
    return (Image.account_id == account_id) | Image.account_id.is_(None)


def create(session: Session, account_id: int, attributes: dict[str, Any], max_containers: int) -> Image:
    """Add an image of an account's own.

    :param max_containers: the most containers that the account may have, and so the most images
    :raises ValidationError: the account has it already
    :raises RequestError: it would be too many images
    """
    name = attributes["name"]
    if session.scalar(select(Image.id).where(Image.account_id == account_id, Image.name == name)) is not None:
        raise ValidationError("image", {"name": [f"There is an image {name} already."]})
    quotas.check_images(session, account_id, max_containers)
    image = Image(account_id=account_id, registry_host=names.registry_host(name), is_private_image=True, **attributes)
    session.add(image)
    session.flush()
    return image


def find_own(session: Session, account_id: int, name: str) -> Image:
    """Find an image that belongs to an account.

    :raises NotFound: there is none; a public image is nobody's
    """
    image = session.scalar(select(Image).where(Image.name == name, Image.account_id == account_id))
    if image is None:
        raise NotFound
    return image


def credentials(session: Session, account_id: int, image_name: str) -> Credentials | None:
    """Return what an account has for the registry of an image.

    :param image_name: with its tag
    """
    name, _ = names.split_image(image_name)
    image = session.scalar(select(Image).where(Image.name == name, Image.account_id == account_id))
    return None if image is None else Credentials(image.username, image.password)
