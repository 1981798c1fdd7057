"""A player's own part of the world: shown at once, right in the end, and never jumping on the way."""

from __future__ import annotations

import copy
import itertools
import math
import random
from collections import deque
from collections.abc import Callable
from types import MappingProxyType
from typing import Any, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from games.pong import rules as pong
from pygase.errors import InPlaceChange
from pygase.timeline.interpolation import Interpolate
from pygase.timeline.prediction import MAX_PENDING_INPUTS, Predictor
from pygase.timeline.ticks import FixedTimestep


def walk(mine: dict[str, Any], direction: int) -> dict[str, Any]:
    """Three units a tick: numbers that a test can add up."""
    return {**mine, "x": mine["x"] + 3.0 * direction}


def glide(mine: dict[str, Any], direction: int) -> dict[str, Any]:
    """Rules whose results are rounded in each tick, so that any other order of steps would show in the last bits."""
    speed = mine["speed"] * 0.93 + direction * 0.71
    return {**mine, "x": mine["x"] + speed / 3, "speed": speed}


def paddle(mine: dict[str, Any], direction: int) -> dict[str, Any]:
    """Pong's own rule."""
    return {**mine, "y": pong.move_paddle(mine["y"], direction)}


def me(game_state: Any) -> Any:
    return game_state["players"].get("me")


def world(mine: Any) -> dict[str, Any]:
    return {"players": {"me": mine}}


def walker(**options: Any) -> Predictor:
    """A predictor that has received x = 0 before any input, and shown it at 0.0 s."""
    predictor = Predictor(walk, me, **options)
    assert predictor.reconcile(world({"x": 0.0}), None)
    assert predictor.view(0.0) == {"x": 0.0}
    return predictor


def shown(predictor: Predictor, now: float = 0.0) -> float:
    x: float = predictor.view(now)["x"]
    return x


# ---------------------------------------------------------------------------------------------- at once


def test_before_anything_of_mine_there_is_nothing_to_draw():
    predictor = Predictor(walk, me)
    predictor.predict(1, 0)
    assert predictor.view(0.0) is predictor.predicted is None
    assert predictor.reconcile({"players": {}}, None)
    assert predictor.view(0.0, 0.5, 1) is None


def test_a_predicted_input_shows_in_the_next_view():
    predictor = walker()
    predictor.predict(1, 0)
    assert predictor.view(0.0) == predictor.predicted == {"x": 3.0}


def test_inputs_given_before_the_first_state_are_applied_to_it():
    predictor = Predictor(walk, me)
    for number in range(4):
        predictor.predict(1, number)
    predictor.reconcile(world({"x": 100.0}), 1)
    assert predictor.view(0.0) == {"x": 106.0}


@pytest.mark.parametrize(("fraction", "x"), [(0.0, 3.0), (0.25, 3.75), (0.5, 4.5), (1.0, 6.0)])
def test_the_input_under_way_shows_as_far_as_its_tick_has_come(fraction, x):
    predictor = walker()
    predictor.predict(1, 0)
    assert predictor.view(0.0, fraction, 1)["x"] == x
    assert predictor.predicted == {"x": 3.0}, "nothing has been predicted by looking"


def test_without_a_fraction_the_last_tick_is_drawn():
    predictor = walker()
    predictor.predict(1, 0)
    assert predictor.view(0.0) is predictor.predicted


@pytest.mark.parametrize(("fraction", "x"), [(-1.0, 3.0), (0.0, 3.0), (0.25, 3.75), (1.0, 6.0), (2.0, 6.0)])
@pytest.mark.parametrize("acknowledged", [None, 0, 1])
def test_without_the_input_under_way_the_last_tick_is_gone_through(fraction, x, acknowledged):
    """Whether or not the server has answered meanwhile."""
    predictor = walker()
    predictor.predict(1, 0)
    predictor.predict(1, 1)
    if acknowledged is not None:
        predictor.reconcile(world({"x": 3.0 * (acknowledged + 1)}), acknowledged)
    assert predictor.view(0.0, fraction)["x"] == pytest.approx(x)


def test_the_last_tick_is_gone_through_as_the_truth_says():
    predictor = walker(smoothing_time=0.0)
    for number in range(3):
        predictor.predict(1, number)
    predictor.reconcile(world({"x": 100.0}), 0)
    assert predictor.view(0.0, 0.5)["x"] == 104.5
    predictor.reconcile(world({"x": 200.0}), 1)
    assert predictor.view(0.0, 0.5)["x"] == 201.5


def test_what_does_not_glide_shows_at_once_that_it_is_about_to_change():
    """A flash at the muzzle would be a tick late if it waited for the end of the tick."""

    def fire(mine: dict[str, Any], trigger: bool) -> dict[str, Any]:
        shots = [*mine["shots"], 0.0] if trigger else mine["shots"]
        return {"x": mine["x"] + 4.0, "firing": trigger, "ammo": mine["ammo"] - trigger, "shots": shots}

    predictor = Predictor(fire, me)
    predictor.reconcile(world({"x": 0.0, "firing": False, "ammo": 5, "shots": []}), None)
    assert predictor.view(0.0, 0.25, True) == {"x": 1.0, "firing": True, "ammo": 4, "shots": [0.0]}


