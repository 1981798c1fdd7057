"""Places spread evenly over an area, for games seen from above. Pure."""

import math
from collections.abc import Callable, Collection, Iterable, Sequence


def spread(
    width: int, height: int, spacing: int, is_free: Callable[[float, float], bool]
) -> tuple[tuple[int, int], ...]:
    """Return the free middles of a grid of square cells with side `spacing`, column by column."""
    columns, rows = range(spacing // 2, width, spacing), range(spacing // 2, height, spacing)
    return tuple((x, y) for x in columns for y in rows if is_free(x, y))


def farthest(places: Iterable[tuple[int, int]], others: Collection[Sequence[float]]) -> tuple[int, int]:
    """Return the place with the greatest distance to the nearest of `others`."""
    return max(places, key=lambda place: min((math.dist(place, other) for other in others), default=0.0))
