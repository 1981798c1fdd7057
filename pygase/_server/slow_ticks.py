"""Slow ticks, logged with the slowest part of a tick.

Pure: time is a ``clock`` argument. All times are seconds.
"""

from __future__ import annotations

import logging
import math
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

logger = logging.getLogger("pygase")

TIME_STEP: Final = "the time step"
"""Stands for the time step in the place of an event's type. Compared by identity."""

VIEW: Final = "the view"
"""Stands for the game's view in the same place. Compared by identity."""

SLOW_SHARE: Final = 0.1
"""Share of the ticks that may be left out without a report: some hiccups are normal."""
SLOW_TICK: Final = 0.1
"""Seconds: players see a pause of this length. A single call that takes longer, and longer than two intervals, is
reported."""
JUDGE_AFTER: Final = 1.0
"""Seconds from the first late tick to a judgement. A report about many ticks takes two judgements in a row, since a
machine may be busy for a moment."""
REPORT_EVERY: Final = 10.0
"""Least seconds between two reports."""


@dataclass
class _Window:
    """Observations since a first late tick.

    :ivar began_at: the end of that tick; ``first_tick``: its number.
    :ivar left_out: number of ticks that were left out; ``late``: number of late ticks; ``took``: their time together;
        ``longest``: the time of the longest.
    :ivar culprit: the time and name of the slowest handler. A call of less than an interval does not count.
    """

    began_at: float
    first_tick: int
    left_out: int = 0
    late: int = 0
    took: float = 0.0
    longest: float = 0.0
    culprit: tuple[float, str] = (0.0, "")


class SlowTicks:
    """Finds from the ticks that are left out that ticks take longer than their interval.

    :param newest_tick: returns the number of the newest tick; ``clock``: measures calls.
    :param describe: returns the words for a function in a log.
    """

    def __init__(
        self, newest_tick: Callable[[], int], clock: Callable[[], float], describe: Callable[[str], str]
    ) -> None:
        self._newest_tick = newest_tick
        self._clock = clock
        self._describe = describe
        self._window: _Window | None = None
        self._suspected_at = -math.inf
        """The last judgement that found many ticks left out."""
        self._quiet_until = 0.0
        self._seconds: defaultdict[str, float] = defaultdict(float)
        """The time of each handler and of the time step since the window began."""
        self._timed_ticks = 0
        self._slow_call: tuple[float, float, str] = (0.0, 0.0, "")
        """The last handler that took longer than an interval: the time of its call, its seconds, its name."""

    @property
    def is_watching(self) -> bool:
        return self._window is not None

    def note_call(self, name: str, took: float) -> None:
        self._seconds[name] += took
        self._timed_ticks += name == TIME_STEP

    def note_slow_call(self, name: str, took: float) -> None:
        self._slow_call = self._clock(), took, name

    def late(self, count: int, took: float, interval: float) -> None:
        """``count`` ticks were left out, right after the late tick, which took ``took`` seconds."""
        now = self._clock()
        if now < self._quiet_until:
            return
        window = self._window
        if window is None:
            self._seconds.clear()
            self._timed_ticks = 0
            window = self._window = _Window(now, self._newest_tick())
        window.left_out += count
        window.late += 1
        window.took += took
        window.longest = max(window.longest, took)
        slow_at, slow, name = self._slow_call
        if slow_at >= now - took:
            window.culprit = max(window.culprit, (slow, name))
        self._judge(now, interval)

    def look(self, now: float, interval: float) -> None:
        """Judge the window, unless the newest tick is still the first late one; once a second."""
        window = self._window
        if window is not None and self._newest_tick() > window.first_tick:
            self._judge(now, interval)

    def _judge(self, now: float, interval: float) -> None:
        window = self._window
        if window is None or now < window.began_at + JUDGE_AFTER:
            return
        self._window = None
        made = self._newest_tick() - window.first_tick + 1
        share = window.left_out / (window.left_out + made)
        goes_on = window.began_at < self._suspected_at + JUDGE_AFTER + 2 * window.longest
        if window.late > 1 and share >= SLOW_SHARE:
            self._suspected_at = now
            report = self._many_slow_ticks(window, share, interval) if goes_on else ""
        else:
            report = self._one_slow_tick(window, interval)
        if report:
            self._quiet_until = now + REPORT_EVERY
            logger.warning("%s", report)

    def _many_slow_ticks(self, window: _Window, share: float, interval: float) -> str:
        took = window.took / window.late
        explained = 1 - interval / took if took > interval else 0.0
        if share > 1.5 * explained + SLOW_SHARE:
            return (
                f"{share * 100:.0f} % of the ticks were left out, though a tick takes {_ms(took)}: something else "
                "holds up the game loop, such as a coroutine handler that calls time.sleep() (write await "
                "asyncio.sleep()), another thread of this program that computes all the time, or other programs"
            )
        return (
            f"ticks take {_ms(took)}, there are {_ms(interval)} for each: {share * 100:.0f} % were left out; "
            f"{self._slowest_part(window, took)}"
        )

    def _slowest_part(self, window: _Window, took: float) -> str:
        name, seconds = max(self._seconds.items(), key=lambda item: item[1], default=("", 0.0))
        if sum(self._seconds.values()) < 0.5 * took * (window.late - 1):
            return "most of that is neither in time_step nor in handlers: the machine is too busy, or too many play"
        each = _ms(seconds / max(self._timed_ticks, 1))
        called = self._describe(name)
        return f"the slowest part is {called}, with {each} in each; make it faster, or the interval longer"

    def _one_slow_tick(self, window: _Window, interval: float) -> str:
        """Return "" if the pause is short or no handler explains it."""
        seconds, name = window.culprit
        if seconds < max(SLOW_TICK, 2 * interval):
            return ""
        return (
            f"{self._describe(name)} took {_ms(seconds)}, so {window.left_out} ticks were left out: do what takes long "
            "in a thread, and push what it finds with game_state_store.push_update()"
        )


def _ms(seconds: float) -> str:
    return f"{seconds * 1000:.3g} ms" if seconds < 1 else f"{seconds:.3g} s"
