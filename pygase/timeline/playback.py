"""Playback clocks: they choose the moment of the server's time that is drawn.

A frame shows the world ``delay`` seconds late. With a sufficient delay the next snapshot arrives before the picture has
reached the last one.

Pure: times are seconds; ``now`` is the clock that ``received_at`` was read from.
"""

from __future__ import annotations

import math
from typing import Final, Protocol

from .arrivals import ASSUMED_INTERVAL, MAX_BRIDGING, MAX_DELAY, OFFSET_WINDOW, ArrivalMeter, SnapshotLike

__all__ = ["AdaptiveClock", "FixedDelayClock", "PlaybackClock"]

DEFAULT_DELAY: Final = 0.1
"""Seconds that playback stays behind: at 20 snapshots a second, one loss causes no stutter."""

SURVIVED_LOSSES: Final = 2
"""Consecutive losses, on any link, after which the picture still moves."""

MAX_DRY_SHARE: Final = 0.002
"""Share of the time in which the picture may wait for a snapshot: at 60 frames a second, one frame in 8 s."""

REVIEW_INTERVAL: Final = 0.25
"""Seconds between two choices of the delay. An unexpectedly late arrival causes one at once."""

MAX_RATE_CHANGE: Final = 0.05
"""Share of its speed by which playback runs faster or slower to correct its delay; 5 % is invisible."""

JUMP_ABOVE: Final = 0.25
"""Error of the delay, in seconds, above which playback jumps. Smaller errors are corrected within five seconds."""

SETTLING_TIME: Final = 1.0
"""Seconds in which an adaptive clock corrects a small error: its speed changes less for a smaller error."""


class PlaybackClock(Protocol):
    """Chooses the moment of the server's time that is drawn. Within one connection it never steps back."""

    @property
    def delay(self) -> float:
        """Seconds that playback is behind the fastest arrivals at present."""

    @property
    def target_delay(self) -> float:
        """Seconds that it is to be behind; ``delay`` approaches it."""

    @property
    def bridging(self) -> float:
        """Seconds for which movement may be carried on while the next snapshot is late."""

    @property
    def easing(self) -> float:
        """Further way, in seconds at full speed, over which that movement slows down."""

    @property
    def arrivals(self) -> ArrivalMeter | None:
        """Measurements of the arrivals; None if the clock measures none."""

    def observe(self, snapshot: SnapshotLike) -> None:
        """Measure the arrival of a snapshot. Call it once for each, in the order of arrival."""

    def playback_time(self, *, now: float) -> float | None:
        """Return the server time to be drawn, in seconds; None before the first arrival."""

    def reset(self) -> None:
        """Forget everything. Call it when a new connection begins."""


class FixedDelayClock:
    """Plays back a fixed ``delay`` behind the server's time.

    The offset of the two clocks is the smallest ``received_at - time`` within ``window`` seconds, so a delayed datagram
    changes nothing. After a correction, playback runs slightly faster or slower; it never steps back.

    :param delay: seconds from 0 up.
    :param window: seconds.
    :raises ValueError: ``delay`` is negative or not finite.
    """

    bridging: float = 0.0
    """0.0: movement ends with the newest snapshot, unless a rule of the game extrapolates."""

    easing: float = 0.0
    """0.0: movement does not slow down, it stops."""

    def __init__(self, delay: float = DEFAULT_DELAY, *, window: float = OFFSET_WINDOW) -> None:
        self.delay = delay
        self.arrivals = ArrivalMeter(window)
        self._latest: float | None = None  # the latest answer, and its time:
        self._asked_at = -math.inf

    @property
    def delay(self) -> float:
        """Seconds from 0 up."""
        return self._delay

    @delay.setter
    def delay(self, seconds: float) -> None:
        if not 0 <= seconds < math.inf:
            raise ValueError(f"delay must be a number of seconds from 0 up, not {seconds!r}")
        self._delay = seconds

    @property
    def target_delay(self) -> float:
        """The same as ``delay``."""
        return self._delay

    def observe(self, snapshot: SnapshotLike) -> None:
        """Measure the arrival of a snapshot."""
        self.arrivals.observe(snapshot)

    def playback_time(self, *, now: float) -> float | None:
        """Return the server time to be drawn, in seconds; None before the first arrival."""
        offset = self.arrivals.offset
        if offset is None:
            return None
        wanted = now - offset - self._delay
        if self._latest is not None:
            wanted = max(self._latest, self._approach(wanted, self._latest, now - self._asked_at))
        self._latest, self._asked_at = wanted, max(self._asked_at, now)
        return wanted

    def reset(self) -> None:
        """Forget everything. Call it when a new connection begins."""
        self.arrivals.reset()
        self._latest, self._asked_at = None, -math.inf

    def _approach(self, wanted: float, latest: float, passed: float) -> float:
        """Return the playback time ``passed`` seconds after the latest answer, on its way to ``wanted``."""
        expected = latest + max(passed, 0.0)
        off, reach = wanted - expected, MAX_RATE_CHANGE * max(passed, 0.0)
        return expected + math.copysign(reach, off) if reach < abs(off) <= JUMP_ABOVE else wanted


