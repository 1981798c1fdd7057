"""The game state of one frame, for drawing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NoReturn

from pygase import Readable


class View(Readable):
    """A game state to read: ``view.ball``, ``view["ball"]``, ``view.get("ball", default)``, ``"ball" in view``.

    A view is read as a GameState and as a dict, so rules and draw functions work with both. ``len``, ``keys``,
    ``values``, ``items`` and ``dict(view)`` work. Iteration leaves out ``game_status``, which can be read by name. The
    game's own attribute replaces a name of the view (``ready``, ``get``, ``items`` …).

    A view is empty until the first state has arrived; see :attr:`ready`.

    A value is copied when it is first read, so the game may change it without effect on the next frame.

    :param state: the state to show; never changed.
    :param ready: whether any state has arrived.
    :param shared: return the state's own values without copies, for very large states. Nothing in them may be changed.
    """

    __slots__ = ("_copies", "_ready", "_shared", "_state")

    _state: Mapping[str, Any]
    _copies: dict[str, Any]
    _shared: bool
    ready: bool
    """Whether any state has arrived."""

    _called = "view"

    def __init__(self, state: Mapping[str, Any], *, ready: bool = True, shared: bool = False) -> None:
        object.__setattr__(self, "_state", state)
        object.__setattr__(self, "_copies", {})
        object.__setattr__(self, "_shared", shared)
        object.__setattr__(self, "_ready", ready)

    def __getattr__(self, name: str) -> Any:
        if name in View.__slots__:
            raise AttributeError(name)  # asked by Python itself, as when copying: never a part of the game
        if name in self._state:
            return self[name]
        if name == "ready":
            return self._ready
        if name.startswith("__"):
            raise AttributeError(name)
        raise self._missing(name)

    def _read_value(self, name: Any) -> Any:
        if self._shared:
            return self._state[name]
        if name not in self._copies:
            self._copies[name] = _copied(self._state[name])
        return self._copies[name]

    def _has_name(self, name: object) -> bool:
        return name in self._state

    def _read_names(self) -> Iterable[Any]:
        return self._state

    def __eq__(self, other: object) -> bool:
        if isinstance(other, View):
            return bool(self._state == other._state)
        return bool(self._state == other or {name: self._state[name] for name in self} == other)

    __hash__ = None  # type: ignore[assignment]  # as with a dict

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise AttributeError(View._advice_on_writing(self, name), name=name, obj=self)

    def __delattr__(self, name: str) -> NoReturn:
        raise AttributeError(View._advice_on_writing(self, name), obj=self)

    def _advice_on_writing(self, name: Any) -> str:
        return f"a view is read-only: to change {name!r}, send the server an event"

    def __reduce__(self) -> tuple[Any, ...]:
        return _restore, (_copied(dict(self._state)), self._ready)

    def __repr__(self) -> str:
        return f"View({dict(self._state)!r})"


def _copied(value: Any) -> Any:
    kind = type(value)
    if kind is dict:
        return {key: item if type(item) in _SCALARS else _copied(item) for key, item in value.items()}
    if kind is list:
        return [item if type(item) in _SCALARS else _copied(item) for item in value]
    return value


_SCALARS = frozenset({float, int, str, bool, bytes, type(None)})
"""Types of values that need no copy. The test saves a call for each."""


def _restore(state: dict[str, Any], ready: bool) -> View:
    return View(state, ready=ready)
