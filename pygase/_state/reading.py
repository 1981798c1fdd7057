"""How a game state is read: by attribute, by key, or as a dict.

The server's state, a client's and the one that is drawn are read alike, so that rules and draw functions can be shared:
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
"""Attributes of a state that PyGaSe sets, not the game. They can be asked for by name; iterating leaves them out."""

_MOST_NAMES: Final = 30
"""How many names a message lists: a state may have thousands, and a log line should stay readable."""

_MOST_COMPARED: Final = 500
"""How many names are compared with a misspelt one, which takes some 5 µs each."""


class UnlessOwn:
    """A method that gives way to the game's own attribute of that name: ``state.items`` is the game's, if it has one.

    :param function: the method.
    """

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
        """Return the game's own attribute."""
        return state[self.name]


class KeysUnlessOwn(UnlessOwn):
    """``keys``, which ``dict(state)`` calls to learn the names: the game's own attribute answers that call, too."""

    def own(self, state: Any) -> Any:
        """Return the game's own attribute, in a form that can be called for the names of the state."""
        return callable_for_keys(state[self.name], state)


def own_first(function: F) -> F:
    """Make a method one that gives way to the game's own attribute of that name."""
    return cast(F, UnlessOwn(function))


class Readable:
    """Something that is read as a game state is.

    A subclass says with ``_read_names`` and ``_has_name`` what there is, and with ``_read_value`` what that is.
    """

    __slots__ = ()

    _called: ClassVar[str] = "state"
    """What sentences call the state."""

    def _read_names(self) -> Iterable[Any]:
        """Return all names that can be read."""
        raise NotImplementedError

    def _has_name(self, name: object) -> bool:
        """Tell whether that can be read."""
        raise NotImplementedError

    def _read_value(self, name: Any) -> Any:
        """Return what is called so.

        :raises KeyError: if there is nothing.
        """
        raise NotImplementedError

    # Called through the class, since a game's attribute may have any name.

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
        """Return a sentence: what to do instead of writing ``state[name] = value``."""
        return f"a {type(self).__name__} is only read by its keys; {name!r} cannot be written"

    def _missing(self, name: str) -> AttributeError:
        """Return the error to be raised for ``state.name`` where there is none."""
        return MissingAttribute(self, name)

    @own_first
    def get(self, name: Any, default: Any = None) -> Any:
        """Return the attribute of that name, or ``default`` if there is none."""
        try:
            return type(self)._read_value(self, name)
        except KeyError:
            return default

    @own_first
    def is_paused(self) -> bool:
        """Return True if the game is paused: its loop does not run."""
        return bool(Readable.get(self, "game_status") == 0)

    def _keys(self) -> KeysView[Any]:
        """Return the names of the game's own attributes, as a dict's ``keys`` does."""
        return KeysView(cast(Mapping[Any, Any], self))

    _keys.__name__ = "keys"
    keys: Any = KeysUnlessOwn(_keys)

    @own_first
    def values(self) -> ValuesView[Any]:
        """Return the values of the game's own attributes, as a dict's ``values`` does."""
        return ValuesView(cast(Mapping[Any, Any], self))

    @own_first
    def items(self) -> ItemsView[Any, Any]:
        """Return names and values of the game's own attributes, as a dict's ``items`` does."""
        return ItemsView(cast(Mapping[Any, Any], self))


# -- what is missing -------------------------------------------------------------------------------------------------


class _Missing(Exception):
    """Something was asked for that the state does not have. The sentence is only made when somebody reads it."""

    args: tuple[Any, ...]

    def __str__(self) -> str:
        state, name = self.args
        return _what_there_is(state, name)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({str(self)!r})"


class MissingAttribute(_Missing, AttributeError):
    """``state.name``, where there is none.

    Python adds a guess of its own where it knows the name; the sentence has one already, so it is kept back.
    """

    def __init__(self, state: Readable, name: str) -> None:
        AttributeError.__init__(self, state, name, obj=state)


class MissingKey(_Missing, KeyError):
    """``state["name"]``, where there is none."""

    def __init__(self, state: Readable, name: Any) -> None:
        super().__init__(state, name)


def _what_there_is(state: Readable, name: Any) -> str:
    kind = type(state)
    names = sorted(map(str, kind.__iter__(state)))
    known = "nothing yet"
    if names:
        shown = [*names[:_MOST_NAMES], *(["game_status"] if "game_status" in state else [])]
        more = len(names) - _MOST_NAMES
        known = ", ".join(shown) + (f" and {more:,} more" if more > 0 else "")
    return (
        f"the game state has no attribute {name!r} (it has: {known}).{_guess(name, names)} While it may be missing, "
        f"write {kind._called}.get({name!r}, default)"
    )


def _guess(name: Any, names: list[str]) -> str:
    from difflib import get_close_matches  # only here: it takes its time to import

    close = get_close_matches(str(name), names[:_MOST_COMPARED], n=1)
    return f" Did you mean {close[0]!r}?" if close else ""


# -- a game's own attribute `keys` -----------------------------------------------------------------------------------


class _CallableForKeys:
    """Mixed into a value: a call gives the names of the state that it belongs to."""

    state: Readable

    def __call__(self) -> KeysView[Any]:
        return KeysView(cast(Mapping[Any, Any], self.state))

    def __reduce_ex__(self, protocol: Any) -> Any:
        plain: Any = next(kind for kind in _SUBCLASSED if isinstance(self, kind))
        return plain, (plain(self),)


_SUBCLASSED: Final = (dict, list, str, bytes, int, float)


def callable_for_keys(value: Any, state: Readable) -> Any:
    """Return a copy of a value that can be called, too, for the names of a state; what cannot be so, itself.

    ``dict(state)`` calls ``state.keys()``, and a game may have an attribute ``keys``. (A bool and None have no
    subclasses, so that ``dict`` fails in a game whose ``keys`` is one of them.)
    """
    if isinstance(value, (_CallableForKeys, bool)) or not isinstance(value, _SUBCLASSED):
        return value
    made = _callable_class(cast(Any, type(value)))(value)
    made.state = state
    return made


@cache
def _callable_class(kind: Any) -> Any:
    return type(kind.__name__, (_CallableForKeys, kind), {"__module__": kind.__module__})
