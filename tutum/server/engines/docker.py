"""The engine for real containers, on a Docker Engine of this machine or of another.

A container is found by its labels. Its name in the engine is made of its uuid, so that none is made twice, whatever
became of the call that made it.
"""
from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from uuid import uuid4

from docker import APIClient
from docker.errors import NotFound

from tutum.server.engines import (MAX_LOG, ContainerSpec, Credentials, Engine, EngineError, EngineUnavailable,
                                  ImageInfo, Port, Status)
from tutum.server.engines import docker_logs as logs
from tutum.server.engines import docker_programs as programs
from tutum.server.engines.docker_connection import NORMAL, PATIENT, Connection, starting
from tutum.server.engines.docker_exits import Exits
from tutum.server.engines.docker_gate import Gate, until_closed
from tutum.server.engines.docker_images import Images
from tutum.server.engines.docker_networks import Networks, host_name
from tutum.server.engines.docker_troubles import Troubles
from tutum.server.engines.listening import can_listen

log = logging.getLogger("tutum.server")

SERVICE, UUID, APPLICATION, ACCOUNT = "tutum.service", "tutum.uuid", "tutum.application", "tutum.account"

#: Seconds that a stopped container has between SIGTERM and SIGKILL.
STOP_GRACE = 10

#: Seconds for which the end of a temporary service waits for containers that are just being made.
CLOSE_PATIENCE = 15.0

#: Containers that are removed at the same time when all are.
REMOVALS = 16

#: Microseconds in which a container's processor time is measured out.
CPU_PERIOD = 100_000