def test_letting_go_in_the_middle_of_a_tick_recoils_only_if_the_picture_runs_ahead():
    predictor = walker()
    predictor.predict(1, 0)
    ahead = [predictor.view(0.0, fraction, input)["x"] for fraction, input in [(0.5, 1), (0.75, 0)]]
    behind = [predictor.view(0.0, fraction)["x"] for fraction in [0.5, 0.75]]
    assert (ahead, behind) == ([4.5, 3.0], [1.5, 2.25])


def test_none_is_an_input_like_any_other():
    predictor = Predictor(lambda mine, input: {"x": mine["x"] + (1.0 if input is None else 5.0)}, me)
    predictor.reconcile(world({"x": 0.0}), None)
    predictor.predict(None, 0)
    assert predictor.view(0.0, 0.5, None) == {"x": 1.5}


# ---------------------------------------------------------------------------------------------- right in the end


def test_the_truth_replaces_what_was_predicted_and_the_rest_is_replayed_on_it():
    predictor = walker()
    for number in range(5):
        predictor.predict(1, number)
    assert predictor.reconcile(world({"x": 1009.0}), 2)
    assert predictor.predicted == {"x": 1015.0}
    assert predictor.pending == 2


def test_where_the_truth_is_as_predicted_nothing_is_corrected_to_the_last_bit(rng: random.Random):
    predictor, truth = Predictor(glide, me), {"x": 0.1, "speed": 0.0}
    predictor.reconcile(world(truth), None)
    inputs = deque[int]()
    for number in range(1000):
        inputs.append(rng.choice([-1, 0, 1]))
        predictor.predict(inputs[-1], number)
        drawn = predictor.view(number / 60)
        if number >= 10:
            truth = glide(truth, inputs.popleft())
            predictor.reconcile(world(copy.deepcopy(truth)), number - 10)
        assert predictor.view(number / 60) == drawn == predictor.predicted
        assert predictor.last_error == predictor.visible_error == predictor.corrections == 0


def test_a_replay_after_a_correction_is_to_the_last_bit_what_the_server_will_compute():
    predictor, truth = Predictor(glide, me), {"x": 0.1, "speed": 5.3}
    predictor.reconcile(world({"x": 0.3, "speed": -0.7}), None)
    for number in range(50):
        predictor.predict(number % 3 - 1, number)
    predictor.reconcile(world(truth), -1)
    assert predictor.corrections == 1
    for number in range(50):
        truth = glide(truth, number % 3 - 1)
    assert predictor.predicted == truth
    assert predictor.reconcile(world(truth), 49)
    assert (predictor.corrections, predictor.last_error) == (1, 0.0)


def test_a_truth_that_was_expected_is_not_replayed():
    steps = 0

    def counted(mine: Any, input: int) -> Any:
        nonlocal steps
        steps += 1
        return walk(mine, input)

    predictor = Predictor(counted, me)
    predictor.reconcile(world({"x": 0.0}), None)
    for number in range(30):
        predictor.predict(1, number)
    predictor.reconcile(world({"x": 33.0}), 10)
    predictor.reconcile(world({"x": 33.0}), 10)  # the server waits for the next input, and nothing else happens
    assert steps == 30


@pytest.mark.parametrize(("applied", "tick"), [(2, None), (None, None), (9, 5), (9, 6), (2, 6)])
def test_a_state_that_is_older_or_the_same_again_is_ignored(applied, tick):
    predictor = walker()
    for number in range(8):
        predictor.predict(1, number)
    predictor.reconcile(world({"x": 12.0}), 3, tick=6)
    assert not predictor.reconcile(world({"x": -500.0}), applied, tick=tick)
    assert (predictor.predicted, predictor.pending, predictor.corrections) == ({"x": 24.0}, 4, 0)


def test_the_same_inputs_in_a_newer_state_are_no_reason_to_ignore_it():
    """The server ran ticks without input: it repeated the last one, or another player pushed this one."""
    predictor = walker()
    predictor.predict(1, 0)
    predictor.predict(1, 1)
    predictor.reconcile(world({"x": 3.0}), 0, tick=1)
    assert predictor.reconcile(world({"x": 6.0}), 0, tick=2)
    assert predictor.predicted == {"x": 9.0}


def test_an_input_that_the_server_skipped_is_a_correction():
    predictor = walker()
    for number in range(4):
        predictor.predict(1, number)
    predictor.reconcile(world({"x": 3.0}), 1)  # 0 was applied, 1 arrived too late
    assert (predictor.corrections, predictor.last_error, predictor.predicted) == (1, 3.0, {"x": 9.0})


def test_numbers_may_be_left_out_and_acknowledged_all_the_same():
    predictor = walker()
    for number in (0, 1, 5, 6):
        predictor.predict(1, number)
    predictor.reconcile(world({"x": 6.0}), 3)
    assert (predictor.predicted, predictor.pending, predictor.corrections) == ({"x": 12.0}, 2, 0)


