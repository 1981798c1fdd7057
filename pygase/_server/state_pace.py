"""The ticks whose states are sent, if that is not each one."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from .state_keeper import Commit

LEAST_RATE: Final = 5.0
"""States a second. With fewer, a client could not tell the time between two of them from a silent server."""


class StatePace:
    """Chooses the states that are sent, evenly, and gives each the time in which it changed.

    :param rate: states a second; math.inf: each tick has one.
    """

    def __init__(self, rate: float = math.inf) -> None:
        self._rate = rate
        self._credit = 1.0
        self._span = 0.0
        """Seconds since the state of the last sent tree held for the last time."""
        self._sent: Any = None

    def note(self, commit: Commit, interval: float) -> bool:
        """Take in a newly settled state. Return whether it is to be sent.

        A state while the game loop is paused always is: no tick follows it.

        :param interval: seconds from tick to tick.
        """
        if self._rate == math.inf:
            return True
        self._span = self._span + commit.span if commit.tree is not self._sent else 0.0
        self._credit = min(self._credit + commit.span * self._rate, 1.0 + self._rate * interval)
        is_due = self._credit >= 1.0 - self._rate * interval / 2
        if is_due:
            self._credit -= 1.0
        return is_due or commit.is_paused

    def sent(self, commit: Commit) -> Commit:
        """Return a state that is sent now, with the time since the state that was sent before it."""
        if self._rate == math.inf:
            return commit
        if commit.tree is not self._sent and self._span > commit.span:
            commit = commit.with_span(self._span)
        self._sent, self._span = commit.tree, 0.0
        return commit

    def until_next(self, interval: float) -> float:
        """Return the seconds from the beginning of a tick to the tick of the next state behind it."""
        if self._rate == math.inf:
            return interval
        share = self._rate * interval
        if share >= 1.0:
            return interval
        credit = self._credit + share
        if credit >= 1.0 - share / 2:  # this tick has one
            credit -= 1.0
        return math.ceil((1.0 - share / 2 - credit) / share) * interval


def rate_of(state_rate: Any) -> float:
    """Return the states a second that a game asks for; None asks for one in each tick.

    :raises ValueError: it is no number of them.
    """
    if state_rate is None:
        return math.inf
    if isinstance(state_rate, bool) or not isinstance(state_rate, (int, float)) or not state_rate >= LEAST_RATE:
        raise ValueError(f"state_rate must be states a second, from {LEAST_RATE:g} up, or None; got {state_rate!r:.80}")
    return float(state_rate)
