"""The numbers with which a new process goes on after an old one. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Final

from .checkpoint import Checkpoint

UNKNOWN_AGE: Final = 24 * 3600.0
"""Seconds that count as the age of a checkpoint from the future: somebody has set the clock back."""

MOST_TICKS_AHEAD: Final = 2**30
"""Half of what a client takes for an advance: its ticks have 32 bits."""

SAME_CLOCK_WITHIN: Final = 1.0
"""Seconds within which the clock of this process and that of the old one count as the same clock."""


def age_of(checkpoint: Checkpoint, wall_now: float) -> float:
    """Return the seconds since a checkpoint was made; ``wall_now``: seconds since 1970."""
    age = wall_now - checkpoint.wall_time
    return age if age >= 0.0 else UNKNOWN_AGE


def tick_after(checkpoint: Checkpoint, age: float, longest_save: float) -> int:
    """Return a tick beyond any that the old process can have sent, so that no client sees the ticks go back.

    :param longest_save: seconds added for a clock that was set during the checkpoint's age.
    """
    ahead = math.ceil((age + longest_save) / checkpoint.interval) if checkpoint.interval else 0
    return checkpoint.tick + min(ahead, MOST_TICKS_AHEAD)


def clock_ahead(checkpoint: Checkpoint, age: float, now: float) -> float:
    """Return by how many seconds this process's clock must be ahead, so that no client sees the time go back.

    It is 0.0 unless the machine has been restarted, or is another one.
    """
    ahead = checkpoint.time + age - now
    return ahead if ahead > SAME_CLOCK_WITHIN else 0.0


def only_in_initial(initial: Iterable[str], checkpoint: Checkpoint) -> list[str]:
    """Return the names of the initial state that a checkpoint lacks, in order."""
    return sorted(set(initial) - checkpoint.state.keys() - {"game_status", "time_order"})
