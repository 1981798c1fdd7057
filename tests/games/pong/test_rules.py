"""The rules of Pong hold for every possible match."""

import ast
import copy
import inspect
import math
import random
import statistics
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import pygase
from games.pong import flight, rules
from games.pong.bot import Bot
from games.pong.flight import LEFT, RIGHT, SIDES
from games.pong.rules import Match

directions = st.sampled_from([-1, 0, 1])
inputs = st.fixed_dictionaries({LEFT: directions, RIGHT: directions})
# Each direction is held for some ticks, as a key would be, so that a few draws play many points.
Played = list[tuple[dict[Any, int], int]]
playing = st.lists(st.tuples(inputs, st.integers(1, 120)), max_size=40)
paddle_ys = st.floats(flight.PADDLE_HALF, flight.HEIGHT - flight.PADDLE_HALF)
ball_ys = st.floats(flight.BALL_RADIUS, flight.HEIGHT - flight.BALL_RADIUS)


def matches_of(played: Played) -> list[Match]:
    matches = [rules.new_match()]
    for held, ticks in played:
        for _ in range(ticks):
            matches.append(rules.step(matches[-1], held))
    return matches


def in_flight(x: float, y: float, vx: float, vy: float, **more: Any) -> Match:
    match = rules.new_match(rules.RALLY)
    return {**match, "countdown": 0, "ball": {"x": x, "y": y, "vx": vx, "vy": vy}, **more}  # type: ignore[typeddict-item]


@given(playing)
def test_ball_and_paddles_never_leave_the_court(played: Played) -> None:
    """At the ends the ball may be half outside, just before it scores, and nowhere else."""
    for match in matches_of(played):
        ball = match["ball"]
        assert -flight.BALL_RADIUS <= ball["x"] <= flight.WIDTH + flight.BALL_RADIUS
        assert flight.BALL_RADIUS <= ball["y"] <= flight.HEIGHT - flight.BALL_RADIUS
        for y in match["paddles"].values():
            assert flight.PADDLE_HALF <= y <= flight.HEIGHT - flight.PADDLE_HALF


@given(playing)
def test_scores_only_ever_grow_one_point_at_a_time_and_a_point_brings_a_serve(played: Played) -> None:
    before, *rest = matches_of(played)
    for match in rest:
        gained = [match["score"][side] - before["score"][side] for side in SIDES]
        assert sorted(gained) in ([0, 0], [0, 1])
        if any(gained):
            assert match["phase"] in (rules.SERVE, rules.OVER)
            assert match["ball"]["x"] == flight.WIDTH / 2
        before = match


@given(playing)
def test_the_same_inputs_always_play_the_same_match(played: Played) -> None:
    assert matches_of(played) == matches_of(played)


@given(playing)
def test_a_step_changes_nothing_that_it_was_given(played: Played) -> None:
    match = matches_of(played)[-1]
    before = copy.deepcopy(match)
    rules.step(match, {LEFT: 1, RIGHT: -1})
    assert match == before


@given(playing)
def test_changes_merged_into_the_old_match_make_the_new_one(played: Played) -> None:
    before, *rest = matches_of(played)
    for after in rest:
        assert merged(before, pygase.changes(before, after)) == after
        before = after


def merged(base: Any, update: Any) -> Any:
    if not isinstance(update, dict):
        return update
    return {**base, **{key: merged(base.get(key), value) for key, value in update.items()}}


@given(st.floats(1.0, 100_000.0), ball_ys, st.floats(-3.0, 3.0), st.sampled_from(SIDES))
def test_no_ball_is_fast_enough_to_fly_through_a_paddle(
    speed: float, y: float, slope: float, side: flight.Side
) -> None:
    """Wherever the ball crosses the paddle's line: a paddle at that place sends it back."""
    vx = -speed if side == LEFT else speed
    ball: flight.Ball = {"x": flight.WIDTH / 2, "y": y, "vx": vx, "vy": slope * speed}
    crossing = flight.fly(ball, flight.ticks_to_reach(ball, side))["y"]
    paddle = min(max(crossing, flight.PADDLE_HALF), flight.HEIGHT - flight.PADDLE_HALF)
    match = in_flight(**ball, paddles={LEFT: paddle, RIGHT: paddle})
    for _ in range(200):
        match = rules.step(match, {})
        if match["rally"]:
            break
    assert match["rally"] == 1
    assert (match["ball"]["vx"] > 0) == (side == LEFT)


@given(st.floats(1.0, 100_000.0), st.sampled_from(SIDES))
def test_a_ball_past_the_paddle_scores_for_the_other_side(speed: float, side: flight.Side) -> None:
    vx = -speed if side == LEFT else speed
    corner = flight.HEIGHT - flight.PADDLE_HALF
    match = in_flight(flight.WIDTH / 2, 10.0, vx, 0.0, paddles={LEFT: corner, RIGHT: corner})
    while match["phase"] == rules.RALLY:
        match = rules.step(match, {})
    assert match["score"] == {flight.other(side): 1, side: 0}
    assert match["serve_to"] == side


