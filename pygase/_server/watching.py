"""What a game loop notices about its game, and logs without being asked.

Three mistakes make a game wrong without any exception: a state that is changed in place, a time step that returns
nothing, and ticks that take longer than there is time for them. A :class:`Watch` finds them. It must cost next to
nothing as long as there is none, so it looks once a second, and looks closer only when it has found something.
"""

from __future__ import annotations

import copy
import logging
import marshal
import math
import re
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from typing import Any, Final, Protocol

from .._state.backing import attributes_read, source_of
from .._state.tree import first_difference
from ..gamestate import GameState

logger = logging.getLogger("pygase")

TIME_STEP: Final = "the time step"
"""In the place of an event's type: what is meant is no handler but the time step. Compared by identity."""

LOOK_EVERY: Final = 1.0
"""Seconds between two looks at the state."""
LOOK_SHARE: Final = 0.001
"""Part of the time that looks may take. A state of several MB is looked at less often."""
EXAMINE_SHARE: Final = 0.005
"""Part of the time that looking closer may take, while a change in place is there and its author is searched."""
EXAMINE_AT_ONCE: Final = 0.002
"""Seconds of it that need not have been saved up."""

MAX_SUSPECTS: Final = 4
"""Handlers (and the time step) that are named when only one of them can have changed the state in place."""

SILENT_TICKS: Final = 10
"""A time step that returns None is reported after so many ticks in which nothing changes, but LOOK_EVERY at least."""

SLOW_SHARE: Final = 0.1
"""Part of the ticks that may be left out without a report: some hiccups are normal."""
SLOW_TICK: Final = 0.1
"""Seconds above which a single call of a handler is reported, if it is also longer than two intervals: a pause that
players see."""
JUDGE_AFTER: Final = 1.0
"""Seconds from the first tick that was late to a judgement. A report about many takes two judgements in a row, since a
program that starts loads its files, and a machine may be busy for a moment."""
REPORT_EVERY: Final = 10.0
"""Seconds between two reports about slow ticks, at least."""


class Store(Protocol):
    """What a watch needs of a GameStateStore."""

    @property
    def committed(self) -> Any:
        """The newest settled state: ``tick`` and ``tree``."""

    @property
    def working_state(self) -> GameState:
        """The state that handlers and time step are given."""

    def change_in_place(self) -> str | None:
        """Return the path of a change that was made in place, or None; leave it as it is."""


class Handler(Protocol):
    """What a watch needs of a handler that is registered."""

    function: Callable[..., Any]


@dataclass
class _Window:
    """What has been seen since a first tick was late.

    :ivar began_at: the end of that tick, seconds; ``first_tick``: its number.
    :ivar left_out: ticks that were left out; ``late``: ticks for which some were; ``took``: what these took together,
        seconds; ``longest``: the longest of them, seconds.
    :ivar culprit: the handler that took longest, and how long; a call that took less than an interval does not count.
    """

    began_at: float
    first_tick: int
    left_out: int = 0
    late: int = 0
    took: float = 0.0
    longest: float = 0.0
    culprit: tuple[float, str] = (0.0, "")


