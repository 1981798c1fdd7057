"""How snapshots arrive: how fast at best, how often, how unevenly, and how many do not.

Pure: no clock of its own. Times are seconds; ``received_at`` is by this machine's clock.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections import deque
from collections.abc import Mapping
from statistics import median_low
from typing import Any, Final, NamedTuple, Protocol

__all__ = ["ArrivalMeter", "SnapshotLike"]

OFFSET_WINDOW: Final = 5.0
"""Seconds of arrivals to choose the fastest from: many even at 10 a second, and clocks drift < 1 ms in it."""

NEWS_WINDOW: Final = 10.0
"""Seconds of arrivals to measure interval, jitter and loss by."""

LATE_WINDOW: Final = 40.0
"""Seconds for which bad luck is remembered: at 5 % loss in bursts and 20 snapshots a second, some 16 bursts."""

MAX_LATE: Final = 256
"""Most strokes of bad luck remembered, whatever the window."""

MAX_ARRIVALS: Final = 1024
"""Most arrivals remembered for either purpose, whatever the window."""

MEASURE_INTERVAL: Final = 0.25
"""Seconds between two looks at all these arrivals."""

FEW: Final = 16
"""Arrivals so few that each one counts."""

JITTER_QUANTILE: Final = 0.99
"""Share of the arrivals whose lateness counts as ordinary."""

DEFAULT_INTERVAL: Final = 0.05
"""Seconds between snapshots, as long as nothing is measured."""

MAX_DELAY: Final = 0.5
"""Seconds that an adaptive clock stays behind at most, however bad the weather: more is no game any more."""

MAX_BRIDGING: Final = 0.15
"""Seconds that movement is carried on at most while the next snapshot is late."""

PAUSE: Final = 0.01
"""Seconds for which a state stayed as it was though the world did not rest, from which on its server had paused. (A
server that is late by less than half an interval has not.)"""

RESTART_LATENESS: Final = 1.0
"""A snapshot that took this many seconds longer than another tells of another clock, not of a slow way."""


class SnapshotLike(Protocol):
    """What a clock and a buffer read of a snapshot; ``pygase.Snapshot`` is one."""

    @property
    def tick(self) -> int:
        """Number of the simulation step, counting up."""

    @property
    def time(self) -> float:
        """The server's clock at that tick, in seconds."""

    @property
    def received_at(self) -> float:
        """This machine's clock when the snapshot arrived, in seconds."""

    @property
    def state(self) -> Mapping[str, Any]:
        """The state, never changed by anyone."""

    @property
    def previous_tick(self) -> int:
        """The last tick before this one whose state was a different one."""

    @property
    def changed_after(self) -> float:
        """The server's clock, in seconds, up to which that state was still true."""

    @property
    def resting(self) -> bool:
        """Whether nothing changed any more in this tick: until news come, the state stays as it is."""


class _News(NamedTuple):
    """A snapshot newer than all before it, or (with ``wait`` 0) one that came after newer ones."""

    received_at: float
    offset: float  # received_at - time: how long it took, by clocks that do not agree
    wait: float  # seconds since the news before
    need: float  # received_at - the end of what was known before: playback so far behind does not run dry
    gap: float  # seconds of movement since what was known before; 0 if that is not known
    due: int  # snapshots that were to be expected since the news before, this one included

    @property
    def came_along(self) -> bool:
        """Whether it came with the news before: held up together, they are one case and not two."""
        return self.wait <= self.gap / 2


class _Measured(NamedTuple):
    valid_until: float = -math.inf
    interval: float = DEFAULT_INTERVAL
    jitter: float = 0.0
    loss: float = 0.0


