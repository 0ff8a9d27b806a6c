"""Moves containers to the state that the records ask for, each by itself and all in parallel.

A container in a transitional state is a job: the controller reads the record, has the engine do one step, and writes
down what came of it. Steps can be repeated, so a job that was cut off is simply done again, at once or after a restart
of the service. An exit is only a hint to look: what counts is what the engine says of the container then.
"""
from __future__ import annotations

import logging
import threading
from collections.abc import Mapping
from typing import Any, NamedTuple

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from tutum.server import images, links, operations, ports, recovery, states
from tutum.server.engines import (ContainerSpec, Engine, EngineError, EngineUnavailable, Port, PortTaken, Size,
                                  StartFailed, Status)
from tutum.server.jobs import Jobs
from tutum.server.paths import Addresses
from tutum.server.store import TERMINATED_VISIBLE, Application, Container, Store, now

log = logging.getLogger("tutum.server")

#: Seconds between two sweeps of what can no longer be seen, and of what was left undone.
SWEEP_INTERVAL = 60


class Controller:
    """Works on the containers of all accounts.

    :param addresses: the hosts that link variables name
    :param sizes: what the container sizes stand for
    """

    def __init__(self, store: Store, engine: Engine, addresses: Addresses, sizes: Mapping[str, Size]) -> None:
        self._sizes = sizes
        self._store = store
        self._engine = engine
        self._addresses = addresses
        self._jobs = Jobs()
        self._closing = threading.Event()
        self._threads = [threading.Thread(target=self._watch_exits, name="exits", daemon=True),
                         threading.Thread(target=self._sweep, name="sweep", daemon=True)]

    def open(self) -> None:
        """Take up the work where the service's last run left it."""
        with self._store.writing() as session:
            if not self._engine.containers_outlive_service:
                _start_again(session)
        for thread in self._threads:
            thread.start()
        self._jobs.submit(self._remove_unknown)
        self._take_up(states.TRANSITIONAL | {states.RUNNING})

    def _take_up(self, container_states: frozenset[str]) -> None:
        """Have those containers looked at that are in one of some states, and all applications that move."""
        with self._store.reading() as session:
            containers = list(session.scalars(select(Container.uuid).where(Container.state.in_(container_states))))
            moving = list(session.scalars(select(Application.id).where(Application.state.in_(states.TRANSITIONAL))))
        for uuid in containers:
            self._jobs.submit(self._move, uuid)
        for application_id in moving:
            self._jobs.submit(self._look_at, application_id)

    def wake(self, application_id: int) -> None:
        """Look at an application whose record has changed, and move what is to be moved.

        The change is accepted by then: what goes wrong here is tried again, and never told to who asked for it.
        """
        try:
            self._look_at(application_id)
        except Exception as error:
            log.warning("Application %d is looked at later: %s", application_id, error)
            self._jobs.submit(self._look_at, application_id)

    def _look_at(self, application_id: int) -> None:
        with self._store.writing() as session:
            application = session.get(Application, application_id)
            if application is None:
                return
            moving = list(session.scalars(select(Container.uuid).where(
                Container.application_id == application_id, Container.state.in_(states.TRANSITIONAL))))
            _settle(session, application)
        for uuid in moving:
            self._jobs.submit(self._move, uuid)

    def close(self) -> None:
        """End all work; steps that are under way are cut off by the engine's end and done again at the next start."""
        self._closing.set()
        self._jobs.close()

    def _watch_exits(self) -> None:
        for uuid in self._engine.exits():
            self._jobs.submit(self._move, uuid)

    def _sweep(self) -> None:
        while not self._closing.wait(SWEEP_INTERVAL):
            try:
                with self._store.writing() as session:
                    for table in (Container, Application):
                        session.execute(delete(table).where(table.destroyed_at < now() - TERMINATED_VISIBLE))
                self._take_up(states.TRANSITIONAL)  # what no thread could be had for
            except Exception:
                log.exception("Cannot look through the records; it is tried again")

    def _move(self, uuid: str) -> None:
        """Do the step that the state of one container asks for."""
        with self._store.reading() as session:
            state = session.scalar(select(Container.state).where(Container.uuid == uuid))
        step = {states.STARTING: self._start, states.STOPPING: self._stop, states.TERMINATING: self._remove,
                states.RUNNING: self._check}.get(state)
        if step is not None and not self._closing.is_set():
            step(uuid)

    def _remove_unknown(self) -> None:
        present = self._engine.containers()  # first: a container's record is there before it is
        with self._store.reading() as session:
            recorded = set(session.scalars(select(Container.uuid).where(Container.state != states.TERMINATED)))
        for uuid in present - recorded:
            log.warning("Removing container %s, of which there is no record", uuid)
            self._engine.remove(uuid)

    def _start(self, uuid: str) -> None:
        try:
            self._pull_first(uuid)
            turn = self._prepare(uuid)
            while turn is not None:
                try:
                    (self._engine.deploy if turn.never_ran else self._engine.start)(turn.spec)
                    break
                except PortTaken:
                    if not turn.ports_can_change:
                        raise
                    turn = self._prepare(uuid, with_other_ports=True)
        except StartFailed as error:
            self._finish(uuid, states.STARTING, states.START_FAILED, start_error=f"Start failed: {error}")
            return
        if turn is not None:
            moment = now()
            self._finish(uuid, states.STARTING, states.RUNNING, start_error=None, started_at=moment,
                         **({"deployed_at": moment} if turn.never_ran else {}))

    def _pull_first(self, uuid: str) -> None:
        """Have the image of a container that never ran, and take from it what the application leaves to the image."""
        with self._store.reading() as session:
            container = _find(session, uuid)
            if container is None or container.deployed_at is not None:
                return
            image_name, account_id = container.image_name, container.application.account_id
            anew = container.application.state == states.REDEPLOYING
            credentials = images.credentials(session, account_id, image_name)
        image = self._engine.pull(image_name, credentials, anew)
        with self._store.writing() as session:
            container = _find(session, uuid)
            if container is not None and container.image_name == container.application.image_name:
                operations.take_defaults(container.application, image)
                ports.publish(session, container, container.application.container_ports)

    def _prepare(self, uuid: str, with_other_ports: bool = False) -> _Turn | None:
        """Give a container its ports and describe it to the engine.

        :returns: None when it is not its turn, or no longer to be started
        """
        with self._store.writing() as session:
            container = _find(session, uuid)
            if container is None or container.state != states.STARTING or _must_wait(session, container):
                return None
            if with_other_ports:
                ports.forget(session, container)
            ports.lease(session, container, self._engine.port_is_free)
            application = container.application
            spec = ContainerSpec(
                uuid=container.uuid, name=container.unique_name, application=application.uuid,
                account=application.account.username, image=container.image_name,
                run_command=application.run_command, entrypoint=application.entrypoint,
                size=self._sizes[application.container_size],
                ports=tuple(Port(port["inner_port"], port["protocol"], port["outer_port"])
                            for port in container.container_ports),
                environment=links.container_environment(container, self._addresses))
            never_ran = container.deployed_at is None
            return _Turn(spec, never_ran, never_ran and not _takes_a_place(session, container))

    def _stop(self, uuid: str) -> None:
        try:
            status = self._engine.stop(uuid)
        except EngineUnavailable:
            raise
        except EngineError as error:
            log.error("Container %s was not stopped: %s", uuid, error)
            self._finish(uuid, states.STOPPING, states.STOPPED_WITH_ERRORS)
            return
        self._finish(uuid, states.STOPPING, states.STOPPED, stopped_at=now(), **_exit_of(status))

    def _remove(self, uuid: str) -> None:
        try:
            self._engine.stop(uuid)
        except EngineUnavailable:
            raise
        except EngineError as error:
            log.warning("Container %s is removed although it was not stopped: %s", uuid, error)
        self._engine.remove(uuid)
        self._finish(uuid, states.TERMINATING, states.TERMINATED, destroyed_at=now())

    def _check(self, uuid: str) -> None:
        status = self._engine.status(uuid)
        if status.running:
            return
        with self._store.writing() as session:
            container = _find(session, uuid)
            if container is None or container.state != states.RUNNING:
                return
            container.stopped_at = now()
            container.exit_code = container.exit_code if status.exit_code is None else status.exit_code
            recovery.recover(session, container, status.exit_code)
            _settle(session, container.application)
        self._jobs.submit(self._move, uuid)

    def _finish(self, uuid: str, before: str, after: str, **values: Any) -> None:
        """Write down what a step came to, unless something else was asked for meanwhile."""
        with self._store.writing() as session:
            container = _find(session, uuid)
            if container is None or container.state != before:
                return
            container.state = after
            for key, value in values.items():
                setattr(container, key, value)
            if after == states.TERMINATED:
                ports.release(session, container)
            _settle(session, container.application)
            waiting = _waiting(session, container)
        for sibling in waiting:
            self._jobs.submit(self._move, sibling)


