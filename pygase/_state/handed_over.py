"""A game state after it was handed over to a game: it shows the newest state and cannot be written."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, ClassVar, Final, NoReturn

from .._diagnostics.tracebacks import program_lines_only
from ..errors import InPlaceChange
from .tree import Tree, thawed


class HandedOver:
    """The attributes of the initial game state after its game has begun: those of the newest state.

    :param newest: returns the newest tree and its time order.
    :param assign: called with name and value when an attribute is assigned; the value is TO_DELETE when it is deleted.
    :param attributes: attributes at the moment when the state was handed over, with the time order.
    """

    __slots__ = ("_newest", "_read", "assign", "attributes")

    def __init__(
        self,
        newest: Callable[[], tuple[Tree, int]],
        assign: Callable[[str, Any], None],
        attributes: Tree,
    ) -> None:
        self._newest = newest
        self._read: dict[Any, tuple[Any, Any]] = {}
        self.assign = assign
        self.attributes = attributes

    def __getitem__(self, name: Any) -> Any:
        tree, time_order = self._newest()
        if name == "time_order":
            return time_order
        value = tree[name]
        frozen, shown = self._read.get(name, (None, None))
        if frozen is not value:  # an unchanged value was made read-only before
            shown = read_only(value)
            self._read[name] = value, shown
        return shown

    def __contains__(self, name: object) -> bool:
        return name == "time_order" or name in self._newest()[0]

    def __iter__(self) -> Iterator[Any]:
        return iter([*self._newest()[0], "time_order"])

    def all_read_only(self) -> ReadOnlyDict:
        tree, time_order = self._newest()
        return ReadOnlyDict({**read_only(tree), "time_order": time_order})

    def copied(self) -> Tree:
        tree, time_order = self._newest()
        return {**thawed(tree), "time_order": time_order}


_HOW_TO_CHANGE: Final = (
    "this is part of the state that the game began with, which shows the newest state now and cannot be written: "
    'return the changes from time_step or an event handler, as {"score": 1}, or push them, as '
    "game_state_store.push_update(GameStateUpdate(score=1))"
)


def _refuse(self: Any, *args: Any, **kwargs: Any) -> NoReturn:
    kind = "dict" if isinstance(self, dict) else "list"
    with program_lines_only:
        raise InPlaceChange(f"a {kind} cannot be changed here: {self.how_to_change}")


class ReadOnlyDict(dict[Any, Any]):
    """A dict that refuses changes. Its copies are plain dicts.

    :cvar how_to_change: the end of the error's sentence.
    """

    how_to_change: ClassVar[str] = _HOW_TO_CHANGE
    __setitem__ = __delitem__ = __ior__ = _refuse
    clear = pop = popitem = setdefault = update = _refuse

    def __reduce_ex__(self, protocol: Any) -> Any:
        return dict, (dict(self),)


class ReadOnlyList(list[Any]):
    """See ReadOnlyDict."""

    how_to_change: ClassVar[str] = _HOW_TO_CHANGE
    __setitem__ = __delitem__ = __iadd__ = __imul__ = _refuse
    append = extend = insert = remove = pop = clear = sort = reverse = _refuse

    def __reduce_ex__(self, protocol: Any) -> Any:
        return list, (list(self),)


def read_only(
    value: Any, as_dict: type[ReadOnlyDict] = ReadOnlyDict, as_list: type[ReadOnlyList] = ReadOnlyList
) -> Any:
    """Return a copy of a part of a frozen tree that refuses changes."""
    kind = type(value)
    if kind is dict:
        return as_dict({key: read_only(item, as_dict, as_list) for key, item in value.items()})
    if kind is list:
        return as_list([read_only(item, as_dict, as_list) for item in value])
    return value
