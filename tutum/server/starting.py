"""Starting one container: its turn, its image, its ports and its environment, and then the engine's part."""
from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from typing import NamedTuple

from sqlalchemy import select
from sqlalchemy.orm import Session

from tutum.server import images, links, operations, ports, quotas, states
from tutum.server.engines import (MAX_PORTS, ContainerSpec, Credentials, Engine, ImageInfo, Port, PortTaken, Size,
                                  StartFailed)
from tutum.server.paths import Addresses
from tutum.server.store import Application, Container, Store, find_container
from tutum.server.turns import Job


class Start(NamedTuple):
    """A container that is to be started now."""

    spec: ContainerSpec
    never_ran: bool
    ports_can_change: bool
    link_environment: dict[str, str]


class Starter:
    """Starts containers of all applications.

    No engine's work and no trying of ports is done within a transaction.

    :param addresses: the hosts that link variables name
    :param sizes: what the container sizes stand for
    :param max_containers: the most containers that one account may have; how many ports follows from it
    :param look_at: has the controller look at an application that may have waited
    """

    def __init__(self, store: Store, engine: Engine, addresses: Addresses, sizes: Mapping[str, Size],
                 max_containers: int, look_at: Callable[[int], None]) -> None:
        self._store = store
        self._engine = engine
        self._addresses = addresses
        self._sizes = sizes
        self._max_containers = max_containers
        self._look_at = look_at
        self._newest: dict[int, _NewestImage] = {}

    def start(self, uuid: str, application_id: int) -> Start | None:
        """Start a container, if it is its turn.

        :returns: how it was started, None if it was not
        :raises StartFailed: it cannot be started
        """
        if not self._have_image(uuid, application_id):
            return None
        refused: set[ports.OuterPort] = set()
        while True:
            start = self._prepare(uuid, application_id, refused)
            if start is None:
                return None
            try:
                (self._engine.deploy if start.never_ran else self._engine.start)(start.spec)
                return start
            except PortTaken:
                if not start.ports_can_change:
                    raise
                refused.update((port.outer, port.protocol) for port in start.spec.ports)

    def end_redeploy(self, application_id: int) -> None:
        """Forget the build that an application's redeploy came to; the next one asks for the newest again."""
        self._newest.pop(application_id, None)

    def _have_image(self, uuid: str, application_id: int) -> bool:
        """Have the image of a container that never ran, and take from it what the application leaves to the image.

        :returns: whether it is the container's turn
        """
        with self._store.reading() as session:
            container = find_container(session, uuid)
            if container is None or _must_wait(session, container):
                return False
            if container.deployed_at is not None:
                return True
            application = container.application
            credentials = images.credentials(session, application.account_id, container.image_name)
        image = self._pull(application, container.image_name, credentials)
        if _has_news(container, application, image):
            self._take_defaults(container.image_name, application_id, image)
        return True

    def _pull(self, application: Application, image_name: str, credentials: Credentials | None) -> ImageInfo:
        if application.state != states.REDEPLOYING:
            return self._engine.pull(image_name, credentials)
        return self._newest.setdefault(application.id, _NewestImage()).get(
            lambda: self._engine.pull(image_name, credentials, anew=True))

    def _take_defaults(self, image_name: str, application_id: int, image: ImageInfo) -> None:
        """Write down what an image says, for all containers that are to be made of it."""
        with self._store.writing(Job(application_id)) as session:
            application = session.get(Application, application_id)
            if application is None or application.image_name != image_name:
                return
            operations.take_defaults(application, image)
            for each in session.scalars(select(Container).where(
                    Container.application_id == application_id, Container.state == states.STARTING,
                    Container.deployed_at.is_(None))):
                ports.publish(session, each, application.container_ports)
            waiting = links.waiting_for(application)
        for each in waiting:
            self._look_at(each)

    def _prepare(self, uuid: str, application_id: int, refused: set[ports.OuterPort]) -> Start | None:
        """Give a container its ports and describe it to the engine.

        The containers that its link variables lead to get theirs in the same go, so that none is missing.

        :param refused: ports that the engine could not use
        :returns: None when it is not its turn, or no longer to be started
        """
        offered: list[ports.OuterPort] = []
        while True:
            with self._store.writing(Job(application_id)) as session:
                container = find_container(session, uuid)
                if container is None or container.state != states.STARTING or _must_wait(session, container) \
                        or links.must_wait(session, container.application):
                    return None
                if len(container.container_ports) > MAX_PORTS:
                    raise StartFailed(f"The image has more than {MAX_PORTS} ports: name those to publish")
                ports.take_back(session, container, refused)
                claimants = [container, *links.without_ports(session, container.application)]
                quotas.check_leases(session, container.application.account_id, claimants, self._max_containers)
                wanted = ports.lease(session, claimants, offered)
                if not wanted:
                    return self._describe(session, container)
            with self._store.reading() as session:
                unusable = refused | ports.taken(session)
            offered = ports.choose(wanted, unusable, self._engine.port_is_free)

    def _describe(self, session: Session, container: Container) -> Start:
        application, never_ran = container.application, container.deployed_at is None
        recorded = container.link_environment if self._engine.keeps_environment and not never_ran else None
        linked = links.link_environment(container, self._addresses) if recorded is None else recorded
        spec = ContainerSpec(
            uuid=container.uuid, name=container.unique_name, application=application.uuid,
            account=application.account.username, image=container.image_name,
            run_command=application.run_command, entrypoint=application.entrypoint,
            size=self._sizes[application.container_size],
            ports=tuple(Port(port["inner_port"], port["protocol"], port["outer_port"])
                        for port in container.container_ports),
            environment=links.whole_environment(container, linked))
        return Start(spec, never_ran, never_ran and not _takes_a_place(session, container), linked)


class _NewestImage:
    """The newest build of an image: asked for once, for all containers of an application that is redeployed."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._image: ImageInfo | None = None
        self._error: StartFailed | None = None

    def get(self, pull: Callable[[], ImageInfo]) -> ImageInfo:
        with self._lock:
            if self._image is None and self._error is None:
                try:
                    self._image = pull()
                except StartFailed as error:
                    self._error = error
            if self._error is not None:
                raise StartFailed(str(self._error))
            return self._image


def _has_news(container: Container, application: Application, image: ImageInfo) -> bool:
    """Tell whether an image says something that is not written down yet."""
    own = operations.left_to_image(application, image)
    published = [(port["inner_port"], port["protocol"]) for port in container.container_ports]
    return any(getattr(application, key) != own[key] for key in own) or published != [
        (port["inner_port"], port["protocol"]) for port in application.container_ports]


def _must_wait(session: Session, container: Container) -> bool:
    """Tell whether another container comes first: the one that this one replaces, or in a sequence those before."""
    siblings = select(Container.id).where(Container.application_id == container.application_id,
                                          Container.id != container.id).limit(1)
    conditions = [siblings.where(Container.number == container.number, Container.state == states.TERMINATING)]
    if container.application.sequential_deployment:
        conditions.append(siblings.where(Container.number < container.number, Container.state == states.STARTING))
    return any(session.scalar(condition) is not None for condition in conditions)


def _takes_a_place(session: Session, container: Container) -> bool:
    """Tell whether a container replaces another one, whose ports it keeps."""
    return session.scalar(select(Container.id).where(
        Container.application_id == container.application_id, Container.number == container.number,
        Container.id != container.id).limit(1)) is not None
