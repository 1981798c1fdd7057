"""Compares a player's rate of inputs with the server's ticks, for a warning that must blame nobody wrongly.

Pure: ``now`` is any clock that counts seconds.
"""

from __future__ import annotations

from typing import Final

RATE_WINDOW: Final = 5.0
"""Seconds of inputs and ticks that are compared. Two windows in a row have to agree."""

RATE_WINDOW_TICKS: Final = 50
"""Ticks of a window, at least: one input more or less is 2 % of them."""

RATE_TOLERANCE: Final = 0.08
"""Share by which the rates may differ. A client's pace differs by 0.03 at most; 50 and 60 a second by a fifth."""

LATE_TOLERANCE: Final = 0.04
"""Share of the ticks that may be left out in a window. Beyond it the server is too slow, and no setting is wrong."""

PAUSE: Final = 0.2
PAUSE_TICKS: Final = 4
"""Seconds (and ticks at least) without an input, or without a tick, that count as a pause and end a window."""


class RateWatch:
    """Counts a player's inputs and the server's ticks, window by window."""

    __slots__ = ("_began_at", "_clean", "_gap", "_last_at", "_received", "_ticks", "_total", "_verdict", "fits")

    def __init__(self) -> None:
        self.fits = False
        """Whether the rates fitted in the latest two windows."""
        self._verdict: int | None = None  # of the latest window: 1: too many inputs, -1: too few, 0: it fits
        self._received = 0  # inputs so far,
        self._gap = 0  # and ticks since the last one
        self._last_at: float | None = None  # the last tick
        self._began_at = 0.0  # the window,
        self._ticks = self._total = 0  # its ticks, and the inputs before it;
        self._clean = False  # whether neither side has paused in it

    def tick(self, received: int, interval: float, now: float) -> tuple[float, float] | None:
        """Count a tick. Return inputs and ticks per second if they do not fit in two windows in a row, else None.

        A window with a pause of either side, or with ticks left out, does not count.

        :param received: number of the player's inputs so far; ``interval``: seconds from tick to tick.
        """
        pause = max(PAUSE, PAUSE_TICKS * interval)
        self._gap = self._gap + 1 if received == self._received else 0
        self._received, self._ticks = received, self._ticks + 1
        if self._last_at is None:
            self._begin(now)
        elif max(now - self._last_at, self._gap * interval) >= pause:
            self._clean = False
        self._last_at = now
        passed = now - self._began_at
        if passed < max(RATE_WINDOW, RATE_WINDOW_TICKS * interval):
            return None
        inputs, ticks, before = received - self._total, self._ticks, self._verdict
        verdict = self._verdict = self._judged(inputs, ticks, passed / interval)
        self._begin(now)
        self.fits = verdict == 0 == before
        return (inputs / passed, ticks / passed) if verdict and verdict == before else None

    def _begin(self, now: float) -> None:
        self._began_at, self._ticks, self._total, self._clean = now, 0, self._received, True

    def _judged(self, inputs: int, ticks: int, due: float) -> int | None:
        """Return 1 for a window with too many inputs, -1 with too few, 0 if they fit; None if it does not count."""
        if not self._clean or abs(ticks - due) > LATE_TOLERANCE * due:
            return None
        if abs(inputs - ticks) <= RATE_TOLERANCE * ticks:
            return 0
        return 1 if inputs > ticks else -1
