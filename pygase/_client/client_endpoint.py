"""The client's protocol joined to its socket."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING

from .._io.clocks import random_sources
from .._io.ports import Clock, Pump, TransportToServer
from .._protocol.client_peer import ClientProtocol
from .._protocol.peer_events import ProtocolEvent
from .._protocol.sleep import SleepWatch
from .._protocol.tickets import AckCallback, Tickets
from .._protocol.timing import ConnectionStats
from ..errors import DisconnectReason

if TYPE_CHECKING:
    from ..links import Link
    from .conditioner import Conditioner


class ClientEndpoint:
    """Moves datagrams between a protocol and a transport. A Pump.

    All methods are for the network's thread only.

    :param on_event: called with each event of the protocol.
    """

    def __init__(
        self,
        protocol: ClientProtocol,
        transport: TransportToServer,
        clock: Clock,
        on_event: Callable[[ProtocolEvent], None],
    ) -> None:
        self.protocol = protocol
        self.transport = transport
        self._clock = clock
        self._on_event = on_event
        self._tickets = Tickets()
        self._goodbye = _Goodbye(protocol)
        self._conditioner: Conditioner | None = None
        self._sleep = SleepWatch()
        self._due_at: float | None = None

    @property
    def stats(self) -> ConnectionStats:
        protocol = self.protocol
        floor = protocol.clock.rtt_floor
        queue_delay = max(protocol.rtt.rtt - floor, 0.0) if floor is not None else 0.0
        measured = protocol.stats(now=self._clock())
        return measured.with_line(protocol.config.bytes_per_second, queue_delay, protocol.states.received.missed)

    def server_time(self) -> float | None:
        """In seconds; None while it is unknown."""
        return self.protocol.clock.server_time(now=self._clock())

    @property
    def is_closed(self) -> bool:
        return self.protocol.closed is not None

    @property
    def is_conditioned(self) -> bool:
        """True while there is a bad link, or one still holds datagrams back."""
        return self._conditioner is not None

    @property
    def waiting_events(self) -> int:
        """Number of events with retries that are not acknowledged yet."""
        outgoing = self.protocol.outgoing
        return len(outgoing.ordered) + len(outgoing.once)

    def queue_event(self, payload: bytes, retries: int, ack_callback: AckCallback | None) -> None:
        """It leaves with the next :meth:`advance`."""
        self.protocol.queue_event(payload, retries, self._tickets.issue(ack_callback), now=self._clock())
        self._goodbye.note_queued_event()

    def queue_input(self, payload: bytes, view_time: float | None) -> None:
        """It leaves with the next :meth:`advance`. See :meth:`.Client.send_input`."""
        self.protocol.queue_input(payload, view_time)

    def redeem(self, ticket: int) -> AckCallback | None:
        """Return the callback of an acknowledged event, once; None if it has none."""
        return self._tickets.redeem(ticket)

    def close(self, reason: DisconnectReason = DisconnectReason.CLOSED, linger: float = 0.0) -> None:
        """Hang up: queued messages leave with the next :meth:`advance`, and then the goodbye.

        :param linger: seconds at most until the server has all events; a goodbye that overtakes an event drops it.
        """
        self._goodbye.plan(reason, self._clock() + linger)

    def condition(self, link: Link | None, seed: int | None = None) -> None:
        """Lay a bad link over this connection, or take it away; holds from the next :meth:`advance`."""
        if self._conditioner is None:
            if link is None:
                return
            from .conditioner import Conditioner  # only here: few games need it, and its import takes time

            self._conditioner = Conditioner(*random_sources(seed))
        self._conditioner.link = link

    # -- called by the driver ------------------------------------------------------------------------------------

    def receive(self) -> int:
        now = self._clock()
        slept = self._forgive_sleep(now)
        arrivals = self.transport.take_timed(now)
        if self._conditioner is not None:
            for data, address, _ in arrivals:
                self._conditioner.receive(data, address, now)
            self._receive_conditioned(self._conditioner, now)
        else:
            for data, _, at in arrivals:
                self.protocol.receive_datagram(data, now=now if slept else at)
        self._handle_events()
        return len(arrivals)

    def _receive_conditioned(self, conditioner: Conditioner, now: float) -> None:
        for data, _ in conditioner.due_to_receive(now):
            self.protocol.receive_datagram(data, now=now)

    def advance(self) -> float | None:
        now = self._clock()
        if self._forgive_sleep(now):  # datagrams that lie in the socket count before any judgement
            self.receive()
        self._due_at = self._advance(now)
        return self._due_at

    def release(self) -> None:
        """Close the socket, after sending the datagrams that a bad link holds back."""
        if self._conditioner is not None:
            self._send_conditioned(self._conditioner, math.inf, None)
        self.transport.close()

    def _forgive_sleep(self, now: float) -> bool:
        """Return whether this process slept, and forgive the server's silence meanwhile."""
        slept = self._sleep.ran(now, self._due_at)
        if slept:
            self.protocol.forgive(slept, now)
        return slept > 0.0

    def _advance(self, now: float) -> float | None:
        protocol = self.protocol
        if self._conditioner is not None:
            self._receive_conditioned(self._conditioner, now)
        protocol.handle_timeout(now=now)
        self._goodbye.close_if_due(now)
        self._handle_events()
        for datagram in protocol.datagrams_to_send(now=now):
            self._send(datagram, now)
            if not protocol.connected and protocol.closed is None:
                self.transport.try_next()
        self._goodbye.note_sent_events()
        due_at = self._goodbye.earlier(protocol.next_timeout(now=now))
        return due_at if self._conditioner is None else self._send_conditioned(self._conditioner, now, due_at)

    def _send(self, datagram: bytes, now: float) -> None:
        if self._conditioner is None:
            self.transport.send(datagram, self.transport.address)
        else:
            self._conditioner.send(datagram, self.transport.address, now)

    def _send_conditioned(self, conditioner: Conditioner, now: float, due_at: float | None) -> float | None:
        """Send the datagrams that are due on a bad link; return the time of the next call, or None."""
        for datagram, address in conditioner.due_to_send(now):
            self.transport.send(datagram, address)
        if conditioner.idle:
            self._conditioner = None
        return due_at if due_at is None else min(due_at, conditioner.next_at)

    def _handle_events(self) -> None:
        while (event := self.protocol.next_event()) is not None:
            self._on_event(event)


