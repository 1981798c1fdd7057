"""The game state that is synchronised."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Self

from ._diagnostics.tracebacks import program_lines_only
from ._state.backing import Backed, real_dict, set_source, source_of, time_order_shown
from ._state.game_status import PAUSED, GameStatus, checked_status
from ._state.handed_over import HandedOver
from ._state.reading import PYGASES_OWN, KeysUnlessOwn, MissingAttribute, Readable, callable_for_keys
from ._state.tree import (
    TO_DELETE,
    Tree,
    merge_in_place,
    merged_updates,
    thawed,
)
from .errors import InPlaceChange
from .utils import Sendable, Sqn

__all__ = ["TO_DELETE", "GameState", "GameStateUpdate", "GameStatus"]


def order_is_ignored(order: int, state_order: int) -> bool:
    """Return whether an update of that time order is older than a state; 0 means "now"."""
    return bool(order) and Sqn(order) < Sqn(state_order)


class _Keys(KeysUnlessOwn):
    """``GameState.keys``. Attributes are found in an instance's dict first, so this one has to be set as well."""

    def own(self, state: GameState) -> Any:
        shown = callable_for_keys(state["keys"], state)
        if type(source_of(state)) is not HandedOver and isinstance(shown, (dict, list)):
            real_dict.__get__(state)["keys"] = shown  # so that changes to it last
        return shown

    def __set__(self, state: GameState, value: Any) -> None:
        real_dict.__get__(state)["keys"] = value


class GameState(Readable, Backed, Sendable):
    """A game state that can be synchronised, with any attributes.

    :param time_order: number of the state, higher means more recent; counts ticks, and wraps from 65535 to 1.
    :param game_status: a GameStatus value: whether the game loop runs.
    :param kwargs: attributes of the game's own. They may hold ``str, bytes, Sqn, int, float, bool, None``, and lists,
        tuples and dicts of such (keys: ``str`` or ``int``).
    :raises InvalidValue: (a TypeError) if ``game_status`` is no GameStatus value.

    Assign attributes freely until the game begins. From then on this object shows the newest state, and assigning
    raises InPlaceChange: return changes from ``time_step`` and event handlers, or push them with
    ``GameStateStore.push_update``.

    A state can also be read like a dict: ``state["score"]``, ``state.get("score", 0)``, ``"score" in state``, ``len``,
    ``keys``, ``values``, ``items``, ``dict(state)``. Iterating leaves out ``game_status`` and ``time_order``. An
    attribute of the game's own wins over a method of that name.

    A state that PyGaSe returns is the caller's own copy. Each attribute is copied when it is first read. On the server
    a state keeps the game's own subclass of GameState; its ``__init__`` is not called again.
    """

    __slots__ = ()

    game_status: int
    time_order: Sqn

    _called = "game_state"

    def __new__(cls, *args: Any, **kwargs: Any) -> Self:
        """Make an object without a frozen tree behind it."""
        state = super().__new__(cls)
        set_source(state, {})
        return state

    def __init__(self, time_order: int = 0, game_status: int = PAUSED, **kwargs: Any) -> None:
        if not isinstance(time_order, int):
            raise TypeError(
                f"GameState takes its attributes by name: GameState(score=0, players={{}}), or GameState(**a_dict); "
                f"got {time_order!r:.80}"
            )
        attributes = real_dict.__get__(self)
        attributes.update(kwargs)
        attributes["game_status"] = checked_status(game_status, "GameState")
        attributes["time_order"] = Sqn(time_order)

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        _note_class_names(cls)
        own = vars(cls).get("__getattr__")
        if own is not None:
            cls.__getattr__ = _after_reading(own)  # type: ignore[method-assign]

    # -- reading ---------------------------------------------------------------------------------------------------

    def __getattr__(self, name: str) -> Any:
        # only called for attributes that are not in the instance's dict yet
        source = self._source
        try:
            value = source[name]
        except KeyError:
            value = time_order_shown(self) if name == "time_order" else None
            if value is None:
                raise MissingAttribute(self, name) from None
        if type(source) is HandedOver:
            return value
        if type(value) is dict or type(value) is list:
            value = thawed(value)
        real_dict.__get__(self)[name] = value
        return value

    def _read_value(self, name: Any) -> Any:
        attributes = real_dict.__get__(self)
        if name in attributes and type(self._source) is not HandedOver:
            return attributes[name]
        if not GameState._has_name(self, name):
            raise KeyError(name)
        return GameState.__getattr__(self, name)

    def _has_name(self, name: object) -> bool:
        if name in self._source or name in real_dict.__get__(self):
            return True
        return name == "time_order" and time_order_shown(self) is not None

    def _read_names(self) -> Iterable[Any]:
        source = self._source
        return [*source, *(name for name in real_dict.__get__(self) if name not in source)]

    @property
    def __dict__(self) -> dict[str, Any]:
        if type(self._source) is HandedOver:
            return self._source.all_read_only()
        attributes: dict[str, Any] = real_dict.__get__(self)
        for name in ("time_order", *self._source):
            if name not in attributes and GameState._has_name(self, name):
                GameState.__getattr__(self, name)
        return attributes

    @__dict__.setter
    def __dict__(self, attributes: dict[str, Any]) -> None:
        set_source(self, {})
        real_dict.__set__(self, attributes)

    keys = _Keys(Readable.keys)

    # -- writing ---------------------------------------------------------------------------------------------------

    def __setattr__(self, name: str, value: Any) -> None:
        if name in PYGASES_OWN:
            value = _checked_own(self, name, value)
        source = self._source
        if type(source) is HandedOver and not hasattr(getattr(type(self), name, None), "__set__"):
            with program_lines_only:
                source.assign(name, value)
        else:
            object.__setattr__(self, name, value)

    def __delattr__(self, name: str) -> None:
        source = self._source
        attributes = real_dict.__get__(self)
        if name not in attributes and name not in source:
            getattr(self, name)  # raises, naming the attributes there are
        if type(source) is HandedOver:
            with program_lines_only:
                source.assign(name, TO_DELETE)
            return
        attributes.pop(name, None)
        if name in source:  # else it would be read from there again
            set_source(self, {key: source[key] for key in source if key != name})

    def _advice_on_writing(self, name: Any) -> str:
        return (
            f"game_state[{name!r}] is only for reading: return {{{name!r}: ...}} from time_step or the event handler; "
            f"before the game begins, write game_state.{name} = ..."
        )

    def _add(self, update: Tree) -> None:
        """Merge an update's attributes, its time order among them, unless it is older."""
        order = Sqn(update["time_order"])
        if order_is_ignored(order, self.time_order):
            return
        if "game_status" in update:
            checked_status(update["game_status"], "update")
        merge_in_place(self.__dict__, {**update, "time_order": order or self.time_order})

    # -- as a whole ------------------------------------------------------------------------------------------------

    def __reduce__(self) -> tuple[Callable[..., GameState], tuple[type[GameState], dict[str, Any]]]:
        source = self._source
        return _restore, (type(self), source.copied() if type(source) is HandedOver else dict(self.__dict__))

    @classmethod
    def from_bytes(cls, bytepack: bytes) -> Self:
        """Return the state that ``to_bytes`` serialised.

        :raises TypeError: if it is none.
        """
        state = super().from_bytes(bytepack)
        state.time_order = Sqn(state.__dict__.get("time_order", 0))
        return state

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(f'{name}={value!r}' for name, value in self.__dict__.items())})"

    def __lt__(self, other: GameState) -> bool:
        return self.time_order < other.time_order

    def __gt__(self, other: GameState) -> bool:
        return self.time_order > other.time_order


