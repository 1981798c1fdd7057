"""The functions of a game that a prediction runs: called with copies, and with what their parameters ask for."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Hashable, Iterable, Mapping
from functools import partial
from typing import Any, Final

from .._state.handed_over import ReadOnlyDict, ReadOnlyList, read_only
from .._state.merging import UpdateReader, merged
from .._state.precision import NO_PRECISION, equal_within
from .._state.reading import Readable
from .._state.tree import Cleaner, thawed
from .happenings import Happenings, Told

_ASKED_FOR: Final = ("tell", "world")
"""Parameters of a step, beside the player's part and the input, that are passed to it by name."""


def asked_for(step: Callable[..., Any]) -> frozenset[str]:
    """Return which of ``tell`` and ``world`` a step has as a parameter beyond its first two.

    :raises TypeError: it needs another one.
    """
    try:
        parameters = list(inspect.signature(step).parameters.values())[2:]
    except (TypeError, ValueError):  # some built-in functions have no signature
        return frozenset()
    for each in parameters:
        optional = each.default is not each.empty or each.kind in (each.VAR_POSITIONAL, each.VAR_KEYWORD)
        if not optional and each.name not in _ASKED_FOR:
            raise TypeError(
                "step is called with (mine, input), and with world and tell if it has parameters of these names; "
                f"it needs {each.name!r} as well"
            )
    return frozenset(each.name for each in parameters if each.name in _ASKED_FOR)


_ONLY_SEEN: Final = "it is a part of the world that a step of a prediction sees. Change and return the step's own part"


class SeenDict(ReadOnlyDict):
    """A dict of the world that a step sees."""

    how_to_change = _ONLY_SEEN


class SeenList(ReadOnlyList):
    """A list of the world that a step sees."""

    how_to_change = _ONLY_SEEN


class ReceivedWorld(Readable):
    """The newest received state, for rules to look at: read like a game state; nothing in it can be changed.

    A value is made read-only when it is first read, and again only when it has changed.
    """

    __slots__ = ("_shown", "_state")

    _state: Mapping[str, Any]
    _shown: dict[str, tuple[Any, Any]]

    def __init__(self) -> None:
        self._state = {}
        self._shown = {}

    def follow(self, state: Mapping[str, Any]) -> None:
        """Show another state."""
        self._state = state

    def __getattr__(self, name: str) -> Any:
        if name in ReceivedWorld.__slots__ or name not in self._state:
            raise AttributeError(name) if name.startswith("_") else self._missing(name)
        return self[name]

    def __setattr__(self, name: str, value: object) -> None:
        if name not in ReceivedWorld.__slots__:
            raise AttributeError(f"the world is only read by a step: {name!r} cannot be written", name=name, obj=self)
        object.__setattr__(self, name, value)

    def _read_value(self, name: Any) -> Any:
        value = self._state[name]
        frozen, shown = self._shown.get(name, (None, None))
        if frozen is not value:
            shown = read_only(value, SeenDict, SeenList)
            self._shown[name] = value, shown
        return shown

    def _has_name(self, name: object) -> bool:
        return name in self._state

    def _read_names(self) -> Iterable[Any]:
        return self._state


class MovingWorld:
    """The world that the steps of a prediction see, tick after tick.

    :param moves: ``moves(world) -> update``, a tick of everything that moves by itself; None: nothing is known to.
    :ivar seen: the world before the next step.
    """

    __slots__ = ("_moves", "_reader", "_state", "seen")

    def __init__(self, moves: Callable[[Any], Mapping[str, Any]] | None = None) -> None:
        if moves is not None and not callable(moves):
            raise TypeError(f"moves must be a function of (world) that returns a dict of changes, got {moves!r:.80}")
        self.seen = ReceivedWorld()
        self._moves = moves
        self._reader = UpdateReader()
        self._state: Mapping[str, Any] = {}

    def follow(self, state: Mapping[str, Any]) -> None:
        """Go back to a received state."""
        self._state = state
        self.seen.follow(state)

    def move(self) -> None:
        """Go on by a tick."""
        if self._moves is not None:
            self.follow({**self._state, **self.next()[1]})

    def next(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """Return the attributes that move, as they are and as they are a tick later."""
        if self._moves is None or not self._state:
            return {}, {}
        update = self._moves(self.seen)
        before = {name: self._state[name] for name in update if name in self._state}
        changed = self._reader.attribute_changes(before, update, "what moves returned")
        return before, merged(before, changed, {}) if changed else before


class OwnRules:
    """The functions of a game that a prediction runs, with checked and copied arguments and results.

    :ivar happenings: gets what is told, once a simulation has succeeded.
    :ivar told: what the steps have reported since the list was emptied.
    :ivar world: the newest received state, and how it goes on.
    """

    __slots__ = ("_asked", "_cleaner", "_select", "_step", "happenings", "owner", "precision", "told", "world")

    def __init__(
        self,
        step: Callable[..., Any],
        select: Callable[[Mapping[str, Any]], Any],
        moves: Callable[[Any], Mapping[str, Any]] | None = None,
    ) -> None:
        if not callable(step) or not callable(select):
            raise TypeError("Predictor takes two functions: step(mine, input) -> mine, and select(game_state) -> mine")
        self._step, self._select = step, select
        self._asked = asked_for(step)
        self._cleaner = Cleaner()
        self.precision = NO_PRECISION
        self.happenings = Happenings()
        self.told: list[Told] = []
        self.owner: Hashable = None
        self.world = MovingWorld(moves)

    @property
    def looks_around(self) -> bool:
        """Whether a step depends on the world as well, so that a newer one may change it."""
        return "world" in self._asked

    def step(self, mine: Any, command: Any, tick: int) -> Any:
        """Received states are shared, so the rules get copies."""
        if not self._asked:
            return self._cleaned(self._step(thawed(mine), thawed(command)), "step")
        extra: dict[str, Any] = {}
        if "tell" in self._asked:
            extra["tell"] = partial(self._tell, tick)
        if "world" in self._asked:
            extra["world"] = self.world.seen
        return self._cleaned(self._step(thawed(mine), thawed(command), **extra), "step")

    def _tell(self, tick: int, what: str, *args: Any) -> None:
        if not isinstance(what, str):
            raise TypeError(f'tell expected the kind of what happened, as in tell("SHOT"), got {what!r:.80}')
        self.told.append(Told(what, self.owner, tuple(self._cleaner.clean(list(args), "tell")), tick))

    def take_told(self) -> list[Told]:
        """Return what the steps have reported since the last call."""
        taken, self.told = self.told, []
        return taken

    def select(self, game_state: Mapping[str, Any]) -> Any:
        """Return the player's own part of a state, or None."""
        truth = self._select(game_state)
        return None if truth is None else self._cleaned(truth, "select")

    def input(self, input: Any) -> Any:
        """Return a copy of an input as the server will receive it."""
        return self._cleaner.clean(input, "input")

    def agree(self, truth: Any, expected: Any) -> bool:
        """Return whether a truth is as expected, as far as the wire can say."""
        places = self.precision.root
        if places is None or (type(truth) is dict and type(expected) is dict):
            return equal_within(truth, expected, places)
        return equal_within(truth, expected, places.every)

    def _cleaned(self, mine: Any, name: str) -> Any:
        """Return a copy of a function's result as the server would send it: tuples as lists."""
        if mine is None:
            raise TypeError(f"{name} returned None; it must return the whole of the player's part, changed or not")
        return self._cleaner.clean(dict(mine) if isinstance(mine, Mapping) else mine, f"what {name} returned: mine")
