"""Reading a game state: by attribute, by key, or as a dict.

The server's state, a client's state and the drawn state are read alike, so they can share rules and draw functions:
``state.ball``, ``state["ball"]``, ``state.get("ball", default)``, ``"ball" in state``, ``for name in state``, ``len``,
``keys``, ``values``, ``items`` and ``dict(state)``.
"""

from __future__ import annotations

from collections.abc import Callable, ItemsView, Iterable, Iterator, KeysView, Mapping, ValuesView
from functools import cache
from types import MethodType
from typing import Any, ClassVar, Final, NoReturn, TypeVar, cast

F = TypeVar("F", bound=Callable[..., Any])

PYGASES_OWN: Final = frozenset({"game_status", "time_order"})
"""Attributes of a state that PyGaSe sets. They are read by name; iterating leaves them out."""

_MAX_LISTED_NAMES: Final = 30
"""Most names in a message. A state may have thousands, and a log line is to stay readable."""

_MAX_COMPARED_NAMES: Final = 500
"""Most names that are compared with a misspelt one; each takes about 5 µs."""


class UnlessOwn:
    """A method that gives way to the game's own attribute of the same name, such as ``items``."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self.function = function
        self.name = function.__name__
        self.__doc__ = function.__doc__

    def __get__(self, state: Any, owner: type | None = None) -> Any:
        if state is None:
            return self.function
        if self.name in state:
            return self.own(state)
        return MethodType(self.function, state)

    def own(self, state: Any) -> Any:
        return state[self.name]


class KeysUnlessOwn(UnlessOwn):
    """The method ``keys``. An attribute ``keys`` of the game is returned callable, because ``dict(state)`` calls it."""

    def own(self, state: Any) -> Any:
        return callable_for_keys(state[self.name], state)


def own_first(function: F) -> F:
    return cast(F, UnlessOwn(function))


class Readable:
    """Base class of objects that are read like a game state.

    A subclass implements ``_read_names``, ``_has_name`` and ``_read_value``.
    """

    __slots__ = ()

    _called: ClassVar[str] = "state"
    """The state's name in error messages."""

    def _read_names(self) -> Iterable[Any]:
        raise NotImplementedError

    def _has_name(self, name: object) -> bool:
        raise NotImplementedError

    def _read_value(self, name: Any) -> Any:
        """:raises KeyError: the state does not have this name."""
        raise NotImplementedError

    # Calls go through the class, because a game's attribute may have any name.

    def __getitem__(self, name: Any) -> Any:
        try:
            return type(self)._read_value(self, name)
        except KeyError:
            raise MissingKey(self, name) from None

    def __contains__(self, name: object) -> bool:
        return type(self)._has_name(self, name)

    def __iter__(self) -> Iterator[Any]:
        return iter([name for name in type(self)._read_names(self) if name not in PYGASES_OWN])

    def __len__(self) -> int:
        return sum(name not in PYGASES_OWN for name in type(self)._read_names(self))

    def __setitem__(self, name: Any, value: Any) -> NoReturn:
        raise TypeError(type(self)._advice_on_writing(self, name))

    def __delitem__(self, name: Any) -> NoReturn:
        raise TypeError(type(self)._advice_on_writing(self, name))

    def _advice_on_writing(self, name: Any) -> str:
        """Return a sentence that says what to do instead of ``state[name] = value``."""
        return f"a {type(self).__name__} is only read by its keys; {name!r} cannot be written"

    def _missing(self, name: str) -> AttributeError:
        return MissingAttribute(self, name)

    @own_first
    def get(self, name: Any, default: Any = None) -> Any:
        """Return the attribute ``name``, or ``default`` if the state does not have it."""
        try:
            return type(self)._read_value(self, name)
        except KeyError:
            return default

    @own_first
    def is_paused(self) -> bool:
        """Return True if the game is paused, so that its loop does not run."""
        return bool(Readable.get(self, "game_status") == 0)

    def _keys(self) -> KeysView[Any]:
        """Return the names of the game's own attributes, like ``dict.keys``."""
        return KeysView(cast(Mapping[Any, Any], self))

    _keys.__name__ = "keys"
    keys: Any = KeysUnlessOwn(_keys)

    @own_first
    def values(self) -> ValuesView[Any]:
        """Return the values of the game's own attributes, like ``dict.values``."""
        return ValuesView(cast(Mapping[Any, Any], self))

    @own_first
    def items(self) -> ItemsView[Any, Any]:
        """Return names and values of the game's own attributes, like ``dict.items``."""
        return ItemsView(cast(Mapping[Any, Any], self))


# -- errors for missing attributes -----------------------------------------------------------------------------------


class _Missing(Exception):
    """The state does not have a name. The sentence is made only when it is read, because that takes time."""

    args: tuple[Any, ...]

    def __str__(self) -> str:
        state, name = self.args
        return _sentence(state, name)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({str(self)!r})"


class MissingAttribute(_Missing, AttributeError):
    """Has its own guess of the right name, so Python's guess is prevented."""

    def __init__(self, state: Readable, name: str) -> None:
        AttributeError.__init__(self, state, name, obj=state)


class MissingKey(_Missing, KeyError):
    def __init__(self, state: Readable, name: Any) -> None:
        super().__init__(state, name)


def _sentence(state: Readable, name: Any) -> str:
    kind = type(state)
    names = sorted(map(str, kind.__iter__(state)))
    known = "nothing yet"
    if names:
        shown = [*names[:_MAX_LISTED_NAMES], *(["game_status"] if "game_status" in state else [])]
        more = len(names) - _MAX_LISTED_NAMES
        known = ", ".join(shown) + (f" and {more:,} more" if more > 0 else "")
    return (
        f"the game state has no attribute {name!r} (it has: {known}).{_guess(name, names)} While it may be missing, "
        f"write {kind._called}.get({name!r}, default)"
    )


def _guess(name: Any, names: list[str]) -> str:
    from difflib import get_close_matches  # only here: the import is slow

    close = get_close_matches(str(name), names[:_MAX_COMPARED_NAMES], n=1)
    return f" Did you mean {close[0]!r}?" if close else ""


# -- a game's own attribute `keys` -----------------------------------------------------------------------------------


class _CallableForKeys:
    state: Readable

    def __call__(self) -> KeysView[Any]:
        return KeysView(cast(Mapping[Any, Any], self.state))

    def __reduce_ex__(self, protocol: Any) -> Any:
        plain: Any = next(kind for kind in _SUBCLASSED if isinstance(self, kind))
        return plain, (plain(self),)


_SUBCLASSED: Final = (dict, list, str, bytes, int, float)


def callable_for_keys(value: Any, state: Readable) -> Any:
    """Return a copy of a value that can also be called for the names of a state.

    ``dict(state)`` calls ``state.keys()``, and a game may have an attribute ``keys``. A bool and None have no
    subclasses and are returned as they are, so ``dict(state)`` fails if ``keys`` is one of them.
    """
    if isinstance(value, (_CallableForKeys, bool)) or not isinstance(value, _SUBCLASSED):
        return value
    made = _callable_class(cast(Any, type(value)))(value)
    made.state = state
    return made


@cache
def _callable_class(kind: Any) -> Any:
    return type(kind.__name__, (_CallableForKeys, kind), {"__module__": kind.__module__})
