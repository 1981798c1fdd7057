"""A computer player for Pong: at best as quick as a human, with errors in its guesses about the ball."""

import random
from collections import deque

from games.pong import flight
from games.pong.flight import Ball, Side
from games.pong.rules import Match

REACTION_TICKS = 14  # the bot sees the ball as it was about a quarter of a second ago
SERVE_ERROR = 9.0  # court units: the largest error for a ball at serve speed
ERROR_PER_SPEED = 4.2  # court units more for each court unit a tick above the serve speed
CALM = 4.0  # court units: the bot leaves a paddle that is this near to its target


class Bot:
    """Plays one side. Call `direction` once a tick. The same `rng` seed and the same match give the same moves."""

    def __init__(self, side: Side, rng: random.Random) -> None:
        self.side = side
        self._rng = rng
        self._seen: deque[Ball] = deque(maxlen=REACTION_TICKS)
        self._coming = False
        self._error = 0.0

    def direction(self, match: Match) -> int:
        """Return the direction of this side's paddle in this tick: -1 up, 0 none, 1 down."""
        self._seen.append(match["ball"])
        away = self._target(self._seen[0]) - match["paddles"][self.side]
        if abs(away) <= CALM:
            return 0
        return 1 if away > 0 else -1

    def _target(self, ball: Ball) -> float:
        """Return the target's y in court units: the guess for the ball, or the middle while no ball approaches."""
        coming = flight.ticks_to_reach(ball, self.side) > 0
        if coming and not self._coming:
            self._error = self._misjudgement(ball)
        self._coming = coming
        if not coming:
            return flight.HEIGHT / 2
        return flight.fly(ball, flight.ticks_to_reach(ball, self.side))["y"] + self._error

    def _misjudgement(self, ball: Ball) -> float:
        """Return the bot's error for this ball, in court units."""
        speed = abs(ball["vx"]) + abs(ball["vy"])
        most = SERVE_ERROR + ERROR_PER_SPEED * max(0.0, speed - flight.SERVE_SPEED)
        return self._rng.uniform(-most, most)
