"""Received snapshots, played back: the content of a frame, and its time."""

from __future__ import annotations

import copy
import itertools
import math
import random
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pygase.timeline.arrivals import MAX_ARRIVALS, OFFSET_WINDOW
from pygase.timeline.interpolation import MAX_SNAPSHOTS, FixedDelayClock, Interpolate, SnapshotBuffer, SnapshotLike

# In seconds, and powers of two, so that the moments of ticks are exact.
INTERVAL = 1 / 16
DELAY = 1 / 8
LATENCY = 1.0  # from the server's clock to ours: transit and difference of the clocks


@dataclass(frozen=True)
class FakeSnapshot:
    tick: int
    time: float
    received_at: float
    state: Mapping[str, Any]
    previous_tick: int = 0
    changed_after: float = 0.0
    resting: bool = False


def snapshot(tick: int, late: float = 0.0, **state: Any) -> FakeSnapshot:
    time = tick * INTERVAL
    return FakeSnapshot(tick, time, time + LATENCY + late, state)


def arrival(time: float, received_at: float) -> FakeSnapshot:
    """For a clock, which reads no state."""
    return FakeSnapshot(int(time / INTERVAL), time, received_at, {})


def buffer_of(*states: dict[str, Any], rules: Any = (), delay: float = DELAY) -> SnapshotBuffer:
    """A buffer that holds one snapshot per state, of ticks 0, 1, 2 …"""
    buffer = SnapshotBuffer(rules, delay=delay)
    for tick, state in enumerate(states):
        assert buffer.add(snapshot(tick, **state))
    return buffer


def at(tick: float, delay: float = DELAY) -> float:
    """Our clock when playback is at that tick."""
    return tick * INTERVAL + LATENCY + delay


# ---------------------------------------------------------------------------------------------- playback


def test_before_the_first_snapshot_the_view_is_empty():
    assert dict(SnapshotBuffer().view(now=5.0)) == {}


def test_the_first_snapshot_is_shown_at_once_without_waiting_for_the_delay():
    buffer = buffer_of({"x": 1})
    assert buffer.view(now=LATENCY) == {"x": 1}


def test_playback_is_the_fixed_delay_behind_the_servers_time():
    buffer = buffer_of({})
    assert buffer.playback_time(now=LATENCY + 3.0) == pytest.approx(3.0 - DELAY)


def test_the_fastest_arrival_decides_and_late_ones_move_nothing():
    buffer = SnapshotBuffer(delay=DELAY)
    for tick, late in enumerate([0.04, 0.0, 0.09, 0.03]):
        buffer.add(snapshot(tick, late))
    assert buffer.playback_time(now=at(10)) == pytest.approx(10 * INTERVAL)


def test_a_lasting_change_of_the_route_is_followed_once_the_window_has_passed():
    clock = FixedDelayClock(0.0, window=1.0)
    for tick in range(100):
        time = tick * INTERVAL
        clock.observe(arrival(time, time + (0.02 if time < 1.0 else 0.3)))
    assert clock.playback_time(now=10.0) == pytest.approx(9.7)


def test_playback_waits_rather_than_step_back_when_the_delay_grows():
    clock = FixedDelayClock(0.1)
    clock.observe(arrival(0.0, 0.0))
    before = clock.playback_time(now=1.0)
    clock.delay = 0.5
    assert clock.playback_time(now=1.1) == before == pytest.approx(0.9)
    assert clock.playback_time(now=1.5) == pytest.approx(1.0)


@pytest.mark.parametrize("frame", [1 / 30, 1 / 144])
@pytest.mark.parametrize("correction", [0.06, -0.06])
def test_a_correction_of_the_clock_is_made_good_softly_and_completely(frame, correction):
    clock = FixedDelayClock(0.1 + max(correction, 0.0))
    clock.observe(arrival(0.0, 0.0))
    times = [clock.playback_time(now=0.0)]
    clock.delay -= correction
    for n in range(1, int(3.0 / frame)):
        times.append(clock.playback_time(now=n * frame))
    steps = [(after - before) / frame for before, after in itertools.pairwise(times)]
    assert 0.949 <= min(steps) <= max(steps) <= 1.051
    assert times[-1] == n * frame - clock.delay