@given(ball_ys, st.floats(-1e5, 1e5), st.floats(0, 50))
def test_a_bounce_off_a_wall_keeps_the_speed_and_the_ball_inside(y: float, vy: float, ticks: float) -> None:
    ball = flight.fly({"x": 0.0, "y": y, "vx": 1.0, "vy": vy}, ticks)
    assert flight.BALL_RADIUS <= ball["y"] <= flight.HEIGHT - flight.BALL_RADIUS
    assert abs(ball["vy"]) == abs(vy)


def test_flying_tick_by_tick_arrives_where_one_long_flight_does() -> None:
    ball: flight.Ball = {"x": 20.0, "y": 50.0, "vx": 1.0, "vy": 4.7}
    at_once = flight.fly(ball, 100)
    for _ in range(100):
        ball = flight.fly(ball, 1)
    assert math.isclose(ball["y"], at_once["y"])
    assert ball["vy"] == at_once["vy"]


@pytest.mark.parametrize("off_middle", [-20.0, -10.0, 0.0, 10.0, 20.0])
def test_where_the_paddle_is_hit_decides_the_angle(off_middle: float) -> None:
    match = in_flight(30.0, 90.0 + off_middle, -4.0, 0.0, paddles={LEFT: 90.0, RIGHT: 90.0})
    for _ in range(4):
        match = rules.step(match, {})
    ball = match["ball"]
    expected = off_middle / (flight.PADDLE_HALF + flight.BALL_RADIUS) * flight.STEEPEST
    assert math.isclose(ball["vy"] / ball["vx"], expected, abs_tol=1e-9)
    assert math.isclose(math.hypot(ball["vx"], ball["vy"]), flight.ball_speed(1))


def test_the_ball_gets_faster_with_every_hit_up_to_its_top_speed() -> None:
    speeds = [flight.ball_speed(rally) for rally in range(100)]
    assert speeds == sorted(speeds)
    assert speeds[0] == flight.SERVE_SPEED < speeds[1]
    assert speeds[-1] == flight.TOP_SPEED


def test_a_serve_waits_for_its_countdown_and_flies_to_whoever_lost_the_point() -> None:
    match: Match = {**rules.new_match(), "serve_to": LEFT}
    for _ in range(rules.SERVE_TICKS - 1):
        match = rules.step(match, {})
        assert match["phase"] == rules.SERVE
        assert match["ball"]["vx"] == 0
    match = rules.step(match, {})
    assert match["phase"] == rules.RALLY
    assert match["ball"]["vx"] < 0


def test_paddles_move_during_a_serve_and_stop_at_the_walls() -> None:
    match = rules.new_match()
    for _ in range(70):
        match = rules.step(match, {LEFT: -1, RIGHT: 1})
    assert match["paddles"] == {LEFT: flight.PADDLE_HALF, RIGHT: flight.HEIGHT - flight.PADDLE_HALF}


def test_a_direction_of_any_size_moves_a_paddle_at_its_one_speed() -> None:
    assert rules.move_paddle(90.0, 1_000_000) == 90.0 + flight.PADDLE_SPEED
    assert rules.move_paddle(90.0, -7) == 90.0 - flight.PADDLE_SPEED


def test_eleven_points_win_and_then_the_ball_rests() -> None:
    nearly = in_flight(2.0, 20.0, -5.0, 0.0, score={LEFT: 10, RIGHT: 10})
    won = rules.step(rules.step(nearly, {}), {})
    assert won["score"] == {LEFT: 10, RIGHT: 11}
    assert won["winner"] == RIGHT
    assert won["phase"] == rules.OVER
    later = rules.step(rules.step(won, {}), {})
    assert pygase.changes(won, later) == {}


def test_the_longest_rally_of_a_game_is_remembered() -> None:
    match = in_flight(30.0, 90.0, -5.0, 0.0, rally=6, longest=6)
    match = rules.step(rules.step(match, {}), {})
    assert (match["rally"], match["longest"]) == (7, 7)
    missed = rules.step({**match, "ball": {"x": -2.0, "y": 20.0, "vx": -5.0, "vy": 0.0}}, {})
    assert (missed["rally"], missed["longest"]) == (0, 7)


def game_won(winner: flight.Side, match: Match) -> Match:
    """Return a match that this side wins with the next point."""
    out = {"x": -2.0, "y": 20.0, "vx": -5.0, "vy": 0.0}
    if winner == LEFT:
        out = {**out, "x": flight.WIDTH + 2.0, "vx": 5.0}
    end = rules.step({**match, "phase": rules.RALLY, "ball": out, "score": {LEFT: 10, RIGHT: 10}}, {})  # type: ignore[typeddict-item]
    assert end["winner"] == winner
    return end