def test_a_difference_that_is_gone_once_all_is_replayed_is_no_correction():
    """A push against the wall, or a whole number instead of a float: the screen never showed an error."""
    predictor = Predictor(paddle, me)
    predictor.reconcile(world({"y": 30.0}), None)
    for number in range(10):
        predictor.predict(-1, number)
    predictor.reconcile(world({"y": 25}), 1)
    assert (predictor.predicted, predictor.corrections, predictor.last_error) == ({"y": pong.PADDLE_HALF}, 0, 0.0)
    predictor.reconcile(world({"y": 17}), 9)
    assert predictor.corrections == 0


def test_rules_that_lead_to_no_number_are_no_correction_either_if_that_was_predicted():
    predictor = Predictor(lambda mine, _: {"x": mine["x"] * math.inf - math.inf}, me)
    predictor.reconcile(world({"x": 1.0}), None)
    predictor.predict(1, 0)
    predictor.reconcile(world({"x": 2.0}), None, tick=1)
    assert math.isnan(predictor.predicted["x"])
    assert (predictor.corrections, predictor.visible_error) == (0, 0.0)


def test_more_applied_than_predicted_is_the_truth_itself():
    predictor = walker()
    predictor.predict(1, 0)
    predictor.reconcile(world({"x": 50.0}), 7)
    assert (predictor.predicted, predictor.pending) == ({"x": 50.0}, 0)


def test_when_nothing_is_mine_any_more_prediction_ends_and_begins_anew_without_gliding():
    """Killed at x = 3, back at x = 500: no flight from one to the other is shown."""
    predictor = walker()
    for number in range(6):
        predictor.predict(1, number)
    predictor.reconcile(world({"x": 9.0 + 50.0}), 1)
    assert predictor.visible_error == 53.0, "an error is fading just then"
    predictor.reconcile({"players": {}}, 2)
    assert predictor.view(0.0) is None
    predictor.reconcile(world({"x": 500.0}), 3)
    assert predictor.view(0.0) == {"x": 506.0}
    assert predictor.visible_error == 0.0


def test_a_reset_is_for_a_new_connection_with_numbers_of_its_own():
    predictor = walker()
    predictor.predict(1, 70)
    predictor.reconcile(world({"x": 3.0}), 70, tick=900)
    predictor.reset()
    assert predictor.view(0.0) is None
    predictor.predict(1, 0)
    assert predictor.reconcile(world({"x": 0.0}), None, tick=1)
    assert predictor.predicted == {"x": 3.0}


# ---------------------------------------------------------------------------------------------- never jumping


def pushed(by: float = 50.0, **options: Any) -> Predictor:
    """A predictor that learns at 0.0 s of an offset to the right."""
    predictor = walker(**options)
    predictor.reconcile(world({"x": by}), None)
    return predictor


def test_at_the_moment_of_a_correction_the_picture_stays_where_it_was():
    predictor = pushed()
    assert shown(predictor, now=0.0) == 0.0
    assert (predictor.visible_error, predictor.last_error, predictor.predicted) == (50.0, 50.0, {"x": 50.0})


def test_what_was_never_shown_does_not_glide():
    predictor = Predictor(walk, me)
    predictor.reconcile(world({"x": 0.0}), None)
    predictor.reconcile(world({"x": 50.0}), None)
    assert predictor.view(0.0) == {"x": 50.0}


def test_after_the_smoothing_time_a_twentieth_of_the_error_is_left_and_soon_nothing():
    predictor = pushed(smoothing_time=0.2)
    assert shown(predictor, now=0.2) == pytest.approx(50.0 * (1 - math.exp(-3)))
    assert shown(predictor, now=1.0) == 50.0
    assert predictor.view(1.0) is predictor.predicted


