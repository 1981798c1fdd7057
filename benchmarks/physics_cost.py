"""What the prediction of a whole world costs: twelve ticks of eight cars and a ball, beside the bare rules.

    python -m benchmarks.physics_cost

It prints the median of both over one run, in milliseconds, and their ratio. Both step the same ticks, in turns. "bare"
calls the rules twelve times on a world that is private already; "replay" is all of ``WorldPredictor.reconcile``: the
copy of the truth, the replay with everybody's inputs, the springs of the picture, and the measured errors.
"""

from __future__ import annotations

import math
import statistics
import time
from collections.abc import Mapping
from typing import Any, Final

from pygase import Glide, WorldPrediction, WorldPredictor
from pygase.timeline.world_rules import copied

TICKS: Final = 12
CARS: Final = 8
ROUNDS: Final = 1500
WIDTH, HEIGHT, CAR, BALL = 1200.0, 700.0, 18.0, 22.0


def new_world() -> dict[str, Any]:
    """Return cars around a ball."""
    cars = {
        number + 1: {"x": 150.0 + 120.0 * number, "y": 200.0 + 35.0 * number, "vx": 0.0, "vy": 0.0, "heading": 0.0}
        for number in range(CARS)
    }
    return {"cars": cars, "ball": {"x": 600.0, "y": 350.0, "vx": 0.0, "vy": 0.0}}


def step(world: dict[str, Any], inputs: Mapping[int, tuple[int, int]], tell: Any) -> dict[str, Any]:
    """One tick: drive, bounce off the walls, push apart what overlaps, hit the ball."""
    bodies = []
    for who, car in world["cars"].items():
        drive(car, *inputs.get(who, (0, 0)))
        bodies.append((who, car))
    for index, (who, car) in enumerate(bodies):
        for other, another in bodies[index + 1 :]:
            if push(car, another, 2 * CAR, 0.5):
                tell("bump", who, other)
        if push(car, world["ball"], CAR + BALL, 0.9):
            tell("hit", who)
    roll(world["ball"])
    return world


def drive(car: dict[str, float], turn: int, gas: int) -> None:
    """Steer by a small rotation, without sin and cos, whose last bit depends on the machine."""
    car["heading"] += 0.05 * turn
    heading = car["heading"]
    share = 1.0 / (1.0 + heading * heading)
    car["vx"] = (car["vx"] + 0.3 * gas * (1.0 - heading * heading) * share) * 0.97
    car["vy"] = (car["vy"] + 0.3 * gas * 2.0 * heading * share) * 0.97
    move(car, CAR)


def roll(ball: dict[str, float]) -> None:
    """Let the ball roll out."""
    ball["vx"] *= 0.99
    ball["vy"] *= 0.99
    move(ball, BALL)


def move(body: dict[str, float], radius: float) -> None:
    """Move a body by a tick, within the walls."""
    body["x"] += body["vx"]
    body["y"] += body["vy"]
    if not radius <= body["x"] <= WIDTH - radius:
        body["x"] = min(max(body["x"], radius), WIDTH - radius)
        body["vx"] = -0.5 * body["vx"]
    if not radius <= body["y"] <= HEIGHT - radius:
        body["y"] = min(max(body["y"], radius), HEIGHT - radius)
        body["vy"] = -0.5 * body["vy"]


def push(one: dict[str, float], other: dict[str, float], reach: float, bounce: float) -> bool:
    """Push two bodies apart if they overlap; return whether they do."""
    dx, dy = other["x"] - one["x"], other["y"] - one["y"]
    square = dx * dx + dy * dy
    if square >= reach * reach or not square:
        return False
    distance = math.sqrt(square)
    dx, dy = dx / distance, dy / distance
    half = (reach - distance) / 2.0
    one["x"] -= dx * half
    one["y"] -= dy * half
    other["x"] += dx * half
    other["y"] += dy * half
    speed = (other["vx"] - one["vx"]) * dx + (other["vy"] - one["vy"]) * dy
    if speed < 0.0:
        kick = (1.0 + bounce) * speed / 2.0
        one["vx"] += kick * dx
        one["vy"] += kick * dy
        other["vx"] -= kick * dx
        other["vy"] -= kick * dy
    return True


def keys_of(who: int, tick: int) -> tuple[int, int]:
    """Return what a player presses: each holds its keys for some ticks."""
    held = (tick // 11 + 3 * who) % 7
    return (held % 3 - 1, 1 if held < 5 else -1)


def unheard(what: str, *args: Any) -> None:
    """A report to nobody."""


def measure(rounds: int = ROUNDS) -> tuple[float, float]:
    """Return the median milliseconds of twelve ticks of the bare rules, and of a reconciliation that replays twelve."""
    glide = [Glide("cars.*", "x", "y", snap=150.0), Glide("ball", "x", "y", snap=150.0)]
    predictor = WorldPredictor(WorldPrediction(step, "world", glide=glide), 1 / 60)
    predictor.owner = 1
    truth, bare, replay = new_world(), [], []
    for tick in range(rounds):
        if tick:
            truth = copied(truth)
            step(truth, {who: keys_of(who, tick) for who in truth["cars"]}, unheard)
        shared = {who: tuple(keys_of(who, tick + late) for late in range(3)) for who in truth["cars"]}
        for number in range(predictor.number + 1 if tick else 0, tick + TICKS + 1):
            predictor.predict(keys_of(1, number), number)
        began = time.perf_counter()
        predictor.reconcile({"world": truth}, tick, tick=tick, inputs=shared)
        replayed = time.perf_counter()
        predictor.view(tick / 60, 0.5, keys_of(1, tick + TICKS + 1))
        private = copied(truth)
        inputs = [{who: keys_of(who, tick + n + 1) for who in truth["cars"]} for n in range(TICKS)]
        starts = time.perf_counter()
        for each in inputs:
            private = step(private, each, unheard)
        bare.append(time.perf_counter() - starts)
        replay.append(replayed - began)
    return statistics.median(bare) * 1000, statistics.median(replay) * 1000


def main() -> None:
    """Print the figures."""
    bare, replay = measure()
    print(f"{TICKS} ticks of {CARS} cars and a ball:")
    print(f"bare rules {bare:.3f} ms, replay {replay:.3f} ms: {replay / bare:.2f} x")


if __name__ == "__main__":
    main()