def test_a_correction_too_large_for_that_is_made_good_at_once():
    clock = FixedDelayClock(0.1)
    clock.observe(arrival(0.0, 1.0))
    assert clock.playback_time(now=2.0) == pytest.approx(0.9)
    clock.observe(arrival(1.5, 2.0))
    assert clock.playback_time(now=2.0) == pytest.approx(1.4)


def test_another_clock_can_take_over_without_changing_the_callers():
    class Live:  # (with no `easing`, as one that was written before there was any)
        delay = target_delay = bridging = 0.0
        arrivals = None

        def observe(self, snapshot: SnapshotLike) -> None:
            self.latest = snapshot.time

        def playback_time(self, *, now: float) -> float | None:
            return self.latest

        def reset(self) -> None:
            pass

    clock = Live()
    buffer = SnapshotBuffer(["x"], clock=clock)
    buffer.add(snapshot(0, x=0.0))
    buffer.add(snapshot(1, x=5.0))
    assert buffer.view(now=0.0) == {"x": 5.0}
    clock.latest += 0.01
    assert buffer.view(now=0.0) == {"x": 5.0}


def test_a_delay_and_a_clock_together_are_refused():
    with pytest.raises(ValueError, match="not both"):
        SnapshotBuffer(delay=0.1, clock=FixedDelayClock())


@pytest.mark.parametrize("delay", [-0.1, math.inf, math.nan])
def test_a_delay_that_is_no_time_is_refused(delay):
    with pytest.raises(ValueError, match="delay must be"):
        SnapshotBuffer(delay=delay)


def test_at_the_end_of_the_buffer_it_holds():
    buffer = buffer_of({"x": 0.0}, {"x": 1.0}, rules="x")
    for tick in (1, 1.5, 50, 5000):
        assert buffer.view(now=at(tick)) == {"x": 1.0}


def test_when_the_world_rests_the_view_is_the_newest_state_itself():
    newest = {"x": 3, "ball": {"p": [1.0, 2.0]}}
    buffer = SnapshotBuffer(["x", "ball.p"], delay=DELAY)
    buffer.add(snapshot(0, x=1, ball={"p": [0.0, 0.0]}))
    buffer.add(FakeSnapshot(1, INTERVAL, INTERVAL + LATENCY, newest))
    assert buffer.view(now=at(1)) is newest
    assert buffer.view(now=at(100)) is newest


def test_after_a_rest_movement_starts_within_the_delay_and_not_at_the_rests_beginning():
    buffer = buffer_of({"x": 0.0}, rules="x")
    buffer.view(now=at(97))
    buffer.add(snapshot(100, x=8.0))
    arrived = 100 * INTERVAL + LATENCY
    assert buffer.view(now=arrived) == {"x": 0.0}
    assert buffer.view(now=arrived + DELAY / 2)["x"] == pytest.approx(4.0)
    assert buffer.view(now=arrived + DELAY) == {"x": 8.0}


def test_after_a_rest_movement_starts_in_the_tick_that_ended_it():
    buffer = buffer_of({"x": 0.0}, rules="x")
    moved_at = 100 * INTERVAL
    buffer.add(FakeSnapshot(100, moved_at, moved_at + LATENCY, {"x": 8.0}, 0, 99 * INTERVAL))
    assert buffer.view(now=at(98.5)) == {"x": 0.0}
    assert buffer.view(now=at(99)) == {"x": 0.0}
    assert buffer.view(now=at(99.5))["x"] == pytest.approx(4.0)
    assert buffer.view(now=at(100)) == {"x": 8.0}


def test_where_a_changed_tick_was_lost_movement_does_not_wait_for_the_last_one():
    buffer = buffer_of({"x": 0.0}, rules="x")
    buffer.add(FakeSnapshot(2, 2 * INTERVAL, 2 * INTERVAL + LATENCY, {"x": 2.0}, 1, INTERVAL))
    assert buffer.view(now=at(0.5))["x"] == pytest.approx(0.5)


