"""Finds keys of the state that are used again at once, as debug mode does: clients take the new thing for the old one.

Pure.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any, Final

from .._state.tree import TO_DELETE, Tree

logger = logging.getLogger("pygase")

TOO_SOON: Final = 1.0
"""Seconds. Pictures are late by less, so after that nobody draws the old thing any more."""

MAX_GONE: Final = 10_000
"""Removed keys that are remembered."""

_Path = tuple[Any, ...]


class ReusedKeys:
    """Looks at what each tick changes, and reports each table once."""

    def __init__(self) -> None:
        self._gone: dict[_Path, float] = {}
        self._reported: set[_Path] = set()

    def look(self, delta: Tree, time: float) -> None:
        """Look at the changes of a tick.

        :param delta: the changes; TO_DELETE for each key that went.
        :param time: of the tick, seconds.
        """
        for path, value in _changed(delta):
            if value is TO_DELETE:
                self._gone.pop(path, None)
                self._gone[path] = time
            elif path in self._gone:
                self._report(path, time - self._gone.pop(path))
        self._forget(time)

    def _report(self, path: _Path, after: float) -> None:
        table = path[:-1]
        if after > TOO_SOON or table in self._reported:
            return
        self._reported.add(table)
        logger.warning(
            "the key %r of %r was removed and is used again %.2f s later. If it is another thing, give it a new key, "
            "as from itertools.count(): clients see one thing under one key, and draw it on its way from there to here",
            path[-1],
            ".".join(map(str, table)),
            after,
        )

    def _forget(self, time: float) -> None:
        """Drop old removals. They are in the order of their times."""
        for path in list(self._gone):
            if time - self._gone[path] <= TOO_SOON and len(self._gone) <= MAX_GONE:
                break
            del self._gone[path]


def _changed(delta: Tree, path: _Path = ()) -> Iterator[tuple[_Path, Any]]:
    """Yield the things that a delta has changed or removed: dicts within other dicts, with their paths."""
    for key, value in delta.items():
        here = (*path, key)
        if type(value) is dict:
            if path:
                yield here, value
            yield from _changed(value, here)
        elif value is TO_DELETE and path:
            yield here, value
