"""How many past states a client keeps: they share what does not change, and the rest is bounded."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, TypeVar

from ..config import ClientConfig

Snapshots = TypeVar("Snapshots", bound=Sequence[Any])

MAX_KEPT_VALUES: Final = ClientConfig.max_state_values
"""Values that kept states may hold of their own where no config says otherwise."""

_LEAST: Final = 2
"""States that are kept whatever they hold: between two of them a picture can be drawn."""


def newest_of(snapshots: Snapshots, most: int, most_values: int = MAX_KEPT_VALUES) -> Snapshots:
    """Return the newest snapshots: ``most`` at most, and only two if they hold more values of their own than allowed.

    :param snapshots: oldest first; the last one is new, and the others were within the bounds.
    :param most_values: bound on the sum of their ``own_values``. (A snapshot without that attribute has none.)
    """
    kept = min(len(snapshots), most)
    if getattr(snapshots[-1], "own_values", 0) * kept > most_values:  # (else it cannot be this one that is too much)
        values = [getattr(snapshot, "own_values", 0) for snapshot in snapshots[-kept:]]
        total = sum(values)
        while total > most_values and kept > _LEAST:
            total -= values[-kept]
            kept -= 1
    return snapshots[-kept:]  # type: ignore[return-value]
