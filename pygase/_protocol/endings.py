"""The ends of connections at a server's endpoint, and the places that are kept for lost clients."""

from __future__ import annotations

import math
from typing import Final

from ..config import ServerConfig
from ..errors import DisconnectReason
from .datagrams import Goodbye
from .entrance import Entrance
from .handshake import Address
from .held import HeldBytes
from .peer_events import Lost
from .peer_table import PeerTable
from .server_peer import ServerProtocol, Shared

_PART_INTERVAL: Final = 1.0
"""Seconds between two looks at the participation of the clients: often enough for ``ServerConfig.silent_after``."""


def never_answered(peer: ServerProtocol) -> bool:
    """Return whether neither a packet nor a claim has ever shown that the client has got its acceptance."""
    return peer.record.latest < 0 and not peer.identity.secrets.was_presented


class Endings:
    """Closes connections, loses silent clients, and lets clients leave.

    :param outbox: for the CLOSE datagrams.
    """

    __slots__ = ("_config", "_entrance", "_held", "_outbox", "_part_at", "_shared", "_table")

    def __init__(
        self,
        config: ServerConfig,
        entrance: Entrance,
        table: PeerTable,
        held: HeldBytes,
        shared: Shared,
        outbox: list[tuple[bytes, Address]],
    ) -> None:
        self._config = config
        self._entrance = entrance
        self._table = table
        self._held = held
        self._shared = shared
        self._outbox = outbox
        self._part_at = -math.inf

    def close(self, peer: ServerProtocol, reason: DisconnectReason, detail: str, now: float) -> None:
        """End a client's connection, or its kept place."""
        if peer.closed is None:
            if not peer.is_lost:
                self._send_close(peer, reason, detail, now)
            self._end(peer, reason, detail, now)

    def on_closed(self, peer: ServerProtocol, now: float) -> None:
        """Remove a peer that has closed the connection, or that has broken the protocol and gets a CLOSE."""
        closed = peer.closed
        if closed is not None and not closed.remote:
            self._send_close(peer, closed.reason, closed.detail, now)
        self._forget(peer, now)

    def _send_close(self, peer: ServerProtocol, reason: DisconnectReason, detail: str, now: float) -> None:
        self._outbox.extend([(data, peer.address) for data in peer.close_datagrams(reason, detail, now)])

    def _end(self, peer: ServerProtocol, reason: DisconnectReason, detail: str, now: float) -> None:
        peer.end(reason, detail, remote=False)
        if never_answered(peer):  # its client may still wait for the acceptance, and knows nothing of this end
            self._entrance.challenges.nonces.end(peer.identity.nonce, peer.address, now)
        self._forget(peer, now)

    def _forget(self, peer: ServerProtocol, now: float) -> None:
        self._table.remove(peer)
        self._held.forget(peer)
        self._entrance.places.changed()
        self._entrance.keys.resets.answer_from(now)

    # -- lost clients ------------------------------------------------------------------------------------------------

    def end_silent(self, now: float) -> None:
        """Lose the clients that no longer answer, and let those leave that have not come back in time.

        A client that has never answered leaves at once. Of the others, drop unfinished messages that are too old, and
        note who takes part.
        """
        for peer in [p for p in self._table.by_id.values() if p.timed_out(now)]:
            if self._keeps(peer):
                self.keep(peer, now)
            else:
                self._end(peer, DisconnectReason.TIMED_OUT, "", now)
        for peer in [p for p in self._table.lost.values() if now >= p.part.lost_until]:
            self._end(peer, DisconnectReason.TIMED_OUT, "", now)
        self._held.expire(now)
        if now >= self._part_at:
            self._part_at = now + _PART_INTERVAL
            for peer in self._table.by_id.values():
                peer.part.look(now)

    def _keeps(self, peer: ServerProtocol) -> bool:
        return self._config.resume_seconds > 0 and not never_answered(peer)

    def keep(self, peer: ServerProtocol, now: float) -> None:
        """Keep the place of a client without a connection for ``resume_seconds``."""
        self._forget(peer, now)
        self._table.lose(peer, now + self._config.resume_seconds)
        self._shared.inbox.append((peer, Lost(peer.part.lost_until)))

    def displace(self, peer: ServerProtocol, now: float) -> None:
        """Another client has proved that it is at this one's address. A client that is elsewhere by now can resume."""
        if self._keeps(peer):
            self.keep(peer, now)
        else:
            self.close(peer, DisconnectReason.REPLACED, "", now)

    def receive_goodbye(self, goodbye: Goodbye, now: float) -> bool:
        """Let the client leave that gives its place back; return False if the goodbye proves nothing."""
        peer = self._entrance.leaver(goodbye)
        if peer is None:
            return False
        peer.end(DisconnectReason.CLOSED, "", remote=True)
        self._forget(peer, now)
        return True