@pytest.mark.parametrize("rate", [30, 60, 144])
def test_the_error_fades_along_the_same_curve_at_every_frame_rate_and_never_swings_back(rate):
    predictor = pushed()
    picture = [(frame / rate, shown(predictor, frame / rate)) for frame in range(rate // 3)]
    for now, x in picture:
        assert x == pytest.approx(50.0 * (1 - math.exp(-3 * now / 0.1)), abs=0.01)
    assert all(before <= after <= 50.0 for (_, before), (_, after) in itertools.pairwise(picture))


def test_a_second_correction_begins_where_the_picture_is():
    predictor = pushed()
    halfway = shown(predictor, now=0.03)
    predictor.reconcile(world({"x": 80.0}), None)
    assert shown(predictor, now=0.03) == pytest.approx(halfway)
    assert shown(predictor, now=1.0) == 80.0
    assert (predictor.corrections, predictor.last_error) == (2, 30.0)


def test_while_an_error_fades_inputs_show_as_ever():
    still, walking = pushed(), pushed()
    for number in range(10):
        now = number / 60
        walking.predict(1, number)
        assert shown(walking, now) == pytest.approx(shown(still, now) + 3.0 * (number + 1))


def test_without_a_smoothing_time_every_correction_is_a_jump():
    assert shown(pushed(smoothing_time=0.0)) == 50.0


@pytest.mark.parametrize(("limit", "x"), [(49.9, 50.0), (50.0, 0.0), (None, 0.0)])
def test_what_is_farther_off_than_the_snap_distance_jumps(limit, x):
    predictor = pushed(snap_distance=limit)
    assert shown(predictor) == x
    assert predictor.last_error == 50.0


def test_named_coordinates_are_one_point_to_the_snap_distance_and_rules_have_their_own():
    def correct(x: float, y: float) -> Any:
        rules = ["x", "y", Interpolate("speed")]
        predictor = Predictor(lambda mine, _: mine, lambda state: state["me"], smooth=rules, snap_distance=10.0)
        predictor.reconcile({"me": {"x": 0.0, "y": 0.0, "speed": 0.0}}, None)
        predictor.view(0.0)
        predictor.reconcile({"me": {"x": x, "y": y, "speed": 99.0}}, None)
        return predictor.view(0.0)

    assert correct(8.0, 8.0) == {"x": 8.0, "y": 8.0, "speed": 0.0}
    assert correct(8.0, 6.0) == {"x": 0.0, "y": 0.0, "speed": 0.0}


def corrected(before: Any, after: Any, now: float = 0.0, **options: Any) -> Any:
    """The drawn value ``now`` seconds after ``before`` turned out to be ``after``."""
    predictor = Predictor(lambda mine, _: mine, lambda state: state["me"], **options)
    predictor.reconcile({"me": before}, None)
    predictor.view(0.0)
    predictor.reconcile({"me": after}, None)
    return predictor.view(now)


HALF = 0.1 * math.log(2) / 3
"""Seconds after which half of an error is left."""


@pytest.mark.parametrize(
    ("before", "after", "halfway"),
    [
        (10.0, 20.0, 15.0),
        ([1.0, 2.0], [3.0, 2.0], [2.0, 2.0]),
        ({"at": [0.0, 8.0], "hp": 5}, {"at": [8.0, 0.0], "hp": 4}, {"at": [4.0, 4.0], "hp": 4}),
        ([{"x": 0.0}, {"x": 1.0}], [{"x": 2.0}, {"x": 1.0}], [{"x": 1.0}, {"x": 1.0}]),
        ({"a": {"x": 0.0}, "gone": 1.0}, {"a": {"x": 2.0}, "new": 9.0}, {"a": {"x": 1.0}, "new": 9.0}),
        ([1.0], [3.0, 4.0], [3.0, 4.0]),
        ({"x": 0, "name": "a", "up": False}, {"x": 2.0, "name": "b", "up": True}, {"x": 1.0, "name": "b", "up": True}),
        ({"x": None}, {"x": 2.0}, {"x": 2.0}),
        ({"x": 4.0}, [4.0], [4.0]),
        ({"x": 4.0}, 5.0, 5.0),
        ({"x": 1.0}, {"x": math.inf}, {"x": math.inf}),
        (5, 9, 9),
    ],
    ids=str,
)
def test_by_default_floats_glide_and_all_else_steps(before, after, halfway):
    assert corrected(before, after, now=HALF) == _about(halfway)


def test_whole_numbers_glide_where_they_are_named():
    assert corrected({"x": 0, "hp": 5}, {"x": 8, "hp": 1}, HALF, smooth="x") == {"x": pytest.approx(4.0), "hp": 1}


@pytest.mark.parametrize(
    ("angle", "before", "after", "halfway"), [("degrees", 350.0, 10.0, 0.0), ("radians", 3.1, -3.1, math.pi)]
)
@pytest.mark.parametrize("whole", [False, True], ids=["in a dict", "mine itself"])
def test_angles_turn_the_short_way_round(angle, before, after, halfway, whole):
    rule = Interpolate("*" if whole else "facing", angle=angle)
    if whole:
        seen = corrected(before, after, HALF, smooth=rule)
    else:
        seen = corrected({"facing": before}, {"facing": after}, HALF, smooth=[rule])["facing"]
    full = {"degrees": 360.0, "radians": math.tau}[angle]
    assert math.remainder(seen - halfway, full) == pytest.approx(0.0, abs=1e-9)


def test_the_error_of_an_angle_is_the_short_way_too():
    predictor = Predictor(lambda mine, _: mine, lambda state: state["me"], smooth=Interpolate("*", angle="degrees"))
    predictor.reconcile({"me": 350.0}, None)
    predictor.reconcile({"me": 10.0}, None)
    assert predictor.last_error == pytest.approx(20.0)


def test_what_an_error_was_of_may_vanish_or_change_its_kind_while_it_fades():
    predictor = Predictor(lambda mine, input: input or mine, lambda state: state["me"])
    before = {"a": {"x": 0.0}, "b": [0.0, 0.0], "c": {"x": 0.0}, "d": 1.0}
    predictor.reconcile({"me": before}, None)
    predictor.view(0.0)
    predictor.reconcile({"me": {"a": {"x": 5.0}, "b": [5.0, 5.0], "c": {"x": 5.0}, "d": 5.0}}, None)
    predictor.predict({"b": [7.0], "c": [7.0], "d": "seven"}, 0)
    assert predictor.view(0.0) == {"b": [2.0], "c": [7.0], "d": "seven"}


def test_a_clock_that_steps_back_or_stands_still_lets_nothing_fade():
    predictor = pushed()
    somewhere = shown(predictor, now=0.02)
    assert 0.0 < somewhere < 50.0
    assert shown(predictor, now=0.02) == somewhere
    assert shown(predictor, now=-500.0) == somewhere
    assert shown(predictor, now=-499.99) > somewhere


# ---------------------------------------------------------------------------------------------- what games do


def test_rules_may_change_what_they_are_given():
    def careless(mine: dict[str, Any], input: dict[str, Any]) -> dict[str, Any]:
        mine["x"] += 5.0 * input.pop("right", 0)
        mine["seen"].append(1)
        return mine

    truth = world({"x": 0.0, "seen": []})
    received = copy.deepcopy(truth)
    predictor = Predictor(careless, me)
    predictor.reconcile(received, None)
    for number in range(3):
        predictor.predict({"right": 1}, number)
        predictor.view(0.0, 0.5, {"right": 1})
    assert received == truth, "received states are shared with the rest of the program"
    assert predictor.predicted == {"x": 15.0, "seen": [1, 1, 1]}, "and looking at it must not move it"
    predictor.reconcile(world({"x": 10.0, "seen": [1, 1]}), 1)
    assert predictor.corrections == 0
    predictor.reconcile(world({"x": 100.0, "seen": []}), 1, tick=1)
    assert predictor.predicted == {"x": 105.0, "seen": [1]}, "and pending inputs are needed again"


def test_the_same_dict_of_keys_may_be_used_for_every_input():
    predictor = Predictor(lambda mine, keys: {"x": mine["x"] + keys["right"]}, me)
    predictor.reconcile(world({"x": 0.0}), None)
    keys = {"right": 1.0}
    for number in range(3):
        predictor.predict(keys, number)
    keys["right"] = 50.0
    predictor.reconcile(world({"x": 10.0}), None)
    assert predictor.predicted == {"x": 13.0}


def test_tuples_are_lists_as_they_will_be_when_the_server_sends_them():
    predictor = Predictor(lambda at, way: (at[0] + way[0], at[1] + way[1]), lambda state: state["me"])
    predictor.reconcile({"me": [1.0, 2.0]}, None)
    predictor.predict((0.5, 0.0), 0)
    predictor.reconcile({"me": [1.5, 2.0]}, 0)
    assert (predictor.predicted, predictor.corrections) == ([1.5, 2.0], 0)


CALLS: dict[str, Callable[[Predictor], Any]] = {
    "predict": lambda predictor: predictor.predict(1, 2),
    "reconcile": lambda predictor: predictor.reconcile(world({"x": 70.0}), 0),
    "view": lambda predictor: predictor.view(2.0, 0.5, 1),
    "select": lambda predictor: predictor.reconcile({"players": {}}, 0),
}


def test_all_of_a_received_state_may_be_mine():
    predictor = Predictor(walk, lambda state: state)
    predictor.reconcile(MappingProxyType({"x": 1.0}), None)
    predictor.predict(1, 0)
    assert predictor.view(0.0) == {"x": 4.0}


@pytest.mark.parametrize("failing", CALLS)
def test_what_the_rules_raise_comes_through_and_everything_stays_as_it_was(failing):
    broken = False

    def fragile(mine: Any, input: int) -> Any:
        if broken:
            raise ZeroDivisionError
        return walk(mine, input)

    predictor = Predictor(fragile, lambda state: state["players"]["me"])
    predictor.reconcile(world({"x": 0.0}), None)
    predictor.predict(1, 0)
    predictor.predict(1, 1)
    predictor.view(1.0)
    broken = True
    with pytest.raises((ZeroDivisionError, KeyError)):
        CALLS[failing](predictor)
    broken = False
    assert (predictor.predicted, predictor.pending, predictor.corrections) == ({"x": 6.0}, 2, 0)
    predictor.predict(1, 2)
    assert predictor.reconcile(world({"x": 3.0}), 0)
    assert (predictor.predicted, predictor.corrections) == ({"x": 9.0}, 0)


def test_rules_that_return_nothing_are_told_so():
    predictor = Predictor(lambda mine, input: None, me)
    predictor.reconcile(world({"x": 0.0}), None)
    with pytest.raises(TypeError, match="step returned None; it must return the whole"):
        predictor.predict(1, 0)


def test_rules_that_return_what_no_server_could_send_are_told_where_it_is():
    predictor = Predictor(lambda mine, input: {"at": {1, 2}}, me)
    predictor.reconcile(world({"x": 0.0}), None)
    with pytest.raises(TypeError, match=r"what step returned: mine\.at is of type set"):
        predictor.predict(1, 0)


def test_a_server_that_never_answers_costs_neither_memory_nor_time():
    steps = 0

    def counted(mine: Any, input: int) -> Any:
        nonlocal steps
        steps += 1
        return walk(mine, input)

    predictor = Predictor(counted, me)
    predictor.reconcile(world({"x": 0.0}), None)
    for number in range(5000):
        predictor.predict(1, number)
    assert (predictor.pending, predictor.dropped, steps) == (MAX_PENDING_INPUTS, 5000 - MAX_PENDING_INPUTS, 5000)
    assert predictor.predicted == {"x": 15000.0}
    predictor.reconcile(world({"x": 1.0}), None)
    assert steps == 5000 + MAX_PENDING_INPUTS


@pytest.mark.parametrize("number", [3, 2, 0, -1])
def test_a_number_that_does_not_rise_is_refused(number):
    predictor = walker()
    predictor.predict(1, 3)
    with pytest.raises(ValueError, match="cannot follow input 3"):
        predictor.predict(1, number)
    assert predictor.pending == 1


def test_numbers_begin_at_nought():
    with pytest.raises(ValueError, match="input -1 cannot follow"):
        walker().predict(1, -1)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"smoothing_time": -0.1}, "smoothing_time must be"),
        ({"smoothing_time": math.nan}, "smoothing_time must be"),
        ({"snap_distance": -1.0}, "snap_distance must be"),
        ({"max_pending": 0}, "max_pending must be"),
        ({"smooth": ["x", "x"]}, "named twice"),
        ({"smooth": "a..b"}, "malformed"),
    ],
    ids=str,
)
def test_bad_arguments_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        Predictor(walk, me, **options)


