"""The networks of a Docker engine: one for each account, on which its containers find each other by name."""
from __future__ import annotations

import hashlib
import threading

from docker import APIClient
from docker.errors import APIError

from tutum.server.engines.docker_connection import Connection

#: Letters of the longest host name.
LONGEST_HOST = 63


def host_name(name: str) -> str:
    """Return the name by which the container with a unique name is found, which differs where those differ.

    To the engine's name service small and capital letters are the same.
    """
    host = name.lower()
    if host == name and len(name) <= LONGEST_HOST:
        return name
    return f"{host[:LONGEST_HOST - 9]}-{hashlib.sha256(name.encode()).hexdigest()[:8]}"


class Networks:
    """Makes the networks of a service when they are first needed, in the place of those no longer needed.

    An engine has addresses for some thirty networks, unless it is configured to have more.

    :param labels: what each of them is labelled with, beside the account
    :param account_label: the label that holds the account
    :param prefix: what their names begin with
    """

    def __init__(self, connection: Connection, labels: dict[str, str], account_label: str, prefix: str) -> None:
        self._connection = connection
        self._labels = labels
        self._account_label = account_label
        self._prefix = prefix
        self._known: set[str] = set()
        self._lock = threading.Lock()

    def name_of(self, account: str) -> str:
        """Return the name of an account's network, which is there now."""
        name = f"{self._prefix}{account}"
        with self._lock:
            if account not in self._known:
                labels = {**self._labels, self._account_label: account}
                with self._connection.client() as client:
                    if not client.networks(filters=_having(labels)):
                        self._remove_unused(client)
                        client.create_network(name, driver="bridge", labels=labels)
                self._known.add(account)
        return name

    def look_again(self) -> None:
        """Do not rely on what was known: somebody may have removed one."""
        with self._lock:
            self._known.clear()

    def remove_unused(self) -> None:
        """Remove those to which no container, running or not, belongs."""
        with self._lock, self._connection.client() as client:
            self._remove_unused(client)

    def _remove_unused(self, client: APIClient) -> None:
        for network in client.networks(filters=_having(self._labels)):
            if not client.containers(all=True, quiet=True, filters={"network": network["Name"]}):
                # A container that is just being made for it finds it gone, and joins another.
                self._known.discard(network["Labels"][self._account_label])
                try:
                    client.remove_network(network["Id"])
                except APIError:
                    pass  # it is gone, or in use by now


def _having(labels: dict[str, str]) -> dict[str, list[str]]:
    return {"label": [f"{key}={value}" for key, value in labels.items()]}
