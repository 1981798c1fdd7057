"""Each hit, bounce and point that is shown sounds once, and the trail follows the ball."""

from typing import Any

import pytest

from games.pong import rules
from games.pong.echo import (
    DEAF_SECONDS,
    LONGEST_LEAP,
    MOST_POINTS,
    SOUNDS,
    TO_THE_SIDE,
    TRAIL_SECONDS,
    Echo,
    flies_from,
)
from games.pong.rules import LEFT, RIGHT, Match
from pygase_pygame.app.sounds import Sounds

FRAME = 1 / 60


def flying(x: float, vx: float, y: float = 90.0, vy: float = 0.5, **more: Any) -> Match:
    ball = {"x": x, "y": y, "vx": vx, "vy": vy}
    return {**rules.new_match(rules.RALLY), "ball": ball, **more}  # type: ignore[typeddict-item]


def heard(*matches: Match, you: rules.Side | None = None) -> list[str]:
    echo = Echo()
    return [sound.name for number, match in enumerate(matches) for sound in echo.follow(match, number * 1.0, you)]


def test_a_ball_that_comes_back_was_hit_and_is_heard_where_it_was_hit() -> None:
    echo = Echo()
    assert echo.follow(flying(21.0, -2.0), 0.0) == []
    (sound,) = echo.follow(flying(21.0, 2.0, vy=-0.5), FRAME)
    assert sound.name == "hit"
    assert -TO_THE_SIDE < sound.pan < -0.8 * TO_THE_SIDE


def test_a_ball_that_only_goes_up_instead_of_down_met_a_wall() -> None:
    assert heard(flying(100.0, 2.0, 176.0, 1.0), flying(102.0, 2.0, 176.5, -1.0)) == ["wall"]


def test_a_ball_that_wavers_about_a_bounce_has_bounced_once() -> None:
    """The time for which the ball is shown may go back a little."""
    echo, names = Echo(), []
    for number in range(6):
        vy = 1.0 if number % 2 == 0 else -1.0
        names += [sound.name for sound in echo.follow(flying(100.0, 2.0, 176.0, vy), number * DEAF_SECONDS / 2)]
    assert names == ["wall"]


@pytest.mark.parametrize(("you", "name"), [(LEFT, "point"), (RIGHT, "missed"), (None, "point")])
def test_a_point_sounds_good_to_the_one_who_scored_and_to_those_who_watch(you: Any, name: str) -> None:
    before = flying(318.0, 3.0)
    after: Match = {**rules.new_match(), "score": {LEFT: 1, RIGHT: 0}}
    assert heard(before, after, you=you) == [name]


@pytest.mark.parametrize(("you", "name"), [(LEFT, "win"), (RIGHT, "lost"), (None, "win")])
def test_the_last_point_is_the_end(you: Any, name: str) -> None:
    before = flying(318.0, 3.0, score={LEFT: 10, RIGHT: 4})
    after: Match = {**rules.new_match(rules.OVER), "score": {LEFT: 11, RIGHT: 4}, "winner": LEFT}
    assert heard(before, after, you=you) == [name]


def test_a_serve_a_new_match_and_the_first_look_are_silent() -> None:
    end: Match = {**rules.new_match(rules.OVER), "score": {LEFT: 11, RIGHT: 4}, "winner": LEFT}
    assert heard(end, rules.new_match(), flying(160.0, -2.0), flying(150.0, -2.0)) == []
    assert heard(end) == []


def test_the_trail_is_where_the_ball_was_and_no_longer_than_it_may_be() -> None:
    echo = Echo()
    for number in range(30):
        echo.follow(flying(100.0 + 2.0 * number, 2.0), number * FRAME)
    trail = echo.trail(29 * FRAME)
    assert [point.x for point in trail] == sorted(point.x for point in trail)
    assert trail[-1] == (158.0, 90.0, 0.0)
    assert len(trail) == round(TRAIL_SECONDS / FRAME)
    assert echo.trail(29 * FRAME + TRAIL_SECONDS) == []


def test_a_ball_that_leaps_or_rests_leaves_no_trail() -> None:
    echo = Echo()
    echo.follow(flying(300.0, 2.0), 0.0)
    echo.follow(flying(300.0 - LONGEST_LEAP - 1.0, 2.0), FRAME)
    assert len(echo.trail(FRAME)) == 1
    echo.follow(rules.new_match(), 2 * FRAME)
    assert echo.trail(2 * FRAME) == []
    echo.follow(None, 3 * FRAME)
    assert echo.trail(3 * FRAME) == []


def test_a_trail_at_a_thousand_frames_a_second_is_bounded() -> None:
    echo = Echo()
    for number in range(1000):
        echo.follow(flying(100.0 + number / 100, 2.0), number / 1000)
    assert len(echo.trail(0.999)) <= MOST_POINTS


def test_every_sound_is_there_and_a_ball_comes_from_where_it_flies_away_from() -> None:
    assert SOUNDS.keys() == {"hit", "wall", "point", "missed", "win", "lost"}
    for name in SOUNDS:
        Sounds(SOUNDS, wanted=False).play(name)
    assert flies_from(flying(1.0, 2.0)) == LEFT
    assert flies_from(flying(1.0, -2.0)) == RIGHT
