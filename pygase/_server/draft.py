"""The state of the current tick."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .._state.backing import change_in_place, follow, looks_untouched, set_tick, source_of, state_of
from .._state.game_status import checked_status
from .._state.sizes import StateSize
from .._state.tree import Cleaner, Tree, exactly_equal, first_difference, merge
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
        self._cleaner = Cleaner()
        self._owned: dict[int, Tree] = {}
        """The parts of the tree that this tick has made and may change in place."""
        self._kind = kind
        self._shown: GameState | None = None
        """The state of handlers and time step. It follows every update."""
        self._deleted: str | None = None

    # -- updates ---------------------------------------------------------------------------------------------------

    def clean(self, attributes: Mapping[str, Any], what: str) -> Tree:
        """Return a private, checked copy of attributes; errors call them ``what``.

        :raises InvalidValue: if they hold what cannot be sent.
        """
        self._cleaner.size_bytes = 0
        cleaned = self._cleaner.clean_attributes(attributes, what)
        if "game_status" in cleaned:
            checked_status(cleaned["game_status"], what)
        return cleaned

    def clean_update(self, update: Mapping[str, Any]) -> Tree:
        """Return a checked update to be applied at once. An update of plain values is not copied.

        :raises InvalidValue: if it holds what cannot be sent.
        """
        cleaner = self._cleaner
        cleaner.size_bytes = 0
        if type(update) is dict and cleaner.is_simple(update) and "time_order" not in update:
            if "game_status" in update:
                checked_status(update["game_status"], "update")
            return update
        return self.clean(update, "update")

    @property
    def cleaned_bytes(self) -> int:
        """About the size of the latest cleaned update."""
        return self._cleaner.size_bytes

    @cleaned_bytes.setter
    def cleaned_bytes(self, size_bytes: int) -> None:
        self._cleaner.size_bytes = size_bytes

    def apply(self, cleaned: Tree) -> None:
        """Merge an update that was cleaned just now.

        :raises StateTooLarge: and nothing is changed.
        """
        if not cleaned:
            return
        shown = self._shown
        if shown is not None:
            self._note_deletion(shown)  # the update would bring the attribute back
        if self._size.may_be_reached(self._cleaner.size_bytes):
            self._apply_near_the_bound(cleaned)
        else:
            self.tree = merge(self.tree, cleaned, self._owned)
        if shown is not None:
            follow(shown, self.tree, cleaned)

    def _apply_near_the_bound(self, cleaned: Tree) -> None:
        tree = merge(self.tree, cleaned, {})  # owning nothing, it leaves the tree as it is until that is measured
        try:
            self._size.measure(tree)
        except StateTooLarge:
            self._size.measure(self.tree)
            raise
        self.tree = tree

    def replace(self, name: str, cleaned: Tree) -> None:
        """Give an attribute a value that was cleaned just now, without merging it.

        :raises StateTooLarge: and nothing is changed.
        """
        before = self.tree
        self.tree = {key: item for key, item in before.items() if key != name}
        try:
            self.apply(cleaned)
        except StateTooLarge:
            self.tree = before
            raise

    def begin_with(self, tree: Tree) -> bool:
        """Take a tree in place of this one; return False if it equals this one.

        :raises StateTooLarge: and nothing is changed.
        """
        if exactly_equal(tree, self.tree):
            return False
        self._size.measure(tree)
        self.tree = tree
        return True

    def settle(self) -> None:
        """End the tick: the tree of this moment never changes any more."""
        self._owned.clear()

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
