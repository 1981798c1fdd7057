"""The rings of clients that each see a part of the state."""

from __future__ import annotations

from .._state.tree import Tree
from .snapshots import SnapshotRing


class ViewRings:
    """Gives each client a ring of its own. The ring for all clients then has the ticks of the states, and no state.

    :param common: the ring for all clients.
    """

    __slots__ = ("_common", "_whole")

    def __init__(self, common: SnapshotRing) -> None:
        self._common = common
        self._whole: Tree = {}

    def new_ring(self) -> SnapshotRing:
        """Return the ring of a new peer."""
        return self._common.apart()

    def begin(self, tick: int, tree: Tree, time: float, span: float) -> None:
        """Begin a state. The caller then pushes to each ring what its client sees, before anything is sent.

        Of ``tree`` only the identity is used, so nothing else of it can reach a client.
        """
        unchanged, self._whole = tree is self._whole, tree
        self._common.push(tick, self._common.tree if unchanged else {}, time, span)
