"""The peers of a server's endpoint."""

from __future__ import annotations

import math
from typing import Final

from .crypto import RandomBytes
from .handshake import Address
from .house import Home
from .server_peer import ServerProtocol

FIRST_SPARE_ID: Final = 2**31
"""The spare ids are these and all higher ones. No game has that many clients."""


class ClientIds:
    """Gives each client a number. No number is given twice.

    :param random_bytes: chooses where the spare ids begin.
    :ivar next: the id of the next client.
    :ivar below: the ids from here on must not be given yet. A new process might give them again after a crash.
    :ivar is_short: whether no ids can be reserved. Then clients get spare ids: from a random place among a thousand
        million on, so that a later process with the same trouble hardly ever gives them again.
    """

    __slots__ = ("_random_bytes", "_spare", "below", "is_short", "next")

    def __init__(self, first: int, random_bytes: RandomBytes) -> None:
        self.next = first
        self.below: float = math.inf
        self.is_short = False
        self._spare = 0
        self._random_bytes = random_bytes

    @property
    def can_give(self) -> bool:
        return self.next < self.below or self.is_short

    def allow(self, below: float) -> None:
        """Let the ids below a number be given."""
        self.below = float(below)

    def give(self) -> int:
        if self.next < self.below or not self.is_short:
            given, self.next = self.next, self.next + 1
            return given
        self._spare = (
            self._spare + 1 if self._spare else FIRST_SPARE_ID + int.from_bytes(self._random_bytes(4), "big") // 4
        )
        return self._spare


class PeerTable:
    """Finds a connected peer by its id, by the token of its packets, and by its address.

    Only handshakes ask for an address, since they have no token yet.

    :param homes: of a host's rooms, by the tokens of their clients; ``home``: the room whose table this is.
    :ivar changes: counts the clients that came, went, or were lost.
    :ivar lost: the peers that no longer answer and whose places are kept, by id, the longest lost first.
    """

    __slots__ = ("_home", "_homes", "by_address", "by_id", "by_token", "changes", "lost")

    def __init__(self, homes: dict[bytes, Home] | None = None, home: Home | None = None) -> None:
        self._home = home
        self._homes = homes
        self.by_id: dict[int, ServerProtocol] = {}
        self.by_token: dict[bytes, ServerProtocol] = {}
        self.by_address: dict[Address, ServerProtocol] = {}
        self.lost: dict[int, ServerProtocol] = {}
        self.changes = 0

    def __len__(self) -> int:
        """Return the number of places that are taken."""
        return len(self.by_id) + len(self.lost)

    @property
    def lost_until(self) -> float:
        """When the first lost peer loses its place, seconds; math.inf for never."""
        return next((peer.part.lost_until for peer in self.lost.values()), math.inf)

    def find(self, client_id: int) -> ServerProtocol | None:
        """Return a client's peer, connected or lost; None if there is none."""
        return self.by_id.get(client_id) or self.lost.get(client_id)

    def lose(self, peer: ServerProtocol, until: float) -> None:
        """Keep the place of a peer that no longer answers."""
        self.remove(peer)
        self.lost[peer.client_id] = peer
        peer.lose(until)

    def add(self, peer: ServerProtocol) -> None:
        self.changes += 1
        self.by_id[peer.client_id] = self.by_token[peer.token] = self.by_address[peer.address] = peer
        if self._homes is not None and self._home is not None:
            self._homes[peer.token] = self._home

    def remove(self, peer: ServerProtocol) -> None:
        self.changes += 1
        self.by_id.pop(peer.client_id, None)
        self.lost.pop(peer.client_id, None)
        self.by_token.pop(peer.token, None)
        if self._homes is not None:
            self._homes.pop(peer.token, None)
        self._drop_address(peer)

    def move(self, peer: ServerProtocol, address: Address) -> None:
        """Give a peer another address. A peer that had this address before keeps its id and its token."""
        self._drop_address(peer)
        peer.move(address)
        self.by_address[address] = peer

    def _drop_address(self, peer: ServerProtocol) -> None:
        if self.by_address.get(peer.address) is peer:
            del self.by_address[peer.address]
