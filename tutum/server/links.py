"""Link variables: how the containers of one application find those of another (api-v1 3.6)."""
from __future__ import annotations

from bisect import bisect_left
from collections.abc import Collection, Iterable

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from tutum.server import accounts, names, states
from tutum.server.engines import Port
from tutum.server.errors import ValidationError
from tutum.server.paths import API_PREFIX, Addresses, resource_uri
from tutum.server.store import Application, Container, Link, PortLease

_SHOWN_WHILE = frozenset([states.RUNNING, states.PARTLY_RUNNING, states.SCALING])
_GONE = (states.TERMINATING, states.TERMINATED)
_URI_PREFIX = f"{API_PREFIX}/application/"


def of_container(container: Container, addresses: Addresses) -> dict[str, str]:
    """Return the variables that lead from inside the linking containers to one container's published ports."""
    prefix = names.variable_name(container.unique_name)
    published = [Port(port["inner_port"], port["protocol"], port["outer_port"])
                 for port in container.container_ports if port["outer_port"] is not None]
    variables = {}
    for port in published:
        host, number = (addresses.link_address(container.unique_name, port)
                        or (addresses.of_container(container), port.outer))
        url = f"{port.protocol}://{host}:{number}"
        name = f"{prefix}_PORT_{port.inner}_{port.protocol.upper()}"
        variables.update({name: url, f"{name}_ADDR": host, f"{name}_PORT": str(number),
                          f"{name}_PROTO": port.protocol})
        if len(published) == 1:
            variables[f"{prefix}_PORT"] = url
    return variables


def of_application(application: Application, addresses: Addresses) -> dict[str, str]:
    """Return the variables that an application shows: its containers' only while it runs."""
    if application.state in _SHOWN_WHILE:
        return _for_linking(application, addresses)
    return _api_url(application, addresses)


def container_environment(container: Container, addresses: Addresses) -> dict[str, str]:
    """Return the variables that a container was started with, or would be: its links', and the user's own, which win.

    What it is linked to may have changed since it was started, but not its environment.
    """
    recorded = container.link_environment
    return whole_environment(container, link_environment(container, addresses) if recorded is None else recorded)


def link_environment(container: Container, addresses: Addresses) -> dict[str, str]:
    """Return the variables of links that a container gets if it is started now.

    In a sequential deployment it is linked to the containers before it, too (api-v1 3.8).
    """
    application, environment = container.application, {}
    for other in application.linked_to:
        environment.update(_for_linking(other, addresses))
    if application.sequential_deployment:
        for sibling in application.containers:
            if sibling.number < container.number and sibling.state not in _GONE:
                environment.update(of_container(sibling, addresses))
    return environment


def whole_environment(container: Container, linked: dict[str, str]) -> dict[str, str]:
    """Add to the variables of links what an application gives to each of its containers."""
    application, environment = container.application, dict(linked)
    if "global" in application.roles:
        environment["TUTUM_AUTH"] = accounts.role_header(application)
    environment.update((variable["key"], variable["value"]) for variable in application.container_envvars)
    return environment


def must_wait(session: Session, application: Application) -> bool:
    """Tell whether an application links to one whose image has yet to say which ports it has.

    It does so before the first container of that application has started or failed to.
    """
    return any(other.container_ports is None and session.scalar(_starting([other.id]).limit(1)) is not None
               for other in application.linked_to)


def waiting_for(application: Application) -> list[int]:
    """Return the applications that may have waited for an application's ports."""
    return [other.id for other in application.linked_from if other.state in states.TRANSITIONAL]


def without_ports(session: Session, application: Application) -> list[Container]:
    """Return the containers just being started that an application links to and that have no ports of the machine."""
    linked = [other.id for other in application.linked_to]
    return list(session.scalars(_starting(linked).where(
        Container.id.not_in(select(PortLease.container_id))))) if linked else []


def _starting(application_ids: list[int]) -> Select[tuple[Container]]:
    return select(Container).where(Container.application_id.in_(application_ids),
                                   Container.state == states.STARTING)


def _for_linking(application: Application, addresses: Addresses) -> dict[str, str]:
    variables = _api_url(application, addresses)
    for container in application.containers:
        if container.state not in _GONE:
            variables.update(of_container(container, addresses))
    return variables


def _api_url(application: Application, addresses: Addresses) -> dict[str, str]:
    return {f"{names.variable_name(application.unique_name)}_TUTUM_API_URL":
            addresses.api_url + resource_uri("application", application.uuid)}


def resolve(session: Session, account_id: int, targets: Iterable[str]) -> list[int]:
    """Find the applications that a new application is to link to, and return their ids.

    :param targets: each a resource URI, a uuid, a unique name, or the beginning of one uuid alone
    :raises ValidationError: one names none, or more than one
    """
    linkable = _Linkable(session, account_id)
    try:
        return list(dict.fromkeys(linkable.find(target) for target in targets))
    except LookupError as error:
        raise _refusal(str(error)) from error


def link(session: Session, application: Application, linked: Collection[int]) -> None:
    """Link a new application to those with some ids.

    :raises ValidationError: one was terminated since it was found
    """
    present = session.scalar(select(func.count()).where(Application.id.in_(linked), Application.state.not_in(_GONE)))
    if present < len(linked):
        raise _refusal("An application to link to was terminated just now.")
    session.add_all(Link(from_id=application.id, to_id=each) for each in linked)


def _refusal(message: str) -> ValidationError:
    return ValidationError("application", {"linked_to_application": [message]})


class _Linkable:
    """The applications of an account that can be linked to, found by what a user calls them."""

    def __init__(self, session: Session, account_id: int) -> None:
        found = session.execute(select(Application.id, Application.uuid, Application.unique_name).where(
            Application.account_id == account_id, Application.state.not_in(_GONE))).all()
        self._by_uuid = {each.uuid: each.id for each in found}
        self._by_name = {each.unique_name: each.id for each in found}
        self._uuids = sorted(self._by_uuid)

    def find(self, target: str) -> int:
        wanted = target[len(_URI_PREFIX):].rstrip("/") if target.startswith(_URI_PREFIX) else target
        if not wanted:
            raise LookupError("Cannot link to an application without a name.")
        for known, key in ((self._by_uuid, wanted.lower()), (self._by_name, wanted)):
            if key in known:
                return known[key]
        return self._by_uuid[self._only_uuid(wanted)]

    def _only_uuid(self, beginning: str) -> str:
        place = bisect_left(self._uuids, beginning.lower())
        found = [uuid for uuid in self._uuids[place:place + 2] if uuid.startswith(beginning.lower())]
        if len(found) == 1:
            return found[0]
        raise LookupError(f"'{beginning}' fits more than one application." if found
                          else f"There is no application '{beginning}' to link to.")
