"""What a screen needs of past states: received snapshots, played back smoothly a little behind the server.

Snapshots arrive unevenly and less often than frames are drawn. A :class:`SnapshotBuffer` keeps the latest
of them and answers, for each frame, what the world looked like a moment ago:

- numbers under the paths that the game names glide from one snapshot to the next, all else steps at its time;
- what jumps (farther than ``snap_distance``, or with its ``snap_on`` mark changed) steps too;
- what appears or vanishes does so at its time;
- while the next snapshot is late, what moves is carried on for about one send interval, and where the link loses some
  it then slows down; or as long as the game allows (``extrapolate``). When the truth comes, the picture does not jump
  to it but joins it within ``SMOOTHING``;
- where the world rests, the view is the newest state itself, nothing computed.

When a moment is played is decided by a :class:`PlaybackClock` alone. Pure: no I/O, no clock of its own. Times are
seconds; ``now`` is the clock that ``received_at`` was read from.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

from .arrivals import RESTART_LATENESS, SnapshotLike
from .blending import HOLDING, Blender, Interpolate, carried
from .differences import shifted
from .keeping import newest_of
from .playback import AdaptiveClock, FixedDelayClock, PlaybackClock

__all__ = [
    "AdaptiveClock",
    "FixedDelayClock",
    "Interpolate",
    "PlaybackClock",
    "PlaybackStats",
    "SnapshotBuffer",
    "SnapshotLike",
]

MAX_SNAPSHOTS: Final = 256
"""Most snapshots a buffer holds: 2 s of 128 a second, for a game that does not draw for a while."""

SMOOTHING: Final = 0.1
"""Seconds in which a picture that was carried on wrongly joins the true one: a few frames."""

MAX_SMOOTHING: Final = 0.3
"""The same after the picture had to do without news for as long as that, or longer."""

_NOTHING: Final[Mapping[str, Any]] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class PlaybackStats:
    """How playback is doing; for a net graph. Times are seconds.

    :ivar delay: how far playback is behind the fastest arrivals.
    :ivar target_delay: how far it ought to be, and will be soon.
    :ivar interval: between two snapshots; None if the clock does not measure, as with the next two.
    :ivar jitter: that all but the slowest hundredth of the snapshots took longer than the fastest.
    :ivar loss: share of the snapshots that did not come in time to be of use, 0..1.
    :ivar age: since the newest snapshot arrived.
    :ivar buffered: from the moment being shown to the newest snapshot; below 0 while it is overdue.
    :ivar bridged_frames: frames in which movement was carried on, so far.
    :ivar stalls: how often news were late for longer than that, so far.
    """

    delay: float
    target_delay: float
    interval: float | None
    jitter: float | None
    loss: float | None
    age: float
    buffered: float
    bridged_frames: int
    stalls: int


class SnapshotBuffer:
    """The latest snapshots, in order, and the view of them at the moment that is being played back.

    Feed it with :meth:`add` as snapshots arrive, in whatever order, and call :meth:`view` once per frame.

    :param interpolate: paths (or :class:`Interpolate` rules) of the numbers that shall move smoothly.
    :param delay: seconds to stay behind, fixed; more hides more loss and jitter. None: as little as the link allows
        (:class:`AdaptiveClock`). Not together with ``clock``.
    :param clock: another :class:`PlaybackClock`.
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
        self._clock: PlaybackClock = clock or (AdaptiveClock() if delay is None else FixedDelayClock(delay))
        self._blender = Blender(interpolate)
        self._snapshots: list[SnapshotLike] = []  # by tick; once playing, the first is the one being played
        self._forget_picture()
        self._bridged_frames = self._stalls = 0

    def _forget_picture(self) -> None:
        self._before: SnapshotLike | None = None  # played before the first that is held
        self._played = -math.inf  # the moment shown last, by the server's clock, and what was shown:
        self._shown: Mapping[str, Any] = _NOTHING
        self._overdue = 0.0  # for how long the next snapshot was overdue then
        self._rerouted = False  # whether the way on from there is another one by now
        self._error: dict[Any, Any] = {}  # of the picture; it counts fully at the first time and no more at the second:
        self._error_from = self._error_until = -math.inf
        self._stalled_tick: int | None = None

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
        self._forget_picture()

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
        self._rerouted = self._rerouted or index <= 1
        self._clock.observe(snapshot)
        del held[: len(held) - len(newest_of(held, MAX_SNAPSHOTS))]
        return True

    def view(self, *, now: float) -> Mapping[str, Any]:
        """Return the state to be drawn at ``now``; empty before the first snapshot.

        It shares with the snapshots all that does not move: read it, never change it.
        """
        playback = self._clock.playback_time(now=now)
        if playback is None or not self._snapshots:
            return _NOTHING
        if playback < self._played:  # the server's clock is another one by now
            self._error = {}
        elif self._rerouted:
            self._join_new_way()
        self._play_until(playback)
        self._count(playback)
        state = self._way(playback)
        if self._error:
            state = self._with_error(state, playback)
        self._played, self._shown = playback, state
        return state

    def playback_time(self, *, now: float) -> float | None:
        """Return the moment that :meth:`view` shows, in server seconds; None before the first snapshot."""
        return self._clock.playback_time(now=now)

    def shown_time(self, *, now: float) -> float | None:
        """Return up to which moment things have moved in :meth:`view`, in server seconds; None before the first.

        It is the :meth:`playback_time`, but for a silence: then things stand soon after the newest snapshot.
        """
        playback, newest = self.playback_time(now=now), self.newest
        if playback is None or newest is None or newest.resting or playback <= newest.time:
            return playback
        if self._before is None:
            return newest.time
        clock = self._clock
        return newest.time + carried(playback - newest.time, clock.bridging, getattr(clock, "easing", 0.0))

    def stats(self, *, now: float) -> PlaybackStats | None:
        """Return how playback is doing; None before the first snapshot."""
        playback, newest, arrivals = self.playback_time(now=now), self.newest, self._clock.arrivals
        if playback is None or newest is None:
            return None
        return PlaybackStats(
            delay=self._clock.delay,
            target_delay=self._clock.target_delay,
            interval=arrivals.interval if arrivals else None,
            jitter=arrivals.jitter if arrivals else None,
            loss=arrivals.loss if arrivals else None,
            age=now - newest.received_at,
            buffered=newest.time - playback,
            bridged_frames=self._bridged_frames,
            stalls=self._stalls,
        )

    # -- the way that things take, as far as it is known

    def _play_until(self, playback: float) -> None:
        held = self._snapshots
        while len(held) > 1 and held[1].time <= playback:
            if self._error and self._blender.can_snap:
                self._take_error_across(held[0], held[1])
            self._before = held.pop(0)

    def _way(self, playback: float) -> Mapping[str, Any]:
        """Return the state at a moment that is not before the first snapshot held, as far as is known."""
        held = self._snapshots
        if len(held) == 1:
            return self._beyond(held[0], playback)
        progress = self._progress(held[0], held[1], playback)
        return held[0].state if progress <= 0.0 else self._blender.blend(held[0].state, held[1].state, progress)

    def _progress(self, older: SnapshotLike, newer: SnapshotLike, playback: float) -> float:
        """Return how far playback is on the way from one snapshot to the next, 0 to below 1.

        Where the world rested in between, movement begins when the rest ended. However long the gap (the link was
        down), it is crossed in its last ``delay`` seconds (and those in which the picture was carried on): until then
        nobody could know of the movement, and a picture once shown must not jump.
        """
        reach = 0.0 if older.resting else self._reach()
        start = max(older.time, newer.time - self._clock.delay - (reach + HOLDING if reach else 0.0))
        if older.tick >= newer.previous_tick:  # nothing in between was lost
            start = min(max(start, newer.changed_after), newer.time)
        return (playback - start) / (newer.time - start) if playback > start else 0.0

    def _beyond(self, newest: SnapshotLike, playback: float) -> Mapping[str, Any]:
        """Return the state at a moment of which no snapshot tells yet."""
        before, overdue = self._before, playback - newest.time
        if before is None or overdue <= 0.0 or newest.resting:
            return newest.state
        lost = before.tick < newest.previous_tick
        span = newest.time - (before.time if lost else max(before.time, newest.changed_after))
        clock = self._clock
        easing = getattr(clock, "easing", 0.0)  # a clock of somebody's own may be older than this
        return self._blender.extrapolate(before.state, newest.state, span, overdue, clock.bridging, easing)

    def _reach(self) -> float:
        return max(self._clock.bridging, self._blender.reach)

    def _count(self, playback: float) -> None:
        newest = self._snapshots[-1]
        self._overdue = overdue = 0.0 if newest.resting else max(playback - newest.time, 0.0)
        if overdue <= 0.0:
            return
        if overdue <= self._reach():
            self._bridged_frames += 1
        elif self._stalled_tick != newest.tick:
            self._stalled_tick = newest.tick
            self._stalls += 1

    # -- the error of the picture, where it was carried on and the truth is another

    def _join_new_way(self) -> None:
        """Begin to make good the difference between what was shown last and what ought to have been shown."""
        self._rerouted = False
        if self._played == -math.inf:
            return
        self._play_until(self._played)
        way = self._way(self._played)
        until = self._played + max(SMOOTHING, min(self._overdue, MAX_SMOOTHING))
        if self._error:  # what is still to be made good of an earlier one takes no less time than it has
            until = max(until, self._error_until)
        self._error = {} if way is self._shown else self._blender.difference(way, self._shown)
        self._error_from, self._error_until = self._played, until

    def _with_error(self, state: Mapping[str, Any], playback: float) -> Mapping[str, Any]:
        share = (self._error_until - playback) / (self._error_until - self._error_from)
        if share <= 0.0:
            self._error = {}
            return state
        return shifted(state, self._error, min(share, 1.0))

    def _take_error_across(self, older: SnapshotLike, newer: SnapshotLike) -> None:
        """Reach a snapshot with the picture in error: what jumps there leaves its error behind."""
        if newer.time >= self._error_until:
            self._error = {}
            return
        arrived = self._blender.blend(older.state, newer.state, 1.0)
        shown = self._with_error(arrived, newer.time)
        self._error = self._blender.difference(newer.state, shown)
        self._error_from = max(self._error_from, newer.time)

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
