"""How many more datagrams carry an input until one arrives almost certainly.

An input travels in several datagrams, until one has arrived. That takes longer if datagrams get lost in bursts. The
model is a chain of two states (Gilbert, "Capacity of a burst-noise channel", 1960): the probability of a loss differs
after an arrival and after a loss. The meter begins with a guess, every datagram improves it, and old observations fade.
"""

from __future__ import annotations

import math
from typing import Final

NEGLIGIBLE: Final = 1e-6
"""Chance that all copies in time get lost: at 60 inputs a second, one input in four and a half hours."""

MEMORY: Final = 600
"""Datagrams after which an observation counts a third: ten seconds at 60 a second."""

REVIEW: Final = 15
"""Datagrams between two reviews of the observations."""

START_LOSS: Final = 0.03
"""Share of datagrams that an unknown link is assumed to lose. Late inputs correct a low guess, and a high guess is
given back within seconds."""

START_WEIGHT: Final = 12.0
"""Datagrams that this assumption counts for."""

RANDOM_WEIGHT: Final = 20.0
"""Lost datagrams that the assumption of random loss counts for. A single burst is no pattern yet."""

MAX_STEP: Final = 12
"""Greatest distance of two arrivals that counts as loss. Beyond it the link was down, and no copy helps."""

_SETTLED: Final = 8
"""Numbers after which a missing datagram counts as lost, and not as overtaken any more."""
_KNOWN: Final = (1 << _SETTLED) - 1


class LossMeter:
    """Watches the arrivals of numbered datagrams.

    :ivar loss: share of lost datagrams, 0..1.
    :ivar cover: further datagrams to wait for, so that the chance that none of them arrives is ``NEGLIGIBLE``.
    """

    __slots__ = ("_arrived", "_counted", "_highest", "_missing", "cover", "loss", "steps")

    def __init__(self) -> None:
        self._highest: int | None = None
        self._arrived = 0  # bit i: the datagram ``_highest - i`` has arrived
        self._missing: int | None = None  # lost ones since the last arrival, of those settled; None: not known
        self._counted = 0
        # steps[n]: how often n datagrams were lost between two arrivals; old counts have faded
        self.steps = [START_WEIGHT * START_LOSS**lost for lost in range(MAX_STEP)]
        self._review()

    def receive(self, number: int, arrived: int = 1) -> bool:
        """Return True if the number of the datagram is the highest so far.

        :param arrived: bit i is set if the datagram ``number - i`` is known to have arrived.
        """
        arrived |= 1
        if self._highest is None:
            self._highest, self._arrived = number, arrived & _KNOWN
            return True
        ahead = number - self._highest
        if ahead <= 0:
            self._arrived |= arrived << -ahead & _KNOWN if ahead > -_SETTLED else 0
            return False
        if ahead > 2 * MAX_STEP:  # a pause, or a jump
            self._arrived, self._missing = 0, None
            ahead = min(ahead, _SETTLED)
        self._highest = number
        self._arrived = self._arrived << ahead | arrived & (1 << _SETTLED + ahead) - 1
        for place in range(_SETTLED + ahead - 1, _SETTLED - 1, -1):
            self._settle(bool(self._arrived >> place & 1))
        self._arrived &= _KNOWN
        return True

    def _settle(self, arrived: bool) -> None:
        if not arrived:
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
        arrived, runs = sum(steps), sum(steps[1:])
        lost = sum(missing * count for missing, count in enumerate(steps))
        self.loss = loss = lost / (arrived + lost)
        again = min((lost - runs + RANDOM_WEIGHT * loss) / (lost + RANDOM_WEIGHT), 0.99)
        self.cover = math.log(NEGLIGIBLE / loss) / math.log(again) if loss > NEGLIGIBLE else 0.0
