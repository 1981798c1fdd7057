"""The whole world predicted: replays, others' inputs, input delay, errors, the server's side."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks import physics_cost
from pygase import Glide, PlayerInput, WorldPrediction, WorldPredictor, step_world
from pygase.timeline.bodies import GlidingBodies
from pygase.timeline.first_guesses import FirstGuesses, is_measured
from pygase.timeline.world_prediction import wanted_delay

TICK = 1 / 60
GLIDE = [Glide("cars.*", "x"), Glide("ball", "x")]


def step(world: dict[str, Any], inputs: Mapping[int, Any], tell: Any) -> dict[str, Any]:
    ball = world["ball"]
    for who, car in world["cars"].items():
        car["x"] += 4.0 * inputs.get(who, 0)
        if abs(car["x"] - ball["x"]) < 30.0:
            ball["v"] = 6.0 if car["x"] < ball["x"] else -6.0
            tell("hit", who, ball["x"])
    ball["v"] *= 0.98
    ball["x"] += ball["v"]
    return world


def world(*cars: tuple[int, float], ball: float = 500.0) -> dict[str, Any]:
    return {"cars": {who: {"x": x} for who, x in cars}, "ball": {"x": ball, "v": 0.0}}


def predictor(me: int | None = 1, **options: Any) -> WorldPredictor:
    made = WorldPredictor(WorldPrediction(options.pop("step", step), "world", glide=GLIDE, **options), TICK)
    made.owner = me
    return made


def ticks(start: dict[str, Any], inputs: list[dict[int, Any]]) -> list[dict[str, Any]]:
    """Return the server's worlds: the start, and the world after each tick."""
    worlds = [start]
    for each in inputs:
        worlds.append(step_world(step, worlds[-1], each))
    return worlds


def test_the_own_car_and_what_it_touches_answer_at_once() -> None:
    predicted = predictor()
    predicted.reconcile({"world": world((1, 460.0))}, 0, tick=1)
    for number in range(1, 5):
        predicted.predict(1, number)
    assert predicted.predicted["cars"][1]["x"] == 476.0
    assert predicted.predicted["ball"]["x"] > 500.0
    assert [each.what for each in predicted.happenings.take()] == ["hit"]


