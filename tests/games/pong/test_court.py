"""The court is drawn whole, legible and without overlaps in a window of any size."""

from collections.abc import Iterator
from dataclasses import replace

import pygame
import pytest

from games.pong import court, rules
from games.pong.court import GREY, NIGHT, SIDE_COLOURS, WHITE, Court, Layout
from games.pong.lettering import SMALLEST, Lettering
from games.pong.rules import LEFT, RIGHT
from games.pong.scene import Notice, Scene

SIZES = [(320, 200), (333, 777), (640, 360), (960, 600), (1920, 400), (3840, 2160)]
NAMES = {LEFT: "Ada", RIGHT: "Bob"}
SCENE = Scene(rules.new_match(), NAMES, LEFT, "Connected, 12 ms", True, "W/S or Up/Down: move · Esc: quit")
LONG = "Nobody answered at 2001:db8:85a3:8d3:1319:8a2e:370:7348. Is a game open there? Is UDP let through?"


@pytest.fixture(autouse=True)
def _pygame() -> Iterator[None]:
    pygame.display.init()
    pygame.font.init()
    yield
    pygame.quit()


def drawn(scene: Scene, size: tuple[int, int]) -> pygame.Surface:
    window = pygame.display.set_mode(size)
    Court().draw(window, scene)
    return window


def pixels_of(surface: pygame.Surface, colour: court.Colour) -> pygame.Rect:
    """Return the box around all pixels that have exactly this colour."""
    boxes = pygame.mask.from_threshold(surface, colour, (1, 1, 1, 255)).get_bounding_rects()
    return boxes[0].unionall(boxes[1:]) if boxes else pygame.Rect(0, 0, 0, 0)


@pytest.mark.parametrize("size", SIZES)
def test_both_paddles_are_where_the_rules_say(size: tuple[int, int]) -> None:
    match = {**rules.new_match(), "phase": rules.RALLY, "paddles": {LEFT: 40.0, RIGHT: 140.0}}
    window = drawn(Scene(match=match), size)  # type: ignore[arg-type]
    layout = Layout(size)
    for side, y in ((LEFT, 40.0), (RIGHT, 140.0)):
        box = pixels_of(window, SIDE_COLOURS[side])
        expected = layout.point(court.PADDLE_X[side] + rules.PADDLE_WIDTH / 2, y)
        assert abs(box.centerx - expected[0]) <= 1
        assert abs(box.centery - expected[1]) <= 1
        assert abs(box.height - 2 * rules.PADDLE_HALF * layout.scale) <= 2


@pytest.mark.parametrize("size", SIZES)
def test_the_whole_picture_is_within_the_window(size: tuple[int, int]) -> None:
    layout, window = Layout(size), pygame.Rect((0, 0), size)
    for part in (layout.court, layout.header, layout.footer):
        assert window.contains(part)
    assert layout.header.bottom <= layout.court.top
    assert layout.court.bottom <= layout.footer.top


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("name", ["", "Ada", "W" * 16, "🐍" * 16])
def test_names_stay_on_their_own_side(size: tuple[int, int], name: str) -> None:
    scene = Scene(names={LEFT: name, RIGHT: name}, you=RIGHT)
    window = drawn(scene, size)
    assert pixels_of(window, SIDE_COLOURS[LEFT]).right <= size[0] // 2
    right = pixels_of(window, SIDE_COLOURS[RIGHT])
    assert right.width == 0 or right.left >= size[0] // 2


@pytest.mark.parametrize("size", SIZES)
def test_a_notice_fits_into_the_court_however_long_it_is(size: tuple[int, int]) -> None:
    blank = drawn(Scene(), size).copy()
    window = drawn(Scene(notice=Notice("No game there", LONG, "R: try again · Esc: quit")), size)
    changed = pygame.mask.from_threshold(window, (0, 0, 0), (1, 1, 1, 255), blank)
    changed.invert()
    boxes = changed.get_bounding_rects()
    assert boxes
    assert Layout(size).court.contains(boxes[0].unionall(boxes[1:]))


