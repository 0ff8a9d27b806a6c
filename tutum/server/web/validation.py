"""What a request's body may say of an application (api-v1 3.1), checked and brought to one form."""
from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from tutum.server import names
from tutum.server.engines import MAX_PORTS
from tutum.server.errors import ValidationError

SIZES = ("XS", "S", "M", "L", "XL")
POLICIES = ("OFF", "ON_FAILURE", "ALWAYS")
ROLES = ("global",)
PROTOCOLS = ("tcp", "udp")

#: Characters in a command, in one variable's value, and items in a list.
MAX_TEXT = 64 * 1024
MAX_ITEMS = 1000

#: Characters in an image's description or user name, and in its password, which may be a registry's token.
MAX_IMAGE_TEXT = 4 * 1024
MAX_PASSWORD = 16 * 1024


def new_application(body: dict[str, Any], max_containers: int) -> dict[str, Any]:
    """Check the body of a POST to ``/application/``; null counts as not given and unknown keys are ignored.

    :param max_containers: the most that `target_num_containers` may be, and the most links
    :returns: every attribute that a new application needs, defaults filled in, links as they were given, each once;
        `container_ports`, `run_command` and `entrypoint` are None where the image's own are to hold
    :raises ValidationError: with a message for each attribute that is wrong
    """
    given = {key: value for key, value in body.items() if value is not None}
    checks = _Checks("application", given)
    image = checks.required("image", _image)
    attributes = {
        "image": image,
        "name": checks.optional("name", _name, names.default_name(image) if image else None),
        "target_num_containers": checks.optional("target_num_containers", _count(1, max_containers), 1),
        "container_size": checks.optional("container_size", _one_of(SIZES), "XS"),
        "run_command": checks.optional("run_command", _text, None),
        "entrypoint": checks.optional("entrypoint", _text, None),
        "container_ports": checks.optional("container_ports", _ports, None),
        "container_envvars": checks.optional("container_envvars", _variables, []),
        "linked_to_application": checks.optional("linked_to_application", _links(max_containers), []),
        "autorestart": checks.optional("autorestart", _one_of(POLICIES), "OFF"),
        "autoreplace": checks.optional("autoreplace", _one_of(POLICIES), "OFF"),
        "autodestroy": checks.optional("autodestroy", _one_of(POLICIES), "OFF"),
        "sequential_deployment": checks.optional("sequential_deployment", _boolean, False),
        "roles": checks.optional("roles", _roles, []),
        "web_public_dns": checks.optional("web_public_dns", _text, None),
    }
    checks.finish()
    return attributes


def application_changes(body: dict[str, Any], max_containers: int) -> dict[str, Any]:
    """Check the body of a PATCH to an application; keys that cannot be changed are ignored (api-v1 3.10).

    :returns: the attributes to change
    :raises ValidationError: with a message for each attribute that is wrong
    """
    checks = _Checks("application", body)
    changes = {key: checks.required(key, check) for key, check in {
        "target_num_containers": _count(0, max_containers),
        "autorestart": _one_of(POLICIES),
        "autoreplace": _one_of(POLICIES),
        "autodestroy": _one_of(POLICIES),
        "web_public_dns": _nullable_text,
    }.items() if key in body}
    checks.finish()
    return changes


def container_changes(body: dict[str, Any]) -> dict[str, Any]:
    """Check the body of a PATCH to a container (api-v1 4.3).

    :returns: the attributes to change
    :raises ValidationError: another key than `web_public_dns` is there, or its value is wrong
    """
    checks = _Checks("container", body)
    changes = {"web_public_dns": checks.required("web_public_dns", _nullable_text)} if "web_public_dns" in body else {}
    for key in sorted(body.keys() - {"web_public_dns"}):
        checks.refuse(key, "Cannot be changed.")
    checks.finish()
    return changes


def new_image(body: dict[str, Any]) -> dict[str, Any]:
    """Check the body of a POST to ``/image/`` (api-v1 5.1).

    :raises ValidationError: with a message for each attribute that is wrong
    """
    checks = _Checks("image", {key: value for key, value in body.items() if value is not None})
    attributes = {
        "name": checks.required("name", _image_name),
        "username": checks.required("username", _filled_text(MAX_IMAGE_TEXT)),
        "password": checks.required("password", _filled_text(MAX_PASSWORD)),
        "description": checks.optional("description", _description, ""),
    }
    checks.finish()
    return attributes


def image_changes(body: dict[str, Any]) -> dict[str, Any]:
    """Check the body of a PATCH to an image; the password is needed where the user name is given (api-v1 5.1).

    :raises ValidationError: with a message for each attribute that is wrong
    """
    checks = _Checks("image", body)
    changes = {key: checks.required(key, check) for key, check in {
        "username": _filled_text(MAX_IMAGE_TEXT), "password": _filled_text(MAX_PASSWORD), "description": _description,
    }.items() if key in body}
    if "username" in body and "password" not in body:
        checks.refuse("password", "Must be given with the username.")
    checks.finish()
    return changes


def redeploy_tag(body: dict[str, Any]) -> str | None:
    """Check the body of a redeploy and return the tag asked for, None for the present one.

    :raises ValidationError: it is no tag
    """
    tag = body.get("tag")
    if tag is None or (isinstance(tag, str) and names.TAG.fullmatch(tag)):
        return tag
    raise ValidationError("application", {"tag": ["Must be a tag of the image, or null for the present one."]})


