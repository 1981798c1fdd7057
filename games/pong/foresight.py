"""The time at which the ball is shown, near a paddle that is predicted. Pure.

The screen shows the player's own paddle ahead of time, as it will be when the server receives the input, and everything
else as it was in the server's last states. A ball from 0.2 s ago would not meet a paddle of now. So the time of the
ball depends on its place: at the player's paddle it is as far ahead as that paddle, at the opponent's paddle as late as
that one, and between them it changes evenly. Each paddle is seen to meet the ball, which only flies a little faster
towards the player than away.

This is the "local perception filter" of Sharkey, Ryan and Roberts (1998).
"""

from collections.abc import Mapping
from typing import Any, Final

from games.pong import flight, rules
from games.pong.flight import Ball, Side

MOST_LEAD: Final = 40.0
"""The ball's largest lead in ticks. A larger one looks odd; on a slower link the ball is late instead."""

RAMP_TICKS: Final = 45.0
"""Ticks of flight after a serve during which the ball's lead grows evenly from 0."""


class Foresight:
    """Computes the ball that the player of a side sees. A hit or miss at their paddle stays as it was first shown."""

    def __init__(self, side: Side) -> None:
        self.side = side
        self._approach: tuple[Any, ...] = ()  # the approach that was decided last: rally and scores
        self._met: Ball | None = None  # the ball that came back from it; None after a miss

    def ball(self, match: Mapping[str, Any], lead: float, direction: int = 0) -> Ball:
        """Return the ball to show.

        :param match: the match on the screen, with the player's own paddle ahead.
        :param lead: ticks by which it is ahead.
        :param direction: of that paddle at present.
        """
        ball: Ball = match["ball"]
        lead = min(lead, MOST_LEAD, _ramp(match))
        if match["phase"] != rules.RALLY or not ball["vx"] or lead <= 0.0:
            return ball
        mine, theirs = flight.REACH[self.side], flight.REACH[flight.other(self.side)]
        whole, away, speed = abs(mine - theirs), abs(ball["x"] - theirs), abs(ball["vx"])
        if ball["vx"] * (mine - theirs) < 0:  # it flies away from this player
            return flight.fly(ball, lead * away / (whole + lead * speed))
        ticks = lead * away / max(whole - lead * speed, 1.0)
        until = flight.ticks_to_reach(ball, self.side)
        if ticks <= until or until < 0.0:
            return flight.fly(ball, min(ticks, lead))
        back = self._meeting(match, flight.fly(ball, until), direction)
        if back is None:
            return flight.fly(ball, lead)
        return flight.fly(back, max(lead - until, 0.0) * whole / (whole + lead * abs(back["vx"])))

    def _meeting(self, match: Mapping[str, Any], at_line: Ball, direction: int) -> Ball | None:
        """Return the ball that comes back from the player's paddle, or None. Decided once for each approach."""
        approach = (match["rally"], *match["score"].values())
        if approach != self._approach:
            paddle = match["paddles"][self.side]
            met = flight.reaches(at_line, paddle)
            self._approach = approach
            self._met = flight.hit(at_line, self.side, paddle, match["rally"] + 1, direction) if met else None
        return self._met


def _ramp(match: Mapping[str, Any]) -> float:
    """Return the largest lead in ticks at this time after the serve."""
    if match["rally"]:
        return MOST_LEAD
    ball = match["ball"]
    flown = abs(ball["x"] - flight.WIDTH / 2) / abs(ball["vx"]) if ball["vx"] else 0.0
    return MOST_LEAD * min(flown / RAMP_TICKS, 1.0)
