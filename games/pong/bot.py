"""Somebody to play Pong against: as quick as a human at best, and never quite sure where the ball will be."""

import random
from collections import deque

from games.pong import rules
from games.pong.rules import Ball, Match, Side

REACTION_TICKS = 14  # it sees the ball as it was about a quarter of a second ago
SERVE_ERROR = 9.0  # how far off, in court units, it may judge a slow ball ...
ERROR_PER_SPEED = 4.2  # ... and how much further for each court unit per tick that the ball is faster
CALM = 4.0  # it does not fuss over a paddle that is this near to where it should be


class Bot:
    """Plays one side. Ask it once a tick; the same `rng` seed and the same match make the same moves."""

    def __init__(self, side: Side, rng: random.Random) -> None:
        self.side = side
        self._rng = rng
        self._seen: deque[Ball] = deque(maxlen=REACTION_TICKS)
        self._coming = False
        self._error = 0.0

    def direction(self, match: Match) -> int:
        """Return where this side's paddle is to go in this tick: -1 up, 0 stay, 1 down."""
        self._seen.append(match["ball"])
        away = self._target(self._seen[0]) - match["paddles"][self.side]
        if abs(away) <= CALM:
            return 0
        return 1 if away > 0 else -1

    def _target(self, ball: Ball) -> float:
        """Return the y to go to: where it believes the ball will arrive, or the middle if none is coming."""
        coming = rules.ticks_to_reach(ball, self.side) > 0
        if coming and not self._coming:
            self._error = self._misjudgement(ball)
        self._coming = coming
        if not coming:
            return rules.HEIGHT / 2
        return rules.fly(ball, rules.ticks_to_reach(ball, self.side))["y"] + self._error

    def _misjudgement(self, ball: Ball) -> float:
        """Return by how much it will be wrong about this ball, all the way until it arrives."""
        speed = abs(ball["vx"]) + abs(ball["vy"])
        most = SERVE_ERROR + ERROR_PER_SPEED * max(0.0, speed - rules.SERVE_SPEED)
        return self._rng.uniform(-most, most)
