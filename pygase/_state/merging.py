"""Merging of updates into a frozen tree, and the delta that they make.

An update is walked once. :class:`UpdateReader` checks it, compares it with the tree and returns only what it changes:
a delta. :func:`merged` and :func:`composed` then work on the delta alone, so values that stay as they are cost one
comparison.
"""

from __future__ import annotations

from typing import Any, Final

from .delta import diff
from .tree import (
    ABSENT,
    MAX_DEPTH,
    MAX_INT,
    MIN_INT,
    TO_DELETE,
    TOO_DEEP,
    Cleaner,
    Tree,
    Unsendable,
    exactly_equal,
    without_markers,
)
from .whole import Whole

_NEW_KEY_BYTES: Final = 14
"""Most bytes that a new key adds, beside the letters of a text: its head or number, and a longer head of its dict."""

_TEXT: Final = frozenset({str})

_OWN_ATTRIBUTES: Final = ("game_status", "time_order")
"""Attributes of a state that no update removes."""


class UpdateReader(Cleaner):
    """Finds what an update changes in a frozen tree.

    Nested dicts are merged, TO_DELETE removes, a Whole removes what it does not have, all other values replace. Values
    that are exactly equal to those of the tree change nothing.

    :ivar size_bytes: after a call: upper bound of the bytes by which the changes make the serialised tree longer.
    """

    __slots__ = ()

    def attribute_changes(self, tree: Tree, update: Any, name: str) -> Tree:
        """Return what an update of attributes, a dict or Whole with text keys, changes of a state's tree.

        :param name: of the update in error messages.
        :returns: the delta that leads from the tree to the merged one. It shares no dict or list with the update.
        :raises InvalidValue: as :meth:`Cleaner.clean_attributes`.
        """
        if type(update) is Whole:
            return self._whole_changes(tree, update.mapping, name)
        return self.changes(tree, self._attributes(update, name), name)

    def _attributes(self, update: Any, name: str) -> Tree:
        """Return an update whose keys can be attributes; itself if they can, without a copy."""
        if type(update) is dict and _TEXT.issuperset(map(type, update)) and "time_order" not in update:
            return update
        return self.clean_attributes(update, name)

    def _whole_changes(self, tree: Tree, attributes: Any, name: str) -> Tree:
        """Return the changes after which a state has these attributes, and PyGaSe's own."""
        kept = {key: tree[key] for key in _OWN_ATTRIBUTES if key in tree}
        return self.changes(tree, {**kept, **self._attributes(attributes, name)}, name, is_whole=True)

    def changes(self, tree: Tree, update: Tree, name: str, is_whole: bool = False) -> Tree:
        """Like :meth:`attribute_changes`, for any dict.

        :raises InvalidValue: a part of the update cannot be sent; the message has its path and type.
        """
        self.size_bytes = 0
        try:
            return self._changes(tree, update, 0, is_whole)
        except Unsendable as unsendable:
            raise unsendable.as_error(name) from None

    def _changes(self, node: Tree, update: Tree, depth: int, is_whole: bool) -> Tree:
        if depth > MAX_DEPTH:
            raise Unsendable(TOO_DEEP)
        delta: Tree = {}
        key: Any = None
        size_before = self.size_bytes
        try:
            for key, item in update.items():
                if (type(key) is not str or not key.isascii()) and (
                    type(key) is not int or not MIN_INT <= key <= MAX_INT
                ):
                    key = self._clean_key(key)
                old = node.get(key, ABSENT)
                if old is item:
                    continue
                kind = type(item)
                if kind is float and type(old) is float:
                    if (item != old and (item == item or old == old)) or (not item and not exactly_equal(item, old)):
                        delta[key] = item
                elif kind is dict and type(old) is dict:
                    inner = self._changes(old, item, depth + 1, is_whole)
                    if inner:
                        delta[key] = inner
                else:
                    self._note_change(delta, key, old, item, depth, is_whole)
        except Unsendable as unsendable:
            unsendable.under_key(key)
            raise
        has_same_keys = len(node) == len(update) and self.size_bytes == size_before  # no key is new, so none has gone
        return delta if not is_whole or has_same_keys else _with_gone(delta, node, update)

    def _note_change(self, delta: Tree, key: str | int, old: Any, item: Any, depth: int, is_whole: bool) -> None:
        """Add to ``delta`` the change of a value that is no number before and after, or is new, or is no plain one."""
        if item is TO_DELETE:
            if old is not ABSENT:
                delta[key] = TO_DELETE
            elif is_whole:  # a key that neither of the two has: the whole has others, if it is as long
                self.size_bytes += 1
            return
        kind = type(item)
        if kind is type(old) and _compares(kind) and item == old:
            return
        if kind is Whole and type(old) is dict:  # compared as it is: only what is new is copied
            self._note_dict(delta, key, old, item.mapping, depth, is_whole=True)
            return
        value = self._clean(item, depth + 1)
        value = value.mapping if type(value) is Whole else value
        kind = type(value)
        if kind is dict and type(old) is dict:  # a subclass of dict merges like a dict
            self._note_dict(delta, key, old, value, depth, is_whole)
            return
        if kind is type(old) and exactly_equal(value, old):
            return
        delta[key] = without_markers(value) if kind is dict else value
        if old is ABSENT:
            self.size_bytes += _NEW_KEY_BYTES + (len(key) if isinstance(key, str) else 0)

    def _note_dict(self, delta: Tree, key: str | int, old: Tree, item: Tree, depth: int, is_whole: bool) -> None:
        inner = self._changes(old, item, depth + 1, is_whole)
        if inner:
            delta[key] = inner

    def _clean_subclass(self, value: Any, depth: int) -> Any:
        if type(value) is Whole:
            return Whole(self._clean_dict(value.mapping, depth))
        return super()._clean_subclass(value, depth)


