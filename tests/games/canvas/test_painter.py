"""The painter: the same picture has the same pixels, however the painter got there."""

import random
from collections.abc import Iterator
from typing import Any

import pygame
import pytest

from games.canvas import rules
from games.canvas.painter import Painter
from games.canvas.picture import Picture
from games.canvas.sheet import Sheet
from pygase import TO_DELETE
from tests.games.canvas.drawings import pieces_of, scribble

SIZES = [(300, 188), (97, 61), (640, 400)]


@pytest.fixture(autouse=True)
def _pygame() -> Iterator[None]:
    pygame.display.init()
    yield
    pygame.quit()


class Drawn:
    """A sheet, and a painter that follows its changes."""

    def __init__(self, size: tuple[int, int], pieces: list[bytes] | None = None) -> None:
        self.sheet = Sheet(pieces or [])
        self.picture = Picture()
        self.picture.follow(self.sheet.pages())
        self.painter = Painter(self.picture, size)
        self.number = 1_000

    def draws(self, lines: list[bytes]) -> bytes:
        """Draw a stroke. Return its key."""
        self.number += 1
        for part, line in enumerate(lines):
            self.sheet.draw(1, self.number, part, line)
        self.follows()
        return rules.stroke_key(1, self.number)

    def undoes(self, stroke: bytes) -> None:
        """Undo a stroke."""
        self.sheet.undo(rules.artist_of(stroke), int.from_bytes(stroke[-2:], "big"))
        self.follows()

    def follows(self) -> None:
        """Report the changes to the painter."""
        self.painter.change(self.picture.follow(self.sheet.pages()))


def pixels(surface: pygame.Surface) -> bytes:
    return pygame.image.tobytes(surface, "RGB")


def painted_at_once(picture: Picture, size: tuple[int, int]) -> bytes:
    """Return the pixels in the window of a late joiner."""
    painter = Painter(picture, size)
    painter.finish()
    return pixels(painter.surface)


@pytest.mark.parametrize("size", SIZES)
def test_strokes_drawn_undone_hidden_and_resized_in_any_order_leave_the_picture_of_a_late_joiner(
    size: tuple[int, int], rng: random.Random
) -> None:
    drawn = Drawn(size, pieces_of(rng, 30))
    there: list[bytes] = []
    for _ in range(250):
        chance = rng.random()
        if chance < 0.6 or not there:
            there.append(drawn.draws(scribble(rng, rng.randrange(1, 15))))
        elif chance < 0.75:
            drawn.undoes(there.pop(rng.randrange(len(there))))
        elif chance < 0.85:
            stroke = there.pop(rng.choice([-1, 0]))
            drawn.painter.hide(stroke)
            drawn.painter.work(0)
            drawn.undoes(stroke)
        elif chance < 0.88:
            drawn.painter.resize((size[0] + rng.randrange(3), size[1]))
        elif chance < 0.95:
            drawn.painter.finish()
        drawn.painter.work(0)  # at least one piece
    drawn.painter.resize(size)
    drawn.painter.finish()
    assert pixels(drawn.painter.surface) == painted_at_once(drawn.picture, size)


