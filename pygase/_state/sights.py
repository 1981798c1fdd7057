"""What each client sees of a table of things: those that are near its own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from .delta import diff
from .interest_grid import InterestGrid, Place, as_place
from .tree import TO_DELETE, Tree

STATES_A_LOOK: Final = 4
"""States between two looks for what has come near or gone far: at 20 Hz a fifth of a second. Things that are seen move
in each state. What moves far, or is hidden, is looked at in the same state."""

JUMP_SHARE: Final = 0.25
"""The way, in radii, after which a client looks at once."""

_FORGET_EVERY: Final = 256
"""States after which the sights of clients that are not asked for any more are dropped."""

Me = Callable[[Tree, int], Any]
"""Returns the key of a client's own thing, or a place, or None."""


class _Sight:
    """What one client sees.

    :ivar version: of the state that it saw last; ``looked_from``: its place at its last look.
    :ivar things: the records that it sees, the world's own; ``tree``: the state around them.
    """

    __slots__ = ("looked_from", "things", "tree", "version")

    def __init__(self) -> None:
        self.version = 0
        self.looked_from: Place | None = None
        self.things: Tree = {}
        self.tree: Tree = {}


class Sights:
    """Follows the states, and gives each client its tree: everything but the things that are far from its own.

    Records are the world's own, and a state costs a client as much as changes near it.

    :param table: the attribute with the things; ``x``, ``y``: the keys of their coordinates.
    """

    __slots__ = (
        "_changed",
        "_far",
        "_grid",
        "_jump",
        "_me",
        "_rest",
        "_sights",
        "_table",
        "_things",
        "_tree",
        "_version",
    )

    def __init__(self, table: str, x: Any, y: Any, radius: float, me: Me) -> None:
        self._table = table
        self._grid = InterestGrid(radius, x, y)
        self._jump = radius * JUMP_SHARE
        self._me = me
        self._version = 0
        self._tree: Tree = {}
        self._things: Tree = {}
        self._changed: Tree = {}
        """The changes of the newest state: of the things,"""
        self._rest: Tree = {}
        """and of everything else."""
        self._far = set[Any]()
        """Things that have moved far with the newest state."""
        self._sights: dict[int, _Sight] = {}

    @property
    def tree(self) -> Tree:
        """The newest state."""
        return self._tree

    def follow(self, tree: Tree, delta: Tree | None) -> None:
        """Take the next state.

        :param delta: leads there from :attr:`tree`; None: not known.
        """
        if delta is None:
            delta = diff(self._tree, tree)
        things = tree.get(self._table)
        things = things if type(things) is dict else {}
        self._changed = _changes_of(delta.get(self._table), self._things, things)
        self._rest = {key: value for key, value in delta.items() if key != self._table}
        self._far.clear()
        for key, change in self._changed.items():
            if change is TO_DELETE:
                self._grid.remove(key)
            elif self._grid.put(key, things[key]):
                self._far.add(key)
        self._tree, self._things = tree, things
        self._version += 1
        if self._version % _FORGET_EVERY == 0:
            recent = self._version - _FORGET_EVERY
            self._sights = {key: sight for key, sight in self._sights.items() if sight.version > recent}

    def tree_for(self, client_id: int, before: Tree) -> tuple[Tree, Tree | None]:
        """Return what a client sees of the newest state, and the delta that leads there from ``before``; None: not
        known."""
        sight = self._sights.get(client_id)
        if sight is None:
            sight = self._sights[client_id] = _Sight()
        if sight.version == self._version:
            return sight.tree, None
        known, tree = sight.version == self._version - 1, sight.tree
        delta = self._go_on(sight, client_id) if known else self._begin(sight, client_id)
        sight.version = self._version
        if known and not delta and not self._rest:
            return tree, {} if tree is before else None
        sight.tree = self._tree.copy()
        sight.tree[self._table] = sight.things
        if not known or tree is not before:
            return sight.tree, None
        if not delta:
            return sight.tree, self._rest
        whole = self._rest.copy()
        whole[self._table] = delta
        return sight.tree, whole

    def _begin(self, sight: _Sight, client_id: int) -> Tree:
        """Let a client see the newest state that has not seen the one before."""
        things = self._things
        sight.things = {key: things[key] for key in sight.things if key in things}
        self._look(sight, *self._own(client_id), {})
        return {}

    def _go_on(self, sight: _Sight, client_id: int) -> Tree:
        """Let a client see the newest state after the one before; return the changes of the things that it sees."""
        key, place = self._own(client_id)  # first: it calls the game, which may raise
        delta = self._changes_near(sight)
        is_turn = (self._version + client_id) % STATES_A_LOOK == 0
        has_moved = bool(self._far) and not self._far.isdisjoint(sight.things)
        if is_turn or has_moved or self._has_jumped(sight, place) or (key in self._things and key not in sight.things):
            self._look(sight, key, place, delta)
        return delta

    def _changes_near(self, sight: _Sight) -> Tree:
        """Let a client see the changes of the things that it sees, and return them."""
        changed, seen, things = self._changed, sight.things, self._things
        if len(changed) < len(seen):
            delta = {key: change for key, change in changed.items() if key in seen}
        else:
            delta = {key: changed[key] for key in seen if key in changed}
        if delta:
            sight.things = seen.copy()
            for key, change in delta.items():
                if change is TO_DELETE:
                    del sight.things[key]
                else:
                    sight.things[key] = things[key]
        return delta

    def _own(self, client_id: int) -> tuple[Any, Place | None]:
        """Return the key of a client's own thing, if there is one, and the place from which it looks."""
        own = self._me(self._tree, client_id)
        if type(own) is tuple or type(own) is list:
            return None, as_place(own[0], own[1]) if len(own) == 2 else None
        return own, self._grid.place(own)

    def _has_jumped(self, sight: _Sight, place: Place | None) -> bool:
        before = sight.looked_from
        if place is None or before is None:
            return place is not before
        return abs(place[0] - before[0]) > self._jump or abs(place[1] - before[1]) > self._jump

    def _look(self, sight: _Sight, own: Any, place: Place | None, delta: Tree) -> None:
        """Find what has come near and gone far, and add that to ``delta``."""
        seen, things = sight.things, self._things
        near: dict[Any, None] = self._grid.near(place, seen) if place is not None else {}
        if own is not None and own in things:
            near[own] = None
        sight.looked_from = place
        if near.keys() == seen.keys():
            return
        sight.things = {key: things[key] for key in near}
        for key in seen:
            if key not in near:
                delta[key] = TO_DELETE
        for key in near:
            if key not in seen:
                delta[key] = things[key]


def _changes_of(change: Any, before: Tree, things: Tree) -> Tree:
    """Return the delta of the table; ``change`` is what the state's delta has of it."""
    if type(change) is dict and before:
        return change
    return diff(before, things) if change is not None else {}
