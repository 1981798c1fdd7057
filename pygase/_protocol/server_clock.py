"""The client's estimate of the server's time, from the times at which datagrams left and arrived.

An exchange has four times, as in NTP (RFC 5905, section 8): the client sends, the server receives, the server sends,
the client receives. ``received_at - server_sent_at`` is the delay down plus the lead of the client's clock.
``server_received_at - sent_at`` is the delay up minus that lead. Noise only ever adds to a delay, so the smallest of
each kind is the best, even from different exchanges. Half their difference is the lead of the server's clock.

No estimate can distinguish a slow way up from a clock that is ahead. If the fastest ways differ, the estimate is wrong
by half the difference.
"""

from __future__ import annotations

import math
from collections import deque
from typing import Final

from .sequence import unwrap
from .wire import NO_ACK_DELAY, TIME_UNIT

CLOCK_WINDOW: Final = 10.0
"""Seconds from which the fastest datagrams are chosen: enough to find fast ones among 20 a second, and few enough to
follow a new route. Clocks that drift by 100 ppm move by 1 ms in it, and the estimate halves that."""

MAX_SLEW: Final = 0.02
"""Share of its speed by which the given time may hurry or slow down to become right. Nobody sees it."""

MAX_SLEWED: Final = 0.25
"""Most seconds of error that are corrected at this speed."""

MAX_STANDSTILL: Final = 1.0
"""Seconds ahead above which the clock must be another one."""

SETTLING: Final = 1.0
"""Seconds of faster corrections, after each beginning."""

SETTLING_SPEED: Final = 0.5
"""Slowest speed of the given time while settling. Forward it steps."""

JUMP: Final = 0.005
"""Seconds below zero for the fastest round trip, beyond which a clock must have jumped. Rounding and drift cost
less."""


class SlidingMinimum:
    """The smallest of the values of the last ``window`` seconds, from at most ``SPACINGS + 2`` kept values.

    A kept value will be the smallest once all earlier values have left the window. A greater value is ignored for a
    short while after a kept one, so the window is up to a ``SPACINGS``-th shorter.
    """

    __slots__ = ("_kept", "_least", "_newest", "_newest_at", "_oldest_at", "_spacing", "_window")

    SPACINGS: Final = 32

    def __init__(self, window: float) -> None:
        self._window = window
        self._spacing = window / self.SPACINGS
        self._kept: deque[tuple[float, float]] = deque()  # (at, value), both rising
        # flat copies of its two ends, since most calls read no more
        self._oldest_at = self._newest_at = math.inf
        self._least = self._newest = math.inf

    def __len__(self) -> int:
        return len(self._kept)

    @property
    def value(self) -> float | None:
        """None before the first. The latest value is kept, however old."""
        return self._least if self._kept else None

    def add(self, value: float, at: float) -> None:
        """Add a value and forget those that are too old. ``at`` (seconds) must not go back."""
        if value <= self._newest or at - self._newest_at >= self._spacing:
            self._keep(value, at)
        if self._oldest_at < at - self._window:
            self._forget_before(at - self._window)

    def _keep(self, value: float, at: float) -> None:
        kept = self._kept
        while kept and kept[-1][1] >= value:
            kept.pop()
        if not kept:
            self._oldest_at, self._least = at, value
        if not kept or at - kept[-1][0] >= self._spacing:
            kept.append((at, value))
        self._newest_at, self._newest = kept[-1]

    def _forget_before(self, at: float) -> None:
        kept = self._kept
        while len(kept) > 1 and kept[0][0] < at:
            kept.popleft()
        self._oldest_at, self._least = kept[0]

    def clear(self) -> None:
        self._kept.clear()
        self._newest = math.inf


