"""The server's past states: a judge sees the state that the client drew."""

from __future__ import annotations

import math
import random
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pygase.timeline.history import DEFAULT_SECONDS, MAX_STATES, StateHistory
from pygase.timeline.interpolation import Interpolate, SnapshotBuffer

INTERVAL = 1 / 64  # a power of two, so that the moments of ticks are exact

RULES = (
    Interpolate("players.*.x", "players.*.y", snap_distance=20),
    Interpolate("players.*.angle", angle="radians"),
    "clock",
)


@dataclass(frozen=True)
class Received:
    """A snapshot as a client has it of a server that sent each changed state, and lost none."""

    tick: int
    time: float
    state: Mapping[str, Any]
    previous_tick: int
    changed_after: float
    received_at: float = 0.0
    resting: bool = False


class Playback:
    """Playback at the time that the test sets: ``now`` is the server's time."""

    delay = target_delay = 10.0
    bridging = easing = 0.0
    arrivals = None

    def observe(self, snapshot: Any) -> None:
        pass

    def playback_time(self, *, now: float) -> float | None:
        return now

    def reset(self) -> None:
        pass


def history_of(*values: float, seconds: float = DEFAULT_SECONDS) -> StateHistory:
    """A history of states whose x is that value, of ticks 0, 1, 2 …"""
    history = StateHistory(seconds, ["x"])
    for tick, x in enumerate(values):
        history.push(tick, tick * INTERVAL, {"x": x})
    return history


def test_before_the_first_push_every_moment_is_empty():
    history = StateHistory()
    assert dict(history.at(1.0)) == dict(history.at(None)) == {}
    assert history.oldest is history.newest is None


def test_at_a_tick_it_is_the_very_state_that_was_pushed():
    states = [{"x": float(n), "walls": [1, 2]} for n in range(5)]
    history = StateHistory(interpolate=["x"])
    for tick, state in enumerate(states):
        history.push(tick, tick * INTERVAL, state)
    for tick, state in enumerate(states):
        assert history.at(tick * INTERVAL) is state


def test_between_two_ticks_what_does_not_move_is_shared():
    walls: list[int] = [1, 2]
    history = StateHistory(interpolate=["x"])
    history.push(0, 0.0, {"x": 0.0, "walls": walls})
    history.push(1, INTERVAL, {"x": 1.0, "walls": walls})
    seen = history.at(INTERVAL / 4)
    assert seen == {"x": 0.25, "walls": [1, 2]}
    assert seen["walls"] is walls


def test_what_no_rule_names_steps_at_its_time():
    history = StateHistory()
    history.push(0, 0.0, {"x": 0.0})
    history.push(1, INTERVAL, {"x": 1.0})
    assert history.at(INTERVAL * 0.99) == {"x": 0.0}
    assert history.at(INTERVAL) == {"x": 1.0}


@pytest.mark.parametrize("time", [None, 2 * INTERVAL, 5.0, math.inf, math.nan])
def test_what_is_newer_than_the_newest_and_what_nobody_knows_is_the_newest_state(time):
    assert history_of(0.0, 1.0, 2.0).at(time) == {"x": 2.0}


@pytest.mark.parametrize("time", [0.0, -5.0, -math.inf])
def test_what_is_older_than_the_first_state_is_the_first_state(time):
    assert history_of(7.0, 1.0, 2.0).at(time) == {"x": 7.0}


def test_what_is_older_than_the_limit_is_judged_at_the_limit():
    history = history_of(*(float(n) for n in range(200)), seconds=10.5 * INTERVAL)
    assert history.newest == 199 * INTERVAL
    assert history.oldest == 188.5 * INTERVAL
    assert history.at(0.0) == history.at(188.5 * INTERVAL) == {"x": 188.5}


def test_a_second_is_kept_and_no_more():
    history = StateHistory(interpolate=["x"])
    for tick in range(1000):
        history.push(tick, tick * INTERVAL, {"x": float(tick)})
        assert len(history) <= 64 + 2
    assert history.oldest == 999 * INTERVAL - 1.0
    assert history.at(-1.0) == {"x": 999.0 - 64}


def test_however_fast_ticks_come_no_more_than_the_most_states_are_held():
    history = StateHistory(interpolate=["x"])
    for tick in range(2000):
        history.push(tick, tick / 4096, {"x": float(tick)})
    assert len(history) == MAX_STATES
    assert history.oldest == (2000 - MAX_STATES) / 4096
    assert history.at(0.0) == {"x": 2000.0 - MAX_STATES}


def test_ticks_that_change_nothing_take_no_room():
    history, state = StateHistory(), {"x": 1.0}
    for tick in range(1000):
        history.push(tick, tick * INTERVAL, state)
    assert len(history) == 1
    assert history.newest == 999 * INTERVAL
    assert history.at(500 * INTERVAL) is state


def test_while_the_world_rests_its_past_grows_older_than_the_limit():
    """Nobody can be hit at their place before a rest that is longer than the limit."""
    history = history_of(0.0, 50.0)
    resting = history.at(None)
    for tick in range(2, 100):
        history.push(tick, tick * INTERVAL, resting)
    assert history.at(0.0) is resting