def test_what_is_no_function_is_refused():
    with pytest.raises(TypeError, match="two functions"):
        Predictor(walk, "players.me")  # type: ignore[arg-type]


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 30), st.booleans()), max_size=60))
def test_whatever_arrives_in_whatever_order_the_picture_ends_at_the_newest_truth(arrivals):
    """Each arrival: a number of inputs, then the state of a moment some inputs ago, perhaps with a push."""
    predictor, truth = Predictor(glide, me, max_pending=16), [{"x": 0.0, "speed": 0.0}]
    predictor.reconcile(world(truth[0]), None, tick=0)
    now, newest = 0.0, 0
    for given_inputs, ago, push in arrivals:
        for _ in range(given_inputs):
            predictor.predict(1, len(truth) - 1)
            truth.append(glide(truth[-1], 1))
        if push:
            truth[-1] = {**truth[-1], "x": truth[-1]["x"] + 5.0}
        tick = max(len(truth) - 1 - ago, 0)
        taken = predictor.reconcile(world(truth[tick]), tick - 1, tick=2 * tick + push)
        newest = max(newest, tick) if taken else newest
        now += 0.01
        predictor.view(now, 0.5, 0)
        assert predictor.pending <= 16
    predictor.reconcile(world(truth[-1]), len(truth) - 2, tick=1000)
    assert predictor.predicted == truth[-1]
    assert predictor.view(now + 1.0) == truth[-1]