def _note_class_names(cls: type[GameState]) -> None:
    # the underscored ones of GameState are its own machinery, which no attribute may replace
    cls._class_names = frozenset(name for name in dir(cls) if not (name[0] == "_" and hasattr(GameState, name)))


_note_class_names(GameState)


def _after_reading(own: Callable[[Any, str], Any]) -> Callable[[Any, str], Any]:
    """Return a game's own ``__getattr__``, called for attributes that the state does not have."""

    def __getattr__(self: Any, name: str) -> Any:
        return GameState.__getattr__(self, name) if GameState._has_name(self, name) else own(self, name)

    return __getattr__


def _checked_own(state: GameState, name: str, value: Any) -> Any:
    """Return the checked value that a game assigns to ``game_status`` or ``time_order``.

    :raises InPlaceChange: if the state came from PyGaSe, or its game has begun.
    """
    if source_of(state):
        raise InPlaceChange(
            'game_state.game_status cannot be assigned here: return {"game_status": GameStatus.get("Paused")} from '
            "time_step or an event handler, which ends the game loop after that tick"
            if name == "game_status"
            else "game_state.time_order cannot be assigned here: PyGaSe counts the ticks; for a counter of the game's "
            "own take another name"
        )
    return checked_status(value, "GameState") if name == "game_status" else Sqn(value)


def _restore(cls: type[GameState], attributes: dict[str, Any]) -> GameState:
    state = object.__new__(cls)
    set_source(state, {})
    real_dict.__set__(state, attributes)
    return state


class GameStateUpdate(Sendable):
    """Changes to a GameState.

    :param time_order: number of the state that the update leads to, higher means more recent; 0 (or the state's own)
        for an update that counts whenever it arrives.
    :param kwargs: new values of attributes. Nested dicts are merged, everything else replaced; TO_DELETE removes.
        ``game_status`` must be a GameStatus value.
    :raises InvalidValue: (a TypeError) if ``game_status`` is none.

    ``+`` adds updates to one another, or to a state, which is changed and returned. It ignores an update with a lower
    time order than the state's, like ``GameStateStore.push_update``, and merges every other; the later one wins.
    """

    time_order: Sqn

    def __init__(self, time_order: int = 0, **kwargs: Any) -> None:
        if "game_status" in kwargs:
            checked_status(kwargs["game_status"], "GameStateUpdate")
        self.__dict__.update(kwargs)
        self.time_order = Sqn(time_order)

    @classmethod
    def from_bytes(cls, bytepack: bytes) -> GameStateUpdate:
        """Return the update that ``to_bytes`` serialised."""
        update = super().from_bytes(bytepack)
        update.time_order = Sqn(update.time_order)
        return update

    def __add__(self, other: GameStateUpdate) -> GameStateUpdate:
        if not isinstance(other, GameStateUpdate):
            return NotImplemented
        is_older = order_is_ignored(other.time_order, self.time_order)
        older, newer = (other, self) if is_older else (self, other)
        combined = GameStateUpdate()
        combined.__dict__.update(merged_updates(older.__dict__, newer.__dict__))
        combined.time_order = newer.time_order or older.time_order
        return combined

    def __radd__(self, other: Any) -> Any:
        if isinstance(other, int):  # sum() begins with 0
            return self
        if not isinstance(other, GameState):
            return NotImplemented
        GameState._add(other, self.__dict__)
        return other

    def __repr__(self) -> str:
        return f"GameStateUpdate({', '.join(f'{name}={value!r}' for name, value in self.__dict__.items())})"

    def __lt__(self, other: Any) -> bool:
        return bool(self.time_order < other.time_order)

    def __gt__(self, other: Any) -> bool:
        return bool(self.time_order > other.time_order)
