"""The rules of Pong: pure functions from one tick of a match to the next.

A match is a plain dict (see `Match`). `step` returns the next one and leaves its argument as it was. The same match and
the same inputs lead to the same next match on every machine, so a client can run these rules ahead of its server.

Lengths are in court units: the court is 320 wide and 180 high, (0, 0) is its top left corner, y points down. Times are
in ticks, `TICKS_PER_SECOND` a second. Speeds are court units a tick.
"""

import math
from collections.abc import Callable, Mapping
from typing import Final, Literal, TypedDict

from games.pong.flight import (
    BALL_RADIUS,
    HEIGHT,
    LEFT,
    PADDLE_HALF,
    PADDLE_SPEED,
    RIGHT,
    WIDTH,
    Ball,
    Side,
    fly,
    hit,
    other,
    reaches,
    sent,
    ticks_to_reach,
    wall_number,
)

Phase = Literal["waiting", "serve", "rally", "over"]
Tell = Callable[[str, int, float], object]

WAITING: Final = "waiting"  # for a second player: nothing moves
SERVE: Final = "serve"  # the ball lies in the middle until the countdown ends
RALLY: Final = "rally"  # the ball is in play
OVER: Final = "over"  # one side has won the game

TICKS_PER_SECOND: Final = 60
SERVE_TICKS: Final = 60  # time to see the direction of the serve
WINNING_SCORE: Final = 5
SERIES: Final = (1, 3, 5, 7, 9)  # lengths of a series in games; more than half of them win it
SERVE_SLOPES: Final = (0.35, -0.5, 0.15, -0.25, 0.6)  # used in turn: they vary, and are the same on every machine


class Match(TypedDict):
    """The state at one tick: a game and its series."""

    phase: Phase
    countdown: int  # ticks until the serve; 0 while the ball is in play
    serve_to: Side  # the side that lost the last point
    rally: int  # hits since the serve
    ball: Ball
    paddles: dict[Side, float]  # y of each paddle's middle
    score: dict[Side, int]
    winner: Side | Literal[""]  # of this game
    longest: int  # hits of the longest rally in this game
    best_of: int  # one of SERIES
    games: dict[Side, int]  # games won so far in this series


def new_match(phase: Phase = SERVE, best_of: int = 1) -> Match:
    """Return a match before its first serve. Raises `ValueError` if `best_of` is not in `SERIES`."""
    if best_of not in SERIES:
        raise ValueError(f"best_of is one of {', '.join(map(str, SERIES))}, got {best_of!r}")
    return {
        "phase": phase,
        "countdown": SERVE_TICKS,
        "serve_to": RIGHT,
        "rally": 0,
        "ball": _resting_ball(),
        "paddles": {LEFT: HEIGHT / 2, RIGHT: HEIGHT / 2},
        "score": {LEFT: 0, RIGHT: 0},
        "winner": "",
        "longest": 0,
        "best_of": best_of,
        "games": {LEFT: 0, RIGHT: 0},
    }


def next_game(match: Match) -> Match:
    """Return the match after a finished game: the next game of the series, or the first of a new one."""
    first = new_match(best_of=match["best_of"])
    return first if is_decided(match) else {**first, "games": match["games"], "serve_to": match["serve_to"]}


def is_decided(match: Match) -> bool:
    """Return whether one side has won the series."""
    return max(match["games"].values()) > match["best_of"] // 2


def _nobody(what: str, which: int, x: float) -> None:
    """Take a report that nobody wants."""


def step(match: Match, inputs: Mapping[Side, int], tell: Tell = _nobody) -> Match:
    """Return the match one tick later. `inputs` gives each side's direction: -1 up, 1 down, 0 (or no entry) none.

    `tell` is called with `"HIT"` or `"WALL"`, the number of that bounce in the rally, and the ball's x.
    """
    if match["phase"] == WAITING:
        return match
    match = _with_moved_paddles(match, inputs)
    if match["phase"] == SERVE:
        return _count_down(match)
    if match["phase"] == RALLY:
        return _play(match, inputs, tell)
    return match