def test_two_lost_snapshots_in_a_row_are_bridged():
    buffer = buffer_of({"x": 0.0}, rules="x", delay=3 * INTERVAL)
    buffer.add(snapshot(3, x=3.0))
    for tick in (0.5, 1.0, 2.25):
        assert buffer.view(now=at(tick, 3 * INTERVAL))["x"] == pytest.approx(tick)


def test_without_a_delay_the_newest_state_is_shown_when_it_comes():
    buffer = buffer_of({"x": 0.0}, {"x": 1.0}, rules="x", delay=0.0)
    assert buffer.view(now=INTERVAL + LATENCY) == {"x": 1.0}


# ---------------------------------------------------------------------------------------------- what moves


def halfway(older: dict[str, Any], newer: dict[str, Any], *rules: Any, progress: float = 0.5) -> Mapping[str, Any]:
    return buffer_of(older, newer, rules=rules).view(now=at(progress))


def test_numbers_under_named_paths_are_interpolated():
    view = halfway({"ball": {"x": 0.0, "y": 10.0}}, {"ball": {"x": 4.0, "y": 20.0}}, "ball.x", "ball.y")
    assert view["ball"] == {"x": pytest.approx(2.0), "y": pytest.approx(15.0)}


def test_a_star_means_any_key_and_lists_go_number_by_number():
    older = {"players": {1: {"p": [0.0, 1.0]}, "bob": {"p": [5, 5]}}}
    newer = {"players": {1: {"p": [1.0, 3.0]}, "bob": {"p": [6, 5]}}}
    view = halfway(older, newer, "players.*.p")
    assert view["players"][1]["p"] == pytest.approx([0.5, 2.0])
    assert view["players"]["bob"]["p"] == pytest.approx([5.5, 5.0])


def test_a_star_at_the_end_means_any_number():
    view = halfway({"at": {"a": 0.0, "b": [2.0]}}, {"at": {"a": 1.0, "b": [4.0]}}, "at.*")
    assert view["at"] == {"a": pytest.approx(0.5), "b": pytest.approx([3.0])}


def test_a_part_of_digits_means_the_int_key_too():
    older, newer = {"p": {7: {"x": 0.0}, "8": {"x": 0.0}}}, {"p": {7: {"x": 1.0}, "8": {"x": 1.0}}}
    view = halfway(older, newer, "p.7.x", "p.8.x")
    assert view["p"] == {7: {"x": pytest.approx(0.5)}, "8": {"x": pytest.approx(0.5)}}


def test_ints_become_floats_only_in_between():
    buffer = buffer_of({"x": 1}, {"x": 2}, rules="x")
    assert isinstance(buffer.view(now=at(0))["x"], int)
    assert buffer.view(now=at(0.5))["x"] == pytest.approx(1.5)
    assert isinstance(buffer.view(now=at(1))["x"], int)


def test_everything_that_is_not_named_steps_at_its_time():
    buffer = buffer_of({"hp": 10, "x": 0.0}, {"hp": 5, "x": 1.0}, rules="x")
    assert buffer.view(now=at(0.99))["hp"] == 10
    assert buffer.view(now=at(1))["hp"] == 5


@pytest.mark.parametrize(
    ("a", "b"),
    [
        (False, True), ("a", "b"), (None, 1.0), (1.0, None), (1.0, [1.0]), ([1.0], [2.0, 3.0]), ([0], ["a"]),
        ([False, 0], [True, 1]), ({"deep": 1.0}, 2.0), (0.0, math.inf), (0.0, math.nan), ([0.0], [math.nan]),
        (-1.7e308, 1.7e308), ([-1.7e308], [1.7e308]), (math.inf, -math.inf),
    ],
)  # fmt: skip
def test_what_cannot_be_interpolated_steps(a, b):
    assert halfway({"x": a}, {"x": b}, "x")["x"] is a
    assert halfway({"x": a}, {"x": b}, Interpolate("x", angle="degrees"))["x"] is a


def test_what_appears_or_vanishes_does_so_at_its_time():
    buffer = buffer_of({"p": {"a": {"x": 0.0}}}, {"p": {"b": {"x": 9.0}}}, rules="p.*.x")
    assert buffer.view(now=at(0.9)) == {"p": {"a": {"x": 0.0}}}
    assert buffer.view(now=at(1)) == {"p": {"b": {"x": 9.0}}}


