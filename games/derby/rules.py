"""The rules of Derby: one tick of the cars and the ball, the same at the server and in every client's prediction.

`step` changes the world in place and returns it; the server and `pygase.WorldPrediction` hand it a copy. The referee
(goals, score, clock) is not here: it is the server's alone, since a goal that is taken back is worse than one that a
client sees a little later. Speeds are units a tick, `TICKS_PER_SECOND` a second. See `pitch` for the units.
"""

import math
from collections.abc import Callable, Mapping
from typing import Final, TypedDict

from games.derby.pitch import HEIGHT, MIDDLE, WIDTH, Body, collide, keep_inside

TICKS_PER_SECOND: Final = 60
CAR: Final = 18.0  # radius
BALL: Final = 22.0  # radius

FORWARD, BACK, LEFT, RIGHT, BOOST = 1, 2, 4, 8, 16  # bits of an input

PUSH: Final = 0.15  # of the engine, a tick
BRAKE: Final = 0.22
REVERSE_TOP: Final = 3.2
TOP: Final = 6.4  # across the pitch in three seconds
BOOST_PUSH: Final = 0.2
BOOST_TOP: Final = 9.0
DRAG: Final = 0.985  # share of the speed that is left after a tick
GRIP: Final = 0.86  # share of the sideways speed that is left after a tick; with the boost on, a car slides
SLIDE: Final = 0.945
TURN: Final = 0.058  # of the heading a tick, at full lock: about 3.3 degrees
FULL_TURN_AT: Final = 2.2  # speed from which the wheels turn a car fully; a resting car does not turn

TANK: Final = 90.0  # ticks of boost
REFILL: Final = 0.28  # ticks of boost that come back in a tick

ROLL: Final = 0.992  # share of the ball's speed that is left after a tick
BALL_TOP: Final = 15.0
KICK: Final = 1.1  # speed that a hit adds to the ball
WALL_KEEP: Final = 0.78
CAR_KEEP: Final = 0.35
TOUCH: Final = 1.0  # slower contacts make no sound

TEAMS: Final = ("Orange", "Blue")  # the first plays from left to right

Tell = Callable[..., object]


class Car(Body):
    """A car. (hx, hy) is where it looks, of length 1; `boost` is what is left in its tank."""

    hx: float
    hy: float
    boost: float
    team: int


class World(TypedDict):
    """All that moves. `wait` counts the ticks until the kick-off; nothing moves before it."""

    ball: Body
    cars: dict[int, Car]
    wait: int


def step(world: World, inputs: Mapping[int, int], tell: Tell) -> World:
    """Play one tick.

    `tell` reports `("HIT", who, x, y, speed)` for the ball, `("BUMP", who, x, y, speed)` for two cars, and
    `("WALL", 0, x, y, speed)` when the ball meets a wall.
    """
    if world["wait"] > 0:
        world["wait"] -= 1
        return world
    cars = [(who, world["cars"][who]) for who in sorted(world["cars"])]  # the order of a dict may differ elsewhere
    for who, car in cars:
        _drive(car, wishes(inputs.get(who)))
    ball = world["ball"]
    ball["vx"], ball["vy"] = _limited(ball["vx"] * ROLL, ball["vy"] * ROLL, BALL_TOP)
    ball["x"] += ball["vx"]
    ball["y"] += ball["vy"]
    for place, (who, car) in enumerate(cars):
        _touch(who, car, ball, tell)
        for _, other in cars[place + 1 :]:
            speed = collide(car, other, 2 * CAR, 0.5, CAR_KEEP)
            if speed > TOUCH:
                tell("BUMP", who, (car["x"] + other["x"]) / 2, (car["y"] + other["y"]) / 2, speed)
    _stay_inside(cars, ball, tell)
    return world


def wishes(value: object) -> int:
    """Return an input's bits; 0 for anything that is none."""
    return value & 31 if type(value) is int else 0


