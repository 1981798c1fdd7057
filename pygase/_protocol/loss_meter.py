"""How many more times something has to be sent so that one copy arrives all but certainly.

An input travels in every datagram until one has arrived. How long that may take depends on how datagrams get lost: at
random, or one after the other. A :class:`LossMeter` watches which come, and tells how many more have to be waited for.
It takes loss for a chain of two states (Gilbert, "Capacity of a burst-noise channel", 1960): a datagram gets lost with
one probability after one that came, and with another after one that was lost. What it begins with is a guess; with
every datagram that comes it knows better, and what was long ago counts less and less.

Pure, and of fixed size.
"""

from __future__ import annotations

import math
from typing import Final

NEGLIGIBLE: Final = 1e-6
"""Chance that all copies in time get lost: at 60 inputs a second, one of them in four and a half hours."""

MEMORY: Final = 600
"""Datagrams after which what was learnt counts a third: ten seconds at 60 a second."""

REVIEW: Final = 15
"""Datagrams from one look at all that to the next."""

START_LOSS: Final = 0.03
"""Share of datagrams that is assumed to get lost of a link of which nothing is known. Who assumes too little learns it
from what comes too late, and who assumes too much gives it back within seconds."""

START_WEIGHT: Final = 12.0
"""Datagrams that this assumption counts for."""

RANDOM_WEIGHT: Final = 20.0
"""Lost datagrams that the assumption counts for that one is lost regardless of the one before. A single burst is no
pattern yet."""

MAX_STEP: Final = 12
"""Numbers from one datagram that came to the next; where more are missing, the link was down; no copy helps there."""

_SETTLED: Final = 8
"""Numbers after which a datagram that did not come counts as lost, and no more as overtaken."""
_KNOWN: Final = (1 << _SETTLED) - 1


class LossMeter:
    """Watches numbered datagrams, of which some do not come.

    :ivar loss: share that gets lost, 0..1.
    :ivar cover: how many datagrams more have to be waited for, so that it is ``NEGLIGIBLE`` that not one of them comes.
    """

    __slots__ = ("_came", "_counted", "_highest", "_missing", "cover", "loss", "steps")

    def __init__(self) -> None:
        self._highest: int | None = None
        self._came = 0  # bit i: the datagram with the number ``_highest - i`` has come
        self._missing: int | None = None  # how many since the last one that came, of those settled; None: not known
        self._counted = 0
        # how often the next to come was so many numbers on, less one; what is long ago has faded
        self.steps = [START_WEIGHT * START_LOSS**lost for lost in range(MAX_STEP)]
        self._review()

    def receive(self, number: int, came: int = 1) -> bool:
        """Take note of a datagram that came; True if its number is higher than all before.

        :param came: bit i: that with the number ``number - i`` has come, as far as is known.
        """
        came |= 1
        if self._highest is None:
            self._highest, self._came = number, came & _KNOWN
            return True
        ahead = number - self._highest
        if ahead <= 0:
            self._came |= came << -ahead & _KNOWN if ahead > -_SETTLED else 0
            return False
        if ahead > 2 * MAX_STEP:  # a pause, or a jump
            self._came, self._missing = 0, None
            ahead = min(ahead, _SETTLED)
        self._highest = number
        self._came = self._came << ahead | came & (1 << _SETTLED + ahead) - 1
        for place in range(_SETTLED + ahead - 1, _SETTLED - 1, -1):
            self._settle(bool(self._came >> place & 1))
        self._came &= _KNOWN
        return True

    def _settle(self, came: bool) -> None:
        """Count the next datagram, of which it is known by now whether it came."""
        if not came:
            self._missing = None if self._missing is None else self._missing + 1
            return
        if self._missing is not None and self._missing < MAX_STEP:
            self.steps[self._missing] += 1.0
            self._counted += 1
            if self._counted % REVIEW == 0:
                kept = math.exp(-REVIEW / MEMORY)
                self.steps = [count * kept for count in self.steps]
                self._review()
        self._missing = 0

    def _review(self) -> None:
        steps = self.steps
        came, runs = sum(steps), sum(steps[1:])
        lost = sum(missing * count for missing, count in enumerate(steps))
        self.loss = loss = lost / (came + lost)
        again = min((lost - runs + RANDOM_WEIGHT * loss) / (lost + RANDOM_WEIGHT), 0.99)
        self.cover = math.log(NEGLIGIBLE / loss) / math.log(again) if loss > NEGLIGIBLE else 0.0
