"""The schedule of a player's inputs: its counters and times, by which the server gives each input a tick."""

from __future__ import annotations

import math
from typing import Final

START_JITTER: Final = 0.25
"""Jitter (how much earlier or later than the one before an input comes; the mean of that, as in RFC 3550, section
6.4.1), in ticks, that is assumed while nothing is known of the link. With the loss that is assumed then, too, the first
input waits for 4 ticks."""


class Schedule:
    """The numbers of a player's schedule, flat.

    :ivar interval: seconds from tick to tick. In ticks: ``max_cover``, ``max_depth`` and ``patience``.
    :ivar next: the number that the next tick is to have; None while nobody plays.
    :ivar starting: True until an input of this schedule has been applied.
    :ivar ticks: how many ticks there have been; ``taken_at``: when the latest one began.
    :ivar missing: ticks in a row without their input; ``misses``: how often that began, fading.
    :ivar learning_until: until then every missing input moves the schedule; None before the first.
    :ivar shrink_at: when the schedule may move on by a tick again.
    :ivar newest: the latest datagram that was the newest, and its newest input.
    :ivar lead: the latest lead of an input in the first datagram that had it; ``jitter``: how much it varies.
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
        "newest",
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
        self.newest: tuple[int, int] | None = None
        self.lead: float | None = None
        self.jitter = START_JITTER
