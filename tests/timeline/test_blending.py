"""States between two others, beyond the newer one, and beside the true one."""

from __future__ import annotations

import copy
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pygase.timeline.blending import HOLDING, RETURNING, Blender
from pygase.timeline.differences import shifted
from pygase.timeline.rules import Interpolate

SPAN = 0.1


def beyond(
    older: dict[str, Any], newer: dict[str, Any], *rules: Any, overdue: float = 0.05, bridging: float = 0.1
) -> Any:
    return Blender(rules).extrapolate(older, newer, SPAN, overdue, bridging)


def test_numbers_go_on_at_their_last_speed():
    older = {"x": 1.0, "p": [0, 10.0], "q": [1.0, 2.0, 3.0], "e": {1: {"y": 5}}, "n": 1.0}
    newer = {"x": 2.0, "p": [2, 10.0], "q": [2.0, 2.0, 1.0], "e": {1: {"y": 6}}, "n": 2.0}
    view = beyond(older, newer, "x", "p", "q", "e.*.y")
    assert view == {"x": 2.5, "p": [3.0, 10.0], "q": [2.5, 2.0, 0.0], "e": {1: {"y": 6.5}}, "n": 2.0}


@pytest.mark.parametrize(
    ("a", "b"), [(1.0, 1.0), (None, 1.0), ("a", "b"), (1.0, [1.0]), ([1.0], [1.0, 2.0]), (0.0, math.inf), (True, 2.0)]
)
def test_what_has_no_speed_stays_as_it_is_now(a, b):
    newer = {"x": b}
    assert beyond({"x": a}, newer, "x") is newer


def test_jumps_have_no_speed():
    rules = Interpolate("e.*.x", "e.*.y", snap_distance=5.0), Interpolate("e.*.a", snap_on="e.*.jumps")
    older = {"e": {k: {"x": 0.0, "y": 0.0, "a": 0.0, "jumps": 1} for k in "ij"}}
    newer = {"e": {"i": {"x": 4.0, "y": 4.0, "a": 2.0, "jumps": 2}, "j": {"x": 3.0, "y": 4.0, "a": 2.0, "jumps": 1}}}
    view = beyond(older, newer, *rules)
    assert view["e"]["i"] is newer["e"]["i"]
    assert view["e"]["j"] == {"x": 4.5, "y": 6.0, "a": 3.0, "jumps": 1}


def test_what_vanished_stays_away_and_what_appeared_stays_where_it_is():
    newer = {"e": {"b": {"x": 1.0}, "c": {"x": 1.0}}}
    assert beyond({"e": {"a": {"x": 0.0}, "b": {"x": 0.5}}}, newer, "e.*.x") == {
        "e": {"b": {"x": 1.25}, "c": {"x": 1.0}}
    }


def test_angles_go_on_the_short_way_round():
    assert beyond({"a": 350.0}, {"a": 10.0}, Interpolate("a", angle="degrees")) == {"a": 20.0}
    assert beyond({"a": [10.0]}, {"a": [350.0]}, Interpolate("a", angle="degrees")) == {"a": [340.0]}


def test_each_rule_carries_on_for_its_own_time_and_all_for_what_is_bridged():
    rules = Interpolate("x", extrapolate=0.3), Interpolate("p.y", extrapolate=0.05), "p.z"
    older, newer = {"x": 0.0, "p": {"y": 0.0, "z": 0.0}}, {"x": 1.0, "p": {"y": 1.0, "z": 1.0}}
    assert Blender(rules).reach == 0.3
    assert beyond(older, newer, *rules, overdue=0.2, bridging=0.1) == {"x": 3.0, "p": {"y": 2.0, "z": 2.0}}
    assert beyond(older, newer, *rules, overdue=0.2, bridging=0.0) == {"x": 3.0, "p": {"y": 1.5, "z": 1.0}}


def test_with_easing_it_slows_down_evenly_and_a_rule_that_goes_farther_stops_where_it_says():
    older, newer = {"x": 0.0, "y": 0.0}, {"x": 1.0, "y": 1.0}
    blender = Blender(["x", Interpolate("y", extrapolate=0.15)])

    def ahead(overdue: float) -> tuple[float, float]:
        seen = blender.extrapolate(older, newer, SPAN, overdue, 0.05, 0.05)
        return round((seen["x"] - 1.0) * SPAN, 9), round((seen["y"] - 1.0) * SPAN, 9)

    assert ahead(0.05) == (0.05, 0.05)
    assert ahead(0.10) == (0.0875, 0.1)
    assert ahead(0.15) == (0.1, 0.15)
    assert ahead(0.15 + HOLDING - 0.1) == (0.1, 0.15)
    assert ahead(1.0) == (0.0, 0.0)


def test_it_stays_there_for_a_while_and_then_goes_back_to_what_is_known():
    older, newer = {"x": 0.0}, {"x": 1.0}
    blender = Blender(["x"])

    def seen(overdue: float) -> Any:
        return blender.extrapolate(older, newer, SPAN, overdue, 0.05)

    assert seen(0.0) is newer
    assert seen(0.025) == {"x": 1.25}
    assert seen(0.05) == {"x": 1.5}
    assert seen(0.05 + HOLDING) == {"x": 1.5}
    assert seen(0.05 + HOLDING + RETURNING / 2)["x"] == pytest.approx(1.25)
    assert seen(0.05 + HOLDING + RETURNING + 1e-9) is newer
    assert seen(math.inf) is newer


@pytest.mark.parametrize("seconds", [-0.1, math.inf, math.nan])
def test_a_rule_that_carries_on_for_no_time_is_refused(seconds):
    with pytest.raises(ValueError, match="extrapolate must be"):
        Interpolate("x", extrapolate=seconds)


