"""When a player's prediction has to stop: the server does not answer, and may never apply what is predicted.

Prediction is right because the server will apply the same inputs. In a silence it will not: a server keeps inputs for
half a second at most, and whatever is predicted beyond that is taken back when it is heard again. A
:class:`SilenceWatch` notices the silence. The picture then runs to a stop, evenly, within :data:`SLOWING` seconds.

Pure: no clock of its own. ``now`` is any clock that counts seconds.
"""

from __future__ import annotations

import math
from collections import deque
from typing import Final

__all__ = ["SilenceWatch"]

MAX_AHEAD: Final = 0.4
"""Seconds of silence that are predicted at full speed. A wireless network that changes its channel is deaf for 0.1-0.3
s, and the server gives up a player's schedule after 0.25 s."""

LEAST_TICKS: Final = 4
"""The same in ticks at least: a server answers once a tick, and where ticks are far apart two lost ones are no
silence."""

SLOWING: Final = 0.2
"""Seconds in which the picture slows down from its full speed to a stop: twelve frames at 60 a second."""

LONGEST_WAIT: Final = 0.5
LONGEST_WAIT_TICKS: Final = 10
"""Seconds (and ticks, where they are far apart) that a server lets an input wait for its tick. A server that is heard
and confirms no input may still be about to, for so long."""

GIVEN_UP_TICKS: Final = 6
"""Ticks without an input, though one was due, from which on the server has given up a player's schedule. It waits for
an input for three at most, and begins a new schedule with a reserve of four on a good link."""

MAX_UNANSWERED: Final = 256
"""Inputs whose time is kept, two seconds of 128 a second."""

_ROUNDING: Final = 1e-6


class SilenceWatch:
    """Notices that the server does not answer a player's inputs any more, and says how the picture runs to a stop.

    It is a silence if, for ``max_ahead`` seconds after an answer was due, there was no datagram and no input was
    confirmed. So a world that rests is none, and neither is a key that is held at a wall. A server that is heard but
    confirms no input gets half a second more: its game loop stands still, or the way up is cut.

    A silence ends when the server is heard to confirm more and more inputs. Its first word is not enough: that may be
    of inputs from before the silence, and those made in it may be lost for good. For the same reason it counts as a
    silence if the server has made several ticks and not counted inputs in them: it has given up the player's schedule,
    and will begin another one with inputs that it chooses.

    :param interval: seconds between the server's ticks.
    :param max_ahead: seconds, above 0; ``math.inf``: prediction never stops. It counts as four ticks at least.
    :raises ValueError: one of them is out of its range.
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
        """Forget everything: a new connection begins."""
        self._unanswered: deque[tuple[int, float]] = deque(maxlen=MAX_UNANSWERED)  # inputs, and when they were sent
        self._confirmed = 0
        self._confirmed_at = -math.inf
        self._stalled_at: float | None = None
        self._heard: int | None = None  # what the server has confirmed by its first word in the silence,
        self._answer_at = math.inf  # and when it should have confirmed more
        self._rose: tuple[int, int] | None = None  # the tick at which the number was last as it ought to be, and that
        self._plays = False  # whether the server is known to have a schedule for these inputs
        self._rtt = 0.0
        self._from = self._ticks = 0.0

    @property
    def stalled(self) -> bool:
        """Whether there is a silence: then inputs are kept for a replay, and not predicted."""
        return self._stalled_at is not None

    def sent(self, number: int, *, now: float) -> None:
        """Take note of an input that has been sent, with its number."""
        if not self._unanswered:
            self._plays = False
        self._unanswered.append((number, now))

    @property
    def answer_at(self) -> float:
        """Until when a server that is heard again may still answer; math.inf while it is not heard.

        From then on it is better to show the player where the server has them than where they were predicted last.
        """
        return self._answer_at

    def confirmed(self, number: int, *, tick: int | None, now: float, fraction: float = 0.0) -> None:
        """Take note of the last input that a state includes. Once for each state, and each time the number rises.

        :param tick: the state's number; None if the world rests since then.
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
        self._confirmed = number  # (lower, if the server has given up a schedule)

    def look(self, *, now: float, heard_at: float, rtt: float = 0.0, fraction: float = 0.0) -> bool:
        """Return whether there is a silence. Call it once a frame, after the ticks that were due.

        :param heard_at: when the latest datagram of the server arrived.
        :param rtt: the round-trip time in seconds: an answer to a first input takes so long.
        :param fraction: how far the picture is into the tick under way, from 0.0 to 1.0.
        """
        self._rtt = rtt
        if not self.stalled:
            due_at = max(self._confirmed_at, self._due_at())
            # (before the first answer the round-trip time is not known)
            silent = now - max(heard_at, due_at) if self._confirmed_at > -math.inf else 0.0
            if silent >= self._limit or now - due_at >= self._limit + self._longest_wait:
                self._stall(now, fraction)
        return self.stalled

    def travelled(self, now: float) -> float:
        """Return where the picture is in a silence: in ticks since the one began that was under way at its beginning.

        It begins with that ``fraction`` and the full speed, and ends within about :data:`SLOWING` at a whole number.
        """
        if self._stalled_at is None:
            return 0.0
        passed = (now - self._stalled_at) / (2.0 * self._ticks * self._interval)
        left = 1.0 - min(max(passed, 0.0), 1.0)
        return self._from + self._ticks if left <= 0.0 else self._from + self._ticks * (1.0 - left * left)

    def _stall(self, now: float, fraction: float) -> None:
        self._heard, self._answer_at = None, math.inf
        self._stalled_at, self._from = now, fraction
        slowed = SLOWING / 2 / self._interval  # the way of an even slowing down, in ticks,
        self._ticks = math.ceil(fraction + slowed - _ROUNDING) - fraction  # up to the end of a tick

    def _due_at(self) -> float:
        """Return when the oldest unanswered input should have been confirmed at the latest, on a good link."""
        return self._unanswered[0][1] + self._rtt + self._interval if self._unanswered else math.inf

    def _has_given_up(self, number: int, tick: int | None, now: float) -> bool:
        """Tell whether the server has made several ticks without an input, though it should have had some."""
        if self._rose is None or tick is None:  # (ticks in which the world rests are not known one by one)
            self._rose = None if tick is None else (tick, number)
            return False
        rose_tick, rose_number = self._rose
        gained, plays, is_due = max(number - rose_number, 0), self._plays, now >= self._due_at()
        if gained or not is_due:
            self._rose = tick, max(number, rose_number)
        self._plays = plays or gained > 0
        return plays and is_due and self._limit < math.inf and tick - rose_tick - gained >= GIVEN_UP_TICKS
