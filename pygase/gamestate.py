"""The game state that is synchronised, and the changes to it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Self

from .tree import TO_DELETE, Tree, exactly_equal, first_difference, merge_in_place, thawed
from .utils import Comparable, NamedEnum, Sendable, Sqn

__all__ = ["TO_DELETE", "GameState", "GameStateUpdate", "GameStatus"]


class GameStatus(NamedEnum):
    """Status of the simulation: ``"Paused"`` (0) or ``"Active"`` (1)."""


GameStatus.register("Paused")
GameStatus.register("Active")

_real_dict = Comparable.__dict__["__dict__"]
"""The descriptor of an instance's true attribute dict, which GameState hides behind a property."""


def time_order_of(tick: int) -> Sqn:
    """Return the 16-bit sequence number of an absolute tick: 0 before the first, then 1..65535, and 1 again."""
    maximum = int(Sqn.get_max_sequence())
    return Sqn((tick - 1) % maximum + 1 if tick > 0 else 0)


class GameState(Sendable):
    """A game state that can be synchronised: whatever attributes the game gives it.

    :param time_order: number of the state, higher means more recent; counts ticks, and wraps from 65535 to 1.
    :param game_status: a GameStatus value: does the game loop run?
    :param kwargs: attributes of the game's own. They may hold ``str, bytes, Sqn, int, float, bool, None``, and lists,
        tuples and dicts of such (keys: ``str`` or ``int``).

    A state that PyGaSe hands out is the receiver's own: whatever is done to it reaches nobody else. Its attributes are
    copied when they are first read, so what is not read costs nothing.
    """

    __slots__ = ("_source",)

    game_status: int
    time_order: Sqn

    _source: Tree

    def __new__(cls, *args: Any, **kwargs: Any) -> Self:
        """Make an object that has no frozen tree behind it."""
        state = super().__new__(cls)
        state._source = {}
        return state

    def __init__(self, time_order: int = 0, game_status: int = GameStatus.get("Paused"), **kwargs: Any) -> None:
        if not isinstance(time_order, int):
            raise TypeError(
                f"GameState takes its attributes by name: GameState(score=0, players={{}}), or GameState(**a_dict); "
                f"got {time_order!r:.80}"
            )
        attributes = _real_dict.__get__(self)
        attributes.update(kwargs)
        attributes["game_status"] = game_status
        attributes["time_order"] = Sqn(time_order)

    @classmethod
    def _of_tree(cls, tree: Tree, tick: int) -> GameState:
        """Make a state that reads its attributes from a frozen tree, copying each when it is first asked for."""
        state = cls.__new__(cls)
        state._source = tree
        _real_dict.__get__(state)["time_order"] = time_order_of(tick)
        return state

    def __getattr__(self, name: str) -> Any:
        # only called for what is not in the instance's dict yet
        try:
            value = self._source[name]
        except KeyError:
            known = ", ".join(sorted(str(key) for key in self._source)) or "none yet"
            raise AttributeError(
                f"the game state has no attribute {name!r} (it has: {known})", name=name, obj=self
            ) from None
        if type(value) is dict or type(value) is list:
            value = thawed(value)
        _real_dict.__get__(self)[name] = value
        return value

    @property
    def __dict__(self) -> dict[str, Any]:
        attributes: dict[str, Any] = _real_dict.__get__(self)
        for name in self._source:
            if name not in attributes:
                attributes[name] = thawed(self._source[name])
        return attributes

    @__dict__.setter
    def __dict__(self, attributes: dict[str, Any]) -> None:
        self._source = {}
        _real_dict.__set__(self, attributes)

    def __delattr__(self, name: str) -> None:
        attributes = _real_dict.__get__(self)
        if name not in attributes and name not in self._source:
            getattr(self, name)  # raises, naming the attributes there are
        attributes.pop(name, None)
        if name in self._source:  # else it would be read from there again
            self._source = {key: value for key, value in self._source.items() if key != name}

    def __reduce__(self) -> tuple[Callable[..., GameState], tuple[type[GameState], dict[str, Any]]]:
        return _restore, (type(self), dict(self.__dict__))

    @classmethod
    def from_bytes(cls, bytepack: bytes) -> Self:
        """Return the state that ``to_bytes`` serialised.

        :raises TypeError: if it is none.
        """
        state = super().from_bytes(bytepack)
        state.time_order = Sqn(state.__dict__.get("time_order", 0))
        return state

    def __repr__(self) -> str:
        return f"GameState({', '.join(f'{name}={value!r}' for name, value in self.__dict__.items())})"

    def __getitem__(self, name: Any) -> Any:
        raise TypeError(
            f"a GameState has attributes, not keys: write game_state.{name} instead of game_state[{name!r}]"
        )

    def is_paused(self) -> bool:
        """Return True if the game is paused."""
        return bool(self.game_status == GameStatus.get("Paused"))

    def __lt__(self, other: GameState) -> bool:
        return self.time_order < other.time_order

    def __gt__(self, other: GameState) -> bool:
        return self.time_order > other.time_order

    # -- how the server keeps the state that handlers see in step with the true one -------------------------------

    def _follow(self, tree: Tree, update: Tree) -> None:
        """Take over an update that ``tree`` already contains, into those attributes that have been read."""
        self._source = tree
        attributes = _real_dict.__get__(self)
        for name, value in update.items():
            if name in attributes:
                if value is TO_DELETE:
                    del attributes[name]
                else:
                    merge_in_place(attributes, {name: value})

    def _strayed(self) -> str | None:
        """Return the path of a change that was made in place, or None."""
        attributes = _real_dict.__get__(self)
        for name, value in attributes.items():
            if name == "time_order":
                continue
            if name not in self._source:
                return str(name)
            if not (value is self._source[name] or _same(value, self._source[name])):
                return first_difference(_listed(value), self._source[name], name) or name
        return None


