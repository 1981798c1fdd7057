"""Warns a programmer whose interpolation paths lead to no number."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from pygase import Interpolate, Snapshot

from .fit import LOOKS, SECONDS_PER_LOOK

_logger = logging.getLogger(__name__)

_NOT_THE_GAMES: Final = "game_status"
"""Attribute of every state that is not the game's."""


class PathWatch:
    """Looks into states until each path has led to a number; logs one warning for one that does not.

    :param rules: paths, or :class:`pygase.Interpolate` rules.
    """

    def __init__(self, rules: Iterable[str | Interpolate]) -> None:
        paths = [path for rule in rules for path in (rule.paths if isinstance(rule, Interpolate) else (rule,))]
        self._misses = dict.fromkeys(paths, 0)  # path → looks in a row that found nothing
        self._look_at: float | None = None

    def look(self, snapshot: Snapshot) -> None:
        """Take in a state."""
        now = snapshot.received_at
        if not self._misses or (self._look_at is not None and now < self._look_at):
            return
        self._look_at = now + SECONDS_PER_LOOK
        for path in tuple(self._misses):
            why = why_not(snapshot.state, path.split("."))
            self._misses[path] = self._misses[path] + 1 if why else 0
            if why is None:
                del self._misses[path]
            elif why and self._misses[path] >= LOOKS:
                del self._misses[path]
                _logger.warning(
                    "interpolate=... moves nothing at %r so far: %.300s. (If that is only still to come, all is well.)",
                    path,
                    why,
                )


def why_not(node: Any, parts: Sequence[str], where: str = "") -> str | None:
    """Return why no number moves smoothly at a path: "" if it is not known yet, None if one moves.

    :param node: the state, or its part at ``where``.
    :param parts: the further keys; ``"*"`` is any key.
    """
    if node is None:
        return ""
    if not parts:
        return _why_no_number(node, where)
    if not isinstance(node, Mapping):
        return f"{where} is of type {type(node).__name__}, and paths lead into dicts only"
    if parts[0] == "*":
        return _why_none(node, parts[1:], where)
    for key in node:
        if str(key) == parts[0]:
            return why_not(node[key], parts[1:], f"{where}.{key}" if where else str(key))
    known = ", ".join(str(key) for key in node if where or key != _NOT_THE_GAMES)
    return f"{where or 'the state'} has no {parts[0]!r}, but: {known}" if known else ""


def _why_none(node: Mapping[Any, Any], parts: Sequence[str], where: str) -> str | None:
    """Do the same for all values of a dict; return the first reason if each has one."""
    first: str | None = None
    for key, child in node.items():
        why = why_not(child, parts, f"{where}.{key}" if where else str(key))
        if why is None:
            return None
        first = why if first is None or not why else first
    return first or ""


def _why_no_number(value: Any, where: str) -> str | None:
    kinds = {type(item) for item in value} if isinstance(value, list) else {type(value)}
    if kinds <= {int, float, type(None)}:
        return "" if not kinds or type(None) in kinds else None
    if isinstance(value, Mapping):
        keys = ", ".join(map(str, value))
        return f"{where} is a dict, and a path ends at a number: go on with one of its keys, {keys}" if keys else ""
    kind = "a list of something else" if isinstance(value, list) else f"of type {type(value).__name__}"
    return f"{where} is {kind}, and a path ends at a number or a list of numbers"
