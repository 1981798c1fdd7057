"""The game state of one frame, as it is to be drawn."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NoReturn

from pygase import GameStatus


class View:
    """A game state to read: ``view.ball``, ``view["ball"]``, ``view.get("ball", default)``, ``"ball" in view``.

    Empty until the first state has arrived (:attr:`ready` tells). Three names are the view's own (``ready``,
    ``get``, ``is_paused``); should the game use one of them, it is found as ``view["ready"]``.

    What is read is copied when it is first read: whatever the game does to it, the state that the next changes
    are applied to stays as the server sent it, and so does the next frame's view.

    :param state: what to show; never changed.
    :param ready: whether any state has arrived.
    :param shared: hand out the state's own values, not copies. For states so large that copying takes time;
        nothing in them may be changed then.
    """

    __slots__ = ("_copies", "_shared", "_state", "ready")

    _state: Mapping[str, Any]
    _copies: dict[str, Any]
    _shared: bool
    ready: bool
    """Whether any state has arrived."""

    def __init__(self, state: Mapping[str, Any], *, ready: bool = True, shared: bool = False) -> None:
        object.__setattr__(self, "_state", state)
        object.__setattr__(self, "_copies", {})
        object.__setattr__(self, "_shared", shared)
        object.__setattr__(self, "ready", ready)

    def get(self, name: str, default: Any = None) -> Any:
        """Return a part of the state, or ``default`` while there is none of that name."""
        return self[name] if name in self._state else default

    def is_paused(self) -> bool:
        """Tell whether the server's game loop stands still, as far as we know."""
        return bool(self.get("game_status") == GameStatus.get("Paused"))

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") or name in View.__slots__:
            raise AttributeError(name)  # Python's own question, as when copying: never a part of the game
        try:
            return self[name]
        except KeyError:
            known = ", ".join(str(key) for key in self._state) or "nothing yet"
            raise AttributeError(
                f"the game state has no {name!r} (it has: {known}). While that is possible, ask for "
                f"view.get({name!r}, default), or look at view.ready first",
                name=name,
                obj=self,
            ) from None

    def __getitem__(self, name: str) -> Any:
        if self._shared:
            return self._state[name]
        if name not in self._copies:
            self._copies[name] = _copied(self._state[name])
        return self._copies[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._state)

    def __contains__(self, name: object) -> bool:
        return name in self._state

    def __len__(self) -> int:
        return len(self._state)

    def __eq__(self, other: object) -> bool:
        return bool(self._state == (other._state if isinstance(other, View) else other))

    __hash__ = None  # type: ignore[assignment]  # as with a dict

    def __setattr__(self, name: str, value: object) -> NoReturn:
        reason = f"a view is read-only: to change {name!r}, send the server an event"
        raise AttributeError(reason, name=name, obj=self)

    def __reduce__(self) -> tuple[Any, ...]:
        return _restore, (_copied(dict(self._state)), self.ready)

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
"""Types of values that need no copy; asking saves a call for each."""


def _restore(state: dict[str, Any], ready: bool) -> View:
    return View(state, ready=ready)
