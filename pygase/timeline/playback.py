"""Which moment of the server's time is drawn: clocks that play received snapshots back, and what they measure.

A frame shows what the world was like ``delay`` seconds before the fastest datagram could tell of it. Enough of a
delay has always the next snapshot at hand before the picture has come to the last one; more of it is only late:

- :class:`FixedDelayClock` leaves the choice to the game;
- :class:`AdaptiveClock` measures how snapshots arrive (:class:`ArrivalMeter`) and chooses itself.

Pure: no clock of its own. Times are seconds; ``now`` is the clock that ``received_at`` was read from.
"""

from __future__ import annotations

import math
from typing import Final, Protocol

from .arrivals import DEFAULT_INTERVAL, MAX_BRIDGING, MAX_DELAY, OFFSET_WINDOW, ArrivalMeter, SnapshotLike

__all__ = ["AdaptiveClock", "FixedDelayClock", "PlaybackClock"]

DEFAULT_DELAY: Final = 0.1
"""Seconds that playback stays behind: at 20 snapshots a second, one may be lost and nothing stutters."""

SURVIVED_LOSSES: Final = 2
"""Snapshots that may be lost in a row, on any link, before the picture stands still."""

TOLERATED: Final = 0.002
"""Share of the time in which the picture may stand still for want of news: at 60 frames a second, one in 8 s."""

REVIEW_INTERVAL: Final = 0.25
"""Seconds between two looks at all that is remembered, as long as nothing new is worse than expected."""

MAX_SLEW: Final = 0.05
"""By how much of its speed playback may hurry or dawdle to get where it should be; nobody sees a twentieth."""

MAX_SLEWED: Final = 0.25
"""Seconds off that are made good like that, within five seconds; what is farther off is made good at once."""

SLEW_TIME: Final = 1.0
"""Seconds in which an adaptive clock makes good a small error: the smaller it is, the less of a hurry."""


class PlaybackClock(Protocol):
    """Decides which moment of the server's time is drawn. Within one connection it never steps back."""

    @property
    def delay(self) -> float:
        """Seconds that playback is behind the fastest arrivals at present."""

    @property
    def target_delay(self) -> float:
        """Seconds that it ought to be behind, and will be soon."""

    @property
    def bridging(self) -> float:
        """Seconds for which movement may be carried on while the next snapshot is late."""

    @property
    def easing(self) -> float:
        """Seconds of its speed that it may go on after that, while it slows down instead of stopping dead."""

    @property
    def arrivals(self) -> ArrivalMeter | None:
        """What it measures of the arrivals, if it does."""

    def observe(self, snapshot: SnapshotLike) -> None:
        """Take note of a snapshot that has arrived; each one once, in the order of arrival."""

    def playback_time(self, *, now: float) -> float | None:
        """Return the server time to be drawn, in seconds; None before the first arrival."""

    def reset(self) -> None:
        """Forget everything: a new connection begins."""


class FixedDelayClock:
    """Plays back a fixed ``delay`` behind the server's time, as the fastest of the latest arrivals tell it.

    The offset between the two machines' clocks is the smallest ``received_at - time`` within ``window``
    seconds, so a datagram that was held up moves nothing. When a faster one corrects the offset, or the
    ``delay`` is changed, playback hurries or dawdles a little until it is right; it never steps back.
    """

    bridging: float = 0.0
    """Movement ends with the newest snapshot; what is to be carried on, the game's rules say."""

    easing: float = 0.0
    """Nor does anything slow down."""

    def __init__(self, delay: float = DEFAULT_DELAY, *, window: float = OFFSET_WINDOW) -> None:
        self.delay = delay
        self.arrivals = ArrivalMeter(window)
        self._latest: float | None = None  # the latest answer, and when it was given:
        self._asked_at = -math.inf

    @property
    def delay(self) -> float:
        """Seconds from 0 up that playback stays behind."""
        return self._delay

    @delay.setter
    def delay(self, seconds: float) -> None:
        if not 0 <= seconds < math.inf:
            raise ValueError(f"delay must be a number of seconds from 0 up, not {seconds!r}")
        self._delay = seconds

    @property
    def target_delay(self) -> float:
        """The ``delay``."""
        return self._delay

    def observe(self, snapshot: SnapshotLike) -> None:
        """Take note of a snapshot that has arrived."""
        self.arrivals.observe(snapshot)

    def playback_time(self, *, now: float) -> float | None:
        """Return the server time to be drawn, in seconds; None before the first arrival."""
        offset = self.arrivals.offset
        if offset is None:
            return None
        wanted = now - offset - self._delay
        if self._latest is not None:
            wanted = max(self._latest, self._approach(wanted, now - self._asked_at))
        self._latest, self._asked_at = wanted, max(self._asked_at, now)
        return wanted

    def reset(self) -> None:
        """Forget everything: a new connection begins."""
        self.arrivals.reset()
        self._latest, self._asked_at = None, -math.inf

    def _approach(self, wanted: float, passed: float) -> float:
        """Return where playback is ``passed`` seconds after its latest answer, if it ought to be at ``wanted``."""
        assert self._latest is not None
        expected = self._latest + max(passed, 0.0)
        off, reach = wanted - expected, MAX_SLEW * max(passed, 0.0)
        return expected + math.copysign(reach, off) if reach < abs(off) <= MAX_SLEWED else wanted


