"""Whether what a game says of its ticks and of the player's own part fits the states that arrive."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from statistics import median
from typing import Any, Final

from pygase import Snapshot

_logger = logging.getLogger(__name__)

TOLERANCE: Final = 0.08
"""Part by which the server's ticks a second may differ from ours before that is reported."""

RATE_WINDOW: Final = 1.5
"""Seconds of states in which the time from tick to tick is measured. Two such windows in a row have to agree."""

RATE_STATES: Final = 9
"""States in a window at least."""

UNEVEN: Final = 1.5
"""How much longer than the shortest quarter of the ticks the longest one may be. Beyond, the server is late time and
again, and there is no one length."""

LOOK_EVERY: Final = 0.5
LOOKS: Final = 7
"""Seconds from one look at what has arrived to the next, and looks after which what is not there is reported: three
seconds of states, of however much time, so that no outage counts."""


class TickRateWatch:
    """Measures the server's ticks a second by its states, in a way that a pause or lost states do not disturb.

    It is the median of the time from one state to the next, for each tick between them.
    """

    def __init__(self) -> None:
        self._newest: Snapshot | None = None
        self._began_at = 0.0
        self._lengths: list[float] = []
        self._before: float | None = None  # what the window before said

    def add(self, newest: Snapshot) -> float | None:
        """Take in a newer state. Return the ticks a second if two windows in a row have just agreed on them."""
        before, self._newest = self._newest, newest
        if before is None or newest.tick <= before.tick:
            self._began_at = newest.time
            self._lengths.clear()
            return None
        self._lengths.append((newest.time - before.time) / (newest.tick - before.tick))
        if newest.time < self._began_at + RATE_WINDOW or len(self._lengths) < RATE_STATES:
            return None
        length, earlier = _even(sorted(self._lengths)), self._before
        self._began_at, self._before = newest.time, length
        self._lengths.clear()
        agreed = length is not None and earlier is not None and abs(length - earlier) <= TOLERANCE / 2 * earlier
        return 1.0 / length if agreed and length else None


def _even(lengths: list[float]) -> float | None:
    """Return the median of sorted lengths; None if they are too uneven for it to say anything."""
    quarter = len(lengths) // 4
    return median(lengths) if lengths[-1 - quarter] <= UNEVEN * lengths[quarter] else None


class FitWatch:
    """Reports, once each, ticks of another length than the server's, and an own part that is never there.

    :param interval: seconds of a tick, as the game says.
    """

    def __init__(self, interval: float) -> None:
        self._ticks_a_second = 1.0 / interval
        self._reported_rate = self._reported_part = False
        self.forget()

    def forget(self) -> None:
        """A new connection begins. What has been reported is not reported again."""
        self._rates = TickRateWatch()
        self._seen: Snapshot | None = None
        self._look_at = 0.0
        self._looks = 0

    def look(self, newest: Snapshot, *, own_interval: float | None, missing: tuple[str, Any] | None) -> None:
        """Take in the newest state, once a frame.

        :param own_interval: seconds of a tick of a server that is this program's own: then nothing is measured, and a
            server that is too slow is no wrong setting.
        :param missing: the path of the player's own part as it was given, and the keys of it, if nothing was ever
            there.
        """
        if newest is self._seen:
            return
        if self._seen is None:
            self._look_at = newest.received_at
        self._seen = newest
        self._compare(self._rates.add(newest) if own_interval is None else 1.0 / own_interval)
        if newest.received_at >= self._look_at:
            self._look_at = newest.received_at + LOOK_EVERY
            self._looks = self._looks + 1 if missing else 0
            if missing and self._looks >= LOOKS and not self._reported_part:
                self._report_part(newest.state, *missing)

    def _compare(self, servers: float | None) -> None:
        own = self._ticks_a_second
        if servers is None or abs(servers / own - 1.0) <= TOLERANCE:
            return
        if not self._reported_rate:
            self._reported_rate = True
            _logger.warning(
                "the server makes about %.0f ticks a second, and tick=... says %.0f: use the same seconds in both, "
                "such as tick=1 / 60 here and run(..., interval=1 / 60) there (or its machine is too busy to keep up)",
                servers,
                own,
            )

    def _report_part(self, state: Mapping[str, Any], where: str, keys: Any) -> None:
        self._reported_part = True
        _logger.warning(
            "nothing is predicted: the state has had nothing at %r (that is %r) for %.0f seconds of states; it has: "
            "%.200s. (If you only watch, all is well.)",
            where,
            keys,
            LOOKS * LOOK_EVERY - LOOK_EVERY,
            ", ".join(map(str, state)),
        )