class ServerClock:
    """The server's time, as well as the client can know it. Each connection has one.

    The given time never steps back and hurries or slows down by at most ``MAX_SLEW``, with these exceptions:

    - In the first second it steps forward to each better estimate, and runs at half speed while it is ahead.
    - If it is more than ``MAX_SLEWED`` behind (a clock has jumped, this machine has slept), it steps forward.
    - If it is more than that ahead, it stands still; more than ``MAX_STANDSTILL`` ahead, it steps back.

    A silence longer than ``CLOCK_WINDOW``, or the jump of a clock, discards all measurements. The given time goes on
    until a new exchange corrects it.

    :ivar units: the server's time in its newest datagram, in units of TIME_UNIT.
    """

    __slots__ = ("_asked_at", "_down", "_heard_at", "_latest", "_offset", "_settled_at", "_up", "units")

    def __init__(self) -> None:
        self.units = 0
        self._up = SlidingMinimum(CLOCK_WINDOW)
        self._down = SlidingMinimum(CLOCK_WINDOW)
        self._offset: float | None = None
        self._heard_at = -math.inf
        self._settled_at = math.inf
        self._latest: float | None = None
        self._asked_at = -math.inf

    @property
    def rtt_floor(self) -> float | None:
        """Seconds of the fastest way up and the fastest way down together; None before an exchange."""
        up, down = self._up.value, self._down.value
        return None if up is None or down is None else max(up + down, 0.0)

    @property
    def uncertainty(self) -> float | None:
        """Greatest error of the estimate, in seconds: half the round trip, if all of it were one way."""
        floor = self.rtt_floor
        return None if floor is None else floor / 2

    def note(self, wire_time: int, sent_at: float | None, ack_delay: int, now: float) -> None:
        """Take in the times of a packet's header.

        :param sent_at: when the packet left that it acknowledges; None if that is not known.
        """
        self.units = unwrap(wire_time, self.units, 32)
        server_sent_at = self.units * TIME_UNIT
        known = sent_at is not None and ack_delay != NO_ACK_DELAY
        self.observe(
            sent_at=sent_at if known else None,
            server_received_at=server_sent_at - ack_delay * TIME_UNIT if known else None,
            server_sent_at=server_sent_at,
            received_at=now,
        )

    def observe(
        self,
        *,
        sent_at: float | None = None,
        server_received_at: float | None = None,
        server_sent_at: float,
        received_at: float,
    ) -> None:
        """Take in one exchange, or only its way down (None for the first two). The clocks are the client's
        (``sent_at``, ``received_at``) and the server's. ``received_at`` is never less than in the previous exchange.

        :param sent_at: when the acknowledged datagram left; it arrived ``server_received_at``.
        :param server_sent_at: when the server's datagram left; it arrived ``received_at``.
        """
        if received_at - self._heard_at > CLOCK_WINDOW:
            self._forget()
        self._heard_at = received_at
        self._add(sent_at, server_received_at, received_at - server_sent_at, received_at)
        up, down = self._up.value, self._down.value
        if up is not None and down is not None and up + down < -JUMP:
            self._forget()
            self._add(sent_at, server_received_at, received_at - server_sent_at, received_at)
        self._estimate(received_at)

    def server_time(self, *, now: float) -> float | None:
        """In seconds; None until the first whole exchange."""
        if self._offset is None:
            return None
        wanted = now + self._offset
        if self._latest is not None:
            wanted = self._approach(wanted, self._latest, max(now - self._asked_at, 0.0), now < self._settled_at)
        self._latest, self._asked_at = wanted, max(now, self._asked_at)
        return wanted

    def _add(self, sent_at: float | None, server_received_at: float | None, down: float, at: float) -> None:
        self._down.add(down, at)
        if sent_at is not None and server_received_at is not None:
            self._up.add(server_received_at - sent_at, at)

    def _estimate(self, at: float) -> None:
        up, down = self._up.value, self._down.value
        if up is None or down is None:
            return
        self._offset = (up - down) / 2
        self._settled_at = min(self._settled_at, at + SETTLING)

    def _forget(self) -> None:
        self._up.clear()
        self._down.clear()
        self._settled_at = math.inf

    def _approach(self, wanted: float, latest: float, passed: float, settling: bool) -> float:
        """Return the time to give ``passed`` seconds after the time ``latest``, if ``wanted`` is the right one."""
        expected = latest + passed
        off = wanted - expected
        if off > MAX_SLEWED or off < -MAX_STANDSTILL or (settling and off > 0.0):
            return wanted
        if off > 0.0:
            return min(wanted, expected + MAX_SLEW * passed)
        if off < -MAX_SLEWED:
            return max(wanted, latest)
        return max(wanted, latest + (SETTLING_SPEED if settling else 1.0 - MAX_SLEW) * passed)
