"""Which ball to show: the one that was, the one that will be, or one in between.

A player's own paddle is shown where it is going to be when the server gets to know of it, everything else as it was
when the server last told. Half a court apart, these two times do no harm; but a ball that was 0.2 s ago cannot be hit
by a paddle that is now. So the ball is shown at a time that depends on where it is: at my paddle it is as far ahead as
my paddle, at the other's as far behind as theirs, and in between it passes from one to the other. Everybody sees it
meet each paddle as that paddle is shown; it only flies a little faster towards me and a little slower away.

(The idea is that of the "local perception filter" of Sharkey, Ryan and Roberts, 1998.)

Pure: nothing here knows of a network or a clock.
"""

from collections.abc import Mapping
from typing import Any, Final

from games.pong import rules
from games.pong.rules import Ball, Side

MOST: Final = 40.0
"""Ticks ahead at most. Beyond, on a link that slow, the ball would fly oddly; then it is late instead."""

RAMP: Final = 45.0
"""Ticks of flight after a serve during which the ball gets ahead bit by bit, not all at once."""


class Foresight:
    """Tells which ball to show to the player of a side. What it has shown once at their paddle, it stays with."""

    def __init__(self, side: Side) -> None:
        self.side = side
        self._approach: tuple[Any, ...] = ()  # which of the ball's ways to my paddle was decided last, and how:
        self._met: Ball | None = None  # as it came back from there, or None if it was missed

    def ball(self, match: Mapping[str, Any], lead: float) -> Ball:
        """Return the ball to show.

        :param match: the match as it was when everything else on the screen was; but with the player's own paddle
            ahead.
        :param lead: how many ticks the player's own paddle is ahead of that.
        """
        ball: Ball = match["ball"]
        lead = min(lead, MOST, _ramp(match))
        if match["phase"] != rules.RALLY or not ball["vx"] or lead <= 0.0:
            return ball
        mine, theirs = rules.REACH[self.side], rules.REACH[rules.other(self.side)]
        whole, away, speed = abs(mine - theirs), abs(ball["x"] - theirs), abs(ball["vx"])
        if ball["vx"] * (mine - theirs) < 0:  # it flies away from me
            return rules.fly(ball, lead * away / (whole + lead * speed))
        ticks = lead * away / max(whole - lead * speed, 1.0)
        until = rules.ticks_to_reach(ball, self.side)
        if ticks <= until or until < 0.0:
            return rules.fly(ball, min(ticks, lead))
        back = self._meeting(match, rules.fly(ball, until))
        if back is None:
            return rules.fly(ball, lead)
        return rules.fly(back, max(lead - until, 0.0) * whole / (whole + lead * abs(back["vx"])))

    def _meeting(self, match: Mapping[str, Any], at_line: Ball) -> Ball | None:
        """Return the ball that comes back from my paddle, or None: decided when it gets there by my time."""
        approach = (match["rally"], *match["score"].values())
        if approach != self._approach:
            paddle = match["paddles"][self.side]
            met = rules.reaches(at_line, paddle)
            self._approach = approach
            self._met = rules.hit(at_line, self.side, paddle, match["rally"] + 1) if met else None
        return self._met


def _ramp(match: Mapping[str, Any]) -> float:
    """Return how far ahead the ball may be so soon after its serve."""
    if match["rally"]:
        return MOST
    ball = match["ball"]
    flown = abs(ball["x"] - rules.WIDTH / 2) / abs(ball["vx"]) if ball["vx"] else 0.0
    return MOST * min(flown / RAMP, 1.0)
