"""A client, as the server's parts know it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from .._protocol.endpoint import ServerEndpoint
from .._protocol.server_peer import ServerProtocol
from .._protocol.tickets import AckCallback, Tickets
from ..addresses import client_name
from ..connection import ServerConnection
from ..errors import DisconnectReason
from .event_queue import Address, ClientEvents

if TYPE_CHECKING:
    from .._io.ports import Clock
    from .players import PlayerInputs


MOST_BYTES_WHILE_LOST: Final = 4 * 1024 * 1024
"""Most bytes of events that wait for a lost client: as many as a whole state may have. Their number alone would be no
bound on the memory, since one event may have 256 KB, and many games pass on what other clients send."""


class RemoteClient:
    """One client of a run. All methods are for the network's thread only.

    :param after_state: see :class:`~.outgoing.Outgoing`.

    :ivar peer: its end of the protocol; ``connection``: the same client as games see it.
    :ivar events: its account with the game loop.
    :ivar own_events: its account with the server's own handlers, and with wires that take no serialised events.
    """

    def __init__(
        self,
        peer: ServerProtocol,
        endpoint: ServerEndpoint,
        clock: Clock,
        inputs: PlayerInputs,
        after_state: Callable[[Callable[[], None]], None],
    ) -> None:
        self.peer = peer
        self.endpoint = endpoint
        self.clock = clock
        self.inputs = inputs
        self.after_state = after_state
        self._tickets = Tickets()
        self._bytes_while_lost = 0
        self.events = ClientEvents(peer.client_id, peer.address, endpoint.config)
        self.own_events = ClientEvents(peer.client_id, peer.address, endpoint.config, in_game=self.events)
        self.connection = ServerConnection(self)

    def __str__(self) -> str:
        return client_name(self.client_id, self.address)

    @property
    def client_id(self) -> int:
        return self.peer.client_id

    @property
    def address(self) -> Address:
        """Where the client is at present."""
        return self.peer.address

    @property
    def profile(self) -> dict[Any, Any]:
        """What the client says of its player; a new process that resumes may say something else."""
        return self.peer.identity.profile

    @property
    def is_connected(self) -> bool:
        return self.peer.closed is None

    @property
    def is_lost(self) -> bool:
        return self.peer.is_lost

    def note_address(self) -> None:
        """Let the events that arrive from now on, and those that wait, have the client's present address."""
        self.events.address = self.own_events.address = self.peer.address

    def queue_event(self, payload: bytes, retries: int, ack_callback: AckCallback | None) -> None:
        """The event leaves behind the newest state that the endpoint has. A lost client gets no unreliable one.

        :raises BufferError: too many wait already.
        """
        if self.peer.is_lost:
            if retries:
                self._bytes_while_lost += len(payload)
                if self._bytes_while_lost > MOST_BYTES_WHILE_LOST:
                    raise BufferError(f"more than {MOST_BYTES_WHILE_LOST:,} bytes wait already for this lost client")
                self.peer.queue_event(payload, retries, self._tickets.issue(ack_callback), now=self.clock())
        elif self.peer.closed is None:
            self.peer.queue_event(payload, retries, self._tickets.issue(ack_callback), now=self.clock())
            self.endpoint.next_at = min(self.endpoint.next_at, self.peer.record.next_at)

    def note_return(self) -> None:
        """The client is not lost any more."""
        self._bytes_while_lost = 0

    def redeem(self, ticket: int) -> AckCallback | None:
        return self._tickets.redeem(ticket)

    def close(self, reason: DisconnectReason, detail: str = "") -> None:
        self.endpoint.close_peer(self.peer, reason, detail, now=self.clock())
