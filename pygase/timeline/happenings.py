"""Things that happen once, such as shots and hits, though a prediction simulates their tick many times. Pure.

A step of the rules reports them with ``tell("SHOT")``. The first report makes a :class:`Happening`, in the frame of the
key. Later simulations of the same tick, and the server's event of the same kind, are matched with it and make none. A
report that a replay does not repeat, or that the server does not confirm, is taken back once.

Two reports are the same thing if kind and owner are equal and their ticks differ by a few ticks at most. "Tick" is any
number that rises by one a tick: of a player's inputs, or of the server's states.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Hashable, Iterable, Iterator, Mapping
from typing import Any, Final, NamedTuple

__all__ = ["Happening", "Happenings", "Told"]

WITHIN: Final = 3
"""Ticks by which a prediction and the truth may differ: an input that was late for its tick."""

EVENT_PATIENCE: Final = 1.0
"""Seconds for which a prediction waits for the server's event: longer than an event that is sent again takes."""

MAX_KNOWN: Final = 1024
"""Things that are remembered, and those that wait to be taken. Beyond it the oldest is forgotten."""


class Happening(NamedTuple):
    """A thing that has happened.

    :ivar what: its kind, such as ``"SHOT"``.
    :ivar who: whose it is, such as a client's id.
    :ivar args: the other data.
    :ivar tick: when, as a number of the player's inputs if the game predicts, else as a number of a state; None:
        unknown.
    :ivar late: 0.0, or the seconds by which the picture of its tick was drawn before it was known.
    :ivar taken_back: True if it was reported before, and has not happened after all.
    """

    what: str
    who: Any
    args: tuple[Any, ...] = ()
    tick: int | None = None
    late: float = 0.0
    taken_back: bool = False


class Told(NamedTuple):
    """A report of a simulation: what happened in a tick."""

    what: str
    who: Any
    args: tuple[Any, ...]
    tick: int


class _Thing:
    """A thing that was reported at least once.

    :ivar first, last: the ticks of its earliest and its latest report.
    :ivar simulated: whether a simulation has reported it, so that a replay can withdraw it.
    :ivar stands: whether the latest simulation of its ticks has reported it.
    :ivar is_sure: whether the server has reported it.
    """

    __slots__ = ("first", "happening", "is_sure", "last", "simulated", "stands")

    def __init__(self, happening: Happening, tick: int, *, simulated: bool, is_sure: bool) -> None:
        self.happening = happening
        self.first = self.last = tick
        self.simulated = simulated
        self.stands = True
        self.is_sure = is_sure

    def distance(self, tick: int) -> int:
        return max(self.first - tick, tick - self.last, 0)


