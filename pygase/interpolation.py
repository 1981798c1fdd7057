"""What a screen needs of past states: received snapshots, played back smoothly a little behind the server.

Snapshots arrive unevenly and less often than frames are drawn. A :class:`SnapshotBuffer` keeps the latest
of them and answers, for each frame, what the world looked like ``delay`` seconds ago:

- numbers under the paths that the game names glide from one snapshot to the next, all else steps at its time;
- what jumps (farther than ``snap_distance``, or with its ``snap_on`` mark changed) steps too;
- what appears or vanishes does so at its time;
- where the buffer runs dry, or the world rests, the view is the newest state itself, nothing computed.

When a moment is played is decided by a :class:`PlaybackClock` alone; :class:`FixedDelayClock` is the simplest. Pure:
no I/O, no clock of its own. Times are seconds; ``now`` is the clock that ``received_at`` was read from.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections import deque
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any, Final, Protocol

from .blending import Blender, Interpolate

__all__ = ["FixedDelayClock", "Interpolate", "PlaybackClock", "SnapshotBuffer", "SnapshotLike"]

DEFAULT_DELAY: Final = 0.1
"""Seconds that playback stays behind: at 20 snapshots a second, one may be lost and nothing stutters."""

MAX_SNAPSHOTS: Final = 256
"""Most snapshots a buffer holds: 2 s of 128 a second, for a game that does not draw for a while."""

OFFSET_WINDOW: Final = 5.0
"""Seconds of arrivals to choose the fastest from: many even at 10 a second, and clocks drift < 1 ms in it."""

MAX_ARRIVALS: Final = 1024
"""Most arrivals remembered for that choice, whatever the window."""

MAX_SLEW: Final = 0.05
"""By how much of its speed playback may hurry or dawdle to get where it should be; nobody sees a twentieth."""

MAX_SLEWED: Final = 0.25
"""Seconds off that are made good like that, within five seconds; what is farther off is made good at once."""

RESTART_LATENESS: Final = 1.0
"""An older snapshot that took this many seconds longer than the newest is a new server's, not a slow one."""

_NOTHING: Final[Mapping[str, Any]] = MappingProxyType({})


class SnapshotLike(Protocol):
    """What a buffer reads of a snapshot; ``pygase.Snapshot`` is one."""

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


class PlaybackClock(Protocol):
    """Decides which moment of the server's time is drawn. Within one connection it never steps back."""

    @property
    def delay(self) -> float:
        """Seconds that playback is behind the fastest arrivals at present."""

    def observe(self, *, time: float, received_at: float) -> None:
        """Take note that the snapshot of server time ``time`` arrived at ``received_at``."""

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

    def __init__(self, delay: float = DEFAULT_DELAY, *, window: float = OFFSET_WINDOW) -> None:
        self.delay = delay
        self._window = window
        # (received_at, offset), both rising: the fastest that is left comes first
        self._fastest: deque[tuple[float, float]] = deque(maxlen=MAX_ARRIVALS)
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

    def observe(self, *, time: float, received_at: float) -> None:
        """Take note that the snapshot of server time ``time`` arrived at ``received_at``."""
        offset, arrivals = received_at - time, self._fastest
        while arrivals and arrivals[-1][1] >= offset:
            arrivals.pop()  # older and slower: it can never be the fastest again
        arrivals.append((received_at, offset))
        while arrivals[0][0] < received_at - self._window:
            arrivals.popleft()

    def playback_time(self, *, now: float) -> float | None:
        """Return the server time to be drawn, in seconds; None before the first arrival."""
        if not self._fastest:
            return None
        wanted = now - self._fastest[0][1] - self._delay
        if self._latest is not None:
            wanted = max(self._latest, self._approach(wanted, now - self._asked_at))
        self._latest, self._asked_at = wanted, max(self._asked_at, now)
        return wanted

    def reset(self) -> None:
        """Forget everything: a new connection begins."""
        self._fastest.clear()
        self._latest, self._asked_at = None, -math.inf

    def _approach(self, wanted: float, passed: float) -> float:
        """Return where playback is ``passed`` seconds after its latest answer, if it ought to be at ``wanted``."""
        assert self._latest is not None
        expected = self._latest + max(passed, 0.0)
        off, reach = wanted - expected, MAX_SLEW * max(passed, 0.0)
        return expected + math.copysign(reach, off) if reach < abs(off) <= MAX_SLEWED else wanted


