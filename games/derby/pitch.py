"""The pitch of Derby, and what round bodies do on it: bounce off walls and off each other.

Lengths are in units: the pitch is 1,120 wide and 640 high, (0, 0) is its top left corner, y points down. Each goal is a
box beyond the middle of a short side. Only + - * / and square roots are used: they give the same bits on every machine,
which sines and cosines do not.
"""

import math
from typing import Final, TypedDict

WIDTH: Final = 1120.0
HEIGHT: Final = 640.0
MIDDLE: Final = HEIGHT / 2
CORNER: Final = 150.0  # radius of the corners; in square ones the ball would stay
GOAL_HALF: Final = 92.0  # from the middle of a goal to a post
GOAL_DEPTH: Final = 64.0
NET_KEEP: Final = 0.2  # a net takes most of the speed that a wall would give back


class Body(TypedDict):
    """A round thing: its middle in units, its velocity in units a tick."""

    x: float
    y: float
    vx: float
    vy: float


def keep_inside(body: Body, radius: float, keep: float) -> float:
    """Push a body off the walls. Return the speed at which it met them, in units a tick; 0.0 if it met none.

    :param keep: the share of that speed that it keeps, 0.0 to 1.0.
    """
    x, y = body["x"], body["y"]
    line, inwards = (0.0, 1.0) if x < WIDTH / 2 else (WIDTH, -1.0)
    side, away = (0.0, 1.0) if y < MIDDLE else (HEIGHT, -1.0)
    from_line, from_side = (x - line) * inwards, (y - side) * away
    if from_line < radius and abs(y - MIDDLE) < GOAL_HALF:
        return _in_mouth(body, line, inwards, radius, keep)
    if from_line < CORNER and from_side < CORNER:
        to_x, to_y = line + inwards * CORNER - x, side + away * CORNER - y
        distance = math.sqrt(to_x * to_x + to_y * to_y)
        if distance <= CORNER - radius:
            return 0.0
        return _bounce(body, to_x / distance, to_y / distance, distance - CORNER + radius, keep)
    hit = _bounce(body, inwards, 0.0, radius - from_line, keep)
    return max(hit, _bounce(body, 0.0, away, radius - from_side, keep))


def _in_mouth(body: Body, line: float, inwards: float, radius: float, keep: float) -> float:
    """Keep a body between the posts of a goal, and before its net."""
    hit = 0.0
    if (body["x"] - line) * inwards < 0.0:
        keep *= NET_KEEP
    for post, away in ((MIDDLE - GOAL_HALF, 1.0), (MIDDLE + GOAL_HALF, -1.0)):
        from_x, from_y = body["x"] - line, body["y"] - post
        distance = math.sqrt(from_x * from_x + from_y * from_y)
        if from_x * inwards < 0.0:  # beyond the line the side of the net takes over
            hit = max(hit, _bounce(body, 0.0, away, radius - from_y * away, keep))
        elif distance > 0.0:
            hit = max(hit, _bounce(body, from_x / distance, from_y / distance, radius - distance, keep))
    return max(hit, _bounce(body, inwards, 0.0, radius - GOAL_DEPTH - (body["x"] - line) * inwards, keep))


def _bounce(body: Body, nx: float, ny: float, depth: float, keep: float) -> float:
    """Push a body out of a wall by ``depth`` along (nx, ny), of length 1. Return the speed at which it met the wall."""
    if depth <= 0.0:
        return 0.0
    body["x"] += nx * depth
    body["y"] += ny * depth
    speed = -(body["vx"] * nx + body["vy"] * ny)
    if speed <= 0.0:
        return 0.0
    body["vx"] += nx * speed * (1.0 + keep)
    body["vy"] += ny * speed * (1.0 + keep)
    return speed


def collide(one: Body, other: Body, reach: float, share: float, keep: float) -> float:
    """Push two bodies apart that overlap. Return the speed at which they met, in units a tick; 0.0 if they did not.

    :param reach: the sum of their radii.
    :param share: of the push that moves ``one``, 0.0 to 1.0: its part of the two masses is the rest.
    :param keep: the share of that speed with which they part.
    """
    away_x, away_y = other["x"] - one["x"], other["y"] - one["y"]
    square = away_x * away_x + away_y * away_y
    if square >= reach * reach:
        return 0.0
    distance = math.sqrt(square)
    nx, ny = (away_x / distance, away_y / distance) if distance > 0.0 else (1.0, 0.0)
    overlap = reach - distance
    speed = (one["vx"] - other["vx"]) * nx + (one["vy"] - other["vy"]) * ny
    push = max(speed, 0.0) * (1.0 + keep)
    one["x"] -= nx * overlap * share
    one["y"] -= ny * overlap * share
    one["vx"] -= nx * push * share
    one["vy"] -= ny * push * share
    other["x"] += nx * overlap * (1.0 - share)
    other["y"] += ny * overlap * (1.0 - share)
    other["vx"] += nx * push * (1.0 - share)
    other["vy"] += ny * push * (1.0 - share)
    return max(speed, 0.0)