def test_many_strokes_drawn_and_undone_leave_the_same_above_a_layer_and_below(rng: random.Random) -> None:
    drawn = Drawn(SIZES[0], pieces_of(rng, 10))
    there = []
    for turn in range(400):
        there.append(drawn.draws(scribble(rng, 6)))
        drawn.painter.finish()
        if turn % 5 == 4:
            drawn.undoes(there.pop(rng.choice([0, len(there) // 2, -1])))
            drawn.painter.finish()
        if turn % 40 == 39:
            assert pixels(drawn.painter.surface) == painted_at_once(drawn.picture, SIZES[0])


def test_an_undo_of_what_was_drawn_last_does_not_paint_what_is_below_again(rng: random.Random) -> None:
    drawn = Drawn(SIZES[0], pieces_of(rng, 500, 10))
    drawn.painter.finish()
    stroke = drawn.draws(scribble(rng, 40))
    drawn.painter.finish()
    drawn.undoes(stroke)
    assert drawn.painter.pieces_left == 0, "it begins with the layer that was kept before it"
    drawn.painter.finish()
    assert pixels(drawn.painter.surface) == painted_at_once(drawn.picture, SIZES[0])


def test_ones_own_stroke_is_there_at_once_and_not_a_pixel_changes_when_the_server_has_it(rng: random.Random) -> None:
    drawn = Drawn(SIZES[2], pieces_of(rng, 20))
    drawn.painter.finish()
    lines = scribble(rng, 30, colour=1, width=4)
    before = pixels(drawn.painter.surface)
    own = [rules.unpack(rules.piece_of(0, 7, line)) for line in lines]
    drawn.painter.draw_own(own)
    at_once = pixels(drawn.painter.surface)
    assert at_once != before
    for part, line in enumerate(lines):
        drawn.sheet.draw(1, 7, part, line)
        drawn.follows()
        drawn.painter.draw_own(own[part + 1 :])
        drawn.painter.work(0)
        assert pixels(drawn.painter.surface) == at_once
    assert at_once == painted_at_once(drawn.picture, SIZES[2])


def test_ones_own_stroke_stays_on_top_until_the_server_has_put_another_above_it(rng: random.Random) -> None:
    drawn = Drawn(SIZES[0])
    own = [rules.unpack(rules.piece_of(0, 7, rules.pack_line(1, 8, [(1600, 1000)])))]
    drawn.painter.draw_own(own)
    middle = (SIZES[0][0] // 2, SIZES[0][1] // 2)
    drawn.draws([rules.pack_line(2, 8, [(1600, 1000)])])
    drawn.painter.finish()
    assert drawn.painter.surface.get_at(middle)[:3] == rules.COLOURS[1]
    drawn.sheet.draw(1, 7, 0, rules.pack_line(1, 8, [(1600, 1000)]))
    drawn.follows()
    drawn.draws([rules.pack_line(3, 8, [(1600, 1000)])])
    drawn.painter.draw_own([])
    drawn.painter.finish()
    assert drawn.painter.surface.get_at(middle)[:3] == rules.COLOURS[3]


def test_what_was_refused_of_ones_own_is_not_to_be_seen_any_more(rng: random.Random) -> None:
    drawn = Drawn(SIZES[0], pieces_of(rng, 20))
    drawn.painter.finish()
    before = pixels(drawn.painter.surface)
    own = [rules.unpack(rules.piece_of(0, 7, line)) for line in scribble(rng, colour=1, width=5)]
    drawn.painter.draw_own(own)
    drawn.painter.draw_own([], gone=own)
    drawn.painter.finish()
    assert pixels(drawn.painter.surface) == before


def test_a_cleared_picture_is_paper_and_can_be_drawn_on(rng: random.Random) -> None:
    drawn = Drawn(SIZES[0], pieces_of(rng, 50))
    drawn.painter.finish()
    drawn.sheet.clear()
    drawn.follows()
    assert {drawn.painter.surface.get_at((x, 90))[:3] for x in range(300)} == {rules.COLOURS[rules.PAPER]}
    drawn.draws(scribble(rng, colour=1))
    drawn.painter.finish()
    assert pixels(drawn.painter.surface) == painted_at_once(drawn.picture, SIZES[0])


def test_a_server_that_has_begun_anew_shows_its_own_picture(rng: random.Random) -> None:
    """Its pieces have the numbers of earlier ones."""
    drawn = Drawn(SIZES[0], pieces_of(rng, 400, 3))
    drawn.painter.finish()
    for strokes in (100, 600):
        drawn.sheet = Sheet(pieces_of(rng, strokes, 3))
        drawn.follows()
        drawn.painter.work(0)
        drawn.draws(scribble(rng))
        drawn.painter.finish()
        assert pixels(drawn.painter.surface) == painted_at_once(drawn.picture, SIZES[0])


def test_what_is_no_piece_is_not_painted_and_does_no_harm() -> None:
    picture = Picture()
    painter = Painter(picture, SIZES[0])
    painter.change(
        picture.follow({0: {0: b"", 1: b"x" * 11, 2: b"\x00" * 500, 3: b"\x00\x00\x00\x00\xff\xff\x00\x00\x00\x00"}})
    )
    painter.finish()
    painter.change(picture.follow({0: {0: b"", 3: b"\x00\x00\x00\x00\xff\xff\x00\x00\x00\x00"}}))
    painter.finish()
    assert pixels(painter.surface) == painted_at_once(Picture(), SIZES[0])


def test_a_tiny_window_does_not_break_it(rng: random.Random) -> None:
    drawn = Drawn((1, 1), pieces_of(rng, 20))
    drawn.painter.finish()
    for size in [(0, 0), (3, 1), (40, 25)]:
        drawn.painter.resize(size)
        drawn.painter.finish()
    assert pixels(drawn.painter.surface) == painted_at_once(drawn.picture, (40, 25))


def test_pages_are_looked_into_only_where_they_changed(rng: random.Random) -> None:
    pages = Sheet(pieces_of(rng, 300, 5)).pages()
    picture = Picture()
    assert picture.follow(pages).added == sorted(number for page in pages.values() for number in page)

    class Page(dict[int, bytes]):
        touchable = True

        def items(self) -> Any:
            assert self.touchable, "looked into a page that is the same"
            return super().items()

        def get(self, *key: Any) -> Any:
            assert self.touchable, "looked into a page that is the same"
            return super().get(*key)

    page = Page({10**6: next(iter(pages[0].values()))})
    assert picture.follow({**pages, 99_999: page}).added == [10**6]
    page.touchable = False
    last = max(pages)
    less = dict(pages[last])
    gone = less.popitem()
    assert picture.follow({**pages, 99_999: page, last: less}).removed == dict([gone])
    assert TO_DELETE not in picture.pieces.values()
