"""The overlays leave enough of a game visible, in windows of any size."""

from collections.abc import Iterator

import pygame
import pytest

from tests.support.demo import DEMO
from tests.support.table import Seat, Table

GAME = (1, 2, 3)  # the one colour that the demo draws
SIZES = [(1600, 900), (960, 640), (640, 400), (480, 320), (420, 300)]


@pytest.fixture
def table() -> Iterator[Table]:
    table = Table(DEMO)
    yield table
    table.close()


def look(table: Table, size: tuple[int, int], *keys: int) -> list[list[bool]]:
    """Press keys in a window of a size; return row by row, of every fourth pixel, whether it is the game's."""
    seat: Seat = table.sit("Ada")
    table.runs(0.5)
    pygame.display.set_mode(size, pygame.RESIZABLE)
    for key in keys:
        seat.presses(key)
    table.runs(0.5)
    surface = table.window.surface
    return [[surface.get_at((x, y))[:3] == GAME for x in range(0, size[0], 4)] for y in range(0, size[1], 4)]


@pytest.mark.parametrize("size", SIZES)
def test_what_tells_of_a_worse_link_covers_nothing_of_the_game(table: Table, size: tuple[int, int]) -> None:
    rows = look(table, size, pygame.K_F4)
    games = [all(row) for row in rows]
    assert games == sorted(games, reverse=True), "the game above, the words below"
    assert not any(rows[-1])
    assert games.count(True) >= 0.85 * len(games)


def test_with_no_worse_link_the_game_has_the_whole_window_again(table: Table) -> None:
    assert not all(map(all, look(table, (480, 320), pygame.K_F4)))
    seat = table.seats[0]
    seat.session.client.condition("off")
    table.runs(4.0)
    surface = table.window.surface
    assert surface.get_at((240, 318))[:3] == GAME


@pytest.mark.parametrize("size", SIZES)
def test_the_net_graph_leaves_three_quarters_of_the_game(table: Table, size: tuple[int, int]) -> None:
    rows = look(table, size, pygame.K_F3)
    left = sum(map(sum, rows)) / (len(rows) * len(rows[0]))
    assert 0.70 <= left < 1.0
    assert all(row[0] for row in rows), "it stands at the right"