def test_with_everybodys_inputs_known_the_prediction_is_the_truth_to_the_last_bit() -> None:
    keys = [{1: (n // 5) % 3 - 1, 2: (n // 7) % 3 - 1} for n in range(1, 61)]
    worlds = ticks(world((1, 400.0), (2, 600.0)), keys)
    predicted = predictor()
    predicted.reconcile({"world": worlds[0]}, 0, tick=1, inputs={2: (0, *[each[2] for each in keys])})
    for number, each in enumerate(keys, 1):
        predicted.predict(each[1], number)
        assert predicted.predicted == worlds[number]


@given(st.lists(st.tuples(st.integers(-1, 1), st.integers(-1, 1)), min_size=12, max_size=40), st.integers(0, 9))
def test_the_end_of_a_replay_is_the_truth_stepped_with_what_is_known(keys: list[tuple[int, int]], ahead: int) -> None:
    inputs = [{1: mine, 2: other} for mine, other in keys]
    worlds = ticks(world((1, 400.0), (2, 600.0)), inputs)
    predicted = predictor()
    for number in range(1, len(keys) + 1):
        predicted.predict(keys[number - 1][0], number)
        applied = max(number - ahead, 0)
        told = inputs[applied - 1][2] if applied else 0
        predicted.reconcile({"world": worlds[applied]}, applied, tick=number, inputs={2: (told,)})
        expected = worlds[applied]
        for mine in keys[applied:number]:
            expected = step_world(step, expected, {1: mine[0], 2: told})
        assert predicted.predicted == expected
        assert predicted.ahead == number - applied


def test_a_guess_gets_the_last_known_input_and_its_age() -> None:
    asked: list[tuple[int, Any, int]] = []

    def guess(client_id: int, last: Any, age: int) -> Any:
        asked.append((client_id, last, age))
        return 0

    predicted = predictor(guess=guess)
    predicted.reconcile({"world": world((1, 0.0), (2, 900.0))}, 0, tick=1, inputs={2: (0, 1)})
    for number in range(1, 4):
        predicted.predict(0, number)
    assert asked == [(2, 1, 1), (2, 1, 2)]
    assert predicted.predicted["cars"][2]["x"] == 904.0


def test_an_input_that_waits_during_a_rest_is_counted_from_the_state() -> None:
    predicted = predictor()
    predicted.reconcile({"world": world((1, 0.0), (2, 900.0))}, 5, tick=1, inputs={2: (0, 0, 0, 1)}, rested=2)
    predicted.predict(0, 6)
    assert predicted.predicted["cars"][2]["x"] == 904.0


def test_input_delay_sends_now_and_shows_later() -> None:
    predicted = predictor(input_delay=3)
    predicted.reconcile({"world": world((1, 0.0))}, 0, tick=1)
    for number in range(1, 7):
        predicted.predict(1, number)
    assert predicted.predicted["cars"][1]["x"] == 12.0
    assert (predicted.number, predicted.ahead) == (6, 3)


def test_a_truth_ahead_of_the_shown_tick_waits_for_it() -> None:
    keys = [{1: 1} for _ in range(12)]
    worlds = ticks(world((1, 0.0)), keys)
    predicted = predictor(input_delay=4)
    places = []
    for number in range(1, 13):
        predicted.predict(1, number)
        predicted.reconcile({"world": worlds[number]}, number, tick=number)  # the server is at once there
        places.append(predicted.predicted["cars"][1]["x"])
    steps = [b - a for a, b in pairwise(places[5:])]
    assert steps == [4.0] * len(steps)
    assert places[-1] == 4.0 * (12 - 4)


def test_a_world_that_waits_for_inputs_goes_on_when_none_are_sent() -> None:
    predicted = predictor(input_delay=2)
    predicted.reconcile({"world": world((1, 0.0))}, 0, tick=1)
    predicted.predict(0, 1)
    predicted.predict(0, 2)
    for tick in range(2, 12):
        predicted.reconcile({"world": world((1, 10.0 * tick))}, 2, tick=tick)
    assert predicted.predicted["cars"][1]["x"] >= 80.0


def test_automatic_delay_is_none_on_a_near_server_and_at_most_four_ticks() -> None:
    assert wanted_delay(0.05, TICK, 0) == 0
    assert wanted_delay(0.158, TICK, 0) == 2
    assert wanted_delay(0.5, TICK, 0) == 4
    assert wanted_delay(0.158, TICK, 2) == wanted_delay(0.17, TICK, 2) == 2  # it does not swing


def test_bodies_come_and_go_and_come_back() -> None:
    predicted = predictor()
    for tick, cars in enumerate([((1, 0.0),), ((1, 0.0), (2, 50.0)), ((1, 0.0),), ((1, 0.0), (2, 90.0))], 1):
        predicted.reconcile({"world": world(*cars)}, tick, tick=tick, inputs={2: (1,)} if len(cars) > 1 else {})
        predicted.predict(0, tick + 1)
        drawn = predicted.view(tick * TICK, 0.5, 0)
        assert set(drawn["cars"]) == {who for who, _ in cars}
    assert predicted.predicted["cars"][2]["x"] == 94.0


def test_a_world_that_goes_leaves_nothing_to_draw_and_may_come_again() -> None:
    predicted = predictor()
    predicted.reconcile({"world": world((1, 0.0))}, 1, tick=1)
    predicted.predict(1, 2)
    predicted.reconcile({"score": 3}, 2, tick=2)
    predicted.predict(1, 3)
    assert predicted.view(0.1, 0.5, 1) is None
    predicted.reconcile({"world": world((1, 7.0))}, 3, tick=3)
    assert predicted.view(0.2)["cars"][1]["x"] == 7.0


def test_a_spectator_sees_the_world_move_by_the_others_inputs() -> None:
    predicted = predictor(me=9)  # no car has this id
    predicted.reconcile({"world": world((1, 0.0), (2, 100.0))}, 0, tick=1, inputs={1: (1,), 2: (-1,)})
    for number in range(1, 4):
        predicted.predict(0, number)
    assert {who: car["x"] for who, car in predicted.predicted["cars"].items()} == {1: 12.0, 2: 88.0}


def test_a_step_that_raises_leaves_the_world_and_the_inputs_as_they_were() -> None:
    def fragile(world: dict[str, Any], inputs: Mapping[int, Any]) -> dict[str, Any]:
        world["cars"][1]["x"] += 1.0
        if inputs[1] == "bad":
            raise RuntimeError("a fault of the rules")
        world["cars"][1]["x"] += 1.0
        return world

    predicted = predictor(step=fragile)
    predicted.reconcile({"world": world((1, 0.0))}, 0, tick=1)
    predicted.predict("good", 1)
    with pytest.raises(RuntimeError, match="a fault of the rules"):
        predicted.predict("bad", 2)
    assert predicted.predicted["cars"][1]["x"] == 2.0
    predicted.predict("good", 3)
    assert predicted.predicted["cars"][1]["x"] == 4.0
    with pytest.raises(RuntimeError):
        predicted.view(0.0, 0.5, "bad")
    assert predicted.predicted["cars"][1]["x"] == 4.0


def test_a_truth_is_never_changed() -> None:
    truth = {"world": world((1, 460.0))}
    before = copy.deepcopy(truth)
    predicted = predictor()
    predicted.reconcile(truth, 0, tick=1)
    for number in range(1, 20):
        predicted.predict(1, number)
        predicted.view(number * TICK, 0.5, 1)["ball"]["x"] = -1.0
    assert truth == before
    assert predicted.predicted["ball"]["x"] > 0.0


def test_first_guesses_are_measured_by_body_in_its_own_unit() -> None:
    keys = [{1: 1, 2: 1} for _ in range(40)]
    worlds = ticks(world((1, -4000.0), (2, 4000.0)), keys)
    predicted = predictor()
    for number in range(1, 41):
        predicted.predict(1, number)
        applied = max(number - 4, 0)
        predicted.reconcile({"world": worlds[applied]}, applied, tick=number, inputs={2: (0,)})  # they all guess wrong
    errors = predicted.errors
    assert set(errors) == {"cars.1", "cars.2", "ball"}
    assert errors["cars.1"].p99 == errors["ball"].p99 == 0.0
    assert (errors["cars.2"].p50, errors["cars.2"].p99) == (20.0, 20.0)
    assert errors["cars.2"].measured == sum(map(is_measured, range(1, 37)))


def test_a_difference_within_the_declared_precision_is_no_error() -> None:
    predicted = predictor()
    predicted.precision = {"cars.*.x": 0.5}
    for number in range(4, 40):
        predicted.predict(0, number)
        predicted.reconcile({"world": world((1, 0.0))}, number - 1, tick=2 * number)
        predicted.reconcile({"world": world((1, 0.4), ball=500.4)}, number, tick=2 * number + 1)
    assert predicted.errors["cars.1"].p99 == 0.0
    assert predicted.errors["ball"].p99 == pytest.approx(0.4)


def test_a_kick_off_is_no_error_if_it_is_a_jump() -> None:
    made = WorldPredictor(WorldPrediction(step, "world", glide=Glide("cars.*", "x", snap=50.0)), TICK)
    made.owner = 1
    jumps, glides = (number for number in range(1, 8) if is_measured(number))
    made.reconcile({"world": world((1, 0.0))}, 0, tick=1)
    for number in range(1, jumps + 1):
        made.predict(0, number)
    made.reconcile({"world": world((1, 300.0))}, jumps, tick=2)
    for number in range(jumps + 1, glides + 1):
        made.predict(0, number)
    made.reconcile({"world": world((1, 310.0))}, glides, tick=3)
    assert made.errors["cars.1"].measured == 1


def test_a_thing_that_is_simulated_thirty_times_happens_once() -> None:
    keys = [{1: 1} for _ in range(60)]
    worlds = ticks(world((1, 440.0)), keys)
    predicted = predictor()
    heard = []
    for number in range(1, 61):
        predicted.predict(1, number)
        applied = max(number - 10, 0)
        predicted.reconcile({"world": worlds[applied]}, applied, tick=number)
        predicted.view(number * TICK, 0.5, 1)
        heard += predicted.happenings.take()
    assert not any(each.taken_back for each in heard)
    told: list[int] = []
    for number, each in enumerate(keys):
        step_world(step, worlds[number], each, lambda what, who, x, at=number: told.append(at))
    contacts = sum(b - a > 8 for a, b in pairwise(told)) + 1
    assert [each.what for each in heard] == ["hit"] * contacts


def test_a_hit_that_the_truth_refutes_is_taken_back_once() -> None:
    predicted = predictor()
    predicted.reconcile({"world": world((1, 470.0))}, 0, tick=1)
    predicted.predict(1, 1)
    assert [each.what for each in predicted.happenings.take()] == ["hit"]
    heard = []
    for number in range(2, 30):
        predicted.predict(0, number)
        predicted.reconcile({"world": world((1, 0.0), ball=900.0)}, max(number - 4, 0), tick=number)
        heard += predicted.happenings.take()
    assert [(each.what, each.taken_back) for each in heard] == [("hit", True)]


def test_the_server_runs_the_same_step_in_one_line() -> None:
    start = world((2, 0.0), (1, 460.0))
    heard: list[tuple[Any, ...]] = []
    inputs = {2: PlayerInput(1, 7, 0, None), 1: PlayerInput(1, 9, 0, None)}
    after = step_world(step, start, inputs, lambda *told: heard.append(told))
    for _ in range(2):
        after = step_world(step, after, inputs, lambda *told: heard.append(told))
    assert start == world((2, 0.0), (1, 460.0))
    assert after["cars"] == {1: {"x": 472.0}, 2: {"x": 12.0}}
    assert heard == [("hit", 1, 500.0)]


def test_both_sides_walk_over_bodies_and_inputs_in_the_order_of_their_keys() -> None:
    seen: list[tuple[list[Any], list[int]]] = []

    def look(world: dict[str, Any], inputs: Mapping[int, Any]) -> dict[str, Any]:
        seen.append((list(world["cars"]), list(inputs)))
        return world

    start = {"cars": {"b": {}, 10: {}, "a": {}, 9: {}}}
    step_world(look, start, {3: 0, 1: 0, 2: 0})
    predicted = predictor(step=look, me=2)
    predicted.reconcile({"world": start}, 0, tick=1, inputs={3: (0,), 1: (0,)})
    predicted.predict(0, 1)
    assert seen == [([9, 10, "a", "b"], [1, 2, 3])] * 2


def test_a_step_that_returns_nothing_or_needs_more_is_refused() -> None:
    with pytest.raises(TypeError, match="return the whole world"):
        step_world(lambda world, inputs: None, {}, {})
    with pytest.raises(TypeError, match="'extra'"):
        WorldPrediction(lambda world, inputs, extra: world, "world")
    for wrong in ({"input_delay": -1}, {"input_delay": 16}, {"input_delay": True}, {"max_ahead": 0}, {"within": -1}):
        with pytest.raises(ValueError, match=next(iter(wrong))):
            WorldPrediction(step, "world", **wrong)


def test_twelve_ticks_of_a_physics_game_end_where_the_server_ends() -> None:
    truth = physics_cost.new_world()
    predicted = WorldPredictor(WorldPrediction(physics_cost.step, "world"), TICK)
    predicted.owner = 1
    keys = [{who: physics_cost.keys_of(who, n) for who in truth["cars"]} for n in range(1, 13)]
    predicted.reconcile(
        {"world": truth}, 0, tick=1, inputs={who: (None, *[each[who] for each in keys]) for who in truth["cars"]}
    )
    for number, each in enumerate(keys, 1):
        predicted.predict(each[1], number)
    for each in keys:
        truth = step_world(physics_cost.step, truth, each)
    assert predicted.predicted == truth


@pytest.mark.parametrize("odd", [0, 1])
def test_errors_are_measured_also_if_states_arrive_for_every_second_tick_alone(odd: int) -> None:
    guesses = FirstGuesses(GlidingBodies([Glide("ball", "x")]))
    for number in range(400):
        guesses.guess(number, {"ball": {"x": float(number)}})
        if number % 2 == odd:
            guesses.truth(number, {"ball": {"x": number + 3.0}})
    spread = guesses.spreads()["ball"]
    assert (spread.p50, spread.p99) == (3.0, 3.0)
    assert 30 < spread.measured < 70