class AdaptiveClock:
    """Plays back as little behind the server's time as the weather allows.

    The delay is chosen such that

    - ordinary jitter leaves the next snapshot at hand before the one before has been played;
    - two snapshots lost in a row do not stop the picture: the delay covers a part of that gap, and in the rest, about
      one interval, movement is carried on (``bridging``);
    - longer gaps, if the last 40 seconds had more than one, stop it for ``TOLERATED`` of the time only;
    - if those lost any, movement that has been carried on slows down (``easing``) instead of stopping dead, so that it
      has the less to make good when the burst is over.

    That is 2 send intervals on a good link. It grows within seconds when the link gets worse, and shrinks when
    bad luck is so long ago that it is forgotten. Meanwhile playback hurries or dawdles, by ``MAX_SLEW`` at most; it
    never steps back. Only after an outage, when it is ``MAX_SLEWED`` off or more, it goes where it should be at once.

    :param max_delay: seconds that it stays behind at most.
    :raises ValueError: ``max_delay`` is negative or no number.
    """

    def __init__(self, *, max_delay: float = MAX_DELAY) -> None:
        if not 0 <= max_delay < math.inf:
            raise ValueError(f"max_delay must be a number of seconds from 0 up, not {max_delay!r}")
        self.max_delay = max_delay
        self.arrivals = ArrivalMeter()
        self._begin()

    def _begin(self) -> None:
        self._target = self._delay = min(2 * DEFAULT_INTERVAL, self.max_delay)
        self._bridging, self._easing = DEFAULT_INTERVAL, 0.0
        self._late = 2 * DEFAULT_INTERVAL  # from here on a snapshot is later than jitter explains
        self._review_at = -math.inf
        self._latest: float | None = None  # the latest answer, and when it was given:
        self._asked_at = -math.inf

    @property
    def delay(self) -> float:
        """Seconds that playback is behind the fastest arrivals at present."""
        return self._delay

    @property
    def target_delay(self) -> float:
        """Seconds that it ought to be behind, and will be soon."""
        return self._target

    @property
    def bridging(self) -> float:
        """Seconds for which movement is carried on while the next snapshot is late: about a send interval."""
        return self._bridging

    @property
    def easing(self) -> float:
        """Seconds of its speed that it goes on after that, while it slows down: as many, if some were lost."""
        return self._easing

    def observe(self, snapshot: SnapshotLike) -> None:
        """Take note of a snapshot that has arrived."""
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
            playback = max(self._latest, self._approach(playback, max(now - self._asked_at, 0.0)))
        self._latest, self._asked_at = playback, max(self._asked_at, now)
        self._delay = max(self._asked_at - offset - playback, 0.0)
        return playback

    def reset(self) -> None:
        """Forget everything: a new connection begins."""
        self.arrivals.reset()
        self._begin()

    def _approach(self, wanted: float, passed: float) -> float:
        """Return where playback is ``passed`` seconds after its latest answer, if it ought to be at ``wanted``."""
        assert self._latest is not None
        expected = self._latest + passed
        off, reach = wanted - expected, MAX_SLEW * passed
        if abs(off) > MAX_SLEWED + reach:
            return wanted
        return expected + max(-reach, min(off * min(passed / SLEW_TIME, 1.0), reach))

    def _review(self, now: float) -> None:
        """Choose the delay by all that is remembered."""
        self._review_at = now + REVIEW_INTERVAL
        interval, jitter = self.arrivals.interval, self.arrivals.jitter
        self._bridging = min(interval + jitter, 1.5 * interval, MAX_BRIDGING)
        ordinary = interval + jitter
        least = max(ordinary, SURVIVED_LOSSES * interval + ordinary - self._bridging)
        self._late = ordinary + interval / 2  # might be too late one day, when there is less jitter
        self._easing = self._bridging if self.arrivals.exceeded(self._late) else 0.0
        wanted = self.arrivals.enough(TOLERATED, least + self._bridging) - self._bridging
        wanted = max(wanted, self._delay - MAX_SLEWED)  # farther off would be made good at once: a jump
        self._target = min(wanted, self._delay + MAX_SLEWED, self.max_delay)
