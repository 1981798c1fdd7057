"""The clients of a checkpoint: taken from a run, and taken into the run of a new process."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from .._protocol.acknowledged import AcknowledgedEvent
from .._protocol.endpoint import ServerEndpoint
from .._protocol.peer_events import Restored
from .._protocol.saved_peers import SavedPeer, restore_peer, save_peer
from .._protocol.server_peer import ServerProtocol
from ..errors import DisconnectReason
from ..event import CLIENT_CONNECTED, CLIENT_LEFT, CLIENT_LOST, CLIENT_RESUMED, Event
from .checkpoint import ClientRecord
from .event_queue import ClientEvents


class _Unhandled:
    """The events of one client that wait for the game."""

    def __init__(self) -> None:
        self.events: list[bytes] = []
        self.types: list[str] = []
        self.left: DisconnectReason | None = None
        self.address: tuple[Any, ...] = ()

    def note(self, content: Any) -> None:
        if type(content) is AcknowledgedEvent:
            self.events.append(bytes(content))
        elif type(content) is Event and content.details is not None:
            self.types.append(content.type)
            if content.type == CLIENT_LEFT:
                self.left, self.address = content.details["reason"], content.client_address or ()

    def record_of(self, peer: ServerProtocol) -> ClientRecord:
        changes = [kind for kind in self.types if kind in (CLIENT_LOST, CLIENT_RESUMED)]
        knows_as_lost = changes[0] == CLIENT_RESUMED if changes else peer.is_lost
        return ClientRecord(save_peer(peer), CLIENT_CONNECTED in self.types, knows_as_lost, None, tuple(self.events))


def table_of(endpoint: ServerEndpoint, unhandled: Iterable[tuple[ClientEvents, Any]]) -> tuple[ClientRecord, ...]:
    """Return the records of all clients that the game knows, or is to know.

    :param unhandled: the events that wait for the game, each with its client, oldest first.
    """
    waiting: dict[int, _Unhandled] = {}
    for client, content in unhandled:
        waiting.setdefault(client.client_id, _Unhandled()).note(content)
    peers = (*endpoint.peers.values(), *endpoint.table.lost.values())
    records = [waiting.get(peer.client_id, _Unhandled()).record_of(peer) for peer in peers]
    for client_id, rest in waiting.items():
        if rest.left is not None and CLIENT_CONNECTED not in rest.types:  # else the game never learns of it
            gone = SavedPeer(client_id, rest.address, {})
            records.append(ClientRecord(gone, left=rest.left, unhandled=tuple(rest.events)))
    return tuple(records)


def restore(records: Iterable[ClientRecord], endpoint: ServerEndpoint, now: float) -> None:
    """Take the clients of a checkpoint into a new endpoint, all of them as lost ones."""
    until = now + endpoint.config.resume_seconds
    for record in records:
        try:
            peer = restore_peer(record.peer, endpoint.shared, endpoint.config, now)
        except BufferError:  # with another config
            gone = SavedPeer(record.peer.client_id, record.peer.address, {})
            record = record._replace(peer=gone, left=DisconnectReason.OVERLOADED)
            peer = restore_peer(gone, endpoint.shared, endpoint.config, now)
        endpoint.table.lose(peer, until)
        endpoint.inbox.append((peer, Restored(record.is_new, record.is_lost, record.unhandled)))
        if record.left is not None:
            endpoint.close_peer(peer, record.left, now=now)