def _with_gone(delta: Tree, node: Tree, update: Tree) -> Tree:
    """Add to a delta the keys of ``node`` that a whole update does not have."""
    if not node.keys() <= update.keys():
        for key in node:
            if key not in update:
                delta[key] = TO_DELETE
    return delta


def _compares(kind: Any) -> bool:
    """Return whether ``==`` compares two values of a type to the last bit."""
    return kind is int or kind is str or kind is bytes


def merged(node: Tree, delta: Tree, owned: dict[int, Tree]) -> Tree:
    """Return ``node`` with a delta merged into it. Only dicts along changed paths are copied.

    :param delta: not empty; made by :class:`UpdateReader` against ``node``. Its new dicts become part of the tree.
    :param owned: dicts by id that nobody else has seen yet. They are changed in place, so many updates of one tick copy
        each dict only once. New copies are added.
    """
    if id(node) not in owned:
        node = node.copy()
        owned[id(node)] = node
    for key, value in delta.items():
        if value is TO_DELETE:
            del node[key]
        elif type(value) is dict:
            old = node.get(key)
            if type(old) is dict:
                node[key] = merged(old, value, owned)
            else:
                node[key] = owned[id(value)] = value
        else:
            node[key] = value
    return node


def compose(older: Tree, newer: Tree, base: Tree, node: Tree) -> None:
    """Extend a delta in place by the next one, so that it leads on to ``node``. It holds real changes only.

    :param older: leads from ``base`` to the tree between; ``newer``: leads from there to ``node``.
    """
    for key, value in newer.items():
        before = older.get(key, ABSENT)
        if before is ABSENT:
            older[key] = value
        elif type(value) is dict:
            _compose_dicts(older, key, value, base.get(key), node[key])
        elif key not in base if value is TO_DELETE else exactly_equal(value, base.get(key, ABSENT)):
            del older[key]
        else:
            older[key] = value


def _compose_dicts(older: Tree, key: Any, newer: Tree, base: Any, node: Tree) -> None:
    """Do the work of :func:`compose` for a dict that both deltas touch."""
    before = older[key]
    if type(base) is not dict:
        older[key] = node
        return
    if type(before) is dict:
        compose(before, newer, base, node)
    else:  # the dict was removed and made again
        before = older[key] = diff(base, node, exactly_equal)
    if not before:
        del older[key]
