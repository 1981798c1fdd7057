"""The rules of one tick of a whole world: the same function at the server and in each client's prediction."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any, Final, Protocol

from .._state.tree import Cleaner
from .happenings import Told

__all__ = ["step_world"]

Step = Callable[..., Any]

Guess = Callable[[int, Any, int], Any]
"""``guess(client_id, last, age)``: the unknown input of a player; ``age`` is the number of ticks since ``last``."""


class HasValue(Protocol):
    """An input as a time step gets it; ``pygase.PlayerInput`` is one."""

    @property
    def value(self) -> Any:
        """The argument of ``Client.send_input``."""


def takes_tell(step: Step) -> bool:
    """Return whether a step has a third parameter, ``tell``.

    :raises TypeError: it is no function, or needs other parameters.
    """
    if not callable(step):
        raise TypeError(f"step must be a function of (world, inputs) or (world, inputs, tell), not {step!r}")
    try:
        parameters = list(inspect.signature(step).parameters.values())
    except (TypeError, ValueError):  # some built-in functions have no signature
        return False
    for each in parameters[2:]:
        optional = each.default is not each.empty or each.kind in (each.VAR_POSITIONAL, each.VAR_KEYWORD)
        if not optional and each.name != "tell":
            raise TypeError(f"step is called with (world, inputs, tell); it needs {each.name!r} as well")
    return any(each.name == "tell" for each in parameters[2:])


def unheard(what: str, *args: Any) -> None:
    """A ``tell`` that reports to nobody."""


def step_world(
    step: Step, world: Mapping[Any, Any], inputs: Mapping[int, Any], tell: Callable[..., Any] | None = None
) -> Any:
    """Return a world one tick later: the server's side of :class:`pygase.WorldPrediction`. For ``time_step``::

        def time_step(game_state, dt, inputs):
            return {"world": Whole(step_world(rules.step, game_state.world, inputs))}

    ``step`` gets a copy of the world that it may change, and the bare inputs. The dicts of the copy, and the inputs,
    are in the order of their keys. So a loop over the bodies takes them in the same order at the server and at all
    clients.

    :param step: ``step(world, inputs) -> world`` or ``step(world, inputs, tell) -> world``.
    :param world: a part of the game state; it stays as it is.
    :param inputs: by client id, each a :class:`pygase.PlayerInput` or a bare value.
    :param tell: gets what the step reports, such as ``server.dispatch_event``. None: nobody.
    :raises TypeError: ``step`` is no such function, or returned None.
    """
    values = {client_id: _bare(inputs[client_id]) for client_id in _in_order(inputs)}
    extra = (unheard if tell is None else tell,) if takes_tell(step) else ()
    return _returned(step(copied(world), values, *extra))


def _bare(given: Any) -> Any:
    """Return the value of an input of a time step; another input as it is."""
    is_input = isinstance(given, tuple) and hasattr(given, "value") and hasattr(given, "repeats")
    return given.value if is_input else given


def _returned(world: Any) -> Any:
    if world is None:
        raise TypeError("step returned None; it must return the whole world, changed or not")
    return world


def copied(value: Any) -> Any:
    """Return a deep copy of a part of a state that may be changed, with its dicts in the order of their keys."""
    if type(value) is dict or isinstance(value, Mapping):
        copy = {}
        for key in _in_order(value):
            item = value[key]
            copy[key] = item if type(item) is float or type(item) is int else copied(item)
        return copy
    if isinstance(value, list):
        return [copied(item) for item in value]
    return value


def _in_order(keys: Mapping[Any, Any]) -> list[Any]:
    try:
        return sorted(keys)
    except TypeError:
        return sorted(keys, key=_int_first)


def _int_first(key: Any) -> tuple[bool, Any]:
    return isinstance(key, str), key


_PLAIN: Final = frozenset({int, float, str, bool, type(None)})


class WorldRules:
    """The step of a world, called in place, and what it reports.

    :param step: as for :class:`pygase.WorldPrediction`.
    :raises TypeError: it is no such function.
    :ivar told: what was reported since the list was emptied.
    """

    __slots__ = ("_cleaner", "_step", "_tells", "_tick", "told")

    def __init__(self, step: Step) -> None:
        self._step = step
        self._tells = takes_tell(step)
        self._cleaner = Cleaner()
        self._tick = -1  # that is simulated
        self.told: list[Told] = []

    def step(self, world: Any, inputs: dict[int, Any], tick: int) -> Any:
        """Return the world one tick later. ``world`` is private, and changed."""
        if self._tells:
            self._tick = tick
            after = self._step(world, inputs, self._tell)
        else:
            after = self._step(world, inputs)
        return after if after is not None else _returned(after)

    def _tell(self, what: str, *args: Any) -> None:
        if type(what) is not str:
            raise TypeError(f'tell expected the kind of what happened, as in tell("HIT", who), got {what!r:.80}')
        who = args[0] if args and isinstance(args[0], (int, str)) else None
        others = args if who is None else args[1:]
        if others and not _PLAIN.issuperset(map(type, others)):
            others = tuple(self._cleaner.clean(list(others), "tell"))
        self.told.append(Told(what, who, others, self._tick))

    def take_told(self) -> list[Told]:
        """Return what was reported since the last call."""
        taken, self.told = self.told, []
        return taken

    def input(self, input: Any) -> Any:
        """Return a copy of an input as the server will receive it."""
        return self._cleaner.clean(input, "input")


def repeat_last(client_id: int, last: Any, age: int) -> Any:
    """Guess that a player's keys stay as they are."""
    return last


class KnownInputs:
    """The inputs of all players from a state on, as far as known; the others are guessed.

    :param shared: of each player the inputs of the state's tick and those of the next ticks.
    :param me: the player whose own inputs are known better.
    :param guess: finds those that are not known.
    """

    __slots__ = ("_guess", "_known_until", "_shared", "_tail", "me")

    def __init__(self, shared: Mapping[int, tuple[Any, ...]], me: int | None, guess: Guess) -> None:
        self.me, self._guess = me, guess
        self._shared = {client_id: shared[client_id] for client_id in sorted(shared) if shared[client_id]}
        order = sorted({*self._shared, *([] if me is None else [me])})
        self._tail: dict[int, Any] = {each: self._shared[each][-1] if each in self._shared else None for each in order}
        self._known_until = max(map(len, self._shared.values()), default=0)

    def at(self, tick: int, mine: Any) -> dict[int, Any]:
        """Return the inputs of a tick.

        :param tick: counted from the state's, which is 0.
        :param mine: the player's own input.
        """
        found = self._tail.copy()
        if tick < self._known_until or self._guess is not repeat_last:
            for client_id, known in self._shared.items():
                beyond = tick - len(known) + 1
                found[client_id] = known[tick] if beyond <= 0 else self._guess(client_id, known[-1], beyond)
        if self.me is not None:
            found[self.me] = mine
        return found
