"""Springs between picture and prediction: no jump of place or speed, points as points, angles the short way."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pygase import Glide, Predictor, WorldPrediction, WorldPredictor
from pygase.timeline.bodies import GlidingBodies
from pygase.timeline.springs import Motion, Springs

TICK = 1 / 60


def springs_of(*glides: Glide) -> tuple[GlidingBodies, Springs]:
    bodies = GlidingBodies(glides)
    return bodies, Springs(bodies, TICK)


def motion(bodies: GlidingBodies, before: Any, here: Any) -> Motion:
    return Motion(bodies.read(before), bodies.read(here), bodies.marks(here))


def error(springs: Springs) -> list[list[float]]:
    springs.fade(0.0)  # a picture of the same moment
    return list(springs.errors().values())


def test_a_correction_changes_neither_the_place_nor_the_speed_of_the_picture() -> None:
    bodies, springs = springs_of(Glide("ball", "x", time=0.2))
    springs.fade(0.0)
    old = motion(bodies, {"ball": {"x": 98.0}}, {"ball": {"x": 100.0}})  # 120 units a second
    new = motion(bodies, {"ball": {"x": 111.0}}, {"ball": {"x": 110.0}})  # -60 units a second
    springs.correct(old, new, None)
    ((start,),) = error(springs)
    springs.fade(1e-6)
    ((then,),) = error(springs)
    assert start == -10.0
    assert (then - start) / 1e-6 - 60.0 == pytest.approx(120.0, abs=0.1)


def test_the_error_fades_by_95_per_cent_in_its_time_without_overshoot() -> None:
    bodies, springs = springs_of(Glide("ball", "x", time=0.2))
    springs.fade(0.0)
    here = motion(bodies, {"ball": {"x": 0.0}}, {"ball": {"x": 0.0}})
    springs.correct(here, motion(bodies, {"ball": {"x": 10.0}}, {"ball": {"x": 10.0}}), None)
    assert error(springs) == [[-10.0]]
    seen = []
    for frame in range(1, 60):
        springs.fade(frame * TICK)
        seen += [each[0] for each in springs.errors().values()]
    assert seen[11] == pytest.approx(-0.5, abs=1e-6)  # after 0.2 s
    assert all(a < b < 0.0 for a, b in pairwise(seen))
    assert springs.size == 0.0


@given(st.lists(st.floats(-50.0, 50.0), min_size=2, max_size=8))
def test_corrections_on_top_of_each_other_never_let_the_picture_jump(jumps: list[float]) -> None:
    bodies, springs = springs_of(Glide("ball", "x", time=0.2))
    place, drawn = 0.0, 0.0
    springs.fade(0.0)
    for frame, jump in enumerate(jumps, 1):
        old = motion(bodies, {"ball": {"x": place}}, {"ball": {"x": place}})
        place += jump
        springs.correct(old, motion(bodies, {"ball": {"x": place}}, {"ball": {"x": place}}), None)
        assert place + sum(each[0] for each in error(springs)) == pytest.approx(drawn, abs=1e-6)
        springs.fade(frame * TICK)
        drawn = place + sum(each[0] for each in error(springs))


def test_a_point_stays_a_point_when_it_jumps() -> None:
    bodies, springs = springs_of(Glide("ball", "x", "y", snap=150.0))
    springs.fade(0.0)
    old = motion(bodies, {"ball": {"x": 0.0, "y": 0.0}}, {"ball": {"x": 0.0, "y": 0.0}})
    near = motion(bodies, {"ball": {"x": 100.0, "y": 100.0}}, {"ball": {"x": 100.0, "y": 100.0}})
    far = motion(bodies, {"ball": {"x": 400.0, "y": 100.0}}, {"ball": {"x": 400.0, "y": 100.0}})
    springs.correct(old, near, None)
    assert error(springs) == [[-100.0, -100.0]]
    springs.correct(near, far, None)
    assert error(springs) == []


def test_an_angle_turns_the_short_way_round() -> None:
    bodies, springs = springs_of(Glide("cars.*", "heading", angle="degrees"))
    springs.fade(0.0)
    old = motion(bodies, {"cars": {1: {"heading": 350.0}}}, {"cars": {1: {"heading": 355.0}}})
    new = motion(bodies, {"cars": {1: {"heading": 0.0}}}, {"cars": {1: {"heading": 5.0}}})
    springs.correct(old, new, None)
    assert error(springs) == [[-10.0]]
    springs.fade(1e-6)  # both turn at the same speed, though one of them went over 360
    assert error(springs)[0][0] == pytest.approx(-10.0, abs=1e-3)


def test_my_own_body_has_its_own_time() -> None:
    bodies = GlidingBodies([Glide("cars.*", "x", time=0.3, mine=0.1), Glide("ball", "x", time=0.2)])
    here = bodies.read({"cars": {1: {"x": 0.0}, "7": {"x": 0.0}}, "ball": {"x": 0.0}})
    assert {body.path: bodies.time(body, 7) for body in here} == {"cars.1": 0.3, "cars.7": 0.1, "ball": 0.2}


def test_a_changed_mark_is_a_jump() -> None:
    bodies, springs = springs_of(Glide("cars.*", "x", snap_on="cars.*.teleports"))
    springs.fade(0.0)
    states = [{"cars": {1: {"x": x, "teleports": count}}} for x, count in ((0.0, 0), (5.0, 0), (40.0, 1))]
    springs.correct(motion(bodies, states[0], states[0]), motion(bodies, states[1], states[1]), None)
    assert error(springs) == [[-5.0]]
    springs.correct(motion(bodies, states[1], states[1]), motion(bodies, states[2], states[2]), None)
    assert error(springs) == []


def test_lists_and_the_whole_part_are_bodies_as_well() -> None:
    bodies = GlidingBodies([Glide("", "place"), Glide("cars", "1", "2")])
    part = {"place": [1.0, 2.0], "cars": {1: 3.0, 2: 4}}
    read = bodies.read(part)
    assert sorted(read.values()) == [(1.0, 2.0), (3.0, 4)]
    bodies.write(part, {body: tuple(value + 1 for value in values) for body, values in read.items()})
    assert part == {"place": [2.0, 3.0], "cars": {1: 4.0, 2: 5}}


def test_without_rules_every_float_glides() -> None:
    bodies = GlidingBodies()
    part = {"cars": {1: {"x": 1.0, "name": "a"}}, "ball": [2.0, 3.0, "red"], "tick": 7}
    assert sorted(bodies.read(part).values()) == [(1.0,), (2.0, 3.0)]


def test_a_world_draws_its_correction_and_simulates_without_it() -> None:
    def step(world: dict[str, Any], inputs: Any) -> dict[str, Any]:
        world["cars"][2]["x"] += 4.0 * inputs.get(2, 0)
        return world

    predictor = WorldPredictor(WorldPrediction(step, "world", glide=Glide("cars.*", "x")), TICK)
    predictor.owner = 1
    predictor.reconcile({"world": {"cars": {2: {"x": 0.0}}}}, 0, tick=1, inputs={2: (1,)})
    drawn = []
    for number in range(1, 40):
        predictor.predict(0, number)
        if number == 10:  # it stopped five ticks ago
            predictor.reconcile({"world": {"cars": {2: {"x": 20.0}}}}, 5, tick=2, inputs={2: (0,)})
        drawn.append(predictor.view(number * TICK)["cars"][2]["x"])
    assert predictor.predicted["cars"][2]["x"] == 20.0
    ways = [b - a for a, b in pairwise(drawn)]
    kinks = [abs(b - a) for a, b in pairwise(ways)]
    assert max(kinks) < 4.0  # a jump to the truth would be 24 units a frame²
    assert drawn[-1] == pytest.approx(20.0, abs=0.5)


def test_wrong_rules_are_refused() -> None:
    for wrong in ([], ["x.y"], ["*"]):
        with pytest.raises(ValueError, match="Glide expected"):
            Glide("cars.*", *wrong)
    for options in ({"time": -1.0}, {"mine": float("inf")}, {"snap": -1.0}, {"angle": "turns"}, {"period": 0}):
        with pytest.raises(ValueError, match=next(iter(options))):
            Glide("cars.*", "x", **options)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="named twice"):
        GlidingBodies([Glide("ball", "x"), Glide("ball", "x", "y")])
    with pytest.raises(TypeError, match="Glide"):
        GlidingBodies(["ball.x"])  # type: ignore[list-item]


def test_the_players_own_part_glides_by_the_same_rules() -> None:
    predictor = Predictor(
        lambda mine, way: {**mine, "x": mine["x"] + 4.0 * way}, lambda s: s["me"], smooth=Glide("", "x")
    )
    predictor.reconcile({"me": {"x": 0.0}}, 0, tick=1)
    drawn = []
    for number in range(1, 30):
        predictor.predict(1, number)
        if number == 10:
            predictor.reconcile({"me": {"x": 0.0}}, 5, tick=2)  # the server has stopped it until then
        drawn.append(predictor.view(number * TICK, 0.0, 1)["x"])
    ways = [b - a for a, b in pairwise(drawn)]
    assert max(abs(b - a) for a, b in pairwise(ways)) < 5.0  # a jump would be 20 units a frame²
    assert drawn[-1] == pytest.approx(predictor.predicted["x"], abs=0.5)
    with pytest.raises(TypeError, match="not both"):
        Predictor(lambda mine, way: mine, lambda state: state, smooth=[Glide("", "x"), "y"])


def test_a_point_without_rules_jumps_as_a_whole() -> None:
    predictor = Predictor(lambda mine, way: mine, lambda state: state["me"], snap_distance=150.0)
    predictor.reconcile({"me": {"x": 0.0, "y": 0.0}}, 0, tick=1)
    predictor.view(0.0)
    predictor.reconcile({"me": {"x": 400.0, "y": 100.0}}, 1, tick=2)
    assert predictor.view(0.0) == {"x": 400.0, "y": 100.0}
    predictor.reconcile({"me": {"x": 410.0, "y": 110.0}}, 2, tick=3)
    assert predictor.view(0.0) == {"x": 400.0, "y": 100.0}
