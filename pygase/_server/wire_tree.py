"""The tree that clients get, beside the exact one of the game."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from .._state.delta import diff
from .._state.merging import merged
from .._state.precision import Places, Precision, rounded_changes
from .._state.priorities import Priorities
from .._state.tree import Tree
from .state_pace import StatePace

if TYPE_CHECKING:
    from .sharing import Sharing
    from .state_keeper import Commit
    from .views import Views


class WireTree:
    """Follows the exact tree with one whose declared floats are rounded. A tick costs as much as it changes.

    The game's own state is never rounded: a thing that moves 0.004 a tick under a precision of 0.01 would stand still
    for ever.

    :ivar precision: what the game has declared.
    :ivar priorities: what goes first to a client that is short; None: it gets whole states, and fewer of them.
    :ivar views: what each client may see of the tree; None: all of it.
    :ivar sharing: adds the players' inputs for clients that all see the same; None: they are not shared, or the views
        add them.
    :ivar pace: chooses the states that are sent.
    """

    def __init__(self, precision: Precision) -> None:
        self.precision = precision
        self.priorities: Priorities | None = None
        self.views: Views | None = None
        self.sharing: Sharing | None = None
        self.pace = StatePace()
        self._lock = threading.Lock()
        self._exact: Tree = {}
        self._before: Tree = {}
        self._wire: Tree = {}
        self._delta: Tree = {}
        """Leads from ``_before`` to ``_wire``."""

    def follow(self, commit: Commit) -> Commit:
        """Return a commit with the tree, and the delta, that clients get; from any thread.

        A tick that changes no number by as much as its precision has the same tree as the tick before.
        """
        places = self.precision.root
        if places is None:
            return commit
        with self._lock:
            if commit.tree is not self._exact:
                self._go_on(commit, places)
            return commit.with_tree(self._wire, self._before, self._delta)

    def _go_on(self, commit: Commit, places: Places) -> None:
        change = commit.delta_from(self._exact)
        if change is None:  # commits have been left out
            change = diff(self._exact, commit.tree)
        delta = rounded_changes(self._wire, change, places)
        self._exact, self._before, self._delta = commit.tree, self._wire, delta
        if delta:
            self._wire = merged(self._wire, delta, {})
