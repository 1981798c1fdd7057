"""The arrivals of snapshots. Pure: times are seconds; ``received_at`` is by this machine's clock."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections import deque
from collections.abc import Mapping
from statistics import median_low
from typing import Any, Final, NamedTuple, Protocol

__all__ = ["ArrivalMeter", "SnapshotLike"]

OFFSET_WINDOW: Final = 5.0
"""Seconds of arrivals among which the fastest is chosen: many even at 10 a second, and clocks drift < 1 ms in it."""

ARRIVALS_WINDOW: Final = 10.0
"""Seconds of arrivals that interval, jitter and loss are measured from."""

LATE_WINDOW: Final = 40.0
"""Seconds for which late arrivals are remembered: about 16 bursts at 5 % burst loss and 20 snapshots a second."""

MAX_LATE: Final = 256
"""Most late arrivals remembered."""

MAX_ARRIVALS: Final = 1024
"""Most arrivals remembered for each other purpose."""

REMEASURE_INTERVAL: Final = 0.25
"""Seconds between two measurements of interval, jitter and loss."""

MEASURE_EACH_BELOW: Final = 16
"""Arrivals below which each new one is measured at once."""

JITTER_QUANTILE: Final = 0.99
"""Share of the arrivals whose lateness counts as ordinary."""

ASSUMED_INTERVAL: Final = 0.05
"""Seconds between snapshots before the first measurement."""

MAX_DELAY: Final = 0.5
"""Most seconds that an adaptive clock stays behind on any link. A game with more delay is not playable."""

MAX_BRIDGING: Final = 0.15
"""Most seconds that movement is carried on while the next snapshot is late."""

MIN_SERVER_PAUSE: Final = 0.01
"""Seconds without a tick, in a world that does not rest, from which on the server has paused. A late tick, by less than
half an interval, is shorter."""

RESTART_LATENESS: Final = 1.0
"""Seconds of additional transit from which on a snapshot belongs to another clock, not to a slow link."""


class SnapshotLike(Protocol):
    """The attributes of a snapshot that clocks and buffers read."""

    @property
    def tick(self) -> int:
        """Number of the tick, counting up."""

    @property
    def time(self) -> float:
        """The server's clock at that tick, in seconds."""

    @property
    def received_at(self) -> float:
        """This machine's clock when the snapshot arrived, in seconds."""

    @property
    def state(self) -> Mapping[str, Any]:
        """Nobody changes it."""

    @property
    def previous_tick(self) -> int:
        """The last earlier tick with a different state."""

    @property
    def changed_after(self) -> float:
        """The server's clock until which the previous state was still true, in seconds."""

    @property
    def resting(self) -> bool:
        """Whether the state stays as it is until the next snapshot arrives."""


class _Arrival(NamedTuple):
    """A snapshot that is newer than all others, or (with ``wait`` 0) one that arrived after newer ones."""

    received_at: float
    offset: float  # received_at - time: the transit plus the offset of the two clocks
    wait: float  # seconds since the previous arrival
    need: float  # received_at - the end of the known movement: the offset at which playback does not run dry
    gap: float  # seconds of movement since the known part; 0 if unknown
    due: int  # snapshots that were expected since the previous arrival, this one included

    @property
    def came_along(self) -> bool:
        """Whether one hold-up delayed it and the previous one, and counts once."""
        return self.wait <= self.gap / 2


class _Measured(NamedTuple):
    valid_until: float = -math.inf
    interval: float = ASSUMED_INTERVAL
    jitter: float = 0.0
    loss: float = 0.0