def test_a_number_that_appears_in_what_stays_does_so_at_its_time():
    assert halfway({"p": {"y": 1}}, {"p": {"x": 5.0, "y": 1}}, "p.x", "p.y") == {"p": {"y": 1}}


def test_angles_turn_the_short_way_round():
    view = halfway({"d": 350.0, "r": 3.0}, {"d": 20.0, "r": -3.0},
                   Interpolate("d", angle="degrees"), Interpolate("r", angle="radians"))  # fmt: skip
    assert view["d"] == pytest.approx(365.0)
    assert math.cos(view["r"]) == pytest.approx(-1.0)


def test_lists_of_angles_turn_the_short_way_round():
    assert halfway({"d": [350, 10]}, {"d": [20, 350]}, Interpolate("d", angle="degrees"))["d"] == [365.0, 0.0]


# ---------------------------------------------------------------------------------------------- jumps


@pytest.mark.parametrize(("x", "expected"), [(5.0, 2.5), (5.1, 0.0)])
def test_a_number_that_moves_more_than_the_snap_distance_steps(x, expected):
    view = halfway({"x": 0.0}, {"x": x}, Interpolate("x", snap_distance=5.0))
    assert view["x"] == pytest.approx(expected)


def test_the_snap_distance_of_a_list_is_that_of_the_point():
    rule = Interpolate("p", snap_distance=5.0)
    assert halfway({"p": [0.0, 0.0]}, {"p": [3.0, 4.0]}, rule)["p"] == pytest.approx([1.5, 2.0])
    assert halfway({"p": [0.0, 0.0]}, {"p": [4.0, 4.0]}, rule)["p"] == [0.0, 0.0]


def test_coordinates_of_one_rule_snap_together():
    rule = Interpolate("p.*.x", "p.*.y", snap_distance=5.0)
    older = {"p": {"a": {"x": 0.0, "y": 0.0}, "b": {"x": 0.0, "y": 0.0}}}
    newer = {"p": {"a": {"x": 4.0, "y": 4.0}, "b": {"x": 3, "y": 4.0}}}
    view = halfway(older, newer, rule)
    assert view["p"] == {"a": {"x": 0.0, "y": 0.0}, "b": {"x": pytest.approx(1.5), "y": pytest.approx(2.0)}}


def test_the_snap_distance_of_an_angle_is_that_of_the_short_way():
    rule = Interpolate("d", angle="degrees", snap_distance=40)
    assert halfway({"d": 350.0}, {"d": 20.0}, rule)["d"] == pytest.approx(365.0)
    assert halfway({"d": 0.0}, {"d": 180.0}, rule)["d"] == 0.0


def test_a_changed_mark_snaps_its_entity_and_no_other():
    rule = Interpolate("p.*.x", "p.*.ship.y", snap_on="p.*.jumps")
    older = {"p": {k: {"x": 0.0, "ship": {"y": 0.0}, "jumps": 3} for k in "ab"}}
    newer = copy.deepcopy(older)
    for k in "ab":
        newer["p"][k].update(x=2.0, ship={"y": 4.0})
    newer["p"]["a"]["jumps"] = 4
    view = halfway(older, newer, rule)
    assert view["p"]["a"] == older["p"]["a"]
    assert view["p"]["b"] == {"x": pytest.approx(1.0), "ship": {"y": pytest.approx(2.0)}, "jumps": 3}


def test_a_mark_above_the_entities_snaps_all_of_them():
    rule = Interpolate("p.*.x", snap_on="round")
    older, newer = {"round": 1, "p": {"a": {"x": 0.0}}}, {"round": 2, "p": {"a": {"x": 1.0}}}
    assert halfway(older, newer, rule)["p"] == {"a": {"x": 0.0}}
    assert halfway(older, {**newer, "round": 1}, rule)["p"]["a"]["x"] == pytest.approx(0.5)