class _Checks:
    """Collects the messages of all attributes, so that a reply tells everything that is wrong at once."""

    def __init__(self, resource: str, given: dict[str, Any]) -> None:
        self._resource = resource
        self._given = given
        self._messages: dict[str, list[str]] = {}

    def required(self, key: str, check: Callable[[Any], Any]) -> Any:
        if key not in self._given:
            return self.refuse(key, "This field is required.")
        try:
            return check(self._given[key])
        except ValueError as error:
            return self.refuse(key, str(error))

    def optional(self, key: str, check: Callable[[Any], Any], default: Any) -> Any:
        return self.required(key, check) if key in self._given else default

    def refuse(self, key: str, message: str) -> None:
        self._messages[key] = [message]

    def finish(self) -> None:
        if self._messages:
            raise ValidationError(self._resource, self._messages)


def _text(value: Any, most: int = MAX_TEXT) -> str:
    if not isinstance(value, str):
        raise ValueError("Must be a string.")
    if len(value) > most:
        raise ValueError(f"Must have at most {most} characters.")
    if "\0" in value or not _is_unicode(value):
        raise ValueError("Must not hold NUL characters or lone surrogates.")
    return value


def _is_unicode(value: str) -> bool:
    try:
        value.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def _nullable_text(value: Any) -> str | None:
    return None if value is None else _text(value) or None


def _image(value: Any) -> str:
    try:
        names.split_image(_text(value))
    except ValueError:
        raise ValueError("Must be an image in the form [registry/]namespace/name[:tag].") from None
    return value


def _image_name(value: Any) -> str:
    if ":" in _image(value).rpartition("/")[2]:
        raise ValueError("Must be an image without a tag.")
    if value.split("/")[-2:-1] == ["tag"]:
        raise ValueError("Must not end as the path of a tag does.")
    return value


def _filled_text(most: int) -> Callable[[Any], str]:
    def check(value: Any) -> str:
        if not _text(value, most):
            raise ValueError("Must not be empty.")
        return value
    return check


def _description(value: Any) -> str:
    return _text(value, MAX_IMAGE_TEXT)


def _name(value: Any) -> str:
    if not names.NAME.fullmatch(_text(value)):
        raise ValueError("Must start with a letter or digit and hold at most 63 letters, digits, '-' and '_'.")
    return value


def _count(least: int, most: int) -> Callable[[Any], int]:
    def check(value: Any) -> int:
        if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
            raise ValueError(f"Must be an integer from {least} to {most}.")
        return value
    return check


def _one_of(choices: tuple[str, ...]) -> Callable[[Any], str]:
    def check(value: Any) -> str:
        if value not in choices:
            raise ValueError(f"Must be one of {', '.join(choices)}.")
        return value
    return check


def _boolean(value: Any) -> bool:
    if not isinstance(value, bool):
        raise ValueError("Must be true or false.")
    return value


def _items(value: Any, kind: type) -> list:
    if not isinstance(value, list) or not all(isinstance(item, kind) for item in value):
        raise ValueError(f"Must be a list of {'objects' if kind is dict else 'strings'}.")
    if len(value) > MAX_ITEMS:
        raise ValueError(f"Must have at most {MAX_ITEMS} items.")
    return value


def _ports(value: Any) -> list[dict[str, Any]]:
    ports = [{"inner_port": _port_number(item.get("inner_port")), "protocol": _protocol(item.get("protocol", "tcp"))}
             for item in _items(value, dict)]
    if len(ports) > MAX_PORTS:
        raise ValueError(f"Must have at most {MAX_PORTS} items.")
    if len({tuple(port.values()) for port in ports}) < len(ports):
        raise ValueError("Must not name a port twice.")
    return ports


def _port_number(value: Any) -> int:
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= 5:
        value = int(value)
    if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= 65535:
        raise ValueError("Each inner_port must be an integer from 1 to 65535.")
    return value


def _protocol(value: Any) -> str:
    if value not in PROTOCOLS:
        raise ValueError("Each protocol must be tcp or udp.")
    return value


def _variables(value: Any) -> list[dict[str, Any]]:
    variables = [{"key": _variable_name(item.get("key")), "value": _variable_value(item.get("value"))}
                 for item in _items(value, dict)]
    if len({variable["key"] for variable in variables}) < len(variables):
        raise ValueError("Must not name a variable twice.")
    return variables


def _variable_name(value: Any) -> str:
    if not isinstance(value, str) or not _text(value) or "=" in value:
        raise ValueError("Each key must be a string that is not empty and holds no '='.")
    return value


def _variable_value(value: Any) -> str:
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        if value in (math.inf, -math.inf):
            raise ValueError("Each value must be a number that can be written, or a string.")
        return str(value)
    return _text(value)


def _links(most: int) -> Callable[[Any], list[str]]:
    def check(value: Any) -> list[str]:
        targets = [item.get("to_application") if isinstance(item, dict) else item for item in value] \
            if isinstance(value, list) else value
        links = list(dict.fromkeys(_text(target) for target in _items(targets, str)))
        if len(links) > most:
            raise ValueError(f"Must have at most {most} different items.")
        return links
    return check


def _roles(value: Any) -> list[str]:
    return [_one_of(ROLES)(role) for role in _items(value, str)]
