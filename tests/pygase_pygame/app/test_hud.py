"""Text in front of a game stays within the window, for any window and any text."""

from collections.abc import Iterator

import pygame
import pytest

from pygase_pygame.app import hud
from pygase_pygame.app.icons import ICON_SIZE, icon, initial_icon
from pygase_pygame.app.layout import Layout
from pygase_pygame.ui.lettering import MAX_KEPT_TEXTS, Lettering
from pygase_pygame.ui.palette import ORANGE, WHITE

SIZES = [(320, 240), (960, 640), (1920, 1080), (700, 1200)]
LONG = "Somebody with quite a long name has left the game, and a bot takes over. " * 3


@pytest.fixture(autouse=True)
def _fonts() -> Iterator[None]:
    pygame.font.init()
    yield
    pygame.font.quit()


@pytest.fixture
def letters() -> Lettering:
    return Lettering()


@pytest.mark.parametrize("size", SIZES)
def test_everything_is_inside_the_window(size: tuple[int, int], letters: Lettering) -> None:
    surface = pygame.Surface(size)
    whole = surface.get_rect()
    rows = [([f"Player {n} with a name", str(n * 1000), "12"], ORANGE) for n in range(32)]
    assert whole.contains(hud.notice(surface, letters, "A long heading that needs space", "What happened.", "R: again"))
    assert whole.contains(hud.news(surface, letters, LONG))
    assert whole.contains(hud.footer(surface, letters, LONG, LONG))
    assert whole.contains(hud.scoreboard(surface, letters, rows, "Scores"))
    for corner in (whole.topleft, whole.topright, whole.bottomleft):
        assert whole.contains(hud.name_tag(surface, letters, "x" * 16, corner))


def test_news_and_footer_do_not_overlap(letters: Lettering) -> None:
    for size in SIZES:
        surface = pygame.Surface(size)
        assert not hud.news(surface, letters, LONG).colliderect(hud.footer(surface, letters, "a", "b"))
        assert hud.footer(surface, letters, "a", "b").h == hud.footer_height(surface)


def test_an_empty_board_and_an_empty_window_are_no_trouble(letters: Lettering) -> None:
    for size in [(0, 0), (1, 1), (5, 300)]:
        surface = pygame.Surface(size)
        hud.scoreboard(surface, letters, [])
        hud.notice(surface, letters, "")
        hud.footer(surface, letters, "", "")
        hud.news(surface, letters, "x")
        hud.name_tag(surface, letters, "x", (0, 0))


@pytest.mark.parametrize("text", ["🎮 李明 अ", "\x00\n\t", "", "\ud800", "a" * 5000, "\u202e"])
def test_any_text_can_be_drawn(text: str, letters: Lettering) -> None:
    assert letters.line(text, 20, WHITE, 200).get_width() <= 200
    assert letters.block(text, 20, WHITE, 200).get_width() <= 200


def test_a_line_is_rendered_once_and_the_memory_is_bounded(letters: Lettering) -> None:
    assert letters.line("same", 20, WHITE, 200) is letters.line("same", 20, WHITE, 200)
    for number in range(1000):
        letters.line(str(number), 20, WHITE, 200)
    assert len(letters.rendered) <= MAX_KEPT_TEXTS


@pytest.mark.parametrize("window", [(960, 640), (200, 900), (3000, 100), (1, 1)])
def test_a_layout_fits_the_world_into_any_window_and_back(window: tuple[int, int]) -> None:
    layout = Layout(window, (640, 400), header=20, footer=30)
    if min(window) >= 100:
        left, top, width, height = layout.area
        assert left >= 0
        assert top >= 20
        assert left + width <= window[0]
        assert top + height <= window[1] - 30
        assert layout.units(layout.point(320, 200)) == pytest.approx((320, 200), abs=1 / layout.scale)
    assert layout.pixels(0.0001) == 1


def test_an_icon_has_the_size_that_window_managers_take() -> None:
    assert initial_icon("Hello").get_size() == (ICON_SIZE, ICON_SIZE)
    assert icon(lambda surface: None).get_at((0, 0)).a == 0
    assert initial_icon("").get_size() == (ICON_SIZE, ICON_SIZE)
