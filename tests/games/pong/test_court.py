"""The court is drawn whole, legible and without overlaps in a window of any size."""

from collections.abc import Iterator
from dataclasses import replace

import pygame
import pytest

from games.pong import court, flight, rules
from games.pong.court import Court
from games.pong.echo import TrailPoint
from games.pong.flight import LEFT, RIGHT
from games.pong.ground import SIDE_COLOURS, Frame, pong_icon
from games.pong.key_line import KeyLine
from games.pong.scene import Notice, Scene
from pygase_pygame.app import Colour
from pygase_pygame.ui.lettering import SMALLEST, Lettering
from pygase_pygame.ui.palette import GREY, LINE, NIGHT, WHITE

SIZES = [(320, 200), (333, 777), (640, 360), (960, 600), (1920, 400), (3840, 2160)]
NAMES = {LEFT: "Ada", RIGHT: "Bob"}
REMARKS = {LEFT: "you, W/S", RIGHT: "Up/Down"}
KEYS = ("W/S or Up/Down: move", "Esc: menu", "F3: network", "F4: worse link", "F11: full screen")
SCENE = Scene(rules.new_match(), NAMES, REMARKS, LEFT, "Connected, 12 ms", True, KEYS)
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


def frame(size: tuple[int, int]) -> Frame:
    return Frame(pygame.Surface(size))


def pixels_of(surface: pygame.Surface, colour: Colour) -> pygame.Rect:
    """Return the box around all pixels that have exactly this colour."""
    boxes = pygame.mask.from_threshold(surface, colour, (1, 1, 1, 255)).get_bounding_rects()
    return boxes[0].unionall(boxes[1:]) if boxes else pygame.Rect(0, 0, 0, 0)


@pytest.mark.parametrize("size", SIZES)
def test_both_paddles_are_where_the_rules_say(size: tuple[int, int]) -> None:
    match = {**rules.new_match(), "phase": rules.RALLY, "paddles": {LEFT: 40.0, RIGHT: 140.0}}
    window = drawn(Scene(match=match), size)  # type: ignore[arg-type]
    layout = frame(size).layout
    for side, y in ((LEFT, 40.0), (RIGHT, 140.0)):
        box = pixels_of(window, SIDE_COLOURS[side])
        expected = layout.point(court.PADDLE_X[side] + flight.PADDLE_WIDTH / 2, y)
        assert abs(box.centerx - expected[0]) <= 1
        assert abs(box.centery - expected[1]) <= 1
        assert abs(box.height - 2 * flight.PADDLE_HALF * layout.scale) <= 2


@pytest.mark.parametrize("size", SIZES)
def test_the_whole_picture_is_within_the_window(size: tuple[int, int]) -> None:
    parts, window = frame(size), pygame.Rect((0, 0), size)
    for part in (parts.court, parts.header, parts.footer):
        assert window.contains(part)
    assert parts.header.bottom <= parts.court.top
    assert parts.court.bottom <= parts.footer.top


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("name", ["", "Ada", "W" * 16, "🐍" * 16])
def test_names_stay_on_their_own_side(size: tuple[int, int], name: str) -> None:
    scene = Scene(names={LEFT: name, RIGHT: name}, remarks=REMARKS, you=RIGHT)
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
    assert frame(size).court.contains(boxes[0].unionall(boxes[1:]))


@pytest.mark.parametrize("size", SIZES)
def test_news_is_told_below_a_notice_and_hides_none_of_it(size: tuple[int, int]) -> None:
    notice = Notice("Waiting for a second player", "The match begins when somebody joins.", "Friends type")
    window = drawn(Scene(notice=notice), size)
    title = pixels_of(window, WHITE)
    below = pygame.Rect(0, title.bottom, size[0], size[1] - title.bottom)
    before, empty = (pygame.image.tobytes(window.subsurface(part), "RGB") for part in (title, below))
    with_news = drawn(Scene(notice=notice, news="Ada has left."), size)
    assert pygame.image.tobytes(with_news.subsurface(title), "RGB") == before
    assert pygame.image.tobytes(with_news.subsurface(below), "RGB") != empty


@pytest.mark.parametrize("size", SIZES)
def test_status_and_keys_never_overlap(size: tuple[int, int]) -> None:
    """A long status drops keys, the last one first."""
    long = replace(SCENE, status="Connected, 1234 ms · you and 31 more are watching", match=None, names={})
    with_keys, without = drawn(long, size).copy(), drawn(replace(long, keys=()), size)
    status = pixels_of(without, GREY)
    before = without.subsurface(status).copy()
    assert pygame.image.tobytes(with_keys.subsurface(status), "RGB") == pygame.image.tobytes(before, "RGB")


def test_one_owns_the_paddle_that_the_white_arrow_points_at() -> None:
    def arrow(you: flight.Side | None) -> pygame.Rect:
        match: rules.Match = {**rules.new_match(), "phase": rules.OVER}
        return pixels_of(drawn(Scene(match=match, you=you, healthy=False), (960, 600)), WHITE)

    assert arrow(None).width == 0
    assert 0 < arrow(LEFT).right < 480
    assert arrow(RIGHT).left > 480


