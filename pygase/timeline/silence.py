"""When a player's prediction stops: the server is silent and may never apply the predicted inputs.

A server keeps inputs for half a second at most. Movement that was predicted beyond that is taken back. Pure: ``now`` is
any clock that counts seconds.
"""

from __future__ import annotations

import math
from collections import deque
from typing import Final

__all__ = ["SilenceWatch"]

MAX_AHEAD: Final = 0.4
"""Seconds of silence that are predicted at full speed. A wireless network that changes its channel is interrupted for
0.1-0.3 s. The server gives up a player's schedule after 0.25 s."""

LEAST_TICKS: Final = 4
"""The same in ticks, if that is longer. A server answers once a tick, and two lost answers are no silence."""

SLOWING: Final = 0.2
"""Seconds in which the picture slows down to a stop: twelve frames at 60 a second."""

LONGEST_WAIT: Final = 0.5
LONGEST_WAIT_TICKS: Final = 10
"""Longest time that a server lets an input wait for its tick: seconds, or ticks if those are longer. A server that
sends but confirms no input may still confirm one within it."""

GIVEN_UP_TICKS: Final = 6
"""Ticks without a due input after which the server has given up a player's schedule: it waits at most three ticks for
an input, and begins a new schedule with a reserve of four on a good link."""

MAX_UNANSWERED: Final = 256
"""Most inputs whose send time is kept: two seconds of 128 a second."""

_WHOLE_TICK_TOLERANCE: Final = 1e-6
"""Ticks by which a position may exceed a whole tick by rounding."""


class SilenceWatch:
    """Detects that the server no longer answers a player's inputs, and slows the picture down to a stop.

    A silence begins

    - if, for ``max_ahead`` seconds after an answer was due, no datagram arrived and no input was confirmed;
    - half a second later, if datagrams arrive but no input is confirmed;
    - if the server makes several ticks without counting inputs: it has given up the player's schedule.

    A silence ends when the server confirms inputs for the second time. The first confirmation may be for inputs from
    before the silence. A world that rests is no silence.

    :param interval: seconds between the server's ticks.
    :param max_ahead: seconds above 0, and four ticks at least. With ``math.inf`` prediction never stops.
    :raises ValueError: an argument is out of its range.
    """

    def __init__(self, interval: float, max_ahead: float = MAX_AHEAD) -> None:
        if not 0 < interval < math.inf:
            raise ValueError(f"interval must be a number of seconds above 0, not {interval!r}")
        if not max_ahead > 0:
            raise ValueError(f"max_ahead must be a number of seconds above 0, or math.inf, not {max_ahead!r}")
        self._interval = interval
        self._limit = max(max_ahead, LEAST_TICKS * interval)
        self._longest_wait = max(LONGEST_WAIT, LONGEST_WAIT_TICKS * interval)
        self.reset()

    def reset(self) -> None:
        """Forget everything. Call it when a new connection begins."""
        self._unanswered: deque[tuple[int, float]] = deque(maxlen=MAX_UNANSWERED)  # number and send time of inputs
        self._confirmed = 0
        self._confirmed_at = -math.inf
        self._stalled_at: float | None = None
        self._heard: int | None = None  # the server's first confirmation during the silence,
        self._answer_at = math.inf  # and the time at which the second one is due
        self._rose: tuple[int, int] | None = None  # the last tick at which the confirmed number was right, and that
        self._plays = False  # whether the server has a schedule for these inputs
        self._rtt = 0.0
        self._from = self._ticks = 0.0

    @property
    def stalled(self) -> bool:
        """Whether there is a silence. During it, keep inputs for a replay instead of predicting them."""
        return self._stalled_at is not None

    def sent(self, number: int, *, now: float) -> None:
        """Record an input that was sent at ``now``."""
        if not self._unanswered:
            self._plays = False
        self._unanswered.append((number, now))

    @property
    def answer_at(self) -> float:
        """Time until which a server that sends again may still confirm inputs; math.inf before it sends again.

        After it, show the player at the server's position.
        """
        return self._answer_at

    def confirmed(self, number: int, *, tick: int | None, now: float, fraction: float = 0.0) -> None:
        """Record the last input that a state includes. Call it for each state, and each time the number rises.

        :param number: of the input.
        :param tick: number of the state; None if the world rests.
        :param fraction: as in :meth:`look`.
        """
        while self._unanswered and self._unanswered[0][0] <= number:
            self._unanswered.popleft()
        if not self.stalled and self._has_given_up(number, tick, now):
            self._stall(now, fraction)
        if self.stalled:
            if self._heard is None:
                self._answer_at = now + self._rtt + LEAST_TICKS * self._interval
            elif number > self._heard:
                self._stalled_at, self._rose = None, None
            self._heard = number
        if number > self._confirmed:
            self._confirmed_at = now
        self._confirmed = number  # lower than before if the server has given up a schedule

    def look(self, *, now: float, heard_at: float, rtt: float = 0.0, fraction: float = 0.0) -> bool:
        """Return whether there is a silence. Call it once per frame, after the ticks that were due.

        :param heard_at: arrival of the server's latest datagram, by the clock of ``now``.
        :param rtt: the round-trip time in seconds.
        :param fraction: position of the picture in the current tick, from 0.0 to 1.0.
        """
        self._rtt = rtt
        if not self.stalled:
            due_at = max(self._confirmed_at, self._due_at())
            # before the first answer the round-trip time is unknown
            silent = now - max(heard_at, due_at) if self._confirmed_at > -math.inf else 0.0
            if silent >= self._limit or now - due_at >= self._limit + self._longest_wait:
                self._stall(now, fraction)
        return self.stalled

    def travelled(self, now: float) -> float:
        """Return the position of the picture during a silence, in ticks since the tick in which it began.

        It starts at the ``fraction`` of that moment with full speed, and stops at a whole number within about
        :data:`SLOWING` seconds. Without a silence it is 0.0.
        """
        if self._stalled_at is None:
            return 0.0
        passed = (now - self._stalled_at) / (2.0 * self._ticks * self._interval)
        left = 1.0 - min(max(passed, 0.0), 1.0)
        return self._from + self._ticks if left <= 0.0 else self._from + self._ticks * (1.0 - left * left)

    def _stall(self, now: float, fraction: float) -> None:
        self._heard, self._answer_at = None, math.inf
        self._stalled_at, self._from = now, fraction
        slowed = SLOWING / 2 / self._interval  # the way of an even deceleration, in ticks,
        self._ticks = math.ceil(fraction + slowed - _WHOLE_TICK_TOLERANCE) - fraction  # up to the end of a tick

    def _due_at(self) -> float:
        """Return when a good link would have confirmed the oldest unanswered input at the latest."""
        return self._unanswered[0][1] + self._rtt + self._interval if self._unanswered else math.inf

    def _has_given_up(self, number: int, tick: int | None, now: float) -> bool:
        """Return whether the server has made several ticks without an input, though inputs were due."""
        if self._rose is None or tick is None:  # the ticks of a rest are not known one by one
            self._rose = None if tick is None else (tick, number)
            return False
        rose_tick, rose_number = self._rose
        gained, plays, is_due = max(number - rose_number, 0), self._plays, now >= self._due_at()
        if gained or not is_due:
            self._rose = tick, max(number, rose_number)
        self._plays = plays or gained > 0
        return plays and is_due and self._limit < math.inf and tick - rose_tick - gained >= GIVEN_UP_TICKS