def _drive(car: Car, bits: int) -> None:
    """Turn and move a car."""
    hx, hy = car["hx"], car["hy"]
    ahead = car["vx"] * hx + car["vy"] * hy
    side_x, side_y = car["vx"] - ahead * hx, car["vy"] - ahead * hy
    boosts = bool(bits & BOOST) and car["boost"] >= 1.0
    ahead = _pushed(ahead, bits, boosts)
    turn = (bool(bits & RIGHT) - bool(bits & LEFT)) * TURN * min(max(ahead / FULL_TURN_AT, -1.0), 1.0)
    hx, hy = hx - hy * turn, hy + hx * turn
    length = math.sqrt(hx * hx + hy * hy)
    car["hx"], car["hy"] = hx, hy = hx / length, hy / length
    grip = SLIDE if boosts else GRIP
    car["vx"], car["vy"] = ahead * hx + side_x * grip, ahead * hy + side_y * grip
    car["boost"] = car["boost"] - 1.0 if boosts else min(car["boost"] + REFILL, TANK)
    car["x"] += car["vx"]
    car["y"] += car["vy"]


def _pushed(ahead: float, bits: int, boosts: bool) -> float:
    """Return the speed along the heading after engine, brakes and drag."""
    top = BOOST_TOP if boosts else TOP
    if bits & FORWARD or boosts:
        push = (BRAKE if ahead < 0.0 else PUSH) + (BOOST_PUSH if boosts else 0.0)
        if ahead < top:
            return min(ahead + push, top)
    elif bits & BACK and ahead > -REVERSE_TOP:
        return max(ahead - (BRAKE if ahead > 0.0 else PUSH), -REVERSE_TOP)
    return ahead * DRAG


def _touch(who: int, car: Car, ball: Body, tell: Tell) -> None:
    """Let a car push the ball."""
    speed = collide(car, ball, CAR + BALL, 0.22, 0.55)
    if speed > 0.0:
        away_x, away_y = ball["x"] - car["x"], ball["y"] - car["y"]
        length = math.sqrt(away_x * away_x + away_y * away_y)
        ball["vx"] += KICK * away_x / length
        ball["vy"] += KICK * away_y / length
    if speed > TOUCH:
        tell("HIT", who, ball["x"], ball["y"], speed)


def _stay_inside(cars: list[tuple[int, Car]], ball: Body, tell: Tell) -> None:
    for _, car in cars:
        keep_inside(car, CAR, CAR_KEEP)
    speed = keep_inside(ball, BALL, WALL_KEEP)
    if speed > TOUCH:
        tell("WALL", 0, ball["x"], ball["y"], speed)


def _limited(vx: float, vy: float, most: float) -> tuple[float, float]:
    """Return a velocity that is no faster than ``most``."""
    square = vx * vx + vy * vy
    if square <= most * most:
        return vx, vy
    share = most / math.sqrt(square)
    return vx * share, vy * share


# -- a kick-off ----------------------------------------------------------------------------------------------------

_STARTS: Final = (
    (0.3, 0.0),
    (0.17, -0.22),
    (0.17, 0.22),
    (0.06, 0.0),
)  # of the pitch: from the own line, from the middle


def new_ball() -> Body:
    """Return the ball in the middle, at rest."""
    return {"x": WIDTH / 2, "y": MIDDLE, "vx": 0.0, "vy": 0.0}


def new_car(team: int, place: int) -> Car:
    """Return a car at its place for a kick-off, the first of its team nearest to the ball."""
    along, across = _STARTS[place % len(_STARTS)]
    x, looks = (along * WIDTH, 1.0) if team == 0 else ((1.0 - along) * WIDTH, -1.0)
    y = MIDDLE + across * HEIGHT * looks
    return {"x": x, "y": y, "vx": 0.0, "vy": 0.0, "hx": looks, "hy": 0.0, "boost": TANK / 3, "team": team}


def kick_off(world: World, wait: int) -> World:
    """Put the ball into the middle and all cars at their places. Play goes on after ``wait`` ticks."""
    counts = [0, 0]
    for who in sorted(world["cars"]):
        team = world["cars"][who]["team"]
        world["cars"][who] = new_car(team, counts[team])
        counts[team] += 1
    world["ball"], world["wait"] = new_ball(), wait
    return world