@pytest.mark.parametrize("pushed", [True, False], ids=["rest pushed", "rest left out"])
def test_after_a_rest_movement_begins_when_the_rest_ended(pushed):
    history = history_of(0.0, 10.0)
    for tick in range(2, 8) if pushed else ():
        history.push(tick, tick * INTERVAL, history.at(None))
    history.push(8, 8 * INTERVAL, {"x": 20.0})
    assert [history.at(tick * INTERVAL)["x"] for tick in (0.5, 1, 4, 7, 7.5, 8)] == [5, 10, 10, 10, 15, 20]


@pytest.mark.parametrize("left_out", [True, False], ids=["rest left out", "rest pushed"])
def test_at_the_same_playback_time_judge_and_client_see_the_same(left_out, rng: random.Random):
    """To the last bit, through rests, turns, teleports, arrivals and departures."""
    history, buffer = StateHistory(100.0, RULES, max_states=1000), SnapshotBuffer(RULES, clock=Playback())
    state: dict[str, Any] = {"clock": 0, "players": {}}
    previous = 0
    history.push(0, 0.0, state)
    buffer.add(Received(0, 0.0, state, 0, 0.0))
    for tick in range(1, 200):
        time = tick * INTERVAL
        if rng.random() < 0.6:
            state = _changed(state, rng)
            buffer.add(Received(tick, time, state, previous, time - INTERVAL))
            previous = tick
            history.push(tick, time, state)
        elif not left_out:
            history.push(tick, time, state)
    moving = 0
    for moment in sorted(rng.uniform(0, 200 * INTERVAL) for _ in range(2000)):
        seen, drawn = history.at(moment), buffer.view(now=moment)
        assert seen == drawn
        moving += not any(seen is state for state in history.states)
    assert moving > 500, "most of the moments lay within rests: nothing was compared"


def _changed(state: dict[str, Any], rng: random.Random) -> dict[str, Any]:
    players = {
        name: {
            "x": player["x"] + rng.choice([0.0, 3.0, -2.5, 100.0]),
            "y": player["y"] + rng.choice([0.0, 1.0]),
            "angle": math.remainder(player["angle"] + rng.uniform(-1, 1), math.tau),
            "name": rng.choice(["ann", "bob"]),
        }
        for name, player in state["players"].items()
        if rng.random() < 0.95
    }
    if rng.random() < 0.3:
        players[rng.choice("abcd")] = {"x": 0.0, "y": 0.0, "angle": 3.0, "name": "new"}
    return {"clock": state["clock"] + 1, "players": players}


@given(st.lists(st.tuples(st.integers(1, 3), st.floats(0, 2), st.booleans()), max_size=40), st.floats())
def test_whatever_is_asked_there_is_an_answer_within_the_limit(pushes, asked):
    history, tick, time = StateHistory(1.0, ["x"], max_states=8), 0, 0.0
    state: dict[str, Any] = {"x": 0.0}
    history.push(tick, time, state)
    for ticks, seconds, changed in pushes:
        tick, time = tick + ticks, time + seconds
        state = {"x": time} if changed else state
        history.push(tick, time, state)
    assert 0.0 <= history.at(asked)["x"] <= time
    assert time - 1.0 <= history.oldest <= history.newest == time
    assert len(history) <= 8


@pytest.mark.parametrize(
    ("tick", "time"), [(1, 2.0), (0, 2.0), (2, 0.5), (2, math.nan), (2, math.inf)], ids=lambda value: str(value)
)
def test_a_push_that_does_not_go_on_from_the_one_before_is_refused_and_changes_nothing(tick, time):
    history = StateHistory()
    history.push(1, 1.0, {"n": 1})
    with pytest.raises(ValueError, match="cannot follow tick 1 at"):
        history.push(tick, time, {"n": 2})
    assert (len(history), history.newest, history.at(None)) == (1, 1.0, {"n": 1})


def test_two_ticks_at_the_same_moment_are_the_later_one():
    history = StateHistory(interpolate=["x"])
    for tick, x in enumerate([0.0, 1.0, 2.0]):
        history.push(tick, 5.0, {"x": x})
    history.push(3, 6.0, {"x": 2.0})
    assert history.at(5.0) == {"x": 2.0}


def test_a_cleared_history_begins_anew():
    history = history_of(0.0, 1.0)
    history.clear()
    assert (len(history), history.newest, dict(history.at(0.0))) == (0, None, {})
    history.push(0, 0.0, {"x": 5.0})
    assert history.at(None) == {"x": 5.0}


@pytest.mark.parametrize("seconds", [0, -1.0, math.nan, math.inf])
def test_an_impossible_span_is_refused(seconds):
    with pytest.raises(ValueError, match="seconds must be a number above 0"):
        StateHistory(seconds)


def test_fewer_than_two_states_are_refused():
    with pytest.raises(ValueError, match="max_states must be from 2 up"):
        StateHistory(max_states=1)


def test_the_first_time_must_be_a_number():
    with pytest.raises(ValueError, match="time must be a number of seconds"):
        StateHistory().push(0, math.nan, {})
