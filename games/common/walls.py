"""Walls for games that are seen from above: rectangles, the same in all four quarters. Pure."""

from collections.abc import Iterable
from typing import NamedTuple


class Wall(NamedTuple):
    """A rectangle, by its edges."""

    left: int
    top: int
    right: int
    bottom: int


def mirrored(walls: Iterable[Wall], width: int, height: int) -> tuple[Wall, ...]:
    """Return the walls of all four quarters of a place, given those of the top left one."""
    across = [wall for w in walls for wall in (w, Wall(width - w.right, w.top, width - w.left, w.bottom))]
    return (*across, *(Wall(w.left, height - w.bottom, w.right, height - w.top) for w in across))