class DockerEngine(Engine):
    """Runs containers on a Docker Engine, which need not be up yet and may come and go.

    :param identity_file: holds what tells the containers of this service from those of others
    :param host: the Docker Engine's address, the environment's where None
    :param bind_host: the address of the engine's machine at which published ports answer
    :param temporary: whether all that the service made is to be removed when it ends
    """

    name = "docker"
    keeps_environment = True

    def __init__(self, identity_file: Path, host: str | None = None, bind_host: str = "127.0.0.1",
                 temporary: bool = False) -> None:
        self.containers_outlive_service = not temporary
        #: What steps pass through, so that they end with the engine.
        self.gate = Gate()
        identity = _identity(identity_file)
        self._labels = {SERVICE: identity}
        self._bind_host = bind_host
        self._connection = Connection(host)
        self._images = Images(self._connection)
        self._networks = Networks(self._connection, self._labels, ACCOUNT, f"tutum-{identity[:8]}-")
        self._exits = Exits(self._connection, self._labels, UUID)
        self._ids: dict[str, str] = {}
        self._troubles = Troubles()

    def open(self) -> None:
        self._exits.open()

    def image(self, name: str) -> ImageInfo | None:
        return self._images.at_once(name)

    @until_closed
    def pull(self, name: str, credentials: Credentials | None = None, anew: bool = False) -> ImageInfo:
        with self._troubles.bounded(name):
            return self._images.pull(name, credentials, anew)

    def port_is_free(self, port: Port) -> bool:
        return not self._connection.is_local or can_listen(self._bind_host, port)

    def link_address(self, name: str, port: Port) -> tuple[str, int]:
        return host_name(name), port.inner

    @until_closed
    def deploy(self, spec: ContainerSpec) -> None:
        with self.gate:
            found = self._find(spec.uuid)
            if found is not None and _was_started(found) and _status(found) == Status(False, 0):
                # An earlier try of this step started it, and it has done its work: that is an exit, and no failure.
                self._exits.hint(spec.uuid)
            else:
                self._run(spec, found)

    @until_closed
    def start(self, spec: ContainerSpec) -> None:
        with self.gate:
            self._run(spec, self._find(spec.uuid))

    def _run(self, spec: ContainerSpec, found: dict[str, Any] | None) -> None:
        if found is not None and _status(found).running:
            return
        with self._troubles.bounded(spec.uuid), starting(spec.ports), self._connection.client() as client:
            network = self._networks.name_of(spec.account)
            if found is not None and not _was_started(found):
                # What it was made for may have changed since: its ports, its links.
                client.remove_container(found["Id"], v=True, force=True)
                found = None
            container_id = self._create(client, spec, network) if found is None else found["Id"]
            try:
                client.start(container_id)
            except NotFound:
                self._join_anew(client, spec, container_id)

    def _join_anew(self, client: APIClient, spec: ContainerSpec, container_id: str) -> None:
        """Start a container whose network somebody removed while it was stopped, on the account's new one."""
        self._networks.look_again()
        network = self._networks.name_of(spec.account)
        try:
            client.disconnect_container_from_network(container_id, network, force=True)
            client.connect_container_to_network(container_id, network, aliases=[host_name(spec.name)])
            client.start(container_id)
        except NotFound as error:
            raise EngineUnavailable(f"The container or its network was removed: {error.explanation}") from error

    def _create(self, client: APIClient, spec: ContainerSpec, network: str) -> str:
        entrypoint, command = programs.split(spec.entrypoint), programs.split(spec.run_command)
        host, memory = host_name(spec.name), f"{spec.size.memory_mb}m"
        settings = client.create_host_config(
            init=True, restart_policy={"Name": "no"}, network_mode=network,
            port_bindings={f"{port.inner}/{port.protocol}": (self._bind_host, port.outer) for port in spec.ports},
            mem_limit=memory, memswap_limit=memory,
            # Unlike whole processors, a quota may be more than the machine has.
            cpu_period=CPU_PERIOD, cpu_quota=int(CPU_PERIOD * spec.size.cpus))
        container_id = self._ids[spec.uuid] = client.create_container(
            spec.image, command=command or None, entrypoint=entrypoint or None, environment=dict(spec.environment),
            hostname=host, name=f"{spec.name}.{spec.uuid}", host_config=settings, use_config_proxy=False,
            ports=[(port.inner, port.protocol) for port in spec.ports],
            networking_config=client.create_networking_config(
                {network: client.create_endpoint_config(aliases=[host])}),
            labels={**self._labels, UUID: spec.uuid, APPLICATION: spec.application, ACCOUNT: spec.account})["Id"]
        programs.check(client, container_id, spec, self._images.inspected(spec.image))
        return container_id

    @until_closed
    def stop(self, uuid: str) -> Status:
        found = self._find(uuid)
        if found is None:
            return Status(False)
        try:
            with self._connection.client() as client:
                client.stop(found["Id"], timeout=STOP_GRACE)
        except NotFound:
            return Status(False)
        status = self._look(uuid)
        if status.running:
            raise EngineError("The Docker Engine did not stop it")
        return status

    @until_closed
    def remove(self, uuid: str) -> None:
        self._remove(uuid)

    def _remove(self, uuid: str) -> None:
        for each in self._list({UUID: uuid}):
            try:
                with self._connection.client() as client:
                    client.remove_container(each["Id"], v=True, force=True)
            except NotFound:
                pass
        self._ids.pop(uuid, None)
        self._troubles.forget(uuid)

    def logs(self, uuid: str, tail: int | None = None, size: int = MAX_LOG) -> str:
        found = self._find(uuid, PATIENT)
        if found is None:
            return ""
        with self._connection.client(PATIENT) as client:
            return logs.read(client, found["Id"], tail, size).decode("utf-8", "replace")

    @until_closed
    def status(self, uuid: str) -> Status:
        return self._look(uuid)

    def _look(self, uuid: str) -> Status:
        found = self._find(uuid)
        return Status(False) if found is None else _status(found)

    def exits(self) -> Iterator[str]:
        return iter(self._exits)

    @until_closed
    def containers(self) -> set[str]:
        return self._all()

    def _all(self) -> set[str]:
        return {each["Labels"][UUID] for each in self._list({}) if UUID in each["Labels"]}

    def _find(self, uuid: str, timeout: float = NORMAL) -> dict[str, Any] | None:
        """Return what the engine says of a container, None where it has none."""
        known = self._ids.get(uuid)
        for container_id in [known] if known else [each["Id"] for each in self._list({UUID: uuid}, timeout)]:
            try:
                with self._connection.client(timeout) as client:
                    found = client.inspect_container(container_id)
                self._ids[uuid] = container_id
                return found
            except NotFound:
                self._ids.pop(uuid, None)
        return self._find(uuid, timeout) if known else None

    def _list(self, labels: dict[str, str], timeout: float = NORMAL) -> list[dict[str, Any]]:
        with self._connection.client(timeout) as client:
            return client.containers(all=True, filters={
                "label": [f"{key}={value}" for key, value in {**self._labels, **labels}.items()]})

    def close(self) -> None:
        self.gate.close()
        self._exits.close()
        if not self.containers_outlive_service:
            try:
                self._take_down()
            except EngineError as error:
                log.error("Containers of this service are left: %s", error)
        self._connection.close()

    def _take_down(self) -> None:
        is_complete = False
        while not is_complete:
            is_complete = self.gate.is_idle()
            with ThreadPoolExecutor(REMOVALS) as executor:
                list(executor.map(self._remove, self._all()))
            if not is_complete:
                self.gate.wait_until_idle(CLOSE_PATIENCE)
                is_complete = not self.gate.is_idle()
        self._networks.remove_unused()


def _identity(file: Path) -> str:
    """Return what a file says, which is made where it is not there."""
    try:
        return file.read_text("ascii").strip()
    except FileNotFoundError:
        unfinished = file.with_suffix(".new")
        with open(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as stream:
            stream.write(f"{uuid4().hex}\n")
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(unfinished, file)
        return _identity(file)


def _was_started(found: dict[str, Any]) -> bool:
    return not found["State"]["StartedAt"].startswith("0001-")


def _status(found: dict[str, Any]) -> Status:
    state = found["State"]
    if state["Running"]:
        return Status(True)
    return Status(False, state["ExitCode"] if _was_started(found) else None)