class AdaptiveClock:
    """Plays back with the smallest delay that the link allows: two send intervals on a good link.

    - With ordinary jitter the next snapshot arrives before the current one has been played.
    - Two consecutive losses do not stop the picture: for about one interval movement is carried on (``bridging``).
    - Longer gaps stop it for at most ``MAX_DRY_SHARE`` of the time, if the last 40 seconds had more than one.
    - If snapshots were lost, movement that is carried on slows down (``easing``) instead of stopping at once.

    To change the delay, playback runs up to ``MAX_RATE_CHANGE`` faster or slower; it never steps back. Only after an
    outage, with an error above ``JUMP_ABOVE``, it jumps.

    :param max_delay: most seconds of delay.
    :raises ValueError: ``max_delay`` is negative or no number.
    """

    def __init__(self, *, max_delay: float = MAX_DELAY) -> None:
        if not 0 <= max_delay < math.inf:
            raise ValueError(f"max_delay must be a number of seconds from 0 up, not {max_delay!r}")
        self.max_delay = max_delay
        self.arrivals = ArrivalMeter()
        self._begin()

    def _begin(self) -> None:
        self._target = self._delay = min(2 * ASSUMED_INTERVAL, self.max_delay)
        self._bridging, self._easing = ASSUMED_INTERVAL, 0.0
        self._late = 2 * ASSUMED_INTERVAL  # seconds of need from which on a snapshot is later than jitter explains
        self._review_at = -math.inf
        self._latest: float | None = None  # the latest answer, and its time:
        self._asked_at = -math.inf

    @property
    def delay(self) -> float:
        """Seconds that playback is behind the fastest arrivals at present."""
        return self._delay

    @property
    def target_delay(self) -> float:
        """Seconds that it is to be behind; ``delay`` approaches it."""
        return self._target

    @property
    def bridging(self) -> float:
        """Seconds for which movement is carried on while the next snapshot is late: about one send interval."""
        return self._bridging

    @property
    def easing(self) -> float:
        """Further way, in seconds at full speed, while it slows down: ``bridging`` after recent losses, else 0.0."""
        return self._easing

    def observe(self, snapshot: SnapshotLike) -> None:
        """Measure the arrival of a snapshot."""
        if self.arrivals.is_another_clocks(snapshot):
            self.arrivals.reset_clock()
            self._latest = None
        need = self.arrivals.observe(snapshot)
        self.arrivals.remember(self._late)
        if snapshot.received_at >= self._review_at or self._target + self._bridging < need:
            self._review(snapshot.received_at)

    def playback_time(self, *, now: float) -> float | None:
        """Return the server time to be drawn, in seconds; None before the first arrival."""
        offset = self.arrivals.offset
        if offset is None:
            return None
        playback = now - offset - self._target
        if self._latest is not None:
            playback = max(self._latest, self._approach(playback, self._latest, max(now - self._asked_at, 0.0)))
        self._latest, self._asked_at = playback, max(self._asked_at, now)
        self._delay = max(self._asked_at - offset - playback, 0.0)
        return playback

    def reset(self) -> None:
        """Forget everything. Call it when a new connection begins."""
        self.arrivals.reset()
        self._begin()

    def _approach(self, wanted: float, latest: float, passed: float) -> float:
        """Return the playback time ``passed`` seconds after the latest answer, on its way to ``wanted``."""
        expected = latest + passed
        off, reach = wanted - expected, MAX_RATE_CHANGE * passed
        if abs(off) > JUMP_ABOVE + reach:
            return wanted
        return expected + max(-reach, min(off * min(passed / SETTLING_TIME, 1.0), reach))

    def _review(self, now: float) -> None:
        self._review_at = now + REVIEW_INTERVAL
        interval, jitter = self.arrivals.interval, self.arrivals.jitter
        self._bridging = min(interval + jitter, 1.5 * interval, MAX_BRIDGING)
        ordinary = interval + jitter
        least = max(ordinary, SURVIVED_LOSSES * interval + ordinary - self._bridging)
        self._late = ordinary + interval / 2  # may be too late when jitter, and so the delay, is lower
        self._easing = self._bridging if self.arrivals.exceeded(self._late) else 0.0
        wanted = self.arrivals.enough(MAX_DRY_SHARE, least + self._bridging) - self._bridging
        wanted = max(wanted, self._delay - JUMP_ABOVE)  # a larger step would be a jump
        self._target = min(wanted, self._delay + JUMP_ABOVE, self.max_delay)