# ---------------------------------------------------------------------------------------------- over a bad network

TICK = 1 / 60
LATENCY = 0.05  # seconds each way
REDUNDANCY = 8  # how many of the latest inputs each datagram repeats
BUFFERED = 5  # inputs that the server waits for before it begins with the first

Rule = Callable[[Any, int], Any]


class Frame(NamedTuple):
    """A client's picture, and the picture that it would have without any network."""

    now: float
    input: int
    drawn: Any
    alone: Any
    error: float


class Link:
    """One way of a network: each datagram takes its time or is lost."""

    def __init__(self, rng: random.Random, loss: float, jitter: float) -> None:
        self.loss = loss
        self._rng, self._jitter = rng, jitter
        self._flying: list[tuple[float, Any]] = []

    def send(self, now: float, datagram: Any) -> None:
        if self._rng.random() >= self.loss:
            self._flying.append((now + LATENCY + self._rng.uniform(0.0, self._jitter), datagram))

    def arrived(self, now: float) -> list[Any]:
        here = sorted((one for one in self._flying if one[0] <= now), key=lambda one: one[0])
        self._flying = [one for one in self._flying if one[0] > now]
        return [datagram for _, datagram in here]


class Server:
    """Applies one input a tick, by number. It repeats the last one if one is missing."""

    def __init__(self, step: Rule, mine: Any) -> None:
        self.step, self.mine = step, mine
        self.tick, self.applied, self.starved = 0, -1, 0
        self._inputs: dict[int, int] = {}
        self._last = 0

    def receive(self, inputs: dict[int, int]) -> None:
        self._inputs.update({number: value for number, value in inputs.items() if number > self.applied})

    def take_tick(self, push: float = 0.0) -> tuple[Any, int, int]:
        self.tick += 1
        if self.applied >= 0 or len(self._inputs) >= BUFFERED:
            self.applied += 1
            self.starved += self.applied not in self._inputs
            self._last = self._inputs.pop(self.applied, self._last)
            self.mine = self.step(self.mine, self._last)
        if push:
            self.mine = {**self.mine, "x": self.mine["x"] + push}
        return world(self.mine), self.applied, self.tick


