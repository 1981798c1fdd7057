"""The computer's drivers. They decide early, as a person's reaction does, so all clients know what they will do."""

import math
import random
from typing import Final, NamedTuple

from games.derby.pitch import GOAL_HALF, HEIGHT, MIDDLE, WIDTH, Body
from games.derby.rules import BACK, BALL, BOOST, CAR, FORWARD, LEFT, RIGHT, ROLL, TOP, Car, World

AHEAD: Final = 12  # ticks from a decision to its effect: a fifth of a second
STUCK_AFTER: Final = 40  # ticks without way
BACK_OUT: Final = 26  # ticks in reverse then
ALIGNED: Final = 0.93  # cosine between the heading and the way, above which a driver boosts
MATE_MARGIN: Final = 25.0  # ticks by which a mate has to be nearer before a driver leaves the ball to it


class Spot(NamedTuple):
    """A place to drive to, in units."""

    x: float
    y: float


class Driver:
    """Drives one car. The same `rng` seed and the same worlds give the same inputs.

    :param skill: 0.0 to 1.0; the rest is how far it misjudges the ball.
    """

    def __init__(self, rng: random.Random, skill: float = 0.7) -> None:
        self._rng = rng
        self._skill = skill
        self._error = Spot(0.0, 0.0)
        self._slow = 0
        self._backs = 0

    def decide(self, world: World, who: int) -> int:
        """Return the input of a car for the tick that is `AHEAD` ticks after this one."""
        car = world["cars"].get(who)
        if car is None:
            return 0
        if self._rng.random() < 0.03:
            most = 60.0 * (1.0 - self._skill)
            self._error = Spot(self._rng.uniform(-most, most), self._rng.uniform(-most, most))
        self._note_way(car, world["wait"] > 0)
        if self._backs:
            self._backs -= 1
            return BACK | (LEFT if self._backs % 2 else RIGHT)
        return _steer(car, self._target(world, who, car), self._rng.random() < self._skill)

    def _note_way(self, car: Car, waits: bool) -> None:
        resting = not waits and abs(car["vx"]) + abs(car["vy"]) < 0.8
        self._slow = self._slow + 1 if resting else 0
        if self._slow > STUCK_AFTER:
            self._slow, self._backs = 0, BACK_OUT

    def _target(self, world: World, who: int, car: Car) -> Spot:
        """Return where to go: to the ball, or between it and the own goal while a mate goes there."""
        ball = world["ball"]
        mates = [other for key, other in world["cars"].items() if other["team"] == car["team"] and key != who]
        own = _ticks_to(car, ball)
        if any(_ticks_to(mate, ball) + MATE_MARGIN < own for mate in mates) or (
            mates and own > min(_ticks_to(mate, ball) for mate in mates) and car["boost"] < 10.0
        ):
            return self._support(ball, car, who)
        return self._attack(ball, car, own)

    def _attack(self, ball: Body, car: Car, ticks: float) -> Spot:
        """Return the place behind the ball, as seen from the other goal, where they would meet."""
        met = after(ball, min(ticks, 50.0))
        goal_x = WIDTH if car["team"] == 0 else 0.0
        goal_y = min(max(met.y, MIDDLE - GOAL_HALF * 0.5), MIDDLE + GOAL_HALF * 0.5)
        to_x, to_y = goal_x - met.x, goal_y - met.y
        length = math.sqrt(to_x * to_x + to_y * to_y) or 1.0
        ahead_of_ball = (car["x"] - met.x) * to_x > 0.0
        behind = (BALL + CAR) * (2.2 if ahead_of_ball else 0.7)
        across = (BALL + CAR) * 1.4 * (1.0 if car["y"] > met.y else -1.0) if ahead_of_ball else 0.0
        x, y = met.x - to_x / length * behind, met.y - to_y / length * behind + across
        return _on_pitch(x + self._error.x * 0.3, y + self._error.y)

    def _support(self, ball: Body, car: Car, who: int) -> Spot:
        own_x = 0.0 if car["team"] == 0 else WIDTH
        side = 70.0 if who % 2 else -70.0
        return _on_pitch(ball["x"] + (own_x - ball["x"]) * 0.45, ball["y"] + (MIDDLE - ball["y"]) * 0.5 + side)


def after(ball: Body, ticks: float) -> Spot:
    """Return where a rolling ball is later. It does not heed what it meets, but the walls."""
    way = (1.0 - ROLL**ticks) / (1.0 - ROLL)
    return Spot(
        _folded(ball["x"] + ball["vx"] * way, BALL, WIDTH - BALL),
        _folded(ball["y"] + ball["vy"] * way, BALL, HEIGHT - BALL),
    )


def _folded(at: float, low: float, high: float) -> float:
    walls, beyond = divmod(at - low, high - low)
    return high - beyond if walls % 2 else low + beyond


def _ticks_to(car: Car, ball: Body) -> float:
    """Return about how many ticks a car needs to the ball; more if it looks away."""
    to_x, to_y = ball["x"] - car["x"], ball["y"] - car["y"]
    distance = math.sqrt(to_x * to_x + to_y * to_y) or 1.0
    looks = (to_x * car["hx"] + to_y * car["hy"]) / distance
    return distance / TOP + 25.0 * (1.0 - looks)


def _on_pitch(x: float, y: float) -> Spot:
    return Spot(min(max(x, CAR), WIDTH - CAR), min(max(y, CAR), HEIGHT - CAR))


def _steer(car: Car, to: Spot, may_boost: bool) -> int:
    """Return the input that drives to a place."""
    to_x, to_y = to.x - car["x"], to.y - car["y"]
    distance = math.sqrt(to_x * to_x + to_y * to_y)
    if distance < CAR:
        return 0
    ahead = (to_x * car["hx"] + to_y * car["hy"]) / distance
    aside = (to_y * car["hx"] - to_x * car["hy"]) / distance
    bits = RIGHT if aside > 0.12 else LEFT if aside < -0.12 else 0
    if ahead < -0.6 and distance < 160.0:
        return BACK | (LEFT if bits == RIGHT else RIGHT)
    bits |= FORWARD if ahead > -0.2 or distance > 160.0 else 0
    return bits | (BOOST if may_boost and ahead > ALIGNED and distance > 110.0 and car["boost"] > 20.0 else 0)
