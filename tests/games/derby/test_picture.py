"""Derby's pictures, at all sizes: nothing is cut off, and what moves can be found."""

import os
from collections.abc import Iterator
from typing import Any

import pygame
import pytest

from games.derby import rules
from games.derby.feel import Feel
from games.derby.picture import Picture
from games.derby.pitch import HEIGHT, MIDDLE, WIDTH
from games.derby.referee import GOAL, OVER, PLAY, Match, Referee
from games.derby.rules import World
from games.derby.scene import Camera, Scene, followed
from games.derby.sprites import ANGLES, TEAM_COLOURS, car, turn_of
from pygase import Happening
from pygase_pygame import juice
from pygase_pygame.app import WHITE, Lettering

SIZES = [(320, 200), (480, 800), (960, 640), (1920, 1080)]


class SilentSounds:
    """Notes what is played."""

    def __init__(self) -> None:
        self.played: list[str] = []

    def play(self, name: str, **_: float) -> None:
        self.played.append(name)


class Stage:
    """What a screen draws with."""

    def __init__(self) -> None:
        self.juice = juice.Juice()
        self.sounds = SilentSounds()
        self.picture = Picture(Lettering(), self.juice)
        self.feel = Feel(self)  # type: ignore[arg-type]


@pytest.fixture
def stage() -> Iterator[Stage]:
    os.environ["SDL_VIDEODRIVER"] = "dummy"
    pygame.display.init()
    pygame.font.init()
    pygame.display.set_mode((100, 100))
    yield Stage()
    pygame.quit()


def world_of(count: int = 4) -> World:
    cars = {who: rules.new_car(who % 2, 0) for who in range(1, count + 1)}
    return rules.kick_off({"ball": rules.new_ball(), "cars": cars, "wait": 0}, 0)


def scene_of(now: float = 1.0, **match: Any) -> Scene:
    notes: Match = {**Referee().new_match(PLAY), **match}  # type: ignore[typeddict-item]
    seats = {who: {"name": f"Driver {who}", "lost": False} for who in range(1, 5)}
    return Scene(now, world_of(), notes, seats, me=1)


def colours_in(surface: pygame.Surface, area: pygame.Rect) -> set[tuple[int, ...]]:
    area = area.clip(surface.get_rect())
    return {
        tuple(surface.get_at((x, y)))[:3] for x in range(area.left, area.right) for y in range(area.top, area.bottom)
    }


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize(
    "match", [{}, {"phase": GOAL, "scorer": 1}, {"phase": GOAL, "own": True, "scorer": 9}, {"left": 0}]
)
def test_every_phase_is_drawn_at_every_size(stage: Stage, size: tuple[int, int], match: dict[str, Any]) -> None:
    surface = pygame.Surface(size)
    scene = scene_of(**match)
    stage.feel.follow(scene.world, 1, scene.now)
    stage.picture.draw(surface, scene, stage.feel)
    camera = Camera((size[0], size[1]), 0, followed(scene.world, 1))
    assert camera.pixels(rules.CAR) >= 7


def test_the_ball_and_the_cars_are_seen_in_their_colours(stage: Stage) -> None:
    surface, scene = pygame.Surface((960, 640)), scene_of()
    stage.picture.draw(surface, scene, stage.feel)
    whole = colours_in(surface, surface.get_rect())
    assert {WHITE, *TEAM_COLOURS} <= whole


def test_two_teams_differ_by_more_than_their_colour() -> None:
    one, other = (car((200, 200, 200), team, 18, 0) for team in (0, 1))
    assert pygame.image.tobytes(one, "RGBA") != pygame.image.tobytes(other, "RGBA")


@pytest.mark.parametrize(
    ("hx", "hy", "turn"), [(1, 0, 0), (0, 1, ANGLES // 4), (-1, 0, ANGLES // 2), (0, -1, 3 * ANGLES // 4)]
)
def test_a_car_looks_where_it_drives(hx: float, hy: float, turn: int) -> None:
    assert turn_of(hx, hy) == turn


def test_a_large_window_shows_the_whole_pitch_and_a_small_one_follows_the_player() -> None:
    large = Camera((960, 560), 40, (0.0, 0.0))
    assert all(large.shows(x, y) for x in (0.0, WIDTH) for y in (0.0, HEIGHT))
    left, right = (Camera((320, 180), 20, (x, MIDDLE)) for x in (0.0, WIDTH))
    assert left.shows(20.0, MIDDLE)
    assert not left.shows(WIDTH, MIDDLE)
    assert right.shows(WIDTH - 20.0, MIDDLE)


def test_an_arrow_points_at_a_ball_that_is_out_of_sight(stage: Stage) -> None:
    pictures = []
    for x in (WIDTH - 30.0, 30.0):
        scene = scene_of()
        scene.world["cars"] = {1: rules.new_car(0, 3)}
        scene.world["cars"][1]["x"] = 30.0
        scene.world["ball"].update(x=x, y=MIDDLE)  # type: ignore[call-arg]
        surface = pygame.Surface((320, 200))
        stage.picture.draw(surface, scene, Stage().feel)
        pictures.append(colours_in(surface, pygame.Rect(290, 90, 30, 40)))
    assert WHITE in pictures[0]
    assert WHITE not in pictures[1]


def test_each_thing_that_happens_is_seen_and_heard_and_what_is_taken_back_is_not(stage: Stage) -> None:
    for what in ("HIT", "BUMP", "WALL"):
        stage.feel.happen(Happening(what, 1, (100.0, 100.0, 6.0), 5), 1, 1.0)
        stage.feel.happen(Happening(what, 1, (100.0, 100.0, 6.0), 5, taken_back=True), 1, 1.0)
    assert stage.sounds.played == ["hit", "bump", "wall"]
    stage.feel.score(0, 1.0)
    assert "goal" in stage.sounds.played
    assert stage.juice.flash.strength(1.0) > 0


def test_a_car_that_slides_leaves_marks_that_vanish_and_a_boost_has_flames(stage: Stage) -> None:
    world = world_of(1)
    rules_car = world["cars"][1]
    rules_car.update(vx=0.0, vy=5.0)  # type: ignore[call-arg]
    for frame in range(20):
        rules_car["y"] += 5.0
        rules_car["boost"] -= 1.0
        stage.feel.follow(world, 1, frame / 60)
    assert stage.feel.marks
    assert stage.sounds.played.count("boost") == 1
    rules_car.update(vx=0.0, vy=0.0)  # type: ignore[call-arg]
    stage.feel.follow(world, 1, 60.0)
    assert not stage.feel.marks


@pytest.mark.parametrize(
    ("match", "words"), [({"left": 3600}, "1:00"), ({"left": 0}, "next goal wins"), ({"phase": OVER}, "end")]
)
def test_the_clock_says_what_is_left(match: dict[str, Any], words: str) -> None:
    from games.derby.front import clock_text

    assert clock_text(scene_of(**match)) == words