class Game:
    """One player, one server, and the network between them, in virtual time."""

    def __init__(self, rng: random.Random, step: Rule, mine: Any, *, loss: float, jitter: float = 0.0) -> None:
        self.rng = rng
        self.server = Server(step, mine)
        self.predictor = Predictor(step, me)
        self.redundancy = REDUNDANCY
        self.restlessness = 0.1  # how likely the input changes in a frame
        self.pushes: dict[int, float] = {}  # by the server's tick
        self.up, self.down = Link(rng, loss, jitter), Link(rng, loss, jitter)
        self.frames: list[Frame] = []
        self._step, self._alone = step, mine
        self._server_time, self._client_time = FixedTimestep(TICK), FixedTimestep(TICK)
        self._sent: dict[int, int] = {}
        self._input = 0

    def play(self, seconds: float, frame_rate: float = 60.0, *, idle: bool = False) -> None:
        start = self.frames[-1].now + 1 / frame_rate if self.frames else 0.0
        for n in range(int(seconds * frame_rate)):
            if idle or self.rng.random() < self.restlessness:
                self._input = 0 if idle else self.rng.choice([-1, 0, 1])
            self._play_frame(start + n / frame_rate)

    @property
    def sent(self) -> int:
        """How many inputs the client has sent."""
        return len(self._sent)

    def _play_frame(self, now: float) -> None:
        for inputs in self.up.arrived(now):
            self.server.receive(inputs)
        for _ in self._server_time.ticks(now):
            self.down.send(now, self.server.take_tick(self.pushes.get(self.server.tick, 0.0)))
        for state, applied, tick in self.down.arrived(now):
            self.predictor.reconcile(state, applied, tick=tick)
        for number in self._client_time.ticks(now):
            self._sent[number] = self._input
            self.up.send(now, dict(list(self._sent.items())[-self.redundancy :]))
            self.predictor.predict(self._input, number)
            self._alone = self._step(self._alone, self._input)
        self.frames.append(self._draw(now))

    def _draw(self, now: float) -> Frame:
        fraction, input = self._client_time.fraction, self._input
        drawn = self.predictor.view(now, fraction, input)
        local = Predictor(self._step, lambda mine: mine)
        local.reconcile(self._alone, None)
        return Frame(now, input, drawn, local.view(now, fraction, input), self.predictor.visible_error)


@pytest.mark.parametrize("frame_rate", [30, 60, 144])
@pytest.mark.parametrize("seed", range(3))
def test_at_100_ms_and_5_percent_loss_every_frame_is_what_a_game_without_a_network_would_draw(seed, frame_rate):
    """So the input shows 0 frames late. And nothing is ever corrected: no input was lost for good."""
    game = Game(random.Random(seed), glide, {"x": 0.1, "speed": 0.0}, loss=0.05)
    game.play(20.0, frame_rate)
    playing = [frame for frame in game.frames if frame.drawn is not None]
    assert len(playing) > 19.5 * frame_rate
    assert [frame.drawn for frame in playing] == [frame.alone for frame in playing]
    assert game.server.starved == 0
    assert game.predictor.corrections == 0
    assert game.server.applied > 19 * 60


def test_a_key_pressed_shows_in_that_very_frame():
    """Whether or not a tick ends in it."""
    game = Game(random.Random(1), walk, {"x": 0.0}, loss=0.05)
    game.play(20.0, frame_rate=144)
    moved = [
        after.drawn["x"] - before.drawn["x"]
        for before, after in itertools.pairwise(game.frames)
        if before.drawn is not None and before.input == 0 and after.input == 1
    ]
    assert len(moved) > 20
    assert min(moved) > 0.0


@pytest.mark.parametrize("step", [glide, walk])
def test_after_a_push_by_another_player_the_picture_converges_without_swinging(step):
    game = Game(random.Random(5), step, {"x": 0.1, "speed": 0.0}, loss=0.05)
    game.play(2.0)
    game.pushes[game.server.tick + 10] = 40.0
    before = len(game.frames)
    game.play(1.0)
    assert game.server.starved == 0
    assert game.predictor.corrections == 1, "the push arrived, and nothing else was ever off"
    errors = [frame.error for frame in game.frames[before:]]
    arrival = next(index for index, error in enumerate(errors) if error)
    assert errors[arrival] == pytest.approx(40.0 * math.exp(-3 * TICK / 0.1), rel=1e-6)
    falling = errors[arrival : arrival + 12]
    assert all(earlier > later > 0.0 for earlier, later in itertools.pairwise(falling))
    assert errors[arrival + 6] < 0.05 * 40.0
    assert set(errors[arrival + 20 :]) == {0.0}
    offsets = [frame.drawn["x"] - frame.alone["x"] for frame in game.frames[before + arrival :]]
    assert all(earlier <= later + 1e-9 for earlier, later in itertools.pairwise(offsets)), "it swings back"


