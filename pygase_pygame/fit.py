"""Warns a programmer whose ticks, or path to the player's part, do not fit the states."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from statistics import median
from typing import Any, Final

from pygase import Snapshot

_logger = logging.getLogger(__name__)

TOLERANCE: Final = 0.08
"""Share by which the server's ticks a second may differ from ours."""

MEASURED_SECONDS: Final = 1.5
"""Seconds of states in a measurement of the ticks' length. Two in a row must agree."""

RATE_STATES: Final = 9
"""Least states in a measurement."""

UNEVEN: Final = 1.5
"""Largest ratio of the longest quarter of the ticks to the shortest. Beyond it the server is often late."""

SECONDS_PER_LOOK: Final = 0.5
LOOKS: Final = 7
"""Seconds between two looks, and looks until a missing part is reported: three seconds of states, so that an outage
does not count."""


class TickRateWatch:
    """Measures the server's ticks a second, undisturbed by a pause and by lost states.

    It takes the median of the time between two states, divided by the ticks between them.
    """

    def __init__(self) -> None:
        self._newest: Snapshot | None = None
        self._began_at = 0.0
        self._lengths: list[float] = []
        self._before: float | None = None  # the result of the previous measurement

    def add(self, newest: Snapshot) -> float | None:
        """Take in a newer state. Return the ticks a second after two measurements that agree."""
        before, self._newest = self._newest, newest
        if before is None or newest.tick <= before.tick:
            self._began_at = newest.time
            self._lengths.clear()
            return None
        self._lengths.append((newest.time - before.time) / (newest.tick - before.tick))
        if newest.time < self._began_at + MEASURED_SECONDS or len(self._lengths) < RATE_STATES:
            return None
        length, earlier = _even(sorted(self._lengths)), self._before
        self._began_at, self._before = newest.time, length
        self._lengths.clear()
        agreed = length is not None and earlier is not None and abs(length - earlier) <= TOLERANCE / 2 * earlier
        return 1.0 / length if agreed and length else None


def _even(lengths: list[float]) -> float | None:
    quarter = len(lengths) // 4
    return median(lengths) if lengths[-1 - quarter] <= UNEVEN * lengths[quarter] else None


class FitWatch:
    """Logs once each: the server's ticks have another length; the player's own part is never there.

    :param interval: the game's seconds of a tick.
    """

    def __init__(self, interval: float) -> None:
        self._ticks_a_second = 1.0 / interval
        self._reported_rate = self._reported_part = False
        self.forget()

    def forget(self) -> None:
        """Begin a new connection. A warning is not repeated."""
        self._rates = TickRateWatch()
        self._seen: Snapshot | None = None
        self._look_at = 0.0
        self._looks = 0

    def look(self, newest: Snapshot, *, own_interval: float | None, missing: tuple[str, Any] | None) -> None:
        """Take in the newest state, once a frame.

        :param own_interval: seconds of a tick of this program's own server. It is not measured: a slow server is no
            wrong setting.
        :param missing: the player's part that never was there: its path as given, and its keys.
        """
        if newest is self._seen:
            return
        if self._seen is None:
            self._look_at = newest.received_at
        self._seen = newest
        self._compare(self._rates.add(newest) if own_interval is None else 1.0 / own_interval)
        if newest.received_at >= self._look_at:
            self._look_at = newest.received_at + SECONDS_PER_LOOK
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
        advice = _key_advice(state, keys)
        if advice:
            _logger.warning("nothing is predicted at %r: %s", where, advice)
            return
        _logger.warning(
            "nothing is predicted: the state has had nothing at %r (that is %r) for %.0f seconds of states; it has: "
            "%.200s. Does a handler of CLIENT_CONNECTED on the server make it? (If you only watch, all is well.)",
            where,
            keys,
            LOOKS * SECONDS_PER_LOOK - SECONDS_PER_LOOK,
            ", ".join(map(str, state)),
        )


def _key_advice(state: Mapping[str, Any], keys: Sequence[Any]) -> str:
    """Return a sentence about a text where a client's id is expected; "" if there is none."""
    node: Any = state
    for key in keys:
        if not isinstance(node, Mapping):
            return ""
        if isinstance(key, int) and key not in node:
            if str(key) in node:
                return (
                    f"the state has the text {str(key)!r} as a key, and {{me}} is the number {key}; let the server "
                    "write {client_id: ...} instead of {str(client_id): ...}"
                )
            if any(isinstance(other, str) and other.startswith("('") for other in node):
                return (
                    f"the state has addresses as keys, and {{me}} is the client's id, {key}; let the server write "
                    "{client_id: ...} instead of {str(client_address): ...}"
                )
        node = node.get(key, node.get(str(key)))
    return ""
