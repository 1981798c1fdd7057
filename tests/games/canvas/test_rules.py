"""Pieces of strokes return unchanged, and nothing else passes."""

import itertools
import random
from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from games.canvas import rules
from games.canvas.bot import DOODLES, Bot
from games.canvas.pen import Pen
from games.canvas.sheet import Refused, Sheet
from tests.games.canvas.drawings import pieces_of

POINTS = st.tuples(st.floats(-9_000, 9_000), st.floats(-9_000, 9_000))


@given(
    st.integers(0, 65_535), st.integers(0, 65_535), st.integers(0, 8), st.integers(0, 8), st.lists(POINTS, min_size=1)
)
def test_whatever_a_hand_does_becomes_pieces_that_can_be_read_and_fit_together(
    artist: int, number: int, colour: int, width: int, way: list[tuple[float, float]]
) -> None:
    pen = Pen(colour, width, rules.clamped(*way[0]))
    lines = pen.take()
    for step, at in enumerate(way[1:]):
        pen.move(*at)
        if step % 3 == 0:
            lines += pen.take()
    lines += pen.take()
    pieces = [rules.unpack(rules.piece_of(artist, number, line)) for line in lines]
    assert {(p.artist, p.number, p.colour, p.width) for p in pieces} == {(artist, number, colour, width)}
    for piece, line in zip(pieces, lines, strict=True):
        assert len(piece.points) == rules.point_count(rules.piece_of(artist, number, line))
        assert rules.line_of(rules.piece_of(artist, number, line)) == line
    for before, after in itertools.pairwise(pieces):
        assert after.points[0] == before.points[-1]
    end, wanted = pieces[-1].points[-1], rules.clamped(*way[-1])
    assert max(abs(end[0] - wanted[0]), abs(end[1] - wanted[1])) < 6


@given(st.binary(max_size=300))
def test_any_bytes_are_a_piece_or_no_piece(data: bytes) -> None:
    try:
        piece = rules.unpack(data)
    except rules.BadPiece:
        return
    assert rules.piece_of(piece.artist, piece.number, rules.pack_line(piece.colour, piece.width, piece.points)) == data
    assert all(rules.is_inside(point) for point in piece.points)


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"\x00\x00",
        rules.pack_line(9, 0, [(0, 0)]),
        rules.pack_line(0, 9, [(0, 0)]),
        rules.pack_line(0, 0, [(0, 0)] * 129),
        rules.pack_line(0, 0, [(-400, 0), (-401, 0)]),
        rules.pack_line(0, 0, [(0, 0)]) + b"\x00",
        b"\x00\x00\xff\xff\xff\xff",
        "text",
        None,
        7,
        [1, 2],
    ],
)
def test_what_is_no_line_is_refused_in_a_sentence(line: object) -> None:
    with pytest.raises(Refused, match="could not read"):
        Sheet().draw(1, 0, 0, line)


@pytest.mark.parametrize(
    ("number", "part"), [(-1, 0), (65_536, 0), (None, 0), (True, 0), ("1", 0), (1, 1), (1, -1), (1, 0.0)]
)
def test_what_is_no_number_is_refused(number: object, part: object) -> None:
    with pytest.raises(Refused):
        Sheet().draw(1, number, part, rules.pack_line(1, 1, [(5, 5)]))


LINE = rules.pack_line(1, 1, [(5, 5)] * 100)


def refused(draws: Iterable[tuple[Sheet, int, int, int]]) -> tuple[str, int]:
    """Draw until a piece is refused. Return the message, and the number of its stroke."""
    for sheet, artist, number, part in draws:
        try:
            sheet.draw(artist, number, part, LINE)
        except Refused as refusal:
            return str(refusal), number
    return "", -1


def test_a_piece_that_comes_twice_is_there_once() -> None:
    sheet = Sheet()
    assert sheet.draw(1, 0, 0, LINE)
    assert sheet.draw(1, 0, 0, LINE) == {}
    assert len(sheet.pieces) == 1


def test_a_stroke_has_an_end() -> None:
    sheet = Sheet()
    refusal, _ = refused((sheet, 1, 0, part) for part in range(100))
    assert "maximum length" in refusal
    assert len(sheet.pieces) == rules.MAX_STROKE_POINTS // 100


def test_a_pen_is_full_before_the_server_says_so() -> None:
    """With pieces of any length."""
    sheet, pen, part = Sheet(), Pen(1, 1, (0, 0)), 0
    while not pen.is_full:
        pen.move(pen.end[0] + (7 if part % 2 else -7), 0)
        for line in pen.take():
            sheet.draw(1, 0, part, line)
            part += 1


def test_one_artist_cannot_fill_the_picture() -> None:
    sheet = Sheet()
    refusal, number = refused((sheet, 1, number, 0) for number in range(60_000))
    assert "drawn your share" in refusal
    assert number == min(rules.MAX_ARTIST_STROKES, rules.MAX_ARTIST_BYTES // rules.cost(rules.piece_of(1, 0, LINE)))
    assert sheet.draw(2, 0, 0, LINE), "and others can still draw"
    sheet.undo(1, 0)
    assert sheet.draw(1, number, 0, LINE), "and so can they, when they undo something"


def test_all_together_cannot_make_it_larger_than_a_state_can_be() -> None:
    sheet = Sheet()
    refusal, _ = refused((sheet, artist, number, 0) for artist in range(1, 100) for number in range(4_000))
    assert "picture is full" in refusal
    assert sheet.size <= rules.MAX_PICTURE_BYTES
    assert sheet.stroke_count() <= rules.MAX_PICTURE_STROKES
    sheet.clear()
    assert sheet.size == sheet.stroke_count() == 0
    assert sheet.draw(1, 0, 0, LINE)


def test_a_change_says_only_what_has_changed(rng: random.Random) -> None:
    sheet = Sheet(pieces_of(rng, 300))
    update = sheet.draw(1, 0, 0, LINE)
    assert [len(page) for page in update.values()] == [1]
    assert sum(len(page) for page in sheet.undo(1, 0).values()) == 1
    assert sheet.undo(1, 0) == {}


def test_bots_draw_what_the_server_takes_and_finish_what_they_begin() -> None:
    for seed in range(6):
        bot, sheet = Bot(random.Random(seed)), Sheet()
        for _ in range(2_000):
            at, stroke, lines = bot.turn()
            assert rules.is_inside(at)
            assert -1 <= stroke <= rules.MAX_NUMBER
            for line in lines:
                sheet.draw(1, *line)
        assert sheet.stroke_count() > 5


@pytest.mark.parametrize("doodle", DOODLES)
def test_doodles_stay_in_their_square(doodle: object, rng: random.Random) -> None:
    for line in doodle(rng):  # type: ignore[operator]
        assert all(-1.001 <= x <= 1.001 and -1.001 <= y <= 1.001 for x, y in line)
