"""The ball that a player sees flies on possible paths, and meets each paddle at the time of that paddle."""

from __future__ import annotations

import itertools

import pytest

from games.pong import flight, rules
from games.pong.flight import LEFT, RIGHT
from games.pong.foresight import Foresight
from games.pong.rules import Match


def ball_shown(match: Match, side: flight.Side, lead: float) -> flight.Ball:
    return Foresight(side).ball(match, lead)


def match_with(x: float, y: float, vx: float, vy: float = 0.0, paddle: float = 90.0, rally: int = 5) -> Match:
    match = rules.new_match(rules.RALLY)
    return {
        **match,
        "rally": rally,
        "ball": {"x": x, "y": y, "vx": vx, "vy": vy},
        "paddles": {LEFT: paddle, RIGHT: 90.0},
    }


def test_without_a_lead_it_is_the_ball_itself() -> None:
    match = match_with(100.0, 50.0, -2.0, 1.0)
    assert ball_shown(match, LEFT, 0.0) == match["ball"]


@pytest.mark.parametrize("phase", [rules.WAITING, rules.SERVE, rules.OVER])
def test_a_ball_that_is_not_in_play_lies_where_it_lies(phase: rules.Phase) -> None:
    match: Match = {**match_with(100.0, 50.0, -2.0), "phase": phase}
    assert ball_shown(match, LEFT, 12.0) == match["ball"]


def test_at_the_others_paddle_it_is_as_late_as_the_others_paddle() -> None:
    match = match_with(flight.REACH[RIGHT], 50.0, -2.0)
    assert ball_shown(match, LEFT, 12.0)["x"] == pytest.approx(flight.REACH[RIGHT])


def test_at_my_paddle_it_is_as_far_ahead_as_my_paddle() -> None:
    """A ball twelve ticks away at the server meets the player's paddle now, if that is twelve ticks ahead."""
    match = match_with(flight.REACH[LEFT] + 12 * 2.0, 90.0, -2.0)
    assert ball_shown(match, LEFT, 12.0)["x"] == pytest.approx(flight.REACH[LEFT], abs=0.1)


def test_it_comes_back_from_my_paddle_where_that_is_shown() -> None:
    match = match_with(flight.REACH[LEFT] + 6 * 2.0, 90.0, -2.0)
    back = ball_shown(match, LEFT, 12.0)
    assert back["vx"] > 0
    assert flight.REACH[LEFT] < back["x"] < flight.REACH[LEFT] + 6 * flight.ball_speed(6) + 0.1


def test_it_passes_where_my_paddle_is_not() -> None:
    match = match_with(flight.REACH[LEFT] + 6 * 2.0, 90.0, -2.0, paddle=160.0)
    assert ball_shown(match, LEFT, 12.0)["x"] < flight.REACH[LEFT]


def test_a_paddle_that_comes_too_late_does_not_bring_it_back() -> None:
    foresight = Foresight(LEFT)
    missed = foresight.ball(match_with(flight.REACH[LEFT] + 6 * 2.0, 90.0, -2.0, paddle=160.0), 12.0)
    later = foresight.ball(match_with(flight.REACH[LEFT] + 5 * 2.0, 90.0, -2.0, paddle=90.0), 12.0)
    assert later["x"] < missed["x"] < flight.REACH[LEFT]


def test_it_comes_back_as_it_was_hit_wherever_the_paddle_goes_then() -> None:
    foresight = Foresight(LEFT)
    first = foresight.ball(match_with(flight.REACH[LEFT] + 6 * 2.0, 90.0, -2.0, paddle=85.0), 12.0)
    later = foresight.ball(match_with(flight.REACH[LEFT] + 5 * 2.0, 90.0, -2.0, paddle=140.0), 12.0)
    assert (later["vx"], later["vy"]) == (first["vx"], first["vy"])
    assert later["x"] > first["x"]


@pytest.mark.parametrize("side", [LEFT, RIGHT])
@pytest.mark.parametrize("lead", [3.0, 9.0, 15.0])
@pytest.mark.parametrize("rally", [0, 8, 19])
def test_on_its_way_across_it_never_jumps_and_never_turns_in_mid_air(
    side: flight.Side, lead: float, rally: int
) -> None:
    """Tick by tick through a whole rally between two paddles that always hit."""
    speed = flight.ball_speed(rally)
    match = match_with(flight.WIDTH / 2, 90.0, -speed, 0.4, rally=rally)
    foresight = Foresight(side)
    shown = [foresight.ball(match, lead)]
    for _ in range(400):
        paddle = min(max(match["ball"]["y"], flight.PADDLE_HALF), flight.HEIGHT - flight.PADDLE_HALF)
        match = {**match, "paddles": {LEFT: paddle, RIGHT: paddle}}
        match = rules.step(match, {})
        shown.append(foresight.ball(match, lead))
    for before, after in itertools.pairwise(shown):
        way = abs(after["x"] - before["x"])
        assert way <= 2.5 * flight.TOP_SPEED
        if before["vx"] * after["vx"] < 0:
            lines = [abs(before["x"] - line) for line in flight.REACH.values()]
            assert min(lines) <= 3 * flight.TOP_SPEED, "it turns at a paddle"