def _restore(cls: type[GameState], attributes: dict[str, Any]) -> GameState:
    state = cls.__new__(cls)
    state.__dict__ = attributes
    return state


def _listed(value: Any) -> Any:
    """Return a value with tuples as lists, as they would arrive."""
    if isinstance(value, dict):
        return {key: _listed(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_listed(item) for item in value]
    return value


def _same(value: Any, frozen: Any) -> bool:
    return exactly_equal(_listed(value), frozen)


class GameStateUpdate(Sendable):
    """Changes to a GameState.

    :param time_order: number of the state that the update leads to.
    :param kwargs: new values of attributes. Nested dicts are merged, everything else replaced; TO_DELETE removes.

    ``+`` adds updates to one another, or to a state, which is changed and returned.
    """

    time_order: Sqn

    def __init__(self, time_order: int = 0, **kwargs: Any) -> None:
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
        older, newer = (other, self) if other < self else (self, other)
        combined = GameStateUpdate(newer.time_order)
        combined.__dict__.update(_added(older.__dict__, newer.__dict__))
        return combined

    def __radd__(self, other: Any) -> Any:
        if isinstance(other, int):  # sum() begins with 0
            return self
        if not isinstance(other, GameState):
            return NotImplemented
        if not self < other:
            merge_in_place(other.__dict__, self.__dict__)
        return other

    def __repr__(self) -> str:
        return f"GameStateUpdate({', '.join(f'{name}={value!r}' for name, value in self.__dict__.items())})"

    def __lt__(self, other: Any) -> bool:
        return bool(self.time_order < other.time_order)

    def __gt__(self, other: Any) -> bool:
        return bool(self.time_order > other.time_order)


def _added(older: Tree, newer: Tree) -> Tree:
    """Merge two updates into one, keeping TO_DELETE markers."""
    result = dict(older)
    for key, value in newer.items():
        before = result.get(key)
        if isinstance(value, dict) and isinstance(before, dict):
            result[key] = _added(before, value)
        else:
            result[key] = value
    return result
