"""The latest updates of a game state."""

from __future__ import annotations

from collections import deque

from .._state.backing import time_order_of
from .._state.tree import Tree, thawed
from ..gamestate import GameStateUpdate


class UpdateCache:
    """Keeps the deltas of the last states, and makes updates of them when they are asked for.

    :param size: most updates.
    """

    __slots__ = ("_deltas",)

    def __init__(self, size: int) -> None:
        self._deltas: deque[tuple[int, Tree]] = deque(maxlen=size)
        """Each with its tick."""

    def begin(self, tick: int) -> None:
        """Begin with a state that no update leads to."""
        self._deltas.clear()
        self._deltas.append((tick, {}))

    def add(self, tick: int, delta: Tree) -> None:
        """Take in the frozen delta of the next state."""
        self._deltas.append((tick, delta))

    def updates(self) -> list[GameStateUpdate]:
        """Return the updates, oldest first, the caller's own to change."""
        updates = []
        for tick, delta in tuple(self._deltas):
            update = GameStateUpdate(time_order_of(tick))
            update.__dict__.update(thawed(delta))
            updates.append(update)
        return updates
