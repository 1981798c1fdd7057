"""The part of a peer that outlives the server's process in a checkpoint: who the client is, and its reliable events."""

from __future__ import annotations

from typing import Any, NamedTuple

from ..config import ServerConfig
from .handshake import Address
from .resumption import Identity, ResumeSecrets
from .server_peer import ServerProtocol, Shared
from .wire import AFTER, TOKEN_BYTES


class SavedPeer(NamedTuple):
    """A client, as a checkpoint holds it.

    :ivar address: where it was last.
    :ivar is_sealed: whether its connection was encrypted. Then it is resumed by an encrypted handshake only.
    :ivar secrets: the hashes of its present and of its former resume secret.
    :ivar sent: the number of the last reliable event to it; ``received``: how many have arrived from it.
    :ivar waiting: the last ones of the events to it, oldest first: those that it is not known to have. Each is
        serialised.
    """

    client_id: int
    address: Address
    profile: dict[Any, Any]
    is_host: bool = False
    is_sealed: bool = False
    secrets: tuple[bytes, ...] = ()
    sent: int = 0
    received: int = 0
    waiting: tuple[bytes, ...] = ()


def save_peer(peer: ServerProtocol) -> SavedPeer:
    secrets = peer.identity.secrets
    sent, waiting = peer.outgoing.saved()
    return SavedPeer(
        peer.client_id,
        peer.address,
        peer.identity.profile,
        peer.is_host,
        peer.seals is not None or peer.identity.was_sealed,
        (secrets.current, secrets.previous),
        sent,
        peer.incoming.received,
        tuple(payload[AFTER.size :] for payload in waiting),
    )


def restore_peer(saved: SavedPeer, shared: Shared, config: ServerConfig, now: float) -> ServerProtocol:
    """Make the peer of a client of an earlier process, without a connection yet."""
    identity = Identity(saved.client_id, b"", saved.profile)
    identity.secrets, identity.was_sealed = ResumeSecrets(*saved.secrets), saved.is_sealed
    peer = ServerProtocol(identity, saved.address, shared.random_bytes(TOKEN_BYTES), shared, config, now)
    peer.is_host = saved.is_host
    after = AFTER.pack(shared.ring.changed_tick & 0xFFFF)
    peer.outgoing.restore(saved.sent, [after + payload for payload in saved.waiting])
    peer.incoming.begin_anew(saved.received)
    return peer
