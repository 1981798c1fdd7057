"""The players' inputs, as a part of the states that clients get."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, Final

from .._state.delta import diff
from .._state.shared_inputs import SHARED_INPUTS, runs_of, still_holds
from .._state.tree import Tree

if TYPE_CHECKING:
    from .state_keeper import Commit
    from .views import Asked

Known = Callable[[], tuple[int, dict[int, list[bytes]]]]
"""Returns a tick, and by client id the player's inputs of that tick and of the next ones, serialised."""

Place = tuple[Any, ...]
"""The keys of a dict in the state in which a player's id is a key."""

_FORGET_EVERY: Final = 256
"""States after which nothing is remembered of clients that are gone."""


class Sharing:
    """Makes the part of the state with the players' inputs.

    A world at rest in which nobody changes an input stays the same object: while the states are equal, a player's entry
    stays as it is as long as it is true, even if more inputs wait by now that are all alike.
    """

    def __init__(self, known: Known) -> None:
        self._known = known
        self._part: Tree = {}
        self._tick = -1
        self._exact: Tree = {}
        self._wire: Tree = {}

    def part(self, tick: int, *, rests: bool) -> Tree:
        """Return the inputs for the state of a tick: by client id, the entry of each player.

        :param rests: whether that state equals the last one that was asked for.
        """
        known_tick, known = self._known()
        if tick != self._tick:
            self._tick = tick
            part = self._renewed(known if known_tick == tick else {}, rests)
            if part != self._part:
                self._part = part
        return self._part

    def _renewed(self, known: dict[int, list[bytes]], rests: bool) -> Tree:
        part: Tree = {}
        for client_id, payloads in known.items():
            before = self._part.get(client_id)
            if before is None or not (rests and still_holds(before, payloads)):
                entry = runs_of(payloads)
                before = before if before == entry else entry
            part[client_id] = before
        return part

    def follow(self, commit: Commit) -> Commit:
        """Return a commit with the inputs in its tree, for clients that all see the same."""
        before, part_before = self._wire, self._part
        goes_on = commit.before is self._exact and bool(before)
        if commit.tree is self._exact and commit.tick == self._tick:
            return commit.with_tree(before, before, {})
        part = self.part(commit.tick, rests=commit.tree is self._exact)
        is_same = commit.tree is self._exact and part is part_before and bool(before)
        self._exact = commit.tree
        if is_same:
            return commit.with_tree(before, before, {})
        self._wire = {**commit.tree, SHARED_INPUTS: part}
        if not goes_on:
            return commit.with_tree(self._wire, self._wire, {})
        return commit.with_tree(self._wire, before, _with_part(commit.delta, part_before, part))


class ViewWithInputs:
    """A view whose answers get the inputs of the players whom that client may see.

    A client may see a player if the view has left the player's id wherever it is a key in the state: in an attribute
    that is a dict (``cars.7``), or in a dict in such an attribute (``world.cars.7``). Inputs of a player whose id is
    no such key go to nobody.
    """

    def __init__(self, view: Asked, sharing: Sharing) -> None:
        self.called = view.called
        self._view = view
        self._sharing = sharing
        self._whole: Tree = {}
        self._part: Tree = {}
        self._places: dict[int, list[Place]] = {}
        self._bare: dict[int, tuple[Tree, Tree]] = {}
        """By client id, the newest tree with inputs, and the one without."""
        self._made: dict[tuple[int, frozenset[int]], tuple[Tree, Tree]] = {}
        """The trees of this state by the view's answer and the players, each with that answer."""
        self._states = 0

    def begin(self, commit: Commit) -> None:
        """Take the next state."""
        self._view.begin(commit)
        self._part = self._sharing.part(commit.tick, rests=commit.tree is self._whole)
        if commit.tree is not self._whole or self._places.keys() != self._part.keys():
            self._places = places_of(commit.tree, self._part)
        self._whole = commit.tree
        self._made.clear()
        self._states += 1
        if self._states % _FORGET_EVERY == 0:
            self._bare.clear()

    def ask(self, tree: Tree, client_id: int, before: Tree) -> tuple[Tree, Tree | None]:
        """Return the tree that a client may see with its inputs, and the delta that leads there from ``before``."""
        seen, bare_before = self._bare.get(client_id, (None, {}))
        if seen is not before:
            bare_before = {key: value for key, value in before.items() if key != SHARED_INPUTS}
        bare, delta = self._view.ask(tree, client_id, bare_before)
        ids = frozenset([each for each, places in self._places.items() if sees(bare, each, places)])
        part_before = before.get(SHARED_INPUTS)
        if bare is bare_before and part_before is not None and self._is_same(part_before, ids):
            self._bare[client_id] = before, bare
            return before, {}
        made = self._made.get((id(bare), ids))
        if made is None:
            part = {client: entry for client, entry in self._part.items() if client in ids}
            made = self._made[id(bare), ids] = {**bare, SHARED_INPUTS: part}, bare
        self._bare[client_id] = made
        if delta is None or part_before is None:
            return made[0], None
        return made[0], _with_part(delta, part_before, made[0][SHARED_INPUTS])

    def _is_same(self, part: Tree, ids: frozenset[int]) -> bool:
        return part.keys() == ids and all(part[each] == self._part[each] for each in ids)


def places_of(tree: Tree, ids: Iterable[int]) -> dict[int, list[Place]]:
    """Return the places of each id: the dicts in which it is a key, attributes and the dicts in them."""
    places: dict[int, list[Place]] = {each: [] for each in ids}
    wanted = frozenset(places)
    if not wanted:
        return places
    for name, attribute in tree.items():
        if type(attribute) is dict:
            _note(places, wanted, attribute, (name,))
            for key, inner in attribute.items():
                if type(inner) is dict:
                    _note(places, wanted, inner, (name, key))
    return places


def _note(places: dict[int, list[Place]], wanted: frozenset[int], node: Tree, place: Place) -> None:
    if not wanted.isdisjoint(node):
        for each in wanted:
            if each in node:
                places[each].append(place)


def sees(tree: Tree, client_id: int, places: list[Place]) -> bool:
    """Return whether an id is in a tree at each of its places, of which there is at least one."""
    for place in places:
        node: Any = tree
        for key in place:
            node = node.get(key) if type(node) is dict else None
        if type(node) is not dict or client_id not in node:
            return False
    return bool(places)


def _with_part(delta: Tree, before: Tree, part: Tree) -> Tree:
    """Return a delta and the change of the players' inputs."""
    change = diff(before, part) if part is not before else {}
    return {**delta, SHARED_INPUTS: change} if change else delta
