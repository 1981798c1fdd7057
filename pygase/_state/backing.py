"""The frozen tree behind a game state, and the functions with which PyGaSe keeps the two in step.

The attributes of a game state belong to the game, and may have any name. So these functions stand beside the class.
"""

from __future__ import annotations

from typing import Any, ClassVar, Final, TypeVar

from ..utils import Comparable, Sqn
from .handed_over import HandedOver
from .tree import TO_DELETE, Tree, as_lists, exactly_equal, first_difference, merge_in_place, thawed


class Backed:
    """A state that reads from ``_source`` each attribute that is not in the instance's dict yet.

    It makes its time order from ``_pygase_tick`` when it is asked for.
    """

    __slots__ = ("_pygase_tick", "_source")

    _pygase_tick: int
    _source: Tree | HandedOver

    _class_names: ClassVar[frozenset[str]]
    """Python would find these before those in ``_source``."""


State = TypeVar("State", bound=Backed)

real_dict: Final[Any] = Comparable.__dict__["__dict__"]
"""The descriptor of an instance's true attribute dict, which GameState hides behind a property."""

set_source: Final[Any] = vars(Backed)["_source"].__set__
"""Past ``__setattr__``, which is for attributes of the game."""

_tick_slot: Final[Any] = vars(Backed)["_pygase_tick"]


def time_order_of(tick: int) -> Sqn:
    """Return the 16-bit sequence number of an absolute tick: 0 before the first, then 1..65535, and 1 again."""
    maximum = int(Sqn.get_max_sequence())
    return Sqn((tick - 1) % maximum + 1 if tick > 0 else 0)


def time_order_shown(state: Backed) -> Sqn | None:
    """Return the time order of the tick that a state shows; None if it was not made of a frozen tree."""
    try:
        return time_order_of(_tick_slot.__get__(state))
    except AttributeError:
        return None


def state_of(kind: type[State], tree: Tree, tick: int) -> State:
    """Make a state of a class that reads its attributes from a frozen tree, and copies each at the first access."""
    state = object.__new__(kind)
    set_source(state, tree)
    _tick_slot.__set__(state, tick)
    attributes = real_dict.__get__(state)
    if not tree.keys().isdisjoint(kind._class_names):
        for name in kind._class_names & tree.keys():
            attributes[name] = thawed(tree[name])
    return state


def source_of(state: Backed) -> Tree | HandedOver:
    return state._source


# -- the state that handlers and the time step get ---------------------------------------------------------------------


def set_tick(state: Backed, tick: int) -> None:
    _tick_slot.__set__(state, tick)
    real_dict.__get__(state).pop("time_order", None)  # of the last tick, if it was asked for


def follow(state: Backed, tree: Tree, update: Tree) -> None:
    """Apply an update that ``tree`` contains already to the attributes that have been read."""
    set_source(state, tree)
    attributes = real_dict.__get__(state)
    for name, value in update.items():
        if name in attributes:
            if value is TO_DELETE:
                del attributes[name]
            else:
                merge_in_place(attributes, {name: value})
        elif name in type(state)._class_names and name in tree:
            attributes[name] = thawed(tree[name])


def attributes_read(state: Backed) -> dict[str, Any]:
    """Return the attributes that have been read or set. No others can have changed in place."""
    return {name: value for name, value in real_dict.__get__(state).items() if name != "time_order"}


def looks_untouched(state: Backed) -> bool:
    """Return whether nothing has been changed in place. False may be wrong: this is a fast check."""
    source = state._source
    try:
        for name, value in real_dict.__get__(state).items():
            if name != "time_order" and source[name] is not value and source[name] != value:
                return False
    except Exception:  # an attribute of its own; or a value with its own comparison, such as a numpy array
        return False
    return True


def change_in_place(state: Backed) -> str | None:
    """Return the path of a change in place, or None."""
    source = state._source
    for name, value in real_dict.__get__(state).items():
        if name == "time_order":
            continue
        if name not in source:
            return str(name)
        if not (value is source[name] or exactly_equal(as_lists(value), source[name])):
            return first_difference(as_lists(value), source[name], name) or name
    return None


# -- the state that the game was made with -----------------------------------------------------------------------------


def take_over(state: Backed, update: Tree, tick: int) -> None:
    """Apply an update that was pushed before the game has begun."""
    merge_in_place(state.__dict__, update)
    set_tick(state, tick)


def hand_over(state: Backed, source: HandedOver) -> None:
    """Let a state show the newest state from now on."""
    real_dict.__get__(state).clear()
    set_source(state, source)


def show_class_names(state: Backed, tree: Tree) -> None:
    """Copy from the newest state the attributes that Python would find in the class otherwise."""
    attributes, source = real_dict.__get__(state), state._source
    for name in type(state)._class_names & tree.keys():
        attributes[name] = source[name]
    for name in attributes.keys() - tree.keys():
        del attributes[name]


def class_names_in(state: Backed, tree: Tree) -> bool:
    return not type(state)._class_names.isdisjoint(tree)