def test_a_mark_that_is_in_neither_state_snaps_nothing():
    rule = Interpolate("ball.x", snap_on="ball.serve.0")
    assert halfway({"ball": {"x": 0.0}}, {"ball": {"x": 1.0}}, rule)["ball"]["x"] == pytest.approx(0.5)
    with_mark = {"ball": {"x": 1.0, "serve": {0: 1}}}
    assert halfway({"ball": {"x": 0.0}}, with_mark, rule)["ball"]["x"] == 0.0


def test_marked_and_plain_rules_work_on_the_same_entity():
    rules = (Interpolate("p.*.x", snap_on="p.*.jumps"), "p.*.y")
    older, newer = {"p": {1: {"x": 0.0, "y": 0.0, "jumps": 0}}}, {"p": {1: {"x": 1.0, "y": 1.0, "jumps": 1}}}
    assert halfway(older, newer, *rules)["p"][1] == {"x": 0.0, "y": pytest.approx(0.5), "jumps": 0}


@pytest.mark.parametrize("path", ["", ".", "a..b", "a.", "a.b*", "**"])
def test_a_malformed_path_is_refused(path):
    with pytest.raises(ValueError, match="malformed"):
        SnapshotBuffer([path])


def test_wrong_rules_are_refused_with_a_reason():
    with pytest.raises(ValueError, match="at least one path"):
        Interpolate()
    with pytest.raises(ValueError, match="radians"):
        Interpolate("x", angle="turns")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="snap_distance"):
        Interpolate("x", snap_distance=-1)
    with pytest.raises(ValueError, match="snap_on"):
        Interpolate("ball.x", snap_on="players.*.jumps")
    with pytest.raises(ValueError, match="named twice"):
        SnapshotBuffer(["x", Interpolate("x", angle="degrees")])
    with pytest.raises(TypeError, match="a path is a str"):
        Interpolate(3)  # type: ignore[arg-type]


# ---------------------------------------------------------------------------------------------- arrivals


def test_a_duplicate_changes_nothing():
    buffer = buffer_of({"x": 0.0}, {"x": 1.0}, rules="x")
    assert not buffer.add(snapshot(1, late=0.5, x=1.0))
    assert len(buffer) == 2
    assert buffer.playback_time(now=at(5)) == pytest.approx(5 * INTERVAL)


def test_one_older_than_what_is_shown_comes_too_late():
    buffer = SnapshotBuffer(delay=DELAY)
    for tick in (0, 2, 4):
        buffer.add(snapshot(tick, n=tick))
    assert buffer.view(now=at(2.5)) == {"n": 2}
    assert not buffer.add(snapshot(1, late=0.2, n=1))
    assert buffer.add(snapshot(3, late=0.1, n=3))
    assert buffer.view(now=at(3.5)) == {"n": 3}


def test_a_server_that_starts_anew_resets_the_buffer():
    buffer = buffer_of(*({"n": n} for n in range(40)))
    buffer.view(now=at(39))
    restarted = FakeSnapshot(0, 0.0, at(41), {"n": "new"})
    assert buffer.add(restarted)
    assert buffer.view(now=at(42)) == {"n": "new"}


def test_a_server_whose_clock_and_tick_disagree_with_before_is_another_one():
    buffer = buffer_of({"n": 0}, {"n": 1}, {"n": 2})
    buffer.add(FakeSnapshot(1, 900.0, at(3), {"n": "other"}))
    assert len(buffer) == 1
    buffer.add(FakeSnapshot(2, 5.0, at(4), {"n": "yet another"}))
    assert buffer.view(now=at(5)) == {"n": "yet another"}


def test_reset_forgets_everything():
    buffer = buffer_of({"x": 0.0}, {"x": 1.0})
    buffer.view(now=at(1))
    buffer.reset()
    assert dict(buffer.view(now=at(2))) == {}
    assert buffer.newest is None
    buffer.add(snapshot(0, x=5.0))
    assert buffer.view(now=LATENCY) == {"x": 5.0}


def test_memory_stays_bounded_when_nobody_draws():
    buffer = buffer_of(*({"n": n} for n in range(MAX_SNAPSHOTS * 3)))
    assert len(buffer) == MAX_SNAPSHOTS
    assert buffer.newest is not None
    assert buffer.newest.state == {"n": MAX_SNAPSHOTS * 3 - 1}


