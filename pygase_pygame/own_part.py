"""The player's own part of the state: its path, its rules, its prediction."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

from pygase import Glide, Interpolate

ME: Final = "{me}"
"""In a path: the client's own id."""

Path = tuple[Any, ...]
"""Keys that lead to a part of the state."""


@dataclass(frozen=True)
class Prediction:
    """The part of the game that a session predicts: ``Prediction(rules.move, "players.{me}")``.

    :param step: ``step(mine, input) -> mine``, the rules of one tick for the player's own part, the same as the
        server's; see :class:`pygase.Predictor`. With a third parameter ``world`` it gets the newest received state,
        read only; with one named ``tell`` it reports what happens once, see ``Session.happenings``.
    :param mine: the path to that part: keys joined by dots, ``{me}`` for the client's own id, an int; or a function of
        (game state, client id) that returns such a path, a tuple of keys, or None while there is no part. (A second
        parameter ``address`` or ``client_address`` gets the client's address instead.)
    :param moves: ``moves(world) -> update``, one tick of everything that moves by itself, such as lifts, as on the
        server: a dict of changes, as a time step returns. Then ``step`` gets as ``world`` what the server's rules get:
        the state before the tick. The view shows these things for the same moment as the player's own part.
    :param smooth: paths within the part (or :class:`pygase.Interpolate` rules, as for angles) of numbers that glide
        when they are corrected; by default every float. Or :class:`pygase.Glide` rules: ``Glide("", "x", "y")``.
    :param smoothing_time: seconds in which a correction glides.
    :param snap_distance: a number farther off jumps.
    :param max_ahead: seconds of prediction while the server is silent. Then the part slows down and stands, and
        ``Session.is_stalled`` is true, until inputs are confirmed again. Four ticks at least; ``math.inf``: never.
    :raises ValueError, TypeError: a parameter makes no sense.
    """

    step: Callable[..., Any]
    mine: str | Callable[[Mapping[str, Any], Any], str | Sequence[Any] | None]
    smooth: str | Interpolate | Glide | Iterable[str | Interpolate | Glide] | None = None
    smoothing_time: float = 0.1
    snap_distance: float | None = None
    max_ahead: float = 0.4
    moves: Callable[[Any], Mapping[str, Any]] | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.max_ahead, (int, float)) or not self.max_ahead > 0:
            raise ValueError(f"max_ahead must be a number of seconds above 0, or math.inf, not {self.max_ahead!r}")
        if not callable(self.step):
            raise TypeError(f"step must be a function of (mine, input), not {self.step!r}")
        if not callable(self.mine) and not isinstance(self.mine, str):
            raise TypeError(f'mine must be a path such as "players.{{me}}", or a function, not {self.mine!r}')
        if isinstance(self.mine, str):
            check_braces(self.mine)

    def path(self, state: Mapping[str, Any], me: int | None, address: Any) -> Path | None:
        """Return the keys that lead to the player's own part, or None.

        :param me: the client's id; ``address``: its address, as the server sees it.
        """
        found: str | Sequence[Any] | None
        if isinstance(self.mine, str):
            found = self.mine
        else:
            found = self.mine(state, address if _takes_address(self.mine) else me)
        if found is None:
            return None
        keys = found.split(".") if isinstance(found, str) else found
        return tuple(me if key == ME else key for key in keys)


def check_braces(path: str) -> None:
    """Check that only ``{me}`` stands in braces.

    :raises ValueError: something else does.
    """
    for key in path.split("."):
        if key != ME and ("{" in key or "}" in key):
            raise ValueError(f'{key!r} in {path!r} stands for nothing; "{{me}}" is the one that does')


def means_me(rule: str | Interpolate) -> bool:
    """Return whether ``{me}`` is in a rule for smooth movement.

    :raises ValueError: something else stands in braces.
    """
    paths = _paths_of(rule)
    for path in paths:
        check_braces(path)
    return any(ME in path.split(".") for path in paths)


def _paths_of(rule: str | Interpolate) -> list[str]:
    if isinstance(rule, Interpolate):
        return [*rule.paths, *([rule.snap_on] if rule.snap_on is not None else [])]
    return [rule] if isinstance(rule, str) else []  # (the buffer refuses anything else)


def rule_for(rule: str | Interpolate, me: int) -> str | Interpolate:
    """Return a rule for smooth movement with a client's id in the place of ``{me}``."""
    if not isinstance(rule, Interpolate):
        return _path_for(rule, me)
    return Interpolate(
        *[_path_for(path, me) for path in rule.paths],
        angle=rule.angle,
        period=rule.period,
        snap_distance=rule.snap_distance,
        snap_on=None if rule.snap_on is None else _path_for(rule.snap_on, me),
        extrapolate=rule.extrapolate,
    )


def _path_for(path: str, me: int) -> str:
    return ".".join(str(me) if key == ME else key for key in path.split("."))


@cache
def _takes_address(function: Callable[..., Any]) -> bool:
    """Return whether the second parameter of a function means a client's address, as in older programs."""
    try:
        names = list(inspect.signature(function).parameters)
    except (TypeError, ValueError):  # some built-in functions have none
        return False
    return names[1:2] in (["address"], ["client_address"])


def part_at(state: Any, path: Path) -> Any:
    """Return the value at the end of a path, or None."""
    for key in path:
        key = _own_key(state, key)
        if key is None:
            return None
        state = state[key]
    return state


def _own_key(tree: Any, key: Any) -> Any:
    """Return the key as a tree has it (digits may mean an int), or None."""
    if isinstance(tree, Mapping):
        if key in tree:
            return key
        number = int(key) if isinstance(key, str) and key.isdecimal() else None
        return number if number in tree else None
    if isinstance(tree, (list, tuple)):
        number = int(key) if isinstance(key, (int, str)) and str(key).isdecimal() else -1
        return number if 0 <= number < len(tree) else None
    return None


def precision_below(declared: Mapping[str, float], path: Path) -> dict[str, float]:
    """Return what is declared of a part, with the paths as seen from there; "*" for the part itself.

    :param declared: paths and steps of the whole state.
    """
    found: dict[str, float] = {}
    for text in sorted(declared, key=lambda text: "*" not in text):  # a key that is named counts before "*"
        parts = text.split(".")
        if len(parts) >= len(path) and all(part in ("*", str(key)) for part, key in zip(parts, path, strict=False)):
            found[".".join(parts[len(path) :]) or "*"] = declared[text]
    return found


def with_part(state: Any, path: Path, part: Any) -> Any:
    """Return a copy of ``state`` with another value at the end of a path, if the path leads anywhere."""
    if not path:
        return part
    key = _own_key(state, path[0])
    if key is None:
        return state
    copy = dict(state) if isinstance(state, Mapping) else list(state)
    copy[key] = with_part(state[key], path[1:], part)
    return copy