def test_trouble_is_shown_by_a_ring_and_not_by_colour_alone() -> None:
    parts = frame((960, 600))
    middle = (parts.footer.left + parts.text // 4, parts.footer.centery)
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


def test_keys_are_dropped_from_the_end_where_there_is_no_room() -> None:
    letters, size = Lettering(), 20
    line = KeyLine(letters)
    assert line.within(10_000, KEYS, size) == " · ".join(KEYS)
    room = letters.width(" · ".join(KEYS[:2]), size)
    assert line.within(room, KEYS, size) == " · ".join(KEYS[:2])
    assert line.within(room - 1, KEYS, size) == KEYS[0]
    assert line.within(3, KEYS, size) == ""
    assert line.within(room, KEYS, size // 2) == KeyLine(letters).within(room, KEYS, size // 2) != KEYS[0]


def changed(scene: Scene, to: Scene, size: tuple[int, int] = (960, 640)) -> pygame.Rect:
    """Return the box around all differences of two scenes."""
    before, after = drawn(scene, size).copy(), drawn(to, size)
    same = pygame.mask.from_threshold(after, (0, 0, 0), (1, 1, 1, 255), before)
    same.invert()
    boxes = same.get_bounding_rects()
    return boxes[0].unionall(boxes[1:]) if boxes else pygame.Rect(0, 0, 0, 0)


@pytest.mark.parametrize("size", SIZES)
def test_a_rally_is_counted_above_the_middle_from_the_second_hit_on(size: tuple[int, int]) -> None:
    def rally(hits: int) -> Scene:
        return Scene({**rules.new_match(rules.RALLY), "rally": hits})

    assert changed(rally(0), rally(1), size).width == 0
    box, parts = changed(rally(0), rally(12), size), frame(size)
    assert box.width > 0
    assert parts.court.contains(box)
    assert abs(box.centerx - parts.court.centerx) <= 3
    assert box.bottom < parts.court.centery


def test_games_are_shown_in_a_series_only_and_a_game_won_is_full() -> None:
    single = rules.new_match(rules.RALLY)
    assert changed(Scene(single), Scene({**single, "games": {LEFT: 1, RIGHT: 0}})).width == 0
    series = rules.new_match(rules.RALLY, best_of=5)
    rings = changed(Scene(single), Scene(series))
    assert rings.left < 480 < rings.right
    won = changed(Scene(series), Scene({**series, "games": {LEFT: 0, RIGHT: 2}}))
    assert won.left > 480
    window = drawn(Scene({**series, "games": {LEFT: 0, RIGHT: 2}}), (960, 640))
    ring = frame((960, 640)).layout.point(court.games_x(LEFT, 0), court.GAMES_Y)
    disc = frame((960, 640)).layout.point(court.games_x(RIGHT, 1), court.GAMES_Y)
    assert window.get_at(ring)[:3] not in (GREY, LINE), "a ring is empty within"
    assert window.get_at(disc)[:3] == GREY


@pytest.mark.parametrize("size", [(640, 360), (960, 640), (1920, 1080)])
def test_the_result_of_a_game_hides_neither_points_nor_games(size: tuple[int, int]) -> None:
    scene = Scene({**rules.new_match(rules.OVER, best_of=9), "score": {LEFT: 11, RIGHT: 10}}, NAMES)
    result = Notice("Ada wins the match 5 : 4", "5 : 4 in games, best of 9. Longest rally: 24.", "Space: play again")
    digits = pixels_of(drawn(scene, size).subsurface(frame(size).court), LINE)
    notice = changed(scene, replace(scene, notice=result), size)
    layout = frame(size).layout
    assert digits.width > 0
    assert notice.top > layout.point(0, court.SCORE_Y)[1] + layout.pixels(18)


def test_a_trail_is_drawn_where_the_ball_was_and_hides_neither_ball_nor_paddles() -> None:
    match: rules.Match = {**rules.new_match(rules.RALLY), "ball": {"x": 100.0, "y": 90.0, "vx": 3.0, "vy": 0.0}}
    trail = [TrailPoint(100.0 - 8.0 * back, 90.0, back / 10) for back in range(9, -1, -1)]
    box = changed(Scene(match), Scene(match, trail=trail))
    layout = frame((960, 640)).layout
    assert box.left >= layout.point(20.0, 90.0)[0]
    assert box.right <= layout.point(100.0, 90.0)[0]
    assert box.width > layout.pixels(50)
    window = drawn(Scene(match, trail=trail), (960, 640))
    assert window.get_at(layout.point(100.0, 90.0))[:3] == WHITE
    assert window.get_at(layout.point(14.5, 90.0))[:3] == SIDE_COLOURS[LEFT]


@pytest.mark.parametrize("size", SIZES)
def test_a_ball_that_is_out_is_not_drawn_beside_the_court(size: tuple[int, int]) -> None:
    match: rules.Match = {**rules.new_match(rules.RALLY), "ball": {"x": 0.0, "y": 90.0, "vx": -6.0, "vy": 0.0}}
    trail = [TrailPoint(8.0 * back - 20.0, 90.0, back / 10) for back in range(9, -1, -1)]
    box = changed(Scene(), Scene(match, trail=trail), size)
    assert box.width > 0
    assert frame(size).court.contains(box)


def test_news_hides_neither_ball_nor_paddle() -> None:
    for y in range(130, 175, 3):
        match: rules.Match = {**rules.new_match(rules.RALLY), "ball": {"x": 160.0, "y": float(y), "vx": 3.0, "vy": 0.0}}
        window = drawn(Scene(match, news=LONG), (960, 640))
        assert window.get_at(frame((960, 640)).layout.point(160.0, y))[:3] == WHITE


def test_the_icon_shows_both_paddles_and_the_ball() -> None:
    icon = pong_icon()
    assert icon.get_size() == (64, 64)
    for colour in (*SIDE_COLOURS.values(), WHITE):
        assert pixels_of(icon, colour).width > 0