class ArrivalMeter:
    """Measures the interval, the jitter and the loss of snapshots. Memory is bounded by time and by number.

    A server sends nothing for a tick without changes. A gap between ticks is no loss if ``previous_tick`` shows that no
    snapshot is missing.

    :param window: seconds of arrivals among which the fastest is chosen.
    """

    def __init__(self, window: float = OFFSET_WINDOW) -> None:
        self._window = window
        # (received_at, offset), both rising: the fastest arrival is the first
        self._fastest: deque[tuple[float, float]] = deque(maxlen=MAX_ARRIVALS)
        self._recent: deque[_Arrival] = deque(maxlen=MAX_ARRIVALS)
        self._late: deque[_Arrival] = deque(maxlen=MAX_LATE)
        self._newest: tuple[int, float, float, bool] | None = None  # its tick, time, received_at and resting
        self._since = 0.0
        self._latest = _Measured()

    @property
    def offset(self) -> float | None:
        """Seconds from the server's clock to ours plus the fastest transit; None before the first arrival."""
        return self._fastest[0][1] if self._fastest else None

    @property
    def interval(self) -> float:
        """Typical seconds between two consecutive snapshots."""
        return self._measured().interval

    @property
    def jitter(self) -> float:
        """Seconds by which 99 % of the snapshots took at most longer than the fastest."""
        return self._measured().jitter

    @property
    def loss(self) -> float:
        """Share of the snapshots that never arrived or arrived too late, 0..1."""
        return self._measured().loss

    @property
    def held(self) -> tuple[int, int, int]:
        """Candidates for the fastest, recent arrivals, late arrivals."""
        return len(self._fastest), len(self._recent), len(self._late)

    def observe(self, snapshot: SnapshotLike) -> float:
        """Measure an arrival; return the delay in seconds at which playback would not have run dry before it."""
        offset = snapshot.received_at - snapshot.time
        self._keep_fastest(snapshot.received_at, offset)
        arrival = self._arrival_of(snapshot, offset)
        self._recent.append(arrival)  # the deque bounds the number
        while self._recent[0].received_at < arrival.received_at - ARRIVALS_WINDOW:
            self._recent.popleft()
        return arrival.need - self._fastest[0][1]

    def remember(self, need: float) -> None:
        """Remember the latest arrival for ``LATE_WINDOW`` if it needed a delay of more than ``need`` seconds."""
        arrival, late = self._recent[-1], self._late
        if arrival.need - self._fastest[0][1] > need and not arrival.came_along:
            late.append(arrival)
        while late and late[0].received_at < arrival.received_at - LATE_WINDOW:
            late.popleft()

    def is_another_clocks(self, snapshot: SnapshotLike) -> bool:
        """Return whether a snapshot shows that the server's clock stood still, or was replaced by another."""
        if self._newest is None or snapshot.tick <= self._newest[0]:
            return False
        return snapshot.received_at - snapshot.time - self._fastest[0][1] > RESTART_LATENESS

    def exceeded(self, delay: float) -> bool:
        """Return whether playback with a delay of ``delay`` seconds ran dry within ``LATE_WINDOW``, outages aside."""
        return bool(self._excess(delay))

    def enough(self, share: float, least: float) -> float:
        """Return the delay in seconds, ``least`` or more, at which playback runs dry for ``share`` of the time.

        The excess of late arrivals over ``least`` is assumed to be exponentially distributed. With ``n`` late arrivals
        in ``t`` seconds and a mean excess of ``m`` seconds, playback with ``d`` seconds more delay runs dry for ``n·m/t
        · exp(-d/m)`` of the time (peaks over a threshold: Pickands, "Statistical inference using extreme order
        statistics", 1975).
        """
        excess = self._excess(least)
        if len(excess) < 2:
            return least  # one case is no pattern
        seconds = max(self._recent[-1].received_at - self._since, LATE_WINDOW / 4)
        mean = sum(excess) / len(excess)
        dry = sum(excess) / min(seconds, LATE_WINDOW)
        return least + (mean * math.log(dry / share) if dry > share else 0.0)

    def _excess(self, delay: float) -> list[float]:
        """Return for each late arrival how many seconds playback with that delay ran dry, outages aside."""
        above = (self.offset or 0.0) + delay
        limit = above + MAX_DELAY + MAX_BRIDGING
        return [min(one.need - above, one.wait) for one in self._late if above < one.need < limit]

    def reset_clock(self) -> None:
        """Forget all arrivals by a clock that is no longer valid. The measured interval stays."""
        interval = self.interval
        self.reset()
        self._latest = _Measured(interval=interval)

    def reset(self) -> None:
        """Forget everything."""
        self._fastest.clear()
        self._recent.clear()
        self._late.clear()
        self._latest = _Measured()
        self._newest = None

    def _measured(self) -> _Measured:
        recent, latest = self._recent, self._latest
        if recent and (recent[-1].received_at >= latest.valid_until or len(recent) < MEASURE_EACH_BELOW):
            latest = self._latest = self._measure()
        return latest

    def _measure(self) -> _Measured:
        recent = self._recent
        gaps = [one.gap for one in recent if one.gap > 0.0]
        interval = median_low(gaps) if gaps else self._latest.interval
        # a transit beyond MAX_DELAY is an outage, not jitter
        fastest = self._fastest[0][1]
        offsets = sorted([one.offset for one in recent if not one.came_along])
        del offsets[bisect_right(offsets, fastest + MAX_DELAY) :]
        ordinary = offsets[int(JITTER_QUANTILE * (len(offsets) - 1))] if offsets else fastest
        due = sum([one.due for one in recent])
        return _Measured(
            valid_until=recent[-1].received_at + REMEASURE_INTERVAL,
            interval=interval,
            jitter=max(ordinary - fastest, 0.0),
            loss=max(1.0 - len(recent) / due, 0.0) if due else 0.0,
        )

    def _keep_fastest(self, received_at: float, offset: float) -> None:
        arrivals = self._fastest
        while arrivals and arrivals[-1][1] >= offset:
            arrivals.pop()  # an older and slower arrival can never be the fastest again
        arrivals.append((received_at, offset))
        while arrivals[0][0] < received_at - self._window:
            arrivals.popleft()

    def _arrival_of(self, snapshot: SnapshotLike, offset: float) -> _Arrival:
        tick, time, received_at = snapshot.tick, snapshot.time, snapshot.received_at
        known, newest = self._newest, (tick, time, received_at, snapshot.resting)
        if known is None:
            self._newest, self._since = newest, received_at
            return _Arrival(received_at, offset, math.inf, offset, 0.0, 1)
        known_tick, known_until, known_at, rested = known
        if tick <= known_tick:
            return _Arrival(received_at, offset, 0.0, offset, 0.0, 0)
        self._newest, wait = newest, max(received_at - known_at, 0.0)
        if known_tick >= snapshot.previous_tick:  # nothing was lost
            paused = snapshot.changed_after - known_until
            if not rested and paused > MIN_SERVER_PAUSE:  # the server stood still; the link was good
                return _Arrival(received_at, offset, wait, offset, 0.0, 1)
            known_until = min(max(known_until, snapshot.changed_after), time)
        elif rested:  # the end of the rest is unknown
            return _Arrival(received_at, offset, wait, offset, 0.0, 1)
        gap = time - known_until
        due = max(round(min(gap, MAX_DELAY) / self._measured().interval), 1)  # a longer gap is an outage
        return _Arrival(received_at, offset, wait, received_at - known_until, gap, due)
