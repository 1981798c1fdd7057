"""Nothing covers anything else in a window of any size, and everything can be drawn."""

import itertools
import random
from collections.abc import Iterator

import pygame
import pytest

from games.arena import rules, sprites, walls
from games.arena.board import ranking
from games.arena.bot import PLACES
from games.arena.front import Layout
from games.arena.memory import Blast, Judgement, Memory, Tracer
from games.arena.picture import Picture
from games.arena.scene import SEEN, Camera, Scene
from pygase_pygame.ui.lettering import Lettering

SIZES = [(960, 640), (640, 360), (320, 240), (320, 180), (200, 600), (1920, 1080), (2560, 400), (777, 333), (480, 800)]


@pytest.fixture
def screen() -> Iterator[None]:
    pygame.display.init()
    pygame.font.init()
    yield
    sprites.forget()
    pygame.quit()


@pytest.mark.parametrize("size", SIZES, ids=str)
def test_no_words_cover_others(screen: None, size: tuple[int, int]) -> None:
    surface = pygame.display.set_mode(size)
    layout = Layout(surface)
    places = {name: getattr(layout, name) for name in ("radar", "feed", "log", "entry", "bar", "judge")}
    for (name, a), (other, b) in itertools.combinations(places.items(), 2):
        if a.w and a.h and b.w and b.h:
            assert not a.colliderect(b), f"{name} {a} covers {other} {b}"
    for name, place in places.items():
        if place.w and place.h:
            assert surface.get_rect().contains(place), name


@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize("board", [False, True])
def test_a_full_scene_can_be_drawn_at_any_size(screen: None, size: tuple[int, int], board: bool) -> None:
    surface = pygame.display.set_mode(size)
    rng, memory = random.Random(1), Memory()
    ships = {number: rules.new_ship(rng.choice(PLACES), rng.randrange(-180, 180)) for number in range(32)}
    memory.tracers.append(Tracer(1, (0, 0), (500, 700), True, 1.0))
    memory.blasts.append(Blast(2, (300, 300), 1.0))
    memory.judgements.append(Judgement(True, (0, 0), (9, 9), (5, 5), (5, 6), (7, 7), 0.1, 1.0))
    for kind in ("chat", "news", "mine", "feed"):
        memory.say("W" * 200, kind, 1.0)
    scene = Scene(
        1.1,
        memory,
        0,
        ships,
        health=dict.fromkeys(range(32), 55),
        shields={3: True},
        pilots={number: ["W" * 16, number % 2 == 0] for number in range(32)},
        scores={number: [number, 1] for number in range(32)},
        hurt=0.5,
        notice=("Wrecked by WWWWWWWWWWWWWWWW", "You are back in a moment."),
        sight=(5, 5),
        board=board,
        judge=True,
    )
    Picture(Lettering()).draw(surface, scene)
    assert len({tuple(surface.get_at((x, size[1] // 2))) for x in range(0, size[0], 3)}) > 1


@pytest.mark.parametrize("size", SIZES, ids=str)
def test_nobody_sees_farther_in_a_larger_window_nor_out_of_the_arena(size: tuple[int, int]) -> None:
    for middle in itertools.product((0, walls.WIDTH / 2, walls.WIDTH), (0, walls.HEIGHT / 2, walls.HEIGHT)):
        camera = Camera(size, middle)
        width, height = size[0] / camera.scale, size[1] / camera.scale
        assert width <= SEEN[0] + 1e-6
        assert height <= SEEN[1] + 1e-6
        assert 0 <= camera.left <= walls.WIDTH - width + 1e-6
        assert 0 <= camera.top <= walls.HEIGHT - height + 1e-6


def test_the_best_is_first_and_of_two_who_wrecked_as_many_who_lost_fewer() -> None:
    assert ranking({1: [2, 5], 2: [3, 9], 3: [2, 1], 4: [0, 0]}) == [2, 3, 1, 4]