def test_the_clock_remembers_a_bounded_number_of_arrivals():
    clock = FixedDelayClock(window=math.inf)
    for n in range(MAX_ARRIVALS * 2):
        clock.observe(arrival(n * 1e-3, n * 1.1e-3))  # each slower than the last: all are kept
    assert clock.arrivals.held[0] == MAX_ARRIVALS


def test_drawing_drops_what_has_been_played():
    buffer = buffer_of(*({"n": n} for n in range(50)))
    buffer.view(now=at(40))
    assert len(buffer) == 10


# ---------------------------------------------------------------------------------------------- invariants

numbers = st.one_of(st.integers(-(2**63), 2**64 - 1), st.floats(allow_nan=False, allow_infinity=False), st.just(0.0))
small = st.floats(-1e6, 1e6)
values = st.one_of(numbers, st.lists(numbers, max_size=3), st.booleans(), st.none(), st.text(max_size=2))
entities = st.dictionaries(st.sampled_from(["x", "y", "p", "heading", "jumps"]), values)
states = st.fixed_dictionaries(
    {}, optional={"ball": entities, "players": st.dictionaries(st.sampled_from([1, 2, "a"]), entities)}
)
RULES = (
    "ball.x", "ball.p", "players.*.y", "players.1.p",
    Interpolate("players.*.heading", angle="radians"),
    Interpolate("players.*.x", "players.*.p", snap_on="players.*.jumps", snap_distance=1e9),
    "ball.y",
    Interpolate("ball.heading", angle="degrees"),
)  # fmt: skip


@given(st.lists(states, min_size=1, max_size=5), st.lists(st.floats(-1, 6), min_size=1, max_size=6))
def test_no_snapshot_is_ever_changed(history, ticks):
    before = copy.deepcopy(history)
    buffer = buffer_of(*history, rules=RULES)
    for tick in sorted(ticks):
        buffer.view(now=at(tick))
    assert history == before


@given(st.lists(states, min_size=1, max_size=5))
def test_at_each_tick_and_at_rest_the_view_is_that_ticks_state_exactly(history):
    buffer = buffer_of(*history, rules=RULES)
    for tick, state in enumerate(history):
        assert dict(buffer.view(now=at(tick))) == state
    resting = buffer.view(now=at(len(history)))
    assert all(a is b for a, b in zip(resting.values(), history[-1].values(), strict=True))


@given(states, states, st.floats(0, 0.999))
def test_whatever_the_states_each_value_is_between_its_neighbours_or_the_older_one(older, newer, progress):
    view = buffer_of(older, newer, rules=RULES).view(now=at(progress))
    assert view.keys() == older.keys()
    for older_dict, newer_dict, seen in _dicts(older, newer, view):
        assert seen.keys() == older_dict.keys()
        for key, value in seen.items():
            if key not in ("heading", "players"):
                assert value == older_dict[key] or _between(older_dict[key], newer_dict.get(key), value)


def _dicts(a: Any, b: Any, c: Any) -> Any:
    """The dicts in which numbers lie, side by side in the older, the newer and the seen state."""
    yield a.get("ball", {}), b.get("ball", {}), c.get("ball", {})
    for key, entity in a.get("players", {}).items():
        yield entity, b.get("players", {}).get(key, {}), c["players"][key]


def _between(a: Any, b: Any, value: Any) -> bool:
    if isinstance(a, list):
        return len(a) == len(b) == len(value) and all(map(_between, a, b, value))
    slack = 1e-15 * max(abs(a), abs(b))  # a rounding at either end
    return bool(min(a, b) - slack <= value <= max(a, b) + slack)


@given(st.floats(-10, 10), st.floats(-10, 10), st.floats(0.01, 0.99))
def test_an_angle_turns_by_its_share_of_at_most_half_a_turn(a, b, progress):
    seen = halfway_angle(a, b, progress)
    whole = math.remainder(b - a, math.tau)
    assert abs(seen - a) <= math.pi * progress + 1e-9
    assert seen - a == pytest.approx(whole * progress, abs=1e-6)