class _Goodbye:
    """Closes a connection at a planned time, or earlier, as soon as the server has all events."""

    def __init__(self, protocol: ClientProtocol) -> None:
        self._protocol = protocol
        self._close_at = math.inf
        self._reason = DisconnectReason.CLOSED
        self._event_waits = False
        self._last_event_packet: int | None = None

    def plan(self, reason: DisconnectReason, close_at: float) -> None:
        self._reason = reason
        self._close_at = close_at

    def note_queued_event(self) -> None:
        self._event_waits = True

    def note_sent_events(self) -> None:
        if self._event_waits and not self._protocol.outgoing.unreliable.pieces:
            self._event_waits = False
            self._last_event_packet = self._protocol.acks.newest

    def close_if_due(self, now: float) -> None:
        if self._close_at < math.inf and (now >= self._close_at or self._peer_has_all()):
            self._protocol.close(self._reason, now=now)

    def _peer_has_all(self) -> bool:
        """Return whether the server has acknowledged all events with retries, and the packet of the last others."""
        protocol, last = self._protocol, self._last_event_packet
        if not protocol.connected or self._event_waits or not protocol.outgoing.idle:
            return False
        return last is None or protocol.acks.has_arrived(last)

    def earlier(self, due_at: float | None) -> float | None:
        """Return the earlier of a time and the planned end; None if the protocol waits for nothing."""
        return due_at if due_at is None else min(due_at, self._close_at)


if TYPE_CHECKING:

    def _fits(endpoint: ClientEndpoint) -> Pump:
        """Let mypy check the port."""
        return endpoint
