"""Past states for a screen: received snapshots, played back smoothly a little behind the server.

A :class:`SnapshotBuffer` keeps the latest snapshots and computes the world of a moment ago for each frame:

- Numbers under the paths of a game glide; all other values, and jumps, step at their time.
- Entities appear and vanish at their time.
- While the next snapshot is late, movement is carried on. When it arrives, the picture joins it within ``SMOOTHING``.
- While the world rests, the view is the newest state itself.

The :class:`PlaybackClock` alone chooses the moment. Pure: times are seconds; ``now`` is the clock that ``received_at``
was read from.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from .arrivals import RESTART_LATENESS, SnapshotLike
from .blending import HOLDING, Blender, carried
from .differences import shifted
from .keeping import EMPTY_STATE, newest_of
from .playback import AdaptiveClock, FixedDelayClock, PlaybackClock
from .rules import Interpolate

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
"""Most snapshots of a buffer: 2 s of 128 a second, for a game that does not draw for a while."""

SMOOTHING: Final = 0.1
"""Seconds in which a picture that was carried on wrongly joins the truth: a few frames."""

MAX_SMOOTHING: Final = 0.3
"""The same, if the next snapshot was late by these seconds or more."""


@dataclass(frozen=True, slots=True)
class PlaybackStats:
    """Measurements of playback, for a net graph. Times are seconds.

    :ivar delay: of playback behind the fastest arrivals.
    :ivar target_delay: the delay that playback approaches.
    :ivar interval: between two snapshots. ``interval``, ``jitter`` and ``loss`` are None if the clock measures nothing.
    :ivar jitter: by which 99 % of the snapshots took at most longer than the fastest.
    :ivar loss: share of the snapshots that never arrived or arrived too late, 0..1.
    :ivar age: since the newest snapshot arrived.
    :ivar buffered: from the moment shown to the newest snapshot; below 0 while the next one is overdue.
    :ivar bridged_frames: frames so far in which movement was carried on.
    :ivar stalls: how often, so far, a snapshot was late for longer than movement is carried on.
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
    """The latest snapshots, in order, and the view at the moment of playback.

    Call :meth:`add` for each snapshot that arrives, in any order, and :meth:`view` once per frame.

    :param interpolate: paths (or :class:`Interpolate` rules) of the numbers that move smoothly.
    :param delay: fixed delay in seconds; a longer one hides more loss and jitter. None: the smallest that the link
        allows (:class:`AdaptiveClock`). Not together with ``clock``.
    :param clock: another :class:`PlaybackClock`.
    :raises ValueError: a path is malformed or named twice, ``delay`` is negative, or both ``delay`` and ``clock`` are
        given.
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
        self._snapshots: list[SnapshotLike] = []  # by tick; during playback the first is the current one
        self._forget_picture()
        self._bridged_frames = self._stalls = 0

    def _forget_picture(self) -> None:
        self._before: SnapshotLike | None = None  # the one played before the first that is held
        self._played = -math.inf  # the moment shown last, by the server's clock, and its picture:
        self._shown: Mapping[str, Any] = EMPTY_STATE
        self._overdue = 0.0  # seconds by which the next snapshot was overdue then
        self._rerouted = False  # whether a snapshot has changed the way on from there
        self._error: dict[Any, Any] = {}  # of the picture: whole at the first time, gone at the second:
        self._error_from = self._error_until = -math.inf
        self._stalled_tick: int | None = None

    def __len__(self) -> int:
        return len(self._snapshots)

    @property
    def newest(self) -> SnapshotLike | None:
        """The snapshot of the highest tick; None before the first."""
        return self._snapshots[-1] if self._snapshots else None

    def reset(self) -> None:
        """Forget everything. Call it when a new connection begins."""
        self._snapshots.clear()
        self._clock.reset()
        self._forget_picture()

    def interpolate(self, rules: Iterable[str | Interpolate]) -> None:
        """Let other numbers move smoothly from now on; as ``interpolate`` of the class.

        :raises ValueError: a path is malformed or named twice.
        """
        self._blender = Blender(rules)

    def add(self, snapshot: SnapshotLike) -> bool:
        """Add a snapshot; return False for a duplicate and for one older than the picture. A restart of the server, as
        its tick or time shows, resets the buffer first."""
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
        """Return the state to be drawn at ``now``; empty before the first snapshot. It shares all unmoved parts with
        the snapshots: read it, never change it."""
        playback = self._clock.playback_time(now=now)
        if playback is None or not self._snapshots:
            return EMPTY_STATE
        if playback < self._played:  # the server has another clock now
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
        """Return the moment that moving things have reached in :meth:`view`, in server seconds; None before the first.

        It is the :meth:`playback_time`, except while the next snapshot is late: then movement has slowed or stopped
        soon after the newest snapshot.
        """
        playback, newest = self.playback_time(now=now), self.newest
        if playback is None or newest is None or newest.resting or playback <= newest.time:
            return playback
        if self._before is None:
            return newest.time
        clock = self._clock
        return newest.time + carried(playback - newest.time, clock.bridging, getattr(clock, "easing", 0.0))

    def stats(self, *, now: float) -> PlaybackStats | None:
        """Return measurements of playback; None before the first snapshot."""
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

    # -- the known movement

    def _play_until(self, playback: float) -> None:
        held = self._snapshots
        while len(held) > 1 and held[1].time <= playback:
            if self._error and self._blender.can_snap:
                self._take_error_across(held[0], held[1])
            self._before = held.pop(0)

    def _way(self, playback: float) -> Mapping[str, Any]:
        """Return the state at a moment from the first snapshot held on, as far as it is known."""
        held = self._snapshots
        if len(held) == 1:
            return self._beyond(held[0], playback)
        progress = self._progress(held[0], held[1], playback)
        return held[0].state if progress <= 0.0 else self._blender.blend(held[0].state, held[1].state, progress)

    def _progress(self, older: SnapshotLike, newer: SnapshotLike, playback: float) -> float:
        """Return the position of playback between two snapshots, from 0 to below 1.

        After a rest, movement begins at the end of the rest. A longer gap is crossed in its last ``delay`` seconds,
        plus those for which the picture was carried on: before that the movement was unknown, and a shown picture must
        not jump.
        """
        reach = 0.0 if older.resting else self._reach()
        start = max(older.time, newer.time - self._clock.delay - (reach + HOLDING if reach else 0.0))
        if older.tick >= newer.previous_tick:  # nothing in between was lost
            start = min(max(start, newer.changed_after), newer.time)
        return (playback - start) / (newer.time - start) if playback > start else 0.0

    def _beyond(self, newest: SnapshotLike, playback: float) -> Mapping[str, Any]:
        before, overdue = self._before, playback - newest.time
        if before is None or overdue <= 0.0 or newest.resting:
            return newest.state
        lost = before.tick < newest.previous_tick
        span = newest.time - (before.time if lost else max(before.time, newest.changed_after))
        clock = self._clock
        easing = getattr(clock, "easing", 0.0)  # a program's own clock may lack it
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

    # -- the error of a picture that was carried on

    def _join_new_way(self) -> None:
        """Begin to correct the difference between the shown picture and the right one."""
        self._rerouted = False
        if self._played == -math.inf:
            return
        self._play_until(self._played)
        way = self._way(self._played)
        until = self._played + max(SMOOTHING, min(self._overdue, MAX_SMOOTHING))
        if self._error:  # the rest of an earlier error keeps its time
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
        """Carry the picture's error over to ``newer`` as playback passes it; numbers that jump there lose theirs."""
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
