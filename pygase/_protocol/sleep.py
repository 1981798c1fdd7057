"""Notices that this process has slept (a closed lid, a debugger, SIGSTOP), so that it does not blame its peers for the
silence."""

from __future__ import annotations

import math
from typing import Final

ASLEEP: Final = 1.0
"""Seconds of delay from which a side has slept. A busy machine delays a program by tenths of that."""


class SleepWatch:
    """Notices that this side was due and did not run. Times are seconds of the connections' clock."""

    __slots__ = ("_ran_at",)

    def __init__(self) -> None:
        self._ran_at = math.inf

    def ran(self, now: float, due_at: float | None) -> float:
        """Note that this side runs now. Return how many seconds it has slept, or 0.0.

        :param due_at: when it wanted to run again, after its last run; None for never.
        """
        slept = self.overslept(now, due_at)
        self._ran_at = now
        return slept

    def overslept(self, now: float, due_at: float | None) -> float:
        """Return the same, and note nothing."""
        late = now - max(self._ran_at, due_at) if due_at is not None else 0.0
        return late if late > ASLEEP else 0.0
