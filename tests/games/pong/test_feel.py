"""Pong's sparks, digits, crowd, and the ball that rests for a moment at the paddle."""

import itertools
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from games.pong import flight, rules
from games.pong.feel import CAUGHT_UP, CROWD_FROM, HELD, Feel
from games.pong.flight import LEFT, RIGHT
from games.pong.rules import Match
from pygase import Happening
from pygase_pygame import juice


class Stage:
    """What a screen plays with: real juice, and sounds that are noted."""

    def __init__(self) -> None:
        self.juice = juice.Juice()
        self.played: list[str] = []
        self.sounds = SimpleNamespace(play=lambda name, **_: self.played.append(name))


@pytest.fixture
def stage() -> Iterator[Stage]:
    return Stage()


def rally(hits: int = 1, **ball: float) -> Match:
    match = rules.new_match(rules.RALLY)
    return {**match, "rally": hits, "ball": {"x": 100.0, "y": 90.0, "vx": 3.0, "vy": 1.0, **ball}}  # type: ignore[typeddict-item]


def hit_at(x: float, **more: Any) -> Happening:
    return Happening("HIT", 1, (x,), 10, **more)


def test_after_a_hit_the_ball_rests_and_then_catches_up_without_a_jump(stage: Stage) -> None:
    feel = Feel(stage)  # type: ignore[arg-type]
    match = rally(x=flight.REACH[LEFT])
    feel.happen(hit_at(flight.REACH[LEFT]), match, 1.0)
    shown, at = [], 1.0
    while at < 1.0 + CAUGHT_UP + 0.1:
        ball = flight.fly(match["ball"], (at - 1.0) * rules.TICKS_PER_SECOND)
        shown.append((at - 1.0, feel.held(ball, at)["x"], ball["x"]))
        at += 0.01
    assert all(abs(x - flight.REACH[LEFT]) < 1e-6 for since, x, _ in shown if since <= HELD - 0.005)
    assert all(x == true for since, x, true in shown if since >= CAUGHT_UP)
    ways = [later[1] - earlier[1] for earlier, later in itertools.pairwise(shown)]
    assert all(-1e-6 <= way <= 3 * 0.6 * 3.0 for way in ways), "it never flies back"


def test_a_hit_that_is_taken_back_does_nothing(stage: Stage) -> None:
    feel = Feel(stage)  # type: ignore[arg-type]
    feel.happen(hit_at(20.0, taken_back=True), rally(), 1.0)
    assert feel.squash(LEFT, 1.03) == 0.0


def test_only_the_paddle_that_was_hit_is_pressed(stage: Stage) -> None:
    feel = Feel(stage)  # type: ignore[arg-type]
    feel.happen(hit_at(flight.REACH[RIGHT]), rally(), 1.0)
    assert feel.squash(RIGHT, 1.03) > 0.5
    assert feel.squash(LEFT, 1.03) == 0.0
    assert feel.squash(RIGHT, 2.0) == 0.0


def test_a_point_makes_the_digits_of_its_side_pop_and_the_crowd_cheer(stage: Stage) -> None:
    feel = Feel(stage)  # type: ignore[arg-type]
    match = rally()
    feel.follow(match, 1.0)
    assert feel.pop(LEFT, 1.05) == 0.0, "the score of somebody who has just come is no news"
    feel.follow({**match, "score": {LEFT: 1, RIGHT: 0}}, 2.0)
    assert feel.pop(LEFT, 2.05) > 0.3
    assert feel.pop(RIGHT, 2.05) == 0.0
    assert stage.played == ["cheer"]
    assert stage.juice.flash.strength(2.0) > 0.0


def test_the_crowd_murmurs_in_long_rallies_now_and_then(stage: Stage) -> None:
    feel = Feel(stage)  # type: ignore[arg-type]
    for frame in range(120):
        feel.follow(rally(CROWD_FROM - 1), frame / 60)
    assert stage.played == []
    for frame in range(120, 240):
        feel.follow(rally(CROWD_FROM), frame / 60)
    assert 2 <= stage.played.count("crowd") <= 3
