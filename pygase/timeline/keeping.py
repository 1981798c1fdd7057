"""The bound on a client's past states, which share their unchanged parts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final, TypeVar

from ..config import ClientConfig

Snapshots = TypeVar("Snapshots", bound=Sequence[Any])

EMPTY_STATE: Final[Mapping[str, Any]] = MappingProxyType({})

MAX_KEPT_VALUES: Final = ClientConfig.max_state_values
"""Most values that kept states hold of their own, by default."""

_MIN_KEPT: Final = 2
"""States that are kept whatever they hold: a picture is drawn between two of them."""


def newest_of(snapshots: Snapshots, most: int, most_values: int = MAX_KEPT_VALUES) -> Snapshots:
    """Return the newest snapshots within both bounds, and never fewer than two of them.

    :param snapshots: oldest first. The last one is new; the others are within the bounds.
    :param most: bound on their number.
    :param most_values: bound on the sum of their ``own_values``; a snapshot without this attribute has 0.
    """
    kept = min(len(snapshots), most)
    if getattr(snapshots[-1], "own_values", 0) * kept > most_values:  # else the new one cannot exceed it
        values = [getattr(snapshot, "own_values", 0) for snapshot in snapshots[-kept:]]
        total = sum(values)
        while total > most_values and kept > _MIN_KEPT:
            total -= values[-kept]
            kept -= 1
    return snapshots[-kept:]  # type: ignore[return-value]
