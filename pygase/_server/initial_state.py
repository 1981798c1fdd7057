"""The state object that a game was made with: its source until the game begins, then a view of the newest state."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .._state.backing import class_names_in, hand_over, show_class_names, source_of, take_over
from .._state.handed_over import HandedOver
from .._state.tree import Tree
from ..gamestate import GameState


class InitialState:
    """Follows the state object that the program has handed over, or None."""

    def __init__(self, given: GameState | None) -> None:
        self._given = given
        self._is_followed = given is not None and type(source_of(given)) is not HandedOver
        self._shown: GameState | None = None
        """The object, if each commit has to be copied to it."""

    @property
    def is_followed(self) -> bool:
        """Whether the program may still change the state through the object."""
        return self._given is not None and self._is_followed

    def attributes(self) -> Mapping[str, Any] | None:
        """None if the object is followed no longer."""
        given = self._given
        if given is None or not self._is_followed:
            return None
        source = source_of(given)
        if type(source) is not HandedOver:
            return vars(given)
        self._is_followed = False  # another game has begun with it
        return source.attributes

    def take_over(self, cleaned: Tree, tick: int) -> None:
        """Apply an update that is pushed before the game begins."""
        if self._given is not None and self._is_followed:
            take_over(self._given, cleaned, tick)

    def begin(self, behind: HandedOver, tree: Tree) -> None:
        """Begin the game: the object shows the newest state, ``tree``, from now on.

        :param behind: its source from now on.
        """
        state, self._given = self._given, None
        if state is None:
            return
        hand_over(state, behind)
        if type(state) is not GameState or class_names_in(state, tree):
            self._shown = state
            show_class_names(state, tree)

    def show(self, tree: Tree) -> None:
        """Show the newest state, a frozen tree, where Python would find something in the class instead."""
        if self._shown is not None:
            show_class_names(self._shown, tree)
