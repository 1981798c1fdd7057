"""Each hit, bounce and point that is shown sounds once, and the trail follows the ball."""

import math
from typing import Any

import pytest

from games.pong import flight, rules
from games.pong.echo import (
    BOUNCES,
    LONGEST_LEAP,
    MOST_POINTS,
    SOUNDS,
    TO_THE_SIDE,
    TRAIL_SECONDS,
    Echo,
    flies_from,
    sound_of,
)
from games.pong.flight import LEFT, RIGHT
from games.pong.rules import Match
from pygase import Happening, Happenings
from pygase_pygame.app.sounds import Sounds

FRAME = 1 / 60


def flying(x: float, vx: float, y: float = 90.0, vy: float = 0.5, **more: Any) -> Match:
    ball = {"x": x, "y": y, "vx": vx, "vy": vy}
    return {**rules.new_match(rules.RALLY), "ball": ball, **more}  # type: ignore[typeddict-item]


def heard(*matches: Match, you: flight.Side | None = None) -> list[str]:
    """Return the sounds of a sequence of frames."""
    echo, happenings, names = Echo(), Happenings(BOUNCES), []
    for number, match in enumerate(matches):
        sounds = echo.follow(match, number * 1.0, you, tells(happenings, number))
        names += [sound.name for sound in sounds]
        names += [sound.name for sound in map(sound_of, happenings.take()) if sound]
    return names


def tells(happenings: Happenings, tick: int) -> Any:
    """Return a session's `foretell`."""
    return lambda what, which, x: happenings.foretell(what, which, (x,), tick)


def silent(*_: Any) -> None:
    """Take what nobody is to hear."""


def test_a_ball_that_comes_back_was_hit_and_is_heard_where_it_was_hit() -> None:
    echo, happenings = Echo(), Happenings(BOUNCES)
    echo.follow(flying(21.0, -2.0), 0.0, None, tells(happenings, 0))
    echo.follow(flying(21.0, 2.0, vy=-0.5, rally=1), FRAME, None, tells(happenings, 1))
    (hit,) = happenings.take()
    assert (hit.what, hit.who) == ("HIT", 1)
    sound = sound_of(hit)
    assert sound is not None
    assert sound.name == "hit"
    assert -TO_THE_SIDE < sound.pan < -0.8 * TO_THE_SIDE


@pytest.mark.parametrize(
    "strange",
    [
        Happening("HIT", 1, (21.0,), taken_back=True),
        Happening("HIT", 1, ()),
        Happening("HIT", 1, ("left",)),
        Happening("WALL", 1, (math.nan,)),
        Happening("BANG", 1, (21.0,)),
    ],
)
def test_what_was_no_bounce_is_silent(strange: Happening) -> None:
    assert sound_of(strange) is None


def test_every_bounce_of_a_rally_that_is_shown_has_the_number_that_the_server_gives_it() -> None:
    """Also if the picture wavers about it, as the time for which the ball is shown may go back a little."""
    told, shown = [], []
    matches = [rules.new_match()]
    for _ in range(2000):
        ball = matches[-1]["ball"]
        chase = {side: (ball["y"] > y + 9) - (ball["y"] < y - 9) for side, y in matches[-1]["paddles"].items()}
        matches.append(rules.step(matches[-1], chase, lambda what, which, x: told.append((what, which))))
    assert {"HIT", "WALL"} == {what for what, _ in told}
    echo = Echo()
    for number in range(2, len(matches)):
        for frame in (number, number - 1, number):
            echo.follow(matches[frame], 0.0, None, lambda what, which, x: shown.append((what, which)))
    assert set(shown) <= set(told)
    assert len(set(told) - set(shown)) <= 2, (
        "a wall and a paddle in one tick: the server's event alone reports the wall"
    )


def test_a_ball_that_only_goes_up_instead_of_down_met_a_wall() -> None:
    assert heard(flying(100.0, 2.0, 176.0, 1.0), flying(102.0, 2.0, 176.5, -1.0)) == ["wall"]


def test_a_ball_that_wavers_about_a_bounce_has_bounced_once() -> None:
    """The time for which the ball is shown may go back a little."""
    assert heard(*[flying(100.0, 2.0, 176.0, (-1.0) ** number) for number in range(7)]) == ["wall"]


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
        echo.follow(flying(100.0 + 2.0 * number, 2.0), number * FRAME, None, silent)
    trail = echo.trail(29 * FRAME)
    assert [point.x for point in trail] == sorted(point.x for point in trail)
    assert trail[-1] == (158.0, 90.0, 0.0)
    assert len(trail) == round(TRAIL_SECONDS / FRAME)
    assert echo.trail(29 * FRAME + TRAIL_SECONDS) == []


def test_a_ball_that_leaps_or_rests_leaves_no_trail() -> None:
    echo = Echo()
    echo.follow(flying(300.0, 2.0), 0.0, None, silent)
    echo.follow(flying(300.0 - LONGEST_LEAP - 1.0, 2.0), FRAME, None, silent)
    assert len(echo.trail(FRAME)) == 1
    echo.follow(rules.new_match(), 2 * FRAME, None, silent)
    assert echo.trail(2 * FRAME) == []
    echo.follow(None, 3 * FRAME, None, silent)
    assert echo.trail(3 * FRAME) == []


def test_a_trail_at_a_thousand_frames_a_second_is_bounded() -> None:
    echo = Echo()
    for number in range(1000):
        echo.follow(flying(100.0 + number / 100, 2.0), number / 1000, None, silent)
    assert len(echo.trail(0.999)) <= MOST_POINTS


def test_every_sound_is_there_and_a_ball_comes_from_where_it_flies_away_from() -> None:
    assert SOUNDS.keys() == {"hit", "wall", "point", "missed", "win", "lost", "crowd", "cheer"}
    for name in SOUNDS:
        Sounds(SOUNDS, wanted=False).play(name)
    assert flies_from(flying(1.0, 2.0)) == LEFT
    assert flies_from(flying(1.0, -2.0)) == RIGHT
