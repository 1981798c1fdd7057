"""The state of the current tick."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .._state.backing import change_in_place, follow, looks_untouched, set_tick, source_of, state_of
from .._state.delta import diff
from .._state.game_status import checked_status
from .._state.merging import UpdateReader, compose, merged
from .._state.sizes import StateSize
from .._state.tree import Cleaner, Tree, exactly_equal, first_difference
from .._state.whole import Whole
from ..errors import StateTooLarge
from ..gamestate import GameState


class Draft:
    """The frozen tree of the current tick, as handlers and time step see it. It changes by updates only.

    :param kind: the class of the states that handlers and time step get.
    :param max_state_bytes: bound on the serialised size; ``max_state_values``: bound on the number of values.
    """

    def __init__(self, kind: type[GameState], max_state_bytes: int, max_state_values: int) -> None:
        self.tree: Tree = {}
        self._size = StateSize(max_state_bytes, max_state_values)
        self._reader = UpdateReader()
        self._owned: dict[int, Tree] = {}
        """The parts of the tree that this tick has made and may change in place."""
        self._before: Tree = self.tree
        """The tree at the beginning of the tick; ``_delta``: what leads from there to the present one."""
        self._delta: Tree = {}
        self._kind = kind
        self._shown: GameState | None = None
        """The state of handlers and time step. It follows every update."""
        self._deleted: str | None = None

    # -- updates ---------------------------------------------------------------------------------------------------

    def clean_update(self, attributes: Mapping[str, Any]) -> Tree:
        """Return a private, checked copy of an update.

        :raises InvalidValue: if it holds what cannot be sent.
        """
        return _with_checked_status(self._reader.clean_attributes(attributes, "update"), "update")

    def clean_state(self, attributes: Mapping[str, Any]) -> Tree:
        """Return a private, checked copy of attributes of the initial state.

        :raises InvalidValue: if they hold what cannot be sent.
        """
        name = "initial_game_state"
        return _with_checked_status(Cleaner().clean_attributes(attributes, name), name)

    def apply(self, update: Mapping[str, Any] | Whole) -> None:
        """Merge an update.

        :raises InvalidValue: if it holds what cannot be sent; and nothing is changed.
        :raises StateTooLarge: and nothing is changed.
        """
        delta = self._reader.attribute_changes(self.tree, update, "update")
        if "game_status" in delta:
            checked_status(delta["game_status"], "update")
        shown = self._shown
        if shown is not None:
            self._note_deletion(shown)  # the update would bring the attribute back
        if delta:
            self._merge(delta)
        if shown is not None:
            follow(shown, self.tree, delta)

    def _merge(self, delta: Tree) -> None:
        if self._size.may_be_reached(self._reader.size_bytes):
            self._measure(merged(self.tree, delta, {}))  # owning nothing, it leaves the tree as it is
        self.tree = merged(self.tree, delta, self._owned)
        if self._delta:
            compose(self._delta, delta, self._before, self.tree)
        else:
            self._delta = delta

    def _measure(self, tree: Tree) -> None:
        try:
            self._size.measure(tree)
        except StateTooLarge:
            self._size.measure(self.tree)
            raise

    def replace(self, name: str, cleaned: Tree) -> None:
        """Give an attribute a value that was cleaned just now, without merging it.

        :param cleaned: a dict of this attribute alone.
        :raises StateTooLarge: and nothing is changed.
        """
        before = {name: self.tree[name]} if name in self.tree else {}
        self.apply(diff(before, cleaned, exactly_equal))

    def begin_with(self, tree: Tree) -> bool:
        """Take a tree in place of this one; return False if it equals this one.

        :raises StateTooLarge: and nothing is changed.
        """
        if exactly_equal(tree, self.tree):
            return False
        self._size.measure(tree)
        self.tree = tree
        self.settle()
        return True

    def settle(self) -> tuple[Tree, Tree]:
        """End the tick: the tree of this moment never changes any more.

        :returns: the tree at the beginning of the tick, and the delta from there, which is empty if nothing changed.
        """
        before, delta = self._before, self._delta
        self._owned.clear()
        self._before, self._delta = self.tree, {}
        return before, delta

    # -- the state that handlers and time step get ---------------------------------------------------------------------

    def show(self, tick: int) -> GameState:
        if self._shown is None or source_of(self._shown) is not self.tree:
            self._shown = state_of(self._kind, self.tree, tick)
        set_tick(self._shown, tick)
        return self._shown

    @property
    def shown(self) -> GameState:
        """The state of :meth:`show` in the current tick."""
        return self._shown if self._shown is not None else self.show(0)

    def take_back_change_in_place(self, tick: int) -> str | None:
        """Undo a change in place, and return its path."""
        if self._shown is None:
            return None
        path = change_in_place(self._shown) or self._deleted_in_place()
        if path is not None:
            self._shown = state_of(self._kind, self.tree, tick)
        return path

    def change_in_place(self) -> str | None:
        """Return the path of a change in place, which stays."""
        shown = self._shown
        if shown is None:
            return None
        path = None if looks_untouched(shown) else change_in_place(shown)
        return path or self._deleted_in_place()

    def _deleted_in_place(self) -> str | None:
        """Return the path of an attribute deleted in place since the last call."""
        if self._shown is not None:
            self._note_deletion(self._shown)
        path, self._deleted = self._deleted, None
        return path

    def _note_deletion(self, shown: GameState) -> None:
        source = source_of(shown)
        if source is not self.tree:
            self._deleted = first_difference(self.tree, source)


def _with_checked_status(cleaned: Tree, what: str) -> Tree:
    if "game_status" in cleaned:
        checked_status(cleaned["game_status"], what)
    return cleaned