@pytest.mark.parametrize("seed", range(3))
def test_inputs_that_come_too_late_are_corrections_and_all_is_well_in_the_end(seed):
    game = Game(random.Random(seed), glide, {"x": 0.1, "speed": 0.0}, loss=0.05, jitter=0.06)
    game.redundancy, game.restlessness = 1, 0.5
    game.play(10.0)
    assert game.server.starved > 5
    assert game.predictor.corrections > 5
    errors = [frame.error for frame in game.frames]
    assert max(errors) < 15 * 0.71, "an error grows with each input that is lost"
    game.up.loss = game.down.loss = 0.0
    game.play(3.0, idle=True)
    starved = game.server.starved
    game.play(1.0, idle=True)
    assert game.server.starved == starved
    assert game.predictor.visible_error == 0.0
    assert game.predictor.predicted == _steps(glide, game.server.mine, game.sent - 1 - game.server.applied)


def test_pongs_paddle_is_predicted_to_the_last_bit_and_stays_on_the_court():
    game = Game(random.Random(9), paddle, {"y": pong.HEIGHT / 2}, loss=0.05, jitter=0.02)
    game.play(20.0)
    assert (game.server.starved, game.predictor.corrections) == (0, 0)
    drawn = [frame.drawn["y"] for frame in game.frames if frame.drawn is not None]
    assert (min(drawn), max(drawn)) == (pong.PADDLE_HALF, pong.HEIGHT - pong.PADDLE_HALF)


def _steps(step: Rule, mine: Any, count: int) -> Any:
    for _ in range(count):
        mine = step(mine, 0)
    return mine


def _about(value: Any) -> Any:
    """The same, with numbers that need not be exact."""
    if isinstance(value, dict):
        return {key: _about(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_about(item) for item in value]
    return pytest.approx(value) if isinstance(value, float) else value


# -- a step that looks around


class Doors:
    """A step that stops at a closed door, and keeps the worlds that it saw."""

    def __init__(self) -> None:
        self.seen: list[Any] = []

    def step(self, mine: dict[str, Any], direction: int, world: Any) -> dict[str, Any]:
        self.seen.append(world)
        x = mine["x"] + 3.0 * direction
        return {**mine, "x": x if world.door["open"] else min(x, world["door"]["x"])}


def behind(x: float, *, is_open: bool) -> dict[str, Any]:
    return {"players": {"me": {"x": x}}, "door": {"x": 10.0, "open": is_open}, "ways": [{"y": 1}]}


def test_a_step_sees_the_newest_received_state() -> None:
    predictor = Predictor(Doors().step, me)
    predictor.reconcile(behind(0.0, is_open=False), None)
    for number in range(6):
        predictor.predict(1, number)
    assert predictor.predicted == {"x": 10.0}


def test_a_newer_world_changes_what_was_predicted_also_if_the_players_part_was_right() -> None:
    predictor = Predictor(Doors().step, me)
    predictor.reconcile(behind(0.0, is_open=False), None)
    for number in range(6):
        predictor.predict(1, number)
    predictor.reconcile(behind(3.0, is_open=True), 0)
    assert predictor.predicted == {"x": 18.0}


def test_the_world_is_read_only_and_read_like_a_state() -> None:
    doors = Doors()
    predictor = Predictor(doors.step, me)
    state = behind(0.0, is_open=False)
    before = copy.deepcopy(state)
    predictor.reconcile(state, None)
    predictor.predict(1, 0)
    seen = doors.seen[0]
    assert (seen.get("nothing", 5), "door" in seen, sorted(seen), len(seen)) == (
        5,
        True,
        ["door", "players", "ways"],
        3,
    )
    for change in (
        lambda: seen.door.update(open=True),
        lambda: seen["ways"].append(1),
        lambda: seen.ways[0].pop("y"),
        lambda: seen.__setitem__("door", {}),
        lambda: setattr(seen, "door", {}),
    ):
        with pytest.raises((InPlaceChange, TypeError, AttributeError), match=r"step|only read"):
            change()
    with pytest.raises(AttributeError, match=r"has no attribute 'dor'.*Did you mean 'door'"):
        seen.dor  # noqa: B018
    assert state == before


def test_a_default_of_the_rules_is_theirs_and_other_parameters_get_nothing() -> None:
    """Only a third parameter that is named `world` or `tell` means anything."""

    def step(mine: dict[str, Any], world: int, speed: float = 3.0) -> dict[str, Any]:
        return {**mine, "x": mine["x"] + speed * world}

    predictor = Predictor(step, me)
    predictor.reconcile(world({"x": 0.0}), None)
    predictor.predict(1, 0)
    assert predictor.predicted == {"x": 3.0}


def test_a_step_that_needs_more_is_refused_at_once() -> None:
    with pytest.raises(
        TypeError, match=r"called with \(mine, input\), and with world and tell.*it needs 'state' as well"
    ):
        Predictor(lambda mine, direction, state: mine, me)
    Predictor(lambda mine, direction, *others, speed=3, **more: mine, me)
