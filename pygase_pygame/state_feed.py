"""The way of new states to the picture: they are checked, and put into the playback buffer."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from pygase import Client, Interpolate, Snapshot, SnapshotBuffer

from .event_timing import TickTime
from .own_part import means_me, rule_for
from .path_watch import PathWatch

Check = Callable[[Mapping[str, Any]], str]
"""Returns the fault of a game state, or ""."""


class StateFeed:
    """Feeds a :class:`pygase.SnapshotBuffer`. See :class:`pygase_pygame.Session` for the parameters.

    :ivar buffer: plays the states back.
    :ivar has_any: whether a state has arrived in this attempt.
    """

    def __init__(
        self, client: Client, interpolate: str | Interpolate | Iterable[str | Interpolate], delay: float | None,
        check: Check | None,
    ) -> None:  # fmt: skip
        rules = (interpolate,) if isinstance(interpolate, (str, Interpolate)) else tuple(interpolate)
        self._rules = rules
        others = [rule for rule in rules if not means_me(rule)]
        self._is_personal = len(others) < len(rules)
        self.buffer = SnapshotBuffer(others, delay=delay)
        self.has_any = False
        self._client = client
        self._check = check
        self._paths = PathWatch(others)
        self._last: Snapshot | None = None
        self._connection = 0

    @property
    def newest(self) -> Mapping[str, Any]:
        """The newest state; empty before the first."""
        newest = self.buffer.newest
        return {} if newest is None else newest.state

    def time_of(self, tick: int) -> TickTime | None:
        """Return the time of the first received state of a tick or a later one; None without one. From any thread."""
        found: float | None = None
        snapshots = self._client.snapshots
        for snapshot in reversed(snapshots):
            if snapshot.tick < tick:
                break
            found = snapshot.time
        if found is None:
            return None
        newest = snapshots[-1]
        return TickTime(found, lasts=newest.resting and newest.previous_tick <= tick)

    def expect(self) -> None:
        """A new attempt to connect begins."""
        self.has_any = False

    def take(self, connection: int) -> str:
        """Take in the states that have arrived. Return the first fault, or "".

        :param connection: its number. With a new one, the first state replaces the old picture.
        """
        fresh = self._fresh()
        if not fresh:
            return ""
        if self._connection != connection:
            self._connection = connection
            self.buffer.reset()  # only now: the old picture stays until the first new state is here
            if self._is_personal:
                self._follow(self._client.id)
        self._last, self.has_any = fresh[0], True
        for snapshot in reversed(fresh):
            fault = self._check(snapshot.state) if self._check is not None else ""
            if fault:
                return fault
            self.buffer.add(snapshot)
        self._paths.look(fresh[0])
        return ""

    def _follow(self, me: int | None) -> None:
        """Let the paths with ``{me}`` lead to this client's part."""
        if me is None:
            return
        rules = [rule_for(rule, me) for rule in self._rules]
        self.buffer.interpolate(rules)
        self._paths = PathWatch(rules)

    def _fresh(self) -> list[Snapshot]:
        fresh = []
        for snapshot in reversed(self._client.snapshots):
            if snapshot is self._last:
                break
            fresh.append(snapshot)
        return fresh
