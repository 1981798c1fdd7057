"""The latest updates of a game state."""

from __future__ import annotations

import itertools
from collections import deque

from .._state.backing import time_order_of
from .._state.delta import diff
from .._state.tree import Tree, thawed
from ..gamestate import GameStateUpdate


class UpdateCache:
    """Keeps the last states, and computes the changes from each to the next when they are asked for.

    :param size: most updates.
    """

    __slots__ = ("_states",)

    def __init__(self, size: int) -> None:
        self._states: deque[tuple[int, Tree]] = deque(maxlen=size + 1)
        """Each with its tick, one more than there are updates."""

    def begin(self, tick: int, tree: Tree) -> None:
        self._states.clear()
        self._states.extend([(tick, tree)] * 2)

    def add(self, tick: int, tree: Tree) -> None:
        """Take in the next frozen tree."""
        self._states.append((tick, tree))

    def updates(self) -> list[GameStateUpdate]:
        """Return the updates, oldest first, the caller's own to change."""
        updates = []
        for (_, before), (tick, after) in itertools.pairwise(list(self._states)):
            update = GameStateUpdate(time_order_of(tick))
            update.__dict__.update(thawed(diff(before, after)))
            updates.append(update)
        return updates