def interrupted(match: Match) -> Match:
    """Return the match before the serve of its present point. The score stays. Between two games nothing changes."""
    if match["phase"] not in (SERVE, RALLY):
        return match
    return {**match, "phase": SERVE, "countdown": SERVE_TICKS, "rally": 0, "ball": _resting_ball()}


def wishes(value: object) -> tuple[int, int]:
    """Return the directions in an input: the sender's own, then their guest's, each -1, 0 or 1.

    An input is one direction, or a list of two when two play at one keyboard. Anything else counts as 0.
    """
    if isinstance(value, (list, tuple)) and len(value) == 2:
        return _direction(value[0]), _direction(value[1])
    return _direction(value), 0


def _direction(value: object) -> int:
    wish = int(value) if isinstance(value, int) else 0  # first, because a `Sqn` compares differently
    return wish if -1 <= wish <= 1 else 0


def move_paddle(y: float, direction: int) -> float:
    """Return a paddle's y one tick later. A paddle has one speed and stays on the court."""
    if not direction:
        return y
    moved = y + math.copysign(PADDLE_SPEED, direction)
    return min(max(moved, PADDLE_HALF), HEIGHT - PADDLE_HALF)


def _with_moved_paddles(match: Match, inputs: Mapping[Side, int]) -> Match:
    paddles = {side: move_paddle(y, inputs.get(side, 0)) for side, y in match["paddles"].items()}
    return {**match, "paddles": paddles}


def _count_down(match: Match) -> Match:
    left = match["countdown"] - 1
    if left > 0:
        return {**match, "countdown": left}
    points = sum(match["score"].values())
    ball = sent(match["ball"], match["serve_to"], SERVE_SLOPES[points % len(SERVE_SLOPES)], rally=0)
    return {**match, "phase": RALLY, "countdown": 0, "ball": ball}


def _play(match: Match, inputs: Mapping[Side, int], tell: Tell) -> Match:
    ball, rally, ticks = match["ball"], match["rally"], 1.0
    while (hitter := _who_hits(ball, match["paddles"], ticks)) is not None:
        until_hit = ticks_to_reach(ball, hitter)
        ball, ticks = _flown(ball, until_hit, rally, tell), ticks - until_hit
        rally += 1
        ball = hit(ball, hitter, match["paddles"][hitter], rally, inputs.get(hitter, 0))
        tell("HIT", rally, ball["x"])
    ball = _flown(ball, ticks, rally, tell)
    if ball["x"] < -BALL_RADIUS:
        return _score(match, RIGHT)
    if ball["x"] > WIDTH + BALL_RADIUS:
        return _score(match, LEFT)
    return {**match, "ball": ball, "rally": rally, "longest": max(match["longest"], rally)}


def _flown(ball: Ball, ticks: float, rally: int, tell: Tell) -> Ball:
    after = fly(ball, ticks)
    if after["vy"] * ball["vy"] < 0:
        tell("WALL", wall_number(rally, after["y"]), after["x"])
    return after


def _who_hits(ball: Ball, paddles: Mapping[Side, float], ticks: float) -> Side | None:
    """Return the side whose paddle meets the ball within `ticks`. Only the place at the paddle's line counts."""
    side: Side = LEFT if ball["vx"] < 0 else RIGHT
    until = ticks_to_reach(ball, side)
    if not 0 <= until <= ticks:
        return None
    return side if reaches(fly(ball, until), paddles[side]) else None


def _score(match: Match, scorer: Side) -> Match:
    points = match["score"][scorer] + 1
    won = points >= WINNING_SCORE
    return {
        **match,
        "phase": OVER if won else SERVE,
        "countdown": 0 if won else SERVE_TICKS,
        "serve_to": other(scorer),
        "rally": 0,
        "ball": _resting_ball(),
        "score": {**match["score"], scorer: points},
        "winner": scorer if won else "",
        "games": {**match["games"], scorer: match["games"][scorer] + won},
    }


def _resting_ball() -> Ball:
    return {"x": WIDTH / 2, "y": HEIGHT / 2, "vx": 0.0, "vy": 0.0}