class SnapshotBuffer:
    """The latest snapshots, in order, and the view of them at the moment that is being played back.

    Feed it with :meth:`add` as snapshots arrive, in whatever order, and call :meth:`view` once per frame.

    :param interpolate: paths (or :class:`Interpolate` rules) of the numbers that shall move smoothly.
    :param delay: seconds to stay behind; more hides more loss and jitter. Not together with ``clock``.
    :param clock: another :class:`PlaybackClock` than a :class:`FixedDelayClock`.
    :raises ValueError: a path is malformed or named twice, or ``delay`` is negative.
    """

    def __init__(
        self,
        interpolate: Iterable[str | Interpolate] = (),
        *,
        delay: float | None = None,
        clock: PlaybackClock | None = None,
    ) -> None:
        if clock is not None and delay is not None:
            raise ValueError("give SnapshotBuffer a delay or a clock (which has its own delay), not both")
        self._clock: PlaybackClock = clock or FixedDelayClock(DEFAULT_DELAY if delay is None else delay)
        self._blender = Blender(interpolate)
        self._snapshots: list[SnapshotLike] = []  # by tick; once playing, the first is the one being played
        self._played = -math.inf  # the moment shown last, by the server's clock

    def __len__(self) -> int:
        return len(self._snapshots)

    @property
    def newest(self) -> SnapshotLike | None:
        """The snapshot of the highest tick; None before the first."""
        return self._snapshots[-1] if self._snapshots else None

    def reset(self) -> None:
        """Forget everything: call it when a new connection begins."""
        self._snapshots.clear()
        self._clock.reset()
        self._played = -math.inf

    def add(self, snapshot: SnapshotLike) -> bool:
        """Take a snapshot in; False if it is of no use: a duplicate, or older than what is being shown.

        One whose tick or time tells that the server has started anew resets the buffer first.
        """
        if self._is_restart(snapshot):
            self.reset()
        held = self._snapshots
        index = len(held)
        if held and snapshot.tick <= held[-1].tick:
            index = bisect_left(held, snapshot.tick, key=_tick)
            if held[index].tick == snapshot.tick or (index == 0 and self._played >= held[0].time):
                return False
        held.insert(index, snapshot)
        self._clock.observe(time=snapshot.time, received_at=snapshot.received_at)
        del held[:-MAX_SNAPSHOTS]
        return True

    def view(self, *, now: float) -> Mapping[str, Any]:
        """Return the state to be drawn at ``now``; empty before the first snapshot.

        It shares with the snapshots all that does not move: read it, never change it.
        """
        playback = self._clock.playback_time(now=now)
        held = self._snapshots
        if playback is None or not held:
            return _NOTHING
        self._played = playback
        while len(held) > 1 and held[1].time <= playback:
            del held[0]
        progress = self._progress(held[0], held[1], playback) if len(held) > 1 else 0.0
        if progress <= 0.0:
            return held[0].state
        return self._blender.blend(held[0].state, held[1].state, progress)

    def playback_time(self, *, now: float) -> float | None:
        """Return the moment that :meth:`view` shows, in server seconds; None before the first snapshot."""
        return self._clock.playback_time(now=now)

    def _progress(self, older: SnapshotLike, newer: SnapshotLike, playback: float) -> float:
        """Return how far playback is on the way from one snapshot to the next, 0 to below 1.

        Where the world rested in between, movement begins when the rest ended. However long the gap (some
        were lost, or the link was down), it is crossed in its last ``delay`` seconds: until then nobody could
        know of the movement, and a picture once shown must not jump.
        """
        start = max(older.time, newer.time - self._clock.delay)
        if older.tick >= newer.previous_tick:  # nothing in between was lost
            start = min(max(start, newer.changed_after), newer.time)
        return (playback - start) / (newer.time - start) if playback > start else 0.0

    def _is_restart(self, snapshot: SnapshotLike) -> bool:
        newest = self.newest
        if newest is None:
            return False
        ticks, seconds = snapshot.tick - newest.tick, snapshot.time - newest.time
        if (ticks > 0 and seconds < 0) or (ticks < 0 and seconds > 0):
            return True
        took_longer = (snapshot.received_at - newest.received_at) - seconds
        return ticks <= 0 and took_longer > RESTART_LATENESS


def _tick(snapshot: SnapshotLike) -> int:
    return snapshot.tick