def test_a_difference_has_the_numbers_that_are_others_and_nothing_else():
    state = {"x": 1.0, "y": 2.0, "n": 1, "p": [1.0, 2.0], "e": {1: {"x": 1.0}, 2: {"x": 5.0}}, "a": 350.0}
    shown = {"x": 1.5, "y": 2.0, "n": 2, "p": [1.0, 1.0], "e": {1: {"x": 0.0}, 3: {"x": 5.0}}, "a": 10.0}
    blender = Blender(["x", "y", "p", "e.*.x", Interpolate("a", angle="degrees")])
    errors = blender.difference(state, shown)
    assert errors == {"x": 0.5, "p": [0.0, -1.0], "e": {1: {"x": -1.0}}, "a": 20.0}
    assert blender.difference(state, copy.deepcopy(state)) == {}
    assert blender.difference({"x": 1e9}, {"x": 1e9 + 1e-7}) == {}


def test_a_jump_is_no_difference_that_could_be_made_good():
    blender = Blender([Interpolate("x", snap_distance=5), Interpolate("y", snap_on="n")])
    assert blender.difference({"x": 0.0, "y": 0.0, "n": 1}, {"x": 6.0, "y": 1.0, "n": 2}) == {}
    assert not Blender(["x"]).can_snap
    assert blender.can_snap


def test_a_state_is_shifted_by_a_share_of_the_errors_where_it_still_has_the_numbers():
    state = {"x": 1.0, "p": [1.0, 2.0], "e": {1: {"x": 1.0}, 2: {"x": 5.0}}, "s": "a", "l": [1.0]}
    before = copy.deepcopy(state)
    errors = {"x": 1.0, "p": [0.0, -1.0], "e": {1: {"x": 2.0}, 9: {"x": 1.0}}, "s": 1.0, "l": [1.0, 2.0], "gone": 3.0}
    view = shifted(state, errors, 0.5)
    assert view == {"x": 1.5, "p": [1.0, 1.5], "e": {1: {"x": 2.0}, 2: {"x": 5.0}}, "s": "a", "l": [1.0]}
    assert view["e"][2] is state["e"][2]
    assert state == before


numbers = st.one_of(st.integers(-1000, 1000), st.floats(-1e6, 1e6))
values = st.one_of(numbers, st.lists(numbers, max_size=4), st.booleans(), st.none(), st.just("a"))
states = st.fixed_dictionaries(
    {},
    optional={"x": values, "p": values, "e": st.dictionaries(st.integers(0, 2), st.fixed_dictionaries({"x": values}))},
)
RULES = ("x", Interpolate("p", extrapolate=0.2), "e.*.x")


@given(states, states, st.floats(0, 1), st.floats(0, 0.2))
def test_whatever_the_states_nothing_is_changed_and_the_newer_ones_shape_is_kept(older, newer, overdue, bridging):
    before = copy.deepcopy((older, newer))
    view = Blender(RULES).extrapolate(older, newer, SPAN, overdue, bridging)
    assert (older, newer) == before
    assert view.keys() == newer.keys()
    assert view.get("e", {}).keys() == newer.get("e", {}).keys()


@given(states, states)
def test_shifted_by_the_whole_difference_a_state_is_what_was_shown_where_both_have_numbers(state, shown):
    blender = Blender(RULES)
    view = shifted(state, blender.difference(state, shown), 1.0)
    expected = blender.blend(state, shown, 1.0)
    for key in state.keys() - {"e"}:
        if type(state[key]) in (int, float, list):
            assert view[key] == pytest.approx(expected[key], rel=1e-6, abs=1e-6)
        else:
            assert view[key] is state[key]


@pytest.mark.parametrize(
    ("a", "b", "halfway"), [(630.0, 10.0, 640.0), (10.0, 630.0, 0.0), (300.0, 310.0, 305.0), (635, 5, 640.0)]
)
def test_in_a_world_without_edges_things_go_the_short_way(a: float, b: float, halfway: float) -> None:
    blender = Blender([Interpolate("ships.*.x", period=640)])
    view = blender.blend({"ships": {1: {"x": a}}}, {"ships": {1: {"x": b}}}, 0.5)
    assert view == {"ships": {1: {"x": halfway}}}


def test_a_way_across_the_edge_is_short_and_no_jump() -> None:
    blender = Blender([Interpolate("x", "y", period=640, snap_distance=50)])
    assert blender.blend({"x": 630.0, "y": 5.0}, {"x": 10.0, "y": 635.0}, 0.5) == {"x": 640.0, "y": 0.0}
    jump = {"x": 300.0, "y": 5.0}
    assert blender.blend({"x": 630.0, "y": 5.0}, jump, 0.5)["x"] == 630.0


def test_an_angle_may_have_any_unit() -> None:
    """256 steps for a whole circle, as in a byte; and points in lists."""
    blender = Blender([Interpolate("aim", "p", period=256)])
    assert blender.blend({"aim": 250, "p": [250.0, 1.0]}, {"aim": 4, "p": [4.0, 3.0]}, 0.5) == {
        "aim": 255.0,
        "p": [255.0, 2.0],
    }


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"period": 0}, "period must be a number above 0"),
        ({"period": -640.0}, "period must be a number above 0"),
        ({"period": math.inf}, "period must be a number above 0"),
        ({"period": True}, "period must be a number above 0"),
        ({"period": "640"}, "period must be a number above 0"),
        ({"period": 360, "angle": "degrees"}, "has a period of 360 already"),
        ({"angle": "turns"}, "other units have a period"),
    ],
)
def test_a_period_that_is_none_is_refused(wrong: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Interpolate("x", **wrong)
