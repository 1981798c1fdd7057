"""Nothing overlaps, in windows of any size."""

import pygame
import pytest

from games.chase import walls
from games.chase.layout import Places
from pygase_pygame.app import hud

SIZES = [
    (960, 640),
    (1920, 1080),
    (3440, 1440),
    (1280, 720),
    (640, 480),
    (480, 800),
    (320, 480),
    (400, 300),
    (200, 150),
]


def places(size: tuple[int, int]) -> tuple[Places, int]:
    surface = pygame.Surface(size)
    footer = hud.footer_height(surface)
    return Places(size, hud.text_size(surface), footer), footer


@pytest.mark.parametrize("size", SIZES)
def test_nothing_overlaps_and_all_is_within_the_window(size: tuple[int, int]) -> None:
    found, footer = places(size)
    bottom = pygame.Rect(0, size[1] - footer, size[0], footer)
    parts = [pygame.Rect(part) for part in (found.header, found.world.area, found.board) if part[2]] + [bottom]
    for number, part in enumerate(parts):
        assert pygame.Rect((0, 0), size).contains(part)
        assert part.collidelist(parts[number + 1 :]) < 0


@pytest.mark.parametrize("size", SIZES)
def test_the_place_keeps_its_shape_and_is_as_large_as_it_can_be(size: tuple[int, int]) -> None:
    found, _ = places(size)
    _, _, width, height = found.world.area
    assert width / height == pytest.approx(walls.WIDTH / walls.HEIGHT, rel=0.03)
    assert width > size[0] * 0.55 or height > size[1] * 0.7


@pytest.mark.parametrize(("size", "rows"), [((960, 640), 17), ((1920, 1080), 17), ((640, 480), 14), ((480, 800), 4)])
def test_the_board_has_room_for_so_many(size: tuple[int, int], rows: int) -> None:
    found, _ = places(size)
    assert found.rows * found.columns >= rows
