"""The rules of Pong: pure functions from one tick of a match to the next.

A match is a plain dict (see `Match`). `step` returns the next one and leaves its argument as it was. The same match and
the same inputs lead to the same next match on every machine, so a client can run these rules ahead of its server.

Lengths are in court units: the court is 320 wide and 180 high, (0, 0) is its top left corner, y points down. Times are
in ticks, `TICKS_PER_SECOND` a second. Speeds are court units a tick.
"""

import math
from collections.abc import Callable, Mapping
from typing import Final, Literal, TypedDict

Side = Literal["left", "right"]
Phase = Literal["waiting", "serve", "rally", "over"]
Tell = Callable[[str, int, float], object]

LEFT: Final = "left"
RIGHT: Final = "right"
SIDES: Final[tuple[Side, Side]] = (LEFT, RIGHT)

WAITING: Final = "waiting"  # for a second player: nothing moves
SERVE: Final = "serve"  # the ball lies in the middle until the countdown ends
RALLY: Final = "rally"  # the ball is in play
OVER: Final = "over"  # one side has won the game

TICKS_PER_SECOND: Final = 60
WIDTH: Final = 320.0
HEIGHT: Final = 180.0  # 16:9 like most screens

PADDLE_HALF: Final = 17.0  # from its middle to its end
PADDLE_WIDTH: Final = 5.0
PADDLE_SPEED: Final = 3.0  # across the whole court in a second
PADDLE_MARGIN: Final = 12.0  # from the edge of the court to the paddle's near side

BALL_RADIUS: Final = 3.0
SERVE_SPEED: Final = 2.1  # about a second from the middle to a paddle
SPEED_PER_HIT: Final = 0.2
TOP_SPEED: Final = 6.0  # paddle to paddle in 0.8 s: hard, but human
STEEPEST: Final = 1.2  # slope of a ball that the very end of a paddle hits: about 50 degrees

SERVE_TICKS: Final = 75  # time to see the direction of the serve
WINNING_SCORE: Final = 11
SERIES: Final = (1, 3, 5, 7, 9)  # lengths of a series in games; more than half of them win it
SERVE_SLOPES: Final = (0.35, -0.5, 0.15, -0.25, 0.6)  # used in turn: they vary, and are the same on every machine

# x of the ball's middle when it touches a paddle.
REACH: Final[dict[Side, float]] = {
    LEFT: PADDLE_MARGIN + PADDLE_WIDTH + BALL_RADIUS,
    RIGHT: WIDTH - PADDLE_MARGIN - PADDLE_WIDTH - BALL_RADIUS,
}


class Ball(TypedDict):
    """Middle of the ball in court units, velocity in court units a tick. `vx` is never 0 in flight."""

    x: float
    y: float
    vx: float
    vy: float


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
        return _play(match, tell)
    return match


def interrupted(match: Match) -> Match:
    """Return the match before the serve of its present point. The score stays. Between two games nothing changes."""
    if match["phase"] not in (SERVE, RALLY):
        return match
    return {**match, "phase": SERVE, "countdown": SERVE_TICKS, "rally": 0, "ball": _resting_ball()}


def other(side: Side) -> Side:
    """Return the opposite side."""
    return RIGHT if side == LEFT else LEFT


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


def ball_speed(rally: int) -> float:
    """Return the speed of a ball after `rally` hits, in court units a tick."""
    return min(SERVE_SPEED + rally * SPEED_PER_HIT, TOP_SPEED)


def fly(ball: Ball, ticks: float) -> Ball:
    """Return the ball after `ticks` of flight, with every bounce off the walls above and below.

    A bounce mirrors the path beyond the wall, so the result is right at any speed.
    """
    y, vy = ball["y"] + ball["vy"] * ticks, ball["vy"]
    top, bottom = BALL_RADIUS, HEIGHT - BALL_RADIUS
    if not top <= y <= bottom:
        walls, beyond = divmod(y - top, bottom - top)
        mirrored = walls % 2 == 1
        y = bottom - beyond if mirrored else top + beyond
        vy = -vy if mirrored else vy
    return {"x": ball["x"] + ball["vx"] * ticks, "y": y, "vx": ball["vx"], "vy": vy}


def ticks_to_reach(ball: Ball, side: Side) -> float:
    """Return the ticks until the ball touches a side's paddle line; negative if it flies away from it."""
    if ball["vx"] == 0:
        return -1.0
    return (REACH[side] - ball["x"]) / ball["vx"]


def _with_moved_paddles(match: Match, inputs: Mapping[Side, int]) -> Match:
    paddles = {side: move_paddle(y, inputs.get(side, 0)) for side, y in match["paddles"].items()}
    return {**match, "paddles": paddles}


def _count_down(match: Match) -> Match:
    left = match["countdown"] - 1
    if left > 0:
        return {**match, "countdown": left}
    points = sum(match["score"].values())
    ball = _sent(match["ball"], match["serve_to"], SERVE_SLOPES[points % len(SERVE_SLOPES)], rally=0)
    return {**match, "phase": RALLY, "countdown": 0, "ball": ball}


def wall_number(rally: int, y: float) -> int:
    """Return the number of a bounce off a wall: in one flight the ball meets each of the two walls once at most."""
    return 2 * rally + (y > HEIGHT / 2)


def _play(match: Match, tell: Tell) -> Match:
    ball, rally, ticks = match["ball"], match["rally"], 1.0
    while (hitter := _who_hits(ball, match["paddles"], ticks)) is not None:
        until_hit = ticks_to_reach(ball, hitter)
        ball, ticks = _flown(ball, until_hit, rally, tell), ticks - until_hit
        rally += 1
        ball = hit(ball, hitter, match["paddles"][hitter], rally)
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


def reaches(ball: Ball, paddle: float) -> bool:
    """Return whether a paddle meets a ball that is at its line."""
    return abs(ball["y"] - paddle) <= PADDLE_HALF + BALL_RADIUS


def hit(ball: Ball, hitter: Side, paddle: float, rally: int) -> Ball:
    """Return the ball after a hit, steeper the farther from the paddle's middle."""
    off_middle = (ball["y"] - paddle) / (PADDLE_HALF + BALL_RADIUS)
    at_line: Ball = {**ball, "x": REACH[hitter]}
    return _sent(at_line, other(hitter), off_middle * STEEPEST, rally)


def _sent(ball: Ball, to: Side, slope: float, rally: int) -> Ball:
    """Return the ball on its way to a side. `slope` is height per width."""
    across = ball_speed(rally) / math.sqrt(1 + slope * slope)
    return {**ball, "vx": across if to == RIGHT else -across, "vy": across * slope}


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