class _Turn(NamedTuple):
    """A container whose turn it is to be started."""

    spec: ContainerSpec
    never_ran: bool
    ports_can_change: bool


def _exit_of(status: Status) -> dict[str, int]:
    return {} if status.exit_code is None else {"exit_code": status.exit_code}


def _find(session: Session, uuid: str) -> Container | None:
    return session.scalar(select(Container).where(Container.uuid == uuid))


def _start_again(session: Session) -> None:
    """Have what ran when the service ended started again (its end is not an exit of its containers)."""
    for container in session.scalars(select(Container).where(Container.state == states.RUNNING)):
        container.state = states.STARTING
        if container.application.state not in states.TRANSITIONAL:
            container.application.state = states.STARTING


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


def _waiting(session: Session, container: Container) -> list[str]:
    """Return the containers that may have waited for this one."""
    application = container.application
    waiting = select(Container.uuid).where(Container.application_id == application.id,
                                           Container.state == states.STARTING).order_by(Container.number)
    if application.sequential_deployment:
        return list(session.scalars(waiting.limit(1)))
    if container.state == states.TERMINATED:
        return list(session.scalars(waiting.where(Container.number == container.number)))
    return []


def _settle(session: Session, application: Application) -> None:
    """Give an application the state that follows from its containers, and end its operation when all have arrived."""
    session.flush()
    present = set(session.scalars(select(Container.state).where(Container.application_id == application.id).distinct()))
    before, moment = application.state, now()
    if before in states.TRANSITIONAL and present & states.TRANSITIONAL or before == states.TERMINATED:
        return
    if before == states.TERMINATING:
        application.state, application.destroyed_at = states.TERMINATED, moment
        return
    application.state = states.application_state(present, before)
    if before in (states.STARTING, states.REDEPLOYING) and states.RUNNING in present:
        application.started_at = moment
        if application.deployed_at is None or before == states.REDEPLOYING:
            application.deployed_at = moment
    if application.state in (states.STOPPED, states.STOPPED_WITH_ERRORS) and application.state != before:
        application.stopped_at = moment