class Watch:
    """Finds out what is wrong with a game while it runs, and logs each kind of it once, or rarely.

    :param store: of the state.
    :param clock: seconds; measures what calls take.
    :param describe: returns what a log calls an event's handler, or TIME_STEP; ``event_types``: those with a handler.

    :ivar closer: whether calls are to go through :meth:`call` and :meth:`finder`.
    """

    def __init__(
        self,
        store: Store,
        clock: Callable[[], float],
        describe: Callable[[str], str],
        event_types: Callable[[], Iterable[str]] = tuple,
    ) -> None:
        self.closer = False
        self.clock = clock
        self._store = store
        self._describe = describe
        self._event_types = event_types
        self._returns_something = False
        """Whether the time step has returned something, or it has been reported that it does not."""
        self._rested: tuple[Any, int] | None = None
        """A state that has not changed since the time step returned None, and how often it has done so since then."""
        self._armed_at: float | None = None
        """Since when there is a change in place whose author is searched."""
        self._examined = 0.0
        """Seconds that searching has taken since then."""
        self._named: set[str] = set()
        """Whoever has been reported to change the state in place; ``""`` stands for somebody unknown."""
        self._window: _Window | None = None
        self._suspected_at = -math.inf
        """When many ticks were left out, at the last judgement that found that."""
        self._quiet_until = 0.0
        self._seconds: defaultdict[str, float] = defaultdict(float)
        """What each handler and the time step have taken since the window began."""
        self._timed_ticks = 0
        self._slow_call: tuple[float, float, str] = (0.0, 0.0, "")
        """When a handler took longer than an interval, how long, and which."""

    # -- once a second ---------------------------------------------------------------------------------------------

    def look(self, interval: float, update: Any, *, has_players: bool, in_place: bool) -> float:
        """Look at the state; call it in a tick, after the time step.

        :param interval: between ticks, seconds; ``update``: what the time step has returned.
        :param has_players: whether anybody is there for whom something should happen.
        :param in_place: whether to look for changes in place.
        :returns: seconds until it is to be called again.
        """
        began_at = self.clock()
        if not self._returns_something:
            self._look_for_return(update, has_players)
        if in_place:
            self._look_for_change_in_place(began_at)
        window = self._window
        if window is not None and self._store.committed.tick > window.first_tick:  # so the tick after it was in time
            self._judge(began_at, interval)
        self.closer = self._armed_at is not None or self._window is not None or self._rested is not None
        return max(LOOK_EVERY, (self.clock() - began_at) / LOOK_SHARE)

    def _look_for_return(self, update: Any, has_players: bool) -> None:
        """Say, once, that a time step which has never returned anything may have forgotten to."""
        tree = self._store.committed.tree
        state, ticks = self._rested or (None, 0)
        if update is not None:
            self._returns_something, self._rested = True, None
        elif tree is not state:
            self._rested = (tree, 0) if has_players else None
        elif ticks >= SILENT_TICKS:
            self._returns_something, self._rested = True, None
            logger.warning(
                "%s has returned None for %d ticks, and nobody else has changed the state meanwhile: return a dict of "
                "what shall change (if nothing shall, {} says so)",
                self._describe(TIME_STEP),
                ticks,
            )

    def _note_return(self, update: Any) -> None:
        """Take note of what the time step has returned, while it is suspected of never returning anything."""
        if update is not None:
            self._returns_something, self._rested = True, None
        elif self._rested is not None:
            self._rested = self._rested[0], self._rested[1] + 1

    # -- changes in place ------------------------------------------------------------------------------------------

    def _look_for_change_in_place(self, now: float) -> None:
        path = self._store.change_in_place()
        if path is None:
            self._armed_at = None
        elif self._armed_at is None:
            self._armed_at, self._examined = now, 0.0
        elif not self._named:  # it was not done again, or it was the very same change
            self._named.add("")
            logger.warning("%s", changed_in_place(self._somebody(), path))

    def _somebody(self) -> str:
        """Return who may have changed the state in place, as far as that is known."""
        suspects = [*self._event_types(), TIME_STEP]
        if len(suspects) > MAX_SUSPECTS:
            return "a handler or time_step"
        return " or ".join(map(self._describe, suspects))

    def _report_change(self, name: str, path: str) -> None:
        self._named.add(name)
        logger.warning("%s", changed_in_place(self._describe(name), path))

    def call(self, name: str, function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
        """Call a handler or time step, measure it, and report it if it changes the state in place."""
        before = self._before(name)
        began_at = self.clock()
        try:
            result = function(*args, **kwargs)
            if name is TIME_STEP:
                self._note_return(result)
            return result
        finally:
            if self._window is not None:
                self._seconds[name] += self.clock() - began_at
                self._timed_ticks += name is TIME_STEP
            if before is not None:
                self._compare(name, before)

    def finder(self, find: Callable[[str], Any]) -> Callable[[str], Any]:
        """Return a function that finds the same handlers as ``find``, to be called by way of :meth:`call`."""

        def find_watched(event_type: str) -> Any:
            handler = find(event_type)
            if handler is None:
                return None
            watched = copy.copy(handler)
            watched.function = partial(self.call, event_type, handler.function)
            return watched

        return find_watched

    def _before(self, name: str) -> _Fingerprint | None:
        """Return the state before a call that is examined; None if this one is not, to save time."""
        now = self.clock()
        if self._armed_at is None or name in self._named:
            return None
        if self._examined > EXAMINE_AT_ONCE + EXAMINE_SHARE * (now - self._armed_at):
            return None
        before = _Fingerprint(self._store.working_state)
        self._examined += self.clock() - now
        return before

    def _compare(self, name: str, before: _Fingerprint) -> None:
        began_at = self.clock()
        path = before.difference(self._store.working_state)
        self._examined += self.clock() - began_at
        if path is not None:
            self._report_change(name, path)

    # -- slow ticks ------------------------------------------------------------------------------------------------

    def note_slow_call(self, name: str, took: float) -> None:
        """Take note that a handler took longer than an interval, just now; seconds."""
        self._slow_call = self.clock(), took, name

    def late(self, count: int, took: float, interval: float) -> None:
        """Take note that ticks are left out; call it right after the tick that ended too late.

        :param count: how many; ``took``: what that tick took, seconds; ``interval``: between ticks, seconds.
        """
        now = self.clock()
        if now < self._quiet_until:
            return
        window = self._window
        if window is None:
            self._seconds.clear()
            self._timed_ticks = 0
            window = self._window = _Window(now, self._store.committed.tick)
            self.closer = True
        window.left_out += count
        window.late += 1
        window.took += took
        window.longest = max(window.longest, took)
        slow_at, slow, name = self._slow_call
        if slow_at >= now - took:
            window.culprit = max(window.culprit, (slow, name))
        self._judge(now, interval)

    def _judge(self, now: float, interval: float) -> None:
        """Report what the window has seen, if it is time to, and it is worth it."""
        window = self._window
        if window is None or now < window.began_at + JUDGE_AFTER:
            return
        self._window = None
        made = self._store.committed.tick - window.first_tick + 1
        share = window.left_out / (window.left_out + made)
        goes_on = window.began_at < self._suspected_at + JUDGE_AFTER + 2 * window.longest
        if window.late > 1 and share >= SLOW_SHARE:
            self._suspected_at = now
            report = self._many_slow_ticks(window, share, interval) if goes_on else ""
        else:
            report = self._one_slow_tick(window, interval)
        if report:
            self._quiet_until = now + REPORT_EVERY
            logger.warning("%s", report)

    def _many_slow_ticks(self, window: _Window, share: float, interval: float) -> str:
        took = window.took / window.late
        explained = 1 - interval / took if took > interval else 0.0
        if share > 1.5 * explained + SLOW_SHARE:
            return (
                f"{share * 100:.0f} % of the ticks were left out, though a tick takes {_ms(took)}: something else "
                "holds up the game loop, such as a coroutine handler that calls time.sleep() (write await "
                "asyncio.sleep()), another thread of this program that computes all the time, or other programs"
            )
        return (
            f"ticks take {_ms(took)}, there are {_ms(interval)} for each: {share * 100:.0f} % were left out; "
            f"{self._slowest_part(window, took)}"
        )

    def _slowest_part(self, window: _Window, took: float) -> str:
        name, seconds = max(self._seconds.items(), key=lambda item: item[1], default=("", 0.0))
        if sum(self._seconds.values()) < 0.5 * took * (window.late - 1):
            return "most of that is neither in time_step nor in handlers: the machine is too busy, or too many play"
        each = _ms(seconds / max(self._timed_ticks, 1))
        who = self._describe(name)
        return f"the slowest part is {who}, with {each} in each; make it faster, or the interval longer"

    def _one_slow_tick(self, window: _Window, interval: float) -> str:
        """Return what to report of a single pause; "" if it is short, or nobody knows whose it is."""
        seconds, name = window.culprit
        if seconds < max(SLOW_TICK, 2 * interval):
            return ""
        return (
            f"{self._describe(name)} took {_ms(seconds)}, so {window.left_out} ticks were left out: do what takes long "
            "in a thread, and push what it finds with game_state_store.push_update()"
        )


class _Fingerprint:
    """What a state's attributes were before a call: those that had been read. No others can have changed."""

    __slots__ = ("_attributes", "_source")

    def __init__(self, state: GameState) -> None:
        self._source = source_of(state)
        self._attributes = {name: _fingerprint(value) for name, value in attributes_read(state).items()}

    def difference(self, state: GameState) -> str | None:
        """Return the path of something that is different now, or None."""
        if source_of(state) is not self._source:  # an attribute was deleted
            return first_difference(self._source, source_of(state))
        for name, value in attributes_read(state).items():
            if name not in self._attributes:
                if name not in self._source:
                    return name
                path = first_difference(self._source[name], value, name)
            else:
                path = self._changed(name, value)
            if path is not None:
                return path
        return None

    def _changed(self, name: str, value: Any) -> str | None:
        before = self._attributes[name]
        if before == _fingerprint(value):
            return None
        return name if before is None else first_difference(marshal.loads(before), value, name) or name


def _fingerprint(value: Any) -> bytes | None:
    """Return a value as bytes that differ if it does, at C's speed; None if values inside are not plain."""
    try:
        return marshal.dumps(value, 2)  # the last version that does not look at which objects are one
    except ValueError:
        return None


def changed_in_place(who: str, path: str) -> str:
    """Return the sentence about a state that a handler or time step has changed itself."""
    outermost = re.split(r"[.\[]", path, maxsplit=1)[0]
    return (
        f"{who} changed game_state.{path} in place, where nobody else sees it; leave the state as it is, and return a "
        f"dict of what shall change, such as {{{outermost!r}: ...}}"
    )


def _ms(seconds: float) -> str:
    return f"{seconds * 1000:.3g} ms" if seconds < 1 else f"{seconds:.3g} s"
