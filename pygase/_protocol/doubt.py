"""A client's doubt whether the server still knows its connection, after a NOT_HERE that proves nothing.

Whoever sees the token can send such a datagram. So the client goes on with the old connection as before, sends a packet
that the server acknowledges at once, and tries at the same time whether it can resume. It holds its claim back until
the acknowledgement should have arrived: in a game that rests nothing else would show that the connection lives. A
packet of the old connection ends the doubt, and the next one may begin only after a pause: a forged NOT_HERE costs two
small datagrams now and then.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

from ..errors import DisconnectReason, MalformedPacket
from .datagrams import NotHere, Refused, Welcome
from .handshake import DOUBT_SECONDS, Connector, reason_from_wire
from .wire import NOT_HERE

if TYPE_CHECKING:
    from .client_peer import ClientProtocol

FIRST_PAUSE: Final = 0.25
"""Seconds between a doubt and the next one. It doubles each time."""

LONGEST_PAUSE: Final = 30.0

SILENT_HEARTBEATS: Final = 1.5
"""Heartbeat intervals without a packet of the old connection, after which a refusal is believed. It proves nothing
either."""


class Doubt:
    """Tries to resume a connection while the old one goes on.

    :ivar is_open: whether it tries.
    """

    __slots__ = ("_claim_at", "_connector", "_next_at", "_pause", "_question", "_refused", "_refused_at", "is_open")

    def __init__(self) -> None:
        self.is_open = False
        self._connector: Connector | None = None
        self._question: list[bytes] = []
        self._claim_at = -math.inf
        self._pause = FIRST_PAUSE
        self._next_at = -math.inf
        self._refused: Refused | None = None
        self._refused_at = math.inf

    def receive(self, data: bytes, client: ClientProtocol, now: float) -> bool:
        """Take a datagram that is no packet, while the connection stands.

        :returns: whether the server does not know the connection any more: it proves that, or it has resumed it.
        :raises MalformedPacket: if it does not parse.
        """
        if data[0] == NOT_HERE:
            return self._receive_not_here(NotHere.decode(data), client, now)
        connector = self._connector
        if connector is None:
            return False
        connector.receive(data[0], data, now)
        self._note_refusal(connector, now)
        return isinstance(connector.outcome, Welcome)

    def _note_refusal(self, connector: Connector, now: float) -> None:
        connector.settle(now)
        if isinstance(connector.outcome, Refused) and self._refused is None:
            self._refused = connector.outcome
            self._refused_at = min(now, connector.doubtful.settled_at - DOUBT_SECONDS)  # when it arrived

    def _receive_not_here(self, answer: NotHere, client: ClientProtocol, now: float) -> bool:
        if answer.token != client.token:
            raise MalformedPacket("not here, for another connection")
        if client.way_in.is_proof(answer.reset):
            return True
        if not self.is_open and now >= self._next_at:
            self._open(client, now)
        return False

    def _open(self, client: ClientProtocol, now: float) -> None:
        self.is_open = True
        self._connector = client.way_in.another(client.incoming.received, client.outgoing.ordered_acked)
        self._claim_at = now
        if client.record.latest >= 0:
            self._question = [client.bare_packet(now, asks=True)]
            self._claim_at += client.states.patience(client.rtt)

    @property
    def resumed(self) -> Connector | None:
        """The connector of the handshake that has resumed the connection."""
        connector = self._connector
        return connector if connector is not None and isinstance(connector.outcome, Welcome) else None

    def end(self, now: float) -> None:
        """Note a packet of the old connection, or its end.

        The pause grows in both cases: else a stranger who sees the tokens could end one connection after the other.
        """
        if not self.is_open:
            return
        self._close()
        self._next_at = now + self._pause
        self._pause = min(2 * self._pause, LONGEST_PAUSE)

    def _close(self) -> None:
        self.is_open, self._connector, self._question = False, None, []
        self._refused, self._refused_at = None, math.inf

    def refusal(self, heartbeat_interval: float, now: float) -> tuple[DisconnectReason, str] | None:
        """Return the reason and the words of a refusal, once the old connection has been silent after it."""
        if self._connector is not None:
            self._note_refusal(self._connector, now)
        if self._refused is None or now < self._refused_at + SILENT_HEARTBEATS * heartbeat_interval:
            return None
        return reason_from_wire(self._refused.reason), self._refused.detail

    def take_question(self) -> list[bytes]:
        """Return the packet of a new doubt that the server acknowledges at once."""
        question, self._question = self._question, []
        return question

    def datagram_to_send(self, now: float) -> bytes | None:
        connector = self._connector
        return connector.datagram_to_send(now) if connector is not None and now >= self._held_until(connector) else None

    def _held_until(self, connector: Connector) -> float:
        return self._claim_at if connector.is_answering else -math.inf

    def next_timeout(self, heartbeat_interval: float) -> float:
        if self._question:
            return -math.inf
        if self._refused is not None:
            return self._refused_at + SILENT_HEARTBEATS * heartbeat_interval
        connector = self._connector
        if connector is None:
            return math.inf
        return min(max(connector.next_timeout(), self._held_until(connector)), connector.doubtful.settled_at)
