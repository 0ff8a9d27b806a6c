"""The JSON forms of applications and containers (api-v1 3.1, 4.1, 1.8)."""
from __future__ import annotations

import signal
from collections import Counter
from collections.abc import Iterable
from datetime import datetime, timezone
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from tutum.server import links, states
from tutum.server.paths import Addresses, image_tag_uri, resource_uri
from tutum.server.store import Application, Container

_SHARED_ATTRIBUTES = frozenset([
    "uuid", "resource_uri", "name", "unique_name", "image_name", "image_tag", "state", "container_size", "run_command",
    "entrypoint", "container_ports", "container_envvars", "linked_to_application", "linked_from_application",
    "link_variables", "autorestart", "autoreplace", "autodestroy", "roles", "public_dns", "web_public_dns",
    "deployed_datetime", "started_datetime", "stopped_datetime", "destroyed_datetime"])

#: The names of all attributes, whichever view carries them.
APPLICATION_ATTRIBUTES = _SHARED_ATTRIBUTES | {
    "target_num_containers", "current_num_containers", "running_num_containers", "stopped_num_containers",
    "containers", "sequential_deployment"}
CONTAINER_ATTRIBUTES = _SHARED_ATTRIBUTES | {"application", "exit_code", "exit_code_msg"}

_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_EXIT_REASONS = {0: "Success", 1: "General error", 126: "Command cannot execute", 127: "Command not found"}


def date_time(moment: float | None) -> str | None:
    """Format a moment as every date of the API is: English, the day not padded, whole seconds, in UTC."""
    if moment is None:
        return None
    utc = datetime.fromtimestamp(moment, timezone.utc)
    return f"{_DAYS[utc.weekday()]}, {utc.day} {_MONTHS[utc.month - 1]} {utc:%Y %H:%M:%S} +0000"


def count_states(session: Session, application_ids: Iterable[int]) -> dict[int, Counter]:
    """Count the containers of each application by state."""
    counts: dict[int, Counter] = {application_id: Counter() for application_id in application_ids}
    rows = session.execute(select(Container.application_id, Container.state, func.count())
                           .where(Container.application_id.in_(counts))
                           .group_by(Container.application_id, Container.state))
    for application_id, state, count in rows:
        counts[application_id][state] = count
    return counts


def application_in_list(application: Application, counts: Counter, addresses: Addresses) -> dict[str, Any]:
    """Build the list view of an application.

    :param counts: how many containers it has in each state
    """
    uri = resource_uri("application", application.uuid)
    ports = application.container_ports or []
    is_web = any(port["inner_port"] == 80 and port["protocol"] == "tcp" for port in ports)
    public_dns = addresses.of_application(application) if is_web else None
    return {
        **_common(application, application),
        "resource_uri": uri,
        "name": application.name,
        "target_num_containers": application.target_num_containers,
        "current_num_containers": sum(counts.values()) - counts[states.TERMINATED],
        "running_num_containers": counts[states.RUNNING],
        "stopped_num_containers": counts[states.STOPPED],
        "container_ports": [{"application": uri, **port, "outer_port": None} for port in ports],
        "sequential_deployment": application.sequential_deployment,
        "public_dns": public_dns,
        "web_public_dns": application.web_public_dns or public_dns,
    }


def application_in_detail(application: Application, addresses: Addresses) -> dict[str, Any]:
    """Build the detail view of an application."""
    counts = Counter(container.state for container in application.containers)
    uri = resource_uri("application", application.uuid)
    return {
        **application_in_list(application, counts, addresses),
        "container_envvars": [{"application": uri, **variable} for variable in application.container_envvars],
        "containers": [resource_uri("container", container.uuid) for container in application.containers
                       if container.state != states.TERMINATED],
        "link_variables": links.of_application(application, addresses),
        **_linked(application),
    }


def container_in_list(container: Container, addresses: Addresses) -> dict[str, Any]:
    """Build the list view of a container."""
    uri = resource_uri("container", container.uuid)
    view = {
        **_common(container, container.application),
        "resource_uri": uri,
        "application": resource_uri("application", container.application.uuid),
        "name": container.unique_name,
        "container_ports": [{"container": uri, **port} for port in container.container_ports],
        "public_dns": addresses.of_container(container),
        "exit_code": container.exit_code,
        "exit_code_msg": exit_code_message(container.exit_code),
    }
    if container.web_public_dns is not None:
        view["web_public_dns"] = container.web_public_dns
    return view


def container_in_detail(container: Container, addresses: Addresses) -> dict[str, Any]:
    """Build the detail view of a container."""
    uri = resource_uri("container", container.uuid)
    environment = links.container_environment(container, addresses)
    return {
        **container_in_list(container, addresses),
        "container_envvars": [{"container": uri, "key": key, "value": environment[key]} for key in environment],
        "link_variables": links.of_container(container, addresses),
        **_linked(container.application),
    }


def logs(output: str, start_error: str | None) -> str:
    """Join what a container wrote with the reason why it did not start, if it did not."""
    if start_error is None:
        return output
    return f"{output}{'' if not output or output.endswith(chr(10)) else chr(10)}{start_error}\n"


def exit_code_message(exit_code: int | None) -> str | None:
    """Say what an exit code means, None for none."""
    if exit_code is None:
        return None
    reason = _EXIT_REASONS.get(exit_code, "Unknown")
    if exit_code > 128:
        try:
            reason = signal.Signals(exit_code - 128).name
        except ValueError:
            pass
    return f"Exit code {exit_code} ({reason})"


def _common(item: Application | Container, application: Application) -> dict[str, Any]:
    return {
        "uuid": item.uuid,
        "unique_name": item.unique_name,
        "image_name": item.image_name,
        "image_tag": image_tag_uri(item.image_name),
        "state": item.state,
        "container_size": application.container_size,
        "run_command": application.run_command or "",
        "entrypoint": application.entrypoint or "",
        "autorestart": application.autorestart,
        "autoreplace": application.autoreplace,
        "autodestroy": application.autodestroy,
        "deployed_datetime": date_time(item.deployed_at),
        "started_datetime": date_time(item.started_at),
        "stopped_datetime": date_time(item.stopped_at),
        "destroyed_datetime": date_time(item.destroyed_at),
    }


def _linked(application: Application) -> dict[str, Any]:
    return {
        "linked_to_application": [resource_uri("application", other.uuid) for other in application.linked_to],
        "linked_from_application": [resource_uri("application", other.uuid) for other in application.linked_from],
        "roles": application.roles,
    }
