"""How far off a prediction is: the first guess of each body in each tick, compared with the truth."""

from __future__ import annotations

import math
from collections import deque
from typing import Any, Final, NamedTuple

from .._state.precision import Places, Precision
from .bodies import Body, GlidingBodies, Numbers, Values

MEASURED: Final = 600
"""Errors of a body that are kept: forty seconds of 60 ticks."""

EVERY: Final = 4
"""One of four ticks is measured: the figures are as good, and cost a quarter."""

_SCATTER: Final = 2654435761
"""The golden ratio of 2**32: D. Knuth, "The Art of Computer Programming", volume 3, section 6.4."""

MAX_BODIES: Final = 256
"""Bodies whose errors are kept."""

_ALMOST_ONE: Final = 1.0 + 1e-6


class Spread(NamedTuple):
    """Errors of a body, as distances in the unit of its numbers.

    :ivar p50: half of them are not larger.
    :ivar p99: 99 % of them are not larger.
    :ivar measured: number of errors.
    """

    p50: float
    p99: float
    measured: int


class FirstGuesses:
    """Remembers what was predicted first, and measures it when the truth arrives.

    :param bodies: the rules.
    :ivar precision: steps to which the server rounds. A difference of one step or less is no error.
    """

    def __init__(self, bodies: GlidingBodies) -> None:
        self._bodies = bodies
        self.precision = Precision({})
        self.reset()

    def reset(self) -> None:
        """Forget everything."""
        self._guessed: dict[int, Numbers] = {}
        self._errors: dict[Body, deque[float]] = {}

    def guess(self, number: int, part: Any) -> None:
        """Take the predicted part after the input of this number. Only the first guess counts."""
        if is_measured(number) and number not in self._guessed:
            self._guessed[number] = self._bodies.read(part)

    def truth(self, applied: int, part: Any, *, measure: bool = True) -> None:
        """Compare the truth after an input with the first guess.

        :param measure: False while the server confirms no inputs; then guesses are only forgotten.
        """
        guessed = self._guessed.get(applied)
        for number in [number for number in self._guessed if number <= applied]:
            del self._guessed[number]
        if guessed is None or part is None or not measure:
            return
        there = self._bodies.read(part)
        for body, numbers in there.items():
            first = guessed.get(body)
            if first == numbers:
                self._note(body, 0.0)
            elif first is not None and len(first) == len(numbers):
                self._measure(body, first, numbers)
        if not self._errors.keys() <= there.keys():
            self._errors = {body: errors for body, errors in self._errors.items() if body in there}

    def _measure(self, body: Body, first: Values, truth: Values) -> None:
        distance = self._bodies.distance(body, first, truth)
        if distance == math.inf:
            return  # the referee has put it somewhere else, which nobody can guess
        if self.precision.root is not None:
            distance = math.hypot(*_beyond_precision(self._bodies.ways(body, first, truth), body, self.precision.root))
        self._note(body, distance)

    def _note(self, body: Body, error: float) -> None:
        errors = self._errors.get(body)
        if errors is None:
            if len(self._errors) >= MAX_BODIES:
                return
            errors = self._errors[body] = deque(maxlen=MEASURED)
        errors.append(error)

    def spreads(self) -> dict[str, Spread]:
        """Return the errors of each body, by its path."""
        return {body.path: _spread(sorted(errors)) for body, errors in self._errors.items()}


def is_measured(number: int) -> bool:
    """Return whether a tick is one of those. They are scattered, since states may arrive for odd ticks alone."""
    return (number * _SCATTER >> 16) % EVERY == 0


def _beyond_precision(way: list[float], body: Body, root: Places) -> list[float]:
    """Return a way without the numbers that differ by one step of their precision or less."""
    if len(way) != len(body.names):
        return way  # (lists within a body)
    node: Places | None = root
    for key in body.keys:
        node = None if node is None else node.below(key)
    places = [None if node is None else node.below(name) for name in body.names]
    return [
        0.0 if place is not None and place.scale and abs(each) * place.scale <= _ALMOST_ONE else each
        for each, place in zip(way, places, strict=True)
    ]


def _spread(errors: list[float]) -> Spread:
    count = len(errors)
    return Spread(errors[(count - 1) // 2], errors[max(math.ceil(0.99 * count) - 1, 0)], count)
