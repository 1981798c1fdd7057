"""The numbers of a player's schedule of inputs."""

from __future__ import annotations

import math
from typing import Final

START_JITTER: Final = 0.25
"""Assumed jitter of an unknown link, in ticks. Jitter is the mean difference of the leads of two successive inputs (RFC
3550, section 6.4.1). With the assumed loss, the first input waits for 4 ticks."""


class Schedule:
    """The counters and times by which the server gives each input of a player a tick, flat.

    :ivar interval: seconds from tick to tick. ``max_cover``, ``max_depth`` and ``patience`` are in ticks.
    :ivar next: the input number of the next tick; None while nobody plays.
    :ivar starting: True until an input of this schedule has been applied.
    :ivar taken_at: when the latest tick began, seconds.
    :ivar missing: ticks in a row without their input.
    :ivar misses: how often such a row began; old ones fade.
    :ivar learning_until: until this time every missing input moves the schedule; None before the first input.
    :ivar shrink_at: when the schedule may move on by a tick again.
    :ivar lead: the latest lead of an input in the first datagram that had it.
    :ivar jitter: how much the lead varies, ticks.
    """

    __slots__ = (
        "interval",
        "jitter",
        "lead",
        "learning_until",
        "max_cover",
        "max_depth",
        "misses",
        "missing",
        "next",
        "patience",
        "shrink_at",
        "starting",
        "taken_at",
        "ticks",
    )

    def __init__(self) -> None:
        self.interval = 0.0
        self.max_cover = 0.0
        self.max_depth = 0
        self.patience = 0
        self.next: int | None = None
        self.starting = False
        self.ticks = 0
        self.taken_at = -math.inf
        self.missing = 0
        self.misses = 0.0
        self.learning_until: float | None = None
        self.shrink_at = math.inf
        self.lead: float | None = None
        self.jitter = START_JITTER
