"""Worlds of many bodies: those near the player are predicted, the rest is interpolated; a change of sides glides."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from typing import Any

import pytest

from pygase import Glide, WorldPrediction, WorldPredictor
from pygase.timeline.bodies import GlidingBodies
from pygase.timeline.switching import BLEND, Switching

TICK = 1 / 60
GLIDE = [Glide("cars.*", "x", snap=100.0)]
REACH = 50.0


def world(**places: float) -> dict[str, Any]:
    return {"cars": {int(who[1:]): {"x": x} for who, x in places.items()}, "wind": 1}


def step(world: dict[str, Any], inputs: Mapping[int, Any]) -> dict[str, Any]:
    stepped.append(len(world["cars"]))
    for who, car in world["cars"].items():
        car["x"] += 3.0 * inputs.get(who, 1)
    return world


stepped: list[int] = []


def near(world: Mapping[str, Any], me: int | None) -> dict[str, Any]:
    mine = world["cars"][me]["x"]
    return {**world, "cars": {who: car for who, car in world["cars"].items() if abs(car["x"] - mine) < REACH}}


def predictor(**options: Any) -> WorldPredictor:
    made = WorldPredictor(WorldPrediction(step, "world", glide=GLIDE, near=near, **options), TICK)
    made.owner = 1
    return made


def test_only_what_is_near_is_stepped_and_the_rest_is_drawn_as_it_is_interpolated() -> None:
    made = predictor()
    truth = world(c1=0.0, c2=20.0, c3=500.0)
    made.reconcile({"world": truth}, 0, tick=1)
    stepped.clear()
    for number in range(1, 11):
        made.predict(1, number)
    assert set(stepped) == {2}
    shown = made.view(0.0, around=world(c1=-9.0, c2=11.0, c3=491.0))
    assert {who: car["x"] for who, car in shown["cars"].items()} == {1: 30.0, 2: 50.0, 3: 491.0}
    assert truth == world(c1=0.0, c2=20.0, c3=500.0)


def test_a_replay_of_60_bodies_of_which_8_are_near_steps_8() -> None:
    made = predictor()
    places = {f"c{who}": (who - 1) * 6.0 if who <= 8 else 1000.0 + who for who in range(1, 61)}
    stepped.clear()
    for tick in range(1, 20):
        made.predict(1, tick)
        made.reconcile({"world": world(**places)}, max(tick - 12, 0), tick=tick)
    assert set(stepped) == {8}


@pytest.mark.parametrize("comes", [True, False])
def test_a_body_that_changes_sides_glides_to_its_new_place(comes: bool) -> None:
    """The predicted place is 40 units ahead of the interpolated one."""
    switching = Switching(GlidingBodies(GLIDE))
    drawn, at = [], 0.0
    for frame in range(60):
        at = frame / 60
        x = 2.0 * frame
        is_near = comes == (frame >= 20)
        predicted = world(c1=x + 40.0, c2=x + 40.0) if is_near else world(c1=x + 40.0)
        drawn.append(switching.joined(world(c1=x, c2=x), predicted, at)["cars"][2]["x"] - x)
    start, end = (0.0, 40.0) if comes else (40.0, 0.0)
    assert drawn[19] == start
    assert all(abs(b - a) <= 40.0 * 1.5 / (BLEND * 60) + 2.1 for a, b in itertools.pairwise(drawn)), "no jump"
    assert drawn[-1] == end
    assert drawn[20 + round(BLEND * 60) + 1] == end


def test_a_body_that_changes_sides_twice_within_the_blend_never_jumps() -> None:
    switching = Switching(GlidingBodies(GLIDE))
    drawn = []
    for frame in range(80):
        is_near = frame < 20 or 30 <= frame < 36 or frame >= 50
        predicted = world(c1=0.0, c2=40.0) if is_near else world(c1=0.0)
        drawn.append(switching.joined(world(c1=0.0, c2=0.0), predicted, frame / 60)["cars"][2]["x"])
    assert max(abs(b - a) for a, b in itertools.pairwise(drawn)) < 6.0
    assert drawn[-1] == 40.0


def test_a_body_that_is_farther_off_than_snap_changes_sides_at_once() -> None:
    switching = Switching(GlidingBodies(GLIDE))
    switching.joined(world(c1=0.0, c2=0.0), world(c1=0.0), 0.0)
    shown = switching.joined(world(c1=0.0, c2=0.0), world(c1=0.0, c2=150.0), 0.01)
    assert shown["cars"][2]["x"] == 150.0


def test_without_near_all_is_predicted() -> None:
    made = WorldPredictor(WorldPrediction(step, "world", glide=GLIDE), TICK)
    made.owner = 1
    made.reconcile({"world": world(c1=0.0, c3=500.0)}, 0, tick=1)
    stepped.clear()
    made.predict(1, 1)
    assert stepped == [2]


def test_what_is_no_function_and_no_world_is_refused() -> None:
    with pytest.raises(TypeError, match=r"near must be a function of \(world, me\)"):
        WorldPrediction(step, "world", near="cars")  # type: ignore[arg-type]
    made = WorldPredictor(WorldPrediction(step, "world", near=lambda world, me: [1]), TICK)  # type: ignore[arg-type,return-value]
    with pytest.raises(TypeError, match="near must return a part of the world"):
        made.reconcile({"world": world(c1=0.0)}, 0, tick=1)