@pytest.mark.parametrize("size", SIZES)
def test_news_is_told_below_a_notice_and_hides_none_of_it(size: tuple[int, int]) -> None:
    notice = Notice("Waiting for a second player", "The match begins when somebody joins.", "Friends type")
    window = drawn(Scene(notice=notice), size)
    title = pixels_of(window, WHITE)
    before = pygame.image.tobytes(window.subsurface(title), "RGB")
    with_news = drawn(Scene(notice=notice, news="Ada has left."), size)
    assert pygame.image.tobytes(with_news.subsurface(title), "RGB") == before
    assert pixels_of(with_news, WHITE).bottom > title.bottom


@pytest.mark.parametrize("size", SIZES)
def test_status_and_keys_never_overlap(size: tuple[int, int]) -> None:
    """A status so long that both do not fit drops the keys."""
    long = replace(SCENE, status="Connected, 1234 ms · you and 31 more are watching", match=None, names={})
    with_keys, without = drawn(long, size).copy(), drawn(replace(long, keys=""), size)
    status = pixels_of(without, GREY)
    before = without.subsurface(status).copy()
    assert pygame.image.tobytes(with_keys.subsurface(status), "RGB") == pygame.image.tobytes(before, "RGB")


def test_one_owns_the_paddle_that_the_white_arrow_points_at() -> None:
    def arrow(you: rules.Side | None) -> pygame.Rect:
        match: rules.Match = {**rules.new_match(), "phase": rules.OVER}
        return pixels_of(drawn(Scene(match=match, you=you, healthy=False), (960, 600)), WHITE)

    assert arrow(None).width == 0
    assert 0 < arrow(LEFT).right < 480
    assert arrow(RIGHT).left > 480


def test_trouble_is_shown_by_a_ring_and_not_by_colour_alone() -> None:
    layout = Layout((960, 600))
    middle = (layout.footer.left + layout.pixels(3), layout.footer.centery)
    assert drawn(Scene(healthy=True), (960, 600)).get_at(middle)[:3] == WHITE
    assert drawn(Scene(healthy=False), (960, 600)).get_at(middle)[:3] == NIGHT


def test_a_resized_window_is_drawn_as_one_that_had_that_size_from_the_start() -> None:
    once = Court()
    for size in [*SIZES, (500, 300)]:
        window = pygame.display.set_mode(size)
        once.draw(window, SCENE)
        resized = pygame.image.tobytes(window, "RGB")
        Court().draw(window, SCENE)
        assert resized == pygame.image.tobytes(window, "RGB")


@pytest.mark.parametrize("size", [(1, 1), (20, 3), (3, 300)])
def test_a_window_too_small_for_anything_is_no_reason_to_fail(size: tuple[int, int]) -> None:
    drawn(replace(SCENE, notice=Notice("Title", LONG, "hint"), news=LONG), size)
    drawn(replace(SCENE, news=LONG), size)


def test_a_line_that_is_too_long_gets_smaller_and_then_shorter() -> None:
    letters = Lettering()
    assert letters.line("short", 30, WHITE, 500).get_width() == letters.width("short", 30)
    assert letters.line("W" * 300, 30, WHITE, 200).get_width() <= 200
    assert letters.line("W" * 300, 30, WHITE, 200).get_height() < 30
    assert letters.line("anything", SMALLEST, WHITE, 0).get_width() == 0


@pytest.mark.parametrize("text", ["\x00", "a\nb", "\ud800", "🐍", "\u202e", "\U0010ffff", " "])
def test_no_text_is_impossible_to_draw(text: str) -> None:
    Lettering().line(text, 20, WHITE, 100)


def test_rendered_text_is_kept_within_bounds() -> None:
    letters = Lettering()
    for number in range(1000):
        letters.line(str(number), 20, WHITE, 100)
    assert len(letters._kept) <= 200
