"""The bytes that a server holds back for its peers."""

from __future__ import annotations

from collections import Counter

from .server_peer import ServerProtocol


class HeldBytes:
    """Counts the held bytes of all peers together; see ``ServerConfig.max_held_bytes``."""

    __slots__ = ("_most", "_peers", "total")

    def __init__(self, peers: dict[int, ServerProtocol], most: int) -> None:
        self._peers = peers
        self._most = most
        self.total = 0

    @property
    def is_too_much(self) -> bool:
        return self.total > self._most

    def count(self, peer: ServerProtocol) -> None:
        held_bytes = peer.held_bytes
        self.total += held_bytes - peer.counted_bytes
        peer.counted_bytes = held_bytes

    def forget(self, peer: ServerProtocol) -> None:
        self.total -= peer.counted_bytes
        peer.counted_bytes = 0

    def expire(self, now: float) -> None:
        if self.total:
            for peer in self._peers.values():
                peer.give_up_fragments(now)
                self.count(peer)

    def largest(self) -> ServerProtocol:
        """Return the peer that gives way: the largest holder of the host that holds most."""
        by_host = Counter[str]()
        for peer in self._peers.values():
            by_host[peer.host] += peer.counted_bytes
        ((host, _),) = by_host.most_common(1)
        found: ServerProtocol | None = None
        for peer in self._peers.values():
            if peer.host == host and (found is None or peer.counted_bytes > found.counted_bytes):
                found = peer
        assert found is not None
        return found
