"""The real clock and real chance. A simulation hands in its own."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from .ports import Clock

if TYPE_CHECKING:
    import random

monotonic: Final[Clock] = time.monotonic
wall_clock: Final[Clock] = time.time
"""Seconds since 1970. It may be set, and step back."""
thread_time: Final[Clock] = time.thread_time
"""Seconds for which the processor has worked for this thread: a busy machine does not change how long a call takes."""
random_bytes: Final[Callable[[int], bytes]] = os.urandom


class LaterClock:
    """The real clock, some seconds ahead, so that a server shows no earlier time after a restart of the machine."""

    def __init__(self, ahead: float) -> None:
        self._ahead = ahead

    def __call__(self) -> float:
        return monotonic() + self._ahead


def fine_clock(clock: Clock) -> Clock:
    """Return the clock that measures how long a call of this program takes.

    For the real clock this is one that resolves microseconds on every system. A simulated clock is returned as it is: a
    call takes no simulated time, so the result does not depend on the machine's speed.
    """
    return time.perf_counter if clock is monotonic or isinstance(clock, LaterClock) else clock


def work_clock(clock: Clock) -> Clock:
    """Return the clock that measures the work of a call of this program. A simulated clock is returned as it is."""
    return thread_time if fine_clock(clock) is time.perf_counter else clock


def random_sources(seed: int | None) -> tuple[random.Random, random.Random]:
    """Return a random source for each direction of a connection. The same seed gives the same two sources."""
    import random

    first = random.Random(seed)
    return first, random.Random(first.random())