class ArrivalMeter:
    """Measures how snapshots arrive: how fast at best, how often, how unevenly, and how many do not.

    What changed nothing is not sent, so a gap between ticks is no loss as long as ``previous_tick`` tells that
    there was nothing to miss. Memory is bounded by time and number.
    """

    def __init__(self, window: float = OFFSET_WINDOW) -> None:
        self._window = window
        # (received_at, offset), both rising: the fastest that is left comes first
        self._fastest: deque[tuple[float, float]] = deque(maxlen=MAX_ARRIVALS)
        self._news: deque[_News] = deque(maxlen=MAX_ARRIVALS)
        self._late: deque[_News] = deque(maxlen=MAX_LATE)
        self._newest: tuple[int, float, float, bool] | None = None  # its tick, time, received_at and resting
        self._since = 0.0
        self._latest = _Measured()

    @property
    def offset(self) -> float | None:
        """Seconds from the server's clock to ours plus the fastest transit; None before the first arrival."""
        return self._fastest[0][1] if self._fastest else None

    @property
    def interval(self) -> float:
        """Seconds between two snapshots in a row, typically."""
        return self._measured().interval

    @property
    def jitter(self) -> float:
        """Seconds that all but the slowest hundredth took longer than the fastest."""
        return self._measured().jitter

    @property
    def loss(self) -> float:
        """Share of the snapshots that did not come in time to be of use, 0..1."""
        return self._measured().loss

    def observe(self, snapshot: SnapshotLike) -> float:
        """Take note of an arrival; return its need: how far behind playback had to be not to run dry, in seconds."""
        offset = snapshot.received_at - snapshot.time
        self._keep_fastest(snapshot.received_at, offset)
        news = self._news_in(snapshot, offset)
        self._news.append(news)  # bounded by number, too
        while self._news[0].received_at < news.received_at - NEWS_WINDOW:
            self._news.popleft()
        return news.need - self._fastest[0][1]

    def remember(self, need: float) -> None:
        """Keep the latest arrival in mind for ``LATE_WINDOW`` if it needed more than so many seconds."""
        news, late = self._news[-1], self._late
        if news.need - self._fastest[0][1] > need and not news.came_along:
            late.append(news)
        while late and late[0].received_at < news.received_at - LATE_WINDOW:
            late.popleft()

    def is_another_clocks(self, snapshot: SnapshotLike) -> bool:
        """Tell whether a snapshot shows that the server's clock stood still, or is another one."""
        if self._newest is None or snapshot.tick <= self._newest[0]:
            return False
        return snapshot.received_at - snapshot.time - self._fastest[0][1] > RESTART_LATENESS

    def exceeded(self, delay: float) -> bool:
        """Tell whether playback so many seconds behind would have run dry lately, but for outages."""
        return bool(self._excess(delay))

    def enough(self, share: float, least: float) -> float:
        """Return how far behind playback has to be to run dry for that share of the time only.

        At least ``least`` seconds. By how much news are too late even for that is exponentially distributed, or so we
        assume: bursts of loss are. With ``n`` such cases in ``t`` seconds, ``m`` too late on average, playback that
        is another ``d`` behind runs dry for ``n·m/t · exp(-d/m)`` of the time. (That is the method of peaks over a
        threshold: Pickands, "Statistical inference using extreme order statistics", 1975.)
        """
        excess = self._excess(least)
        if len(excess) < 2:
            return least  # one case is no pattern
        seconds = max(self._news[-1].received_at - self._since, LATE_WINDOW / 4)
        mean = sum(excess) / len(excess)
        dry = sum(excess) / min(seconds, LATE_WINDOW)
        return least + (mean * math.log(dry / share) if dry > share else 0.0)

    def _excess(self, delay: float) -> list[float]:
        """Return for how many seconds playback so far behind ran dry, each time that is remembered, but for outages."""
        above = (self.offset or 0.0) + delay
        limit = above + MAX_DELAY + MAX_BRIDGING
        return [min(one.need - above, one.wait) for one in self._late if above < one.need < limit]

    def reset_clock(self) -> None:
        """Forget when anything came, by a clock that does not count any more; the interval stays."""
        interval = self.interval
        self.reset()
        self._latest = _Measured(interval=interval)

    def reset(self) -> None:
        """Forget everything."""
        self._fastest.clear()
        self._news.clear()
        self._late.clear()
        self._latest = _Measured()
        self._newest = None

    def _measured(self) -> _Measured:
        """Look at all arrivals, though not for each one again."""
        news, latest = self._news, self._latest
        if news and (news[-1].received_at >= latest.valid_until or len(news) < FEW):
            latest = self._latest = self._measure()
        return latest

    def _measure(self) -> _Measured:
        news = self._news
        gaps = [one.gap for one in news if one.gap > 0.0]
        interval = median_low(gaps) if gaps else self._latest.interval
        # what was held up for too long belongs to an outage, not to the weather
        fastest = self._fastest[0][1]
        offsets = sorted([one.offset for one in news if not one.came_along])
        del offsets[bisect_right(offsets, fastest + MAX_DELAY) :]
        ordinary = offsets[int(JITTER_QUANTILE * (len(offsets) - 1))] if offsets else fastest
        due = sum([one.due for one in news])
        return _Measured(
            valid_until=news[-1].received_at + MEASURE_INTERVAL,
            interval=interval,
            jitter=max(ordinary - fastest, 0.0),
            loss=max(1.0 - len(news) / due, 0.0) if due else 0.0,
        )

    def _keep_fastest(self, received_at: float, offset: float) -> None:
        arrivals = self._fastest
        while arrivals and arrivals[-1][1] >= offset:
            arrivals.pop()  # older and slower: it can never be the fastest again
        arrivals.append((received_at, offset))
        while arrivals[0][0] < received_at - self._window:
            arrivals.popleft()

    def _news_in(self, snapshot: SnapshotLike, offset: float) -> _News:
        tick, time, received_at = snapshot.tick, snapshot.time, snapshot.received_at
        known, newest = self._newest, (tick, time, received_at, snapshot.resting)
        if known is None:
            self._newest, self._since = newest, received_at
            return _News(received_at, offset, math.inf, offset, 0.0, 1)
        known_tick, known_until, known_at, rested = known
        if tick <= known_tick:
            return _News(received_at, offset, 0.0, offset, 0.0, 0)
        self._newest, wait = newest, max(received_at - known_at, 0.0)
        if known_tick >= snapshot.previous_tick:  # nothing was lost
            paused = snapshot.changed_after - known_until
            if not rested and paused > PAUSE:  # it is the server that stood still, and not the weather that was bad
                return _News(received_at, offset, wait, offset, 0.0, 1)
            known_until = min(max(known_until, snapshot.changed_after), time)
        elif rested:  # who knows when the rest ended
            return _News(received_at, offset, wait, offset, 0.0, 1)
        gap = time - known_until
        due = max(round(min(gap, MAX_DELAY) / self._measured().interval), 1)  # beyond that, the link was down
        return _News(received_at, offset, wait, received_at - known_until, gap, due)
