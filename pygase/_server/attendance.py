"""The clients of a run, by id; and for programs that name a client by its address, by that."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..checks import Target
from .event_queue import Address

if TYPE_CHECKING:
    from ..connection import ServerConnection
    from .remote_client import RemoteClient


class Attendance:
    """Knows the clients of a run, and keeps ``Server.clients`` and ``Server.connections`` up to date.

    All methods are for the network's thread only.

    :param by_id: ``Server.clients``; ``by_address``: ``Server.connections``. Both may hold clients of earlier runs.
    """

    def __init__(self, by_id: dict[int, ServerConnection], by_address: dict[Address, ServerConnection]) -> None:
        self._clients: dict[int, RemoteClient] = {}
        self._by_id = by_id
        self._by_address = by_address

    def add(self, client: RemoteClient) -> None:
        """Note a client that has connected."""
        self._clients[client.client_id] = client
        self._by_id[client.client_id] = client.connection
        self._put(client)

    def _put(self, client: RemoteClient) -> None:
        former = self._by_address.get(client.address)
        self._by_address[client.address] = client.connection
        if former is not None and former.client_id not in self._clients:  # it is of an earlier run
            self._by_id.pop(former.client_id, None)

    def move(self, client: RemoteClient, former: Address) -> None:
        """Note that a client has another address now."""
        self._drop_address(client, former)
        if client.client_id in self._clients:
            self._put(client)

    def remove(self, client: RemoteClient, *, is_remembered: bool = False) -> None:
        """Note that a client has left; ``is_remembered``: the program still finds it in its dicts."""
        self._clients.pop(client.client_id, None)
        if not is_remembered:
            self._by_id.pop(client.client_id, None)
            self._drop_address(client, client.address)

    def _drop_address(self, client: RemoteClient, address: Address) -> None:
        if self._by_address.get(address) is client.connection:
            del self._by_address[address]

    def find(self, target: Target) -> RemoteClient | None:
        """Return a client of this run that is connected; None if there is none."""
        client_id: int | None = target if isinstance(target, int) else None
        if not isinstance(target, int) and target in self._by_address:
            client_id = self._by_address[target].client_id
        client = self._clients.get(client_id) if client_id is not None else None
        return client if client is not None and client.is_connected else None

    def find_all(self, targets: list[Target]) -> tuple[list[RemoteClient], list[Target]]:
        """Return the connected clients among these, each once, and the targets that are not connected."""
        found: dict[int, RemoteClient] = {}
        missing: list[Target] = []
        for target in targets:
            client = self.find(target)
            if client is None:
                missing.append(target)
            else:
                found[client.client_id] = client
        return list(found.values()), missing

    def everyone(self) -> list[RemoteClient]:
        """Return all clients that are connected."""
        return [client for client in self._clients.values() if client.is_connected]