def halfway_angle(a: float, b: float, progress: float) -> float:
    view = halfway({"r": a}, {"r": b}, Interpolate("r", angle="radians"), progress=progress)
    return float(view["r"])


@given(st.lists(st.tuples(st.floats(0, 0.3), st.floats(0, 0.2)), min_size=1, max_size=40), st.floats(0, 0.5))
def test_playback_never_steps_back_whatever_arrives_and_however_irregularly_frames_are_drawn(steps, delay):
    buffer, now, latest = SnapshotBuffer(["x"], delay=delay), 0.0, -math.inf
    for tick, (late, pause) in enumerate(steps):
        now += pause
        time = tick * INTERVAL
        buffer.add(FakeSnapshot(tick, time, now + late, {"x": float(tick)}))
        playback = buffer.playback_time(now=now)
        assert playback is not None
        assert playback >= latest
        latest = playback


@given(st.permutations(range(8)), st.sets(st.integers(0, 7)), st.lists(st.floats(0, 9), max_size=9))
def test_in_whatever_order_and_however_often_they_arrive_the_same_is_shown(order, doubled, frames):
    snapshots = [snapshot(tick, x=float(tick * tick), n=tick) for tick in range(8)]
    orderly, shuffled = SnapshotBuffer(["x"], delay=DELAY), SnapshotBuffer(["x"], delay=DELAY)
    for tick in range(8):
        orderly.add(snapshots[tick])
    for tick in itertools.chain(order, doubled):
        shuffled.add(snapshots[tick])
    for tick in sorted(frames):
        assert shuffled.view(now=at(tick)) == orderly.view(now=at(tick))


def test_on_a_jittery_link_that_loses_a_tenth_an_entity_moves_steadily_and_never_back(rng: random.Random):
    buffer = SnapshotBuffer(["x"], delay=0.4)
    arrivals = sorted(
        (snapshot(t, late=rng.uniform(0, 0.05), x=float(t)) for t in range(400) if rng.random() > 0.1),
        key=lambda one: one.received_at,
    )
    seen, now = [], LATENCY + 2.0
    while now < LATENCY + 18.0:
        while arrivals and arrivals[0].received_at <= now:
            buffer.add(arrivals.pop(0))
        seen.append(buffer.view(now=now)["x"])
        now += 1 / 60
    steps = [b - a for a, b in itertools.pairwise(seen[60:])]
    assert min(steps) >= 0.0
    assert max(steps) < 1.5 / 60 / INTERVAL
    assert sum(steps) / len(steps) == pytest.approx(1 / 60 / INTERVAL, rel=0.01)


def test_what_does_not_move_is_shared_and_what_moves_is_a_copy():
    scenery, resting = {"walls": [1, 2, 3]}, {"x": 1.0}
    tags = [1]
    older = {"scenery": scenery, "players": {"a": {"x": 0.0, "tags": tags}, "b": resting}}
    newer = {"scenery": scenery, "players": {"a": {"x": 1.0, "tags": tags}, "b": resting}}
    view = halfway(older, newer, "players.*.x")
    assert view["scenery"] is scenery
    assert view["players"]["b"] is resting
    assert view["players"]["a"] is not older["players"]["a"]
    assert view["players"]["a"]["tags"] is tags


def test_where_nothing_named_moves_the_older_state_itself_is_shown():
    older = {"players": {"a": {"x": 1.0}}, "time": 1}
    buffer = SnapshotBuffer("players.*.x", delay=DELAY)
    buffer.add(FakeSnapshot(0, 0.0, LATENCY, older))
    buffer.add(snapshot(1, players={"a": {"x": 1.0}}, time=2))
    assert buffer.view(now=at(0.5)) is older


def test_the_window_of_the_clock_spans_seconds_not_arrivals():
    clock = FixedDelayClock(0.0)
    clock.observe(arrival(0.0, 1.0))
    clock.observe(arrival(OFFSET_WINDOW, OFFSET_WINDOW + 1.0))
    clock.observe(arrival(OFFSET_WINDOW, OFFSET_WINDOW + 1.2))
    assert clock.playback_time(now=10.0) == pytest.approx(9.0)
