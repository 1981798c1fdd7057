"""The flight of Pong's ball, and what paddles make of it: pure functions, in the units of `rules`."""

import math
from typing import Final, Literal, TypedDict

Side = Literal["left", "right"]

LEFT: Final = "left"
RIGHT: Final = "right"
SIDES: Final[tuple[Side, Side]] = (LEFT, RIGHT)

WIDTH: Final = 320.0
HEIGHT: Final = 180.0  # 16:9 like most screens

PADDLE_HALF: Final = 17.0  # from its middle to its end
PADDLE_WIDTH: Final = 5.0
PADDLE_SPEED: Final = 3.0  # across the whole court in a second
PADDLE_MARGIN: Final = 12.0  # from the edge of the court to the paddle's near side

BALL_RADIUS: Final = 3.0
SERVE_SPEED: Final = 2.4  # about a second from the middle to a paddle
SPEED_PER_HIT: Final = 0.3
TOP_SPEED: Final = 6.4  # paddle to paddle in 0.75 s: hard, but human
STEEPEST: Final = 1.2  # slope of a ball that the very end of a paddle hits: about 50 degrees
SPIN: Final = 0.35  # slope that a paddle adds which moves while it hits

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


def other(side: Side) -> Side:
    """Return the opposite side."""
    return RIGHT if side == LEFT else LEFT


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


def wall_number(rally: int, y: float) -> int:
    """Return the number of a bounce off a wall: in one flight the ball meets each of the two walls once at most."""
    return 2 * rally + (y > HEIGHT / 2)


def reaches(ball: Ball, paddle: float) -> bool:
    """Return whether a paddle meets a ball that is at its line."""
    return abs(ball["y"] - paddle) <= PADDLE_HALF + BALL_RADIUS


def hit(ball: Ball, hitter: Side, paddle: float, rally: int, direction: int = 0) -> Ball:
    """Return the ball after a hit: steeper the farther from the paddle's middle, and dragged along by its movement.

    :param direction: of the paddle in this tick.
    """
    off_middle = (ball["y"] - paddle) / (PADDLE_HALF + BALL_RADIUS)
    at_line: Ball = {**ball, "x": REACH[hitter]}
    return sent(at_line, other(hitter), off_middle * STEEPEST + moving(paddle, direction) * SPIN, rally)


def moving(paddle: float, direction: int) -> int:
    """Return the direction in which a paddle moved that is at ``paddle`` now; 0 if a wall has stopped it."""
    return 0 if paddle == (PADDLE_HALF if direction < 0 else HEIGHT - PADDLE_HALF) else direction


def sent(ball: Ball, to: Side, slope: float, rally: int) -> Ball:
    """Return the ball on its way to a side. `slope` is height per width."""
    across = ball_speed(rally) / math.sqrt(1 + slope * slope)
    return {**ball, "vx": across if to == RIGHT else -across, "vy": across * slope}
