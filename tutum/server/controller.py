"""Moves containers to the state that the records ask for, each by itself and all in parallel.

A container in a transitional state is a job: the controller reads the record, has the engine do one step, and writes
down what came of it. Steps can be repeated, so a job that was cut off is simply done again, at once or after a restart
of the service. An exit is only a hint to look: what counts is what the engine says of the container then.
"""
from __future__ import annotations

import logging
import threading
from collections.abc import Mapping
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from tutum.server import links, ports, recovery, states
from tutum.server.containerlogs import ContainerLogs
from tutum.server.engines import Engine, EngineError, EngineUnavailable, Size, StartFailed, Status
from tutum.server.jobs import Jobs
from tutum.server.paths import Addresses
from tutum.server.starting import Starter
from tutum.server.store import TERMINATED_VISIBLE, Application, Container, Store, find_container, now
from tutum.server.turns import Job

log = logging.getLogger("tutum.server")

#: Seconds between two sweeps of what can no longer be seen, and of what was left undone.
SWEEP_INTERVAL = 60


class Controller:
    """Works on the containers of all accounts.

    :param logs: keeps the logs of containers that the engine is to remove
    :param addresses: the hosts that link variables name
    :param sizes: what the container sizes stand for
    :param max_containers: the most containers that one account may have
    """

    def __init__(self, store: Store, engine: Engine, logs: ContainerLogs, addresses: Addresses,
                 sizes: Mapping[str, Size], max_containers: int) -> None:
        self._store = store
        self._engine = engine
        self._logs = logs
        self._jobs = Jobs()
        self._starter = Starter(store, engine, addresses, sizes, max_containers, self.wake)
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
        self._jobs.submit(self._forget_logs)
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
        self._jobs.submit(self._look_at, application_id)

    def _look_at(self, application_id: int) -> None:
        with self._store.reading() as session:
            moving = list(session.scalars(select(Container.uuid).where(
                Container.application_id == application_id, Container.state.in_(states.TRANSITIONAL))))
        for uuid in moving:
            self._jobs.submit(self._move, uuid)
        if not moving:
            with self._store.writing(Job(application_id)) as session:
                application = session.get(Application, application_id)
                if application is not None:
                    _settle(session, application)

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
            for job in (self._forget_logs, self._look_for_exits, self._remove_unknown):
                self._jobs.submit(job)

    def _forget_logs(self) -> None:
        """Remove the logs of containers that can no longer be seen."""
        kept = self._logs.kept()  # first: a container's record is there before its log is kept
        with self._store.reading() as session:
            terminated = set(session.scalars(select(Container.uuid).where(
                Container.state.in_((states.TERMINATING, states.TERMINATED)))))
        self._logs.forget(kept - terminated)

    def _look_for_exits(self) -> None:
        """Find containers that ended unnoticed: no thread could be had for them, or the engine did not tell."""
        with self._store.reading() as session:
            running = list(session.scalars(select(Container.uuid).where(Container.state == states.RUNNING)))
        for uuid in running:
            if not self._engine.status(uuid).running:
                self._jobs.submit(self._move, uuid)

    def _move(self, uuid: str) -> None:
        """Do the step that the state of one container asks for."""
        with self._store.reading() as session:
            state, application_id = session.execute(select(Container.state, Container.application_id).where(
                Container.uuid == uuid)).one_or_none() or (None, None)
        step = {states.STARTING: self._start, states.STOPPING: self._stop, states.TERMINATING: self._remove,
                states.RUNNING: self._check}.get(state)
        if step is not None and not self._closing.is_set():
            step(uuid, application_id)

    def _remove_unknown(self) -> None:
        """Remove containers without a record, such as an engine was still making when the service was killed."""
        present = self._engine.containers()  # first: a container's record is there before it is
        with self._store.reading() as session:
            recorded = set(session.scalars(select(Container.uuid).where(Container.state != states.TERMINATED)))
        unknown = present - recorded
        if unknown:
            unknown &= self._engine.containers()  # others were just being removed
        for uuid in unknown:
            log.warning("Removing container %s, of which there is no record", uuid)
            self._jobs.submit(self._engine.remove, uuid)

    def _start(self, uuid: str, application_id: int) -> None:
        try:
            started = self._starter.start(uuid, application_id)
        except StartFailed as error:
            self._finish(uuid, application_id, states.STARTING, states.START_FAILED,
                         start_error=f"Start failed: {error}")
            return
        if started is not None:
            moment = now()
            self._finish(uuid, application_id, states.STARTING, states.RUNNING, start_error=None, started_at=moment,
                         link_environment=started.link_environment,
                         **({"deployed_at": moment} if started.never_ran else {}))

    def _stop(self, uuid: str, application_id: int) -> None:
        try:
            status = self._engine.stop(uuid)
        except EngineUnavailable:
            raise
        except EngineError as error:
            log.error("Container %s was not stopped: %s", uuid, error)
            self._finish(uuid, application_id, states.STOPPING, states.STOPPED_WITH_ERRORS)
            return
        self._finish(uuid, application_id, states.STOPPING, states.STOPPED, stopped_at=now(), **_exit_of(status))

    def _remove(self, uuid: str, application_id: int) -> None:
        try:
            self._engine.stop(uuid)
        except EngineUnavailable:
            raise
        except EngineError as error:
            log.warning("Container %s is removed although it was not stopped: %s", uuid, error)
        self._logs.keep(uuid)
        self._engine.remove(uuid)
        self._finish(uuid, application_id, states.TERMINATING, states.TERMINATED, destroyed_at=now())

    def _check(self, uuid: str, application_id: int) -> None:
        status = self._engine.status(uuid)
        if status.running:
            return
        with self._store.writing(Job(application_id)) as session:
            container = find_container(session, uuid)
            if container is None or container.state != states.RUNNING:
                return
            container.stopped_at = now()
            container.exit_code = container.exit_code if status.exit_code is None else status.exit_code
            recovery.recover(session, container, status.exit_code)
            _settle(session, container.application)
        self._jobs.submit(self._move, uuid)

    def _finish(self, uuid: str, application_id: int, before: str, after: str, **values: Any) -> None:
        """Write down what a step came to, and the state after it unless something else was asked for meanwhile."""
        with self._store.writing(Job(application_id)) as session:
            container = find_container(session, uuid)
            if container is None:
                return
            for key, value in values.items():
                setattr(container, key, value)
            if container.state != before:
                return
            container.state = after
            if after == states.TERMINATED:
                ports.release(session, container)
            application = container.application
            _settle(session, application)
            waiting = _waiting(session, container)
            linked = links.waiting_for(application) if application.container_ports is None else []
        if application.state != states.REDEPLOYING:
            self._starter.end_redeploy(application_id)
        for sibling in waiting:
            self._jobs.submit(self._move, sibling)
        for each in linked:
            self._jobs.submit(self._look_at, each)


def _exit_of(status: Status) -> dict[str, int]:
    return {} if status.exit_code is None else {"exit_code": status.exit_code}


def _start_again(session: Session) -> None:
    """Have what ran when the service ended started again (its end is not an exit of its containers)."""
    for container in session.scalars(select(Container).where(Container.state == states.RUNNING)):
        container.state = states.STARTING
        if container.application.state not in states.TRANSITIONAL:
            container.application.state = states.STARTING


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