@pytest.mark.parametrize(
    ("best_of", "winners", "decided_after"),
    [(1, [LEFT], 1), (3, [RIGHT, RIGHT], 2), (3, [LEFT, RIGHT, LEFT], 3), (5, [LEFT, LEFT, RIGHT, RIGHT, RIGHT], 5)],
)
def test_a_series_is_decided_by_more_than_half_of_its_games(
    best_of: int, winners: list[flight.Side], decided_after: int
) -> None:
    match = rules.new_match(best_of=best_of)
    for number, winner in enumerate(winners, start=1):
        match = game_won(winner, match)
        assert match["games"] == {side: winners[:number].count(side) for side in SIDES}
        assert rules.is_decided(match) == (number == decided_after)
        if number < decided_after:
            match = rules.next_game(match)
            assert match["score"] == {LEFT: 0, RIGHT: 0}
            assert match["serve_to"] == flight.other(winner)
            assert match["phase"] == rules.SERVE
    assert rules.next_game(match) == rules.new_match(best_of=best_of)


@pytest.mark.parametrize("best_of", [0, 2, 4, 11, -1])
def test_a_series_that_nobody_could_win_is_refused(best_of: int) -> None:
    with pytest.raises(ValueError, match="best_of is one of 1, 3, 5, 7, 9"):
        rules.new_match(best_of=best_of)


@pytest.mark.parametrize(
    ("value", "meant"),
    [
        *[(-1, (-1, 0)), (0, (0, 0)), (1, (1, 0)), ([1, -1], (1, -1)), ((0, 1), (0, 1)), ([9, 1], (0, 1))],
        *[(5, (0, 0)), ("up", (0, 0)), (None, (0, 0)), ([1], (0, 0)), ([1, 1, 1], (0, 0)), ([[1], {}], (0, 0))],
        *[(0.5, (0, 0)), (math.nan, (0, 0)), (10**18, (0, 0)), ({"up": True}, (0, 0)), (b"\x01\x01", (0, 0))],
    ],
)
def test_an_input_is_one_direction_or_two_and_all_else_is_none(value: object, meant: tuple[int, int]) -> None:
    assert rules.wishes(value) == meant


def test_nothing_moves_while_waiting_for_somebody_to_play_against() -> None:
    waiting = rules.new_match(rules.WAITING)
    assert rules.step(waiting, {LEFT: 1, RIGHT: -1}) == waiting


def test_every_serve_can_be_reached_by_a_paddle_from_the_middle() -> None:
    for points, slope in enumerate(rules.SERVE_SLOPES):
        match: Match = {**rules.new_match(), "score": {LEFT: points, RIGHT: 0}, "countdown": 1}
        match = rules.step(match, {})
        ticks = flight.ticks_to_reach(match["ball"], RIGHT)
        away = abs(flight.fly(match["ball"], ticks)["y"] - flight.HEIGHT / 2)
        assert away < flight.PADDLE_SPEED * ticks, slope


def test_the_rules_know_neither_network_nor_window() -> None:
    imported = set()
    for module in (rules, flight):
        for node in ast.walk(ast.parse(inspect.getsource(module))):
            if isinstance(node, ast.Import):
                imported |= {alias.name for alias in node.names}
            if isinstance(node, ast.ImportFrom):
                imported.add(node.module or "")
    assert imported == {"math", "collections.abc", "typing", "games.pong.flight"}


@given(ball_ys, paddle_ys, st.integers(0, 30), st.sampled_from(SIDES))
def test_a_paddle_that_moves_while_it_hits_drags_the_ball_along(
    y: float, paddle: float, rally: int, side: flight.Side
) -> None:
    ball: Any = {"x": flight.REACH[side], "y": y, "vx": -2.0 if side == LEFT else 2.0, "vy": 0.0}
    up, still, down = (flight.hit(ball, side, paddle, rally, direction) for direction in (-1, 0, 1))
    assert up["vy"] <= still["vy"] <= down["vy"]
    if flight.PADDLE_HALF < paddle < flight.HEIGHT - flight.PADDLE_HALF:
        assert up["vy"] < still["vy"] < down["vy"]
    for each in (up, still, down):
        assert math.hypot(each["vx"], each["vy"]) == pytest.approx(flight.ball_speed(rally))


def test_a_paddle_that_a_wall_has_stopped_gives_no_spin() -> None:
    assert flight.moving(flight.PADDLE_HALF, -1) == 0
    assert flight.moving(flight.PADDLE_HALF, 1) == 1
    assert flight.moving(flight.HEIGHT - flight.PADDLE_HALF, 1) == 0
    assert flight.moving(90.0, -1) == -1


def test_two_bots_play_a_match_within_two_and_a_half_minutes() -> None:
    """The median of nine; the longest takes a little more."""
    lengths = []
    for seed in range(9):
        rng = random.Random(seed)
        bots = {side: Bot(side, rng) for side in SIDES}
        match, ticks = rules.new_match(), 0
        while match["phase"] != rules.OVER:
            match = rules.step(match, {side: bot.direction(match) for side, bot in bots.items()})
            ticks += 1
        lengths.append(ticks / rules.TICKS_PER_SECOND)
    assert statistics.median(lengths) < 150.0
