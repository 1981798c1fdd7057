"""A ready view: each client sees what is near its own thing."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from .._state.sights import Sights
from .._state.tree import Tree

if TYPE_CHECKING:
    from .state_keeper import Commit


def _client_id(tree: Tree, client_id: int) -> int:
    return client_id


class Interest:
    """A view for large worlds: each client sees the things that are near its own, and everything else of the state.

    Give it to a backend: ``Backend(..., view=Interest("ents", position=("x", "y"), radius=300))``. A function of your
    own may also call it, and change what it returns: ``{**interest(tree, client_id), "secrets": {}}``.

    A thing appears within the radius, and disappears beyond 1.12 radii. Each client looks for what has come and gone in
    every fourth tick, and at once if it has moved far, or a thing that it sees. So a thing may be sent for three ticks
    more, and a little beyond the radius: let the radius end outside of the screen. Rules that must hold exactly, such
    as walls that hide an enemy, belong in a view of your own. Things without a place (two finite numbers) are seen by
    nobody but their owner.

    :param table: the name of the attribute with the things, a dict of records.
    :param position: the keys of a record's coordinates.
    :param radius: in the same unit.
    :param me: ``me(tree, client_id)`` returns the key of a client's own thing in that dict, or the place (x, y) from
        which it looks, or None if it sees none of them. By default the key is the client's id.
    :raises TypeError, ValueError: a parameter makes no sense.
    """

    def __init__(
        self,
        table: str,
        *,
        position: Sequence[str | int] = ("x", "y"),
        radius: float,
        me: Callable[[dict[str, Any], int], Any] = _client_id,
    ) -> None:
        if not isinstance(table, str) or not table:
            raise TypeError(f"Interest takes the name of the attribute with the things, such as 'ents'; got {table!r}")
        if isinstance(position, str) or len(tuple(position)) != 2:
            raise ValueError(f"position must be the two keys of the coordinates, such as ('x', 'y'); got {position!r}")
        if isinstance(radius, bool) or not isinstance(radius, (int, float)) or not 0 < radius < math.inf:
            raise ValueError(f"radius must be a distance above 0, got {radius!r}")
        if not callable(me):
            raise TypeError(f"me must be a function of (tree, client_id) that returns a key or a place, got {me!r}")
        x, y = position
        self._sights = Sights(table, x, y, float(radius), me)
        self.called = f"Interest({table!r})"

    def __call__(self, tree: dict[str, Any], client_id: int) -> dict[str, Any]:
        """Return what a client sees of a state: a new dict, or the same as for the state before if nothing changed."""
        if tree is not self._sights.tree:
            self._sights.follow(tree, None)
        return self._sights.tree_for(client_id, {})[0]

    # -- as the view of a backend --------------------------------------------------------------------------------------

    def begin(self, commit: Commit) -> None:
        """Take the next state, with its delta if that is known."""
        if commit.tree is not self._sights.tree:
            self._sights.follow(commit.tree, commit.delta_from(self._sights.tree))

    def ask(self, tree: Tree, client_id: int, before: Tree) -> tuple[Tree, Tree | None]:
        """Return the tree that a client sees, and the delta that leads there from ``before``; None: not known."""
        return self._sights.tree_for(client_id, before)
