"""Measurements of a connection's path: round-trip time, jitter, loss, rates."""

from __future__ import annotations

from typing import ClassVar, NamedTuple


class RttEstimator:
    """Smoothed round-trip time and its variation, after RFC 6298, section 2. All times are seconds."""

    __slots__ = ("min_rto", "rto", "rtt", "variation")

    INITIAL_RTO: ClassVar = 0.5
    """Time-out before the first measurement. (The 1 s of RFC 6298 is for the whole Internet; a game with such a path is
    unplayable.)"""
    MAX_RTO: ClassVar = 2.0
    """Longest time-out, so that a reliable event survives a dead second or two."""

    def __init__(self, min_rto: float) -> None:
        self.min_rto = min_rto
        self.rtt = 0.0
        self.variation = 0.0
        self.rto = self.INITIAL_RTO
        """Time-out of an acknowledgement."""

    def sample(self, rtt: float) -> None:
        """Take in one measured round trip, without the peer's holding time."""
        if not self.rtt:
            self.rtt, self.variation = rtt, rtt / 2
        else:
            error = rtt - self.rtt
            self.variation += (abs(error) - self.variation) / 4
            self.rtt += error / 8
        rto = self.rtt + max(4 * self.variation, self.min_rto)
        self.rto = rto if rto < self.MAX_RTO else self.MAX_RTO


class RateMeter:
    """Turns growing totals into amounts a second, over about the last second."""

    __slots__ = ("_checkpoint", "_checkpoint_at", "rates")

    INTERVAL: ClassVar = 1.0

    def __init__(self, size: int) -> None:
        self._checkpoint_at: float | None = None
        self._checkpoint = (0,) * size
        self.rates: tuple[float, ...] = (0.0,) * size

    def update(self, totals: tuple[int, ...], now: float) -> None:
        """``rates`` changes at most once an interval."""
        if self._checkpoint_at is None:
            self._checkpoint_at, self._checkpoint = now, totals
            return
        elapsed = now - self._checkpoint_at
        if elapsed >= self.INTERVAL:
            self.rates = tuple((new - old) / elapsed for new, old in zip(totals, self._checkpoint, strict=True))
            self._checkpoint_at, self._checkpoint = now, totals


class ConnectionStats(NamedTuple):
    """A connection's condition, as this side measures it.

    :ivar rtt: smoothed round-trip time in seconds; 0.0 before the first measurement.
    :ivar jitter: mean variation of the round trip, seconds.
    :ivar loss: recent share of our packets that got lost, 0..1.
    :ivar packets_sent, packets_received, bytes_sent, bytes_received: totals, UDP payload only.
    :ivar packets_sent_per_second, ...: rates over about the last second.
    :ivar packets_dropped: received packets that were duplicates, too late or malformed.
    :ivar interpolation_delay: how far the player's view lay behind the server's time when the latest input was given
        (at the client) or applied (at the server), seconds; 0.0 if ``Client.send_input`` got no view time.
    :ivar snapshot_age: age of the client's newest state on the server's clock, seconds. At the server it is the newest
        state that the client has acknowledged. It grows while the world rests.
    :ivar send_rate: bytes a second that may leave at most at present, as far as this side knows: at the server what the
        client's line takes while datagrams wait in it, else ``max_bytes_per_second`` and ``bytes_per_second``.
    :ivar queue_delay: how long datagrams wait in the line, seconds: the round trip less its floor. At the client that
        of the smoothed round trip.
    :ivar states_skipped: count of the states that the server has not sent to this client, since its line or
        ``max_bytes_per_second`` had no room before a newer one replaced them. At the client those that did not arrive,
        estimated from their ticks: skipped or lost.
    :ivar silence: seconds since the last valid packet arrived. The peer sends at least one a second.
    """

    rtt: float = 0.0
    jitter: float = 0.0
    loss: float = 0.0
    packets_sent: int = 0
    packets_received: int = 0
    bytes_sent: int = 0
    bytes_received: int = 0
    packets_sent_per_second: float = 0.0
    packets_received_per_second: float = 0.0
    bytes_sent_per_second: float = 0.0
    bytes_received_per_second: float = 0.0
    packets_dropped: int = 0
    interpolation_delay: float = 0.0
    snapshot_age: float = 0.0
    silence: float = 0.0
    send_rate: float = 0.0
    queue_delay: float = 0.0
    states_skipped: int = 0

    def with_line(self, send_rate: float, queue_delay: float, states_skipped: int) -> ConnectionStats:
        """Return these measurements with those of the line."""
        return self._replace(send_rate=send_rate, queue_delay=queue_delay, states_skipped=states_skipped)

    def with_view(self, interpolation_delay: float, snapshot_age: float) -> ConnectionStats:
        """Return these measurements with those of the player's view, in seconds."""
        return self._replace(interpolation_delay=interpolation_delay, snapshot_age=snapshot_age)
