"""What time is it at the server? The client's estimate, from when datagrams left and arrived.

An exchange has four times, as in NTP (RFC 5905, section 8): the client sends, the server receives, the server sends,
the client receives; the first and last by the client's clock, the others by the server's. ``received_at -
server_sent_at`` is the way down plus what the client's clock is ahead by; ``server_received_at - sent_at`` is the way
up minus the same. Delays are noise that only ever adds, so the smallest of each kind is the one to trust, and each way
has its own: the fastest datagram up and the fastest down need not belong to the same exchange. Half the difference of
the two is how far the server's clock is ahead.

No estimate can tell a slow way up from a clock that is ahead: where the fastest ways up and down differ, the estimate
is wrong by half the difference, and that is at most :attr:`ServerClock.uncertainty`.
"""

from __future__ import annotations

import math
from collections import deque
from typing import Final

CLOCK_WINDOW: Final = 10.0
"""Seconds to choose the fastest datagrams from. Long enough to find fast ones among 20 a second; so short that clocks
which drift by 100 ppm move by 1 ms (which the estimate halves), and that a new route is followed."""

MAX_SLEW: Final = 0.02
"""By how much of its speed the time given out may hurry or dawdle to become right: a fiftieth, which nobody sees."""

MAX_SLEWED: Final = 0.25
"""Seconds off that are made good like that. Farther ahead it steps there, farther back it stands still for a while."""

MAX_STANDSTILL: Final = 1.0
"""Seconds back above which it is not the same clock any more: then, and only then, the time given out steps back."""

SETTLING: Final = 1.0
"""Seconds at the beginning, and after each new beginning, in which corrections are made faster."""

SETTLING_SPEED: Final = 0.5
"""Slowest that time goes while settling; forward it steps."""

JUMP: Final = 0.005
"""Seconds below nothing that the fastest round trip may seem to take (rounding, drift) before a clock must have
jumped."""


class SlidingMinimum:
    """The smallest of the values of the last ``window`` seconds, from at most ``SPACINGS + 2`` that are kept.

    Kept are those values that will be the smallest when the ones before them have left the window. A greater value is
    ignored for a short while after a kept one, so the window is up to a ``SPACINGS``-th shorter than asked for.
    """

    __slots__ = ("_kept", "_window")

    SPACINGS: Final = 32

    def __init__(self, window: float) -> None:
        self._window = window
        self._kept: deque[tuple[float, float]] = deque()  # (at, value), both rising

    def __len__(self) -> int:
        return len(self._kept)

    @property
    def value(self) -> float | None:
        """The smallest value; None before the first. The latest is kept, however old."""
        return self._kept[0][1] if self._kept else None

    def add(self, value: float, at: float) -> None:
        """Take a value in, and let go of those that are too old; ``at`` must not be less than before."""
        kept = self._kept
        while kept and kept[-1][1] >= value:
            kept.pop()
        if not kept or at - kept[-1][0] >= self._window / self.SPACINGS:
            kept.append((at, value))
        while len(kept) > 1 and kept[0][0] < at - self._window:
            kept.popleft()

    def clear(self) -> None:
        """Forget all values."""
        self._kept.clear()


class ServerClock:
    """The server's time, as well as the client can know it. One for each connection.

    The time given out never steps back and hurries or dawdles by at most ``MAX_SLEW``, but for these:

    - In the first second it steps forward to each better estimate, and goes at half speed to get back to one.
    - When it turns out to be more than ``MAX_SLEWED`` behind (a clock has jumped, this machine has slept), it steps
      forward.
    - More than that ahead, it stands still until it is less; more than ``MAX_STANDSTILL`` ahead, it steps back.

    After a silence longer than ``CLOCK_WINDOW``, or when a clock must have jumped, all measurements are forgotten. The
    time given out goes on until a new exchange corrects it.
    """

    __slots__ = ("_asked_at", "_down", "_heard_at", "_latest", "_offset", "_settled_at", "_up")

    def __init__(self) -> None:
        self._up = SlidingMinimum(CLOCK_WINDOW)
        self._down = SlidingMinimum(CLOCK_WINDOW)
        self._offset: float | None = None
        self._heard_at = -math.inf
        self._settled_at = math.inf
        self._latest: float | None = None
        self._asked_at = -math.inf

    @property
    def rtt_floor(self) -> float | None:
        """Seconds that the fastest way up and the fastest way down take together; None before an exchange."""
        up, down = self._up.value, self._down.value
        return None if up is None or down is None else max(up + down, 0.0)

    @property
    def uncertainty(self) -> float | None:
        """Most that the estimate can be wrong by, in seconds: half the round trip, if all of it were one way."""
        floor = self.rtt_floor
        return None if floor is None else floor / 2

    def observe(
        self,
        *,
        sent_at: float | None = None,
        server_received_at: float | None = None,
        server_sent_at: float,
        received_at: float,
    ) -> None:
        """Take in one exchange, or only its way down if it is not known what the server had received, and when.

        :param sent_at: when the datagram left that the server acknowledges; by the client's clock, as all here.
        :param server_received_at: when it arrived, by the server's clock.
        :param server_sent_at: when the server's datagram left, by its clock.
        :param received_at: when that arrived here; not less than in the exchange before.
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
        """Return the server's time at ``now``, in seconds; None until the first whole exchange."""
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
        """Return what to answer ``passed`` seconds after the answer ``latest``, if ``wanted`` would be right."""
        expected = latest + passed
        off = wanted - expected
        if off > MAX_SLEWED or off < -MAX_STANDSTILL or (settling and off > 0.0):
            return wanted
        if off > 0.0:
            return min(wanted, expected + MAX_SLEW * passed)
        if off < -MAX_SLEWED:
            return max(wanted, latest)
        return max(wanted, latest + (SETTLING_SPEED if settling else 1.0 - MAX_SLEW) * passed)