class Happenings:
    """Matches reports of the same thing, and hands out each thing once.

    :param within: ticks by which two reports of the same thing may differ, from 0 up. Let it be shorter than the time
        between two things of a kind and an owner, such as a weapon's cool-down. A mapping gives each kind its own.
    :param reported: the kinds that the server reports, too: ``hear`` and ``happen`` will be called with them.
    :param interval: seconds of a tick.
    :raises ValueError: a number is out of its range.
    :ivar usual: ``within`` of the kinds that have no number of their own.
    """

    def __init__(
        self, within: int | Mapping[str, int] = WITHIN, *, reported: Collection[str] = (), interval: float = 1 / 60
    ) -> None:
        self._within = dict(within) if isinstance(within, Mapping) else {}
        self.usual = WITHIN if isinstance(within, Mapping) else within
        for ticks in (self.usual, *self._within.values()):
            if not isinstance(ticks, int) or ticks < 0:
                raise ValueError(f"within must be a number of ticks from 0 up, not {ticks!r}")
        if not interval > 0:
            raise ValueError(f"interval must be a number of seconds above 0, not {interval!r}")
        self._reported = frozenset(reported)
        self._interval = interval
        self._patience = round(EVENT_PATIENCE / interval)
        self._known: dict[tuple[str, Hashable], list[_Thing]] = {}
        self._count = 0
        self._new: deque[Happening] = deque(maxlen=MAX_KNOWN)

    def reset(self) -> None:
        """Forget what was reported, when a new connection begins. What was not taken yet stays."""
        self._known.clear()
        self._count = 0

    def take(self) -> list[Happening]:
        """Return the things that have happened since the last call, in the order of their reports: the newest 1,024."""
        taken = list(self._new)
        self._new.clear()
        return taken

    # -- predictions

    def simulated(self, told: Iterable[Told], *, after: int, upto: int) -> None:
        """Take all reports of a simulation of the ticks from ``after + 1`` to ``upto``, for the first time or again.

        An earlier report of these ticks that is not repeated is doubtful from now on.
        """
        for things in self._known.values():
            for thing in things:
                if thing.simulated and after < thing.first <= upto:
                    thing.stands = False
        latest: dict[tuple[str, Hashable], _Thing] = {}  # a contact is reported in each of its ticks
        for what, who, args, tick in told:
            near = latest.get((what, who))
            if near is not None and near.first <= tick and near.distance(tick) <= min(self._within_of(what), 1):
                near.last = max(near.last, tick)
                continue
            late = max(upto - tick, 0) * self._interval
            latest[what, who] = self._guess(Happening(what, who, args, tick, late), tick, simulated=True)

    def foretell(self, what: str, who: Any, args: tuple[Any, ...], tick: int) -> None:
        """Take a report of something that the picture shows, ahead of the server, and no simulation has reported."""
        self._guess(Happening(what, who, args, tick), tick, simulated=False)

    def settle(self, tick: int) -> None:
        """The server's truth includes all ticks up to this one: take back what it does not confirm."""
        for thing in list(self._things()):
            age = tick - thing.last
            if age < self._within_of(thing.happening.what):
                continue
            waits = thing.happening.what in self._reported and not thing.is_sure
            if not thing.is_sure and (not thing.stands or (waits and age >= self._patience)):
                self._new.append(thing.happening._replace(late=0.0, taken_back=True))
                self._forget(thing)
            elif not waits:
                self._forget(thing)

    # -- the server's events

    def hear(self, what: str, who: Any, tick: int | None) -> bool:
        """Take an event of the server that has just arrived. Return whether it confirms a prediction.

        If it does, it is done with. Otherwise call :meth:`happen` when its tick is drawn.

        :param tick: None if it is not known.
        """
        doubtful = [thing for thing in self._near(what, who, tick) if not thing.is_sure]
        if not doubtful:
            return False
        doubtful[0].is_sure = True
        return True

    def happen(self, what: str, who: Any, args: tuple[Any, ...], tick: int | None, late: float = 0.0) -> None:
        """Take an event of the server whose tick is drawn now."""
        if not self.hear(what, who, tick):
            happening = Happening(what, who, args, tick, late)
            self._new.append(happening)
            if tick is not None:
                self._remember(_Thing(happening, tick, simulated=False, is_sure=True))

    # -- inside

    def _guess(self, happening: Happening, tick: int, *, simulated: bool) -> _Thing:
        """Take a report, and return the thing that it means."""
        near = self._near(happening.what, happening.who, tick)
        if near:
            known = near[0]
            known.first, known.last = min(known.first, tick), max(known.last, tick)
            known.stands = True
            known.simulated = known.simulated or (simulated and not known.is_sure)
            return known
        self._new.append(happening)
        thing = _Thing(happening, tick, simulated=simulated, is_sure=False)
        self._remember(thing)
        return thing

    def _near(self, what: str, who: Any, tick: int | None) -> list[_Thing]:
        """Return the known things that a report may mean, the most likely first."""
        known = self._known.get((what, who), [])
        if tick is None or not known:
            return list(known)
        within = self._within_of(what)
        if len(known) == 1:
            return known if known[0].distance(tick) <= within else []
        return sorted((thing for thing in known if thing.distance(tick) <= within), key=lambda it: it.distance(tick))

    def _within_of(self, what: str) -> int:
        return self._within.get(what, self.usual)

    def _things(self) -> Iterator[_Thing]:
        for things in self._known.values():
            yield from things

    def _remember(self, thing: _Thing) -> None:
        self._known.setdefault((thing.happening.what, thing.happening.who), []).append(thing)
        self._count += 1
        if self._count > MAX_KNOWN:
            self._forget(min(self._things(), key=lambda it: it.last))

    def _forget(self, thing: _Thing) -> None:
        key = thing.happening.what, thing.happening.who
        self._known[key].remove(thing)
        self._count -= 1
        if not self._known[key]:
            del self._known[key]
