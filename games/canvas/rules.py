"""Pieces of strokes, and the limits of a picture.

A stroke grows while it is drawn, so it is sent and kept in pieces, and nothing is sent twice. A piece holds everything
needed to draw it:

    stroke (6 bytes) · colour (1) · width (1) · first point (2 + 2) · then each step (1 + 1)

Pieces are drawn in the order of their arrival at the server. So the newest is on top, and the same pieces make the same
picture for everybody.

Points are in units of the paper, from its upper left corner. Strokes may leave the paper a little.
"""

import struct
from array import array
from collections.abc import Sequence
from itertools import accumulate
from typing import Final, NamedTuple

WIDTH: Final = 3200
HEIGHT: Final = 2000
OUTSIDE: Final = 400  # units beyond the paper's edges that points may reach

PAPER: Final = 0  # the colour of the eraser
COLOURS: Final[tuple[tuple[int, int, int], ...]] = (
    (252, 251, 247),  # paper
    (24, 28, 38),  # black
    (230, 159, 0),  # orange
    (86, 180, 233),  # sky
    (0, 158, 115),  # green
    (240, 228, 66),  # yellow
    (0, 90, 178),  # blue
    (204, 72, 12),  # red
    (204, 121, 167),  # pink
)
"""From Okabe and Ito, "Color Universal Design" (2008): distinguishable for people with a red-green deficiency."""
COLOUR_NAMES: Final = ("paper", "black", "orange", "sky blue", "green", "yellow", "blue", "red", "pink")
WIDTHS: Final = (6, 10, 16, 24, 36, 56, 88, 136, 200)
"""Widths of strokes in units."""

MAX_POINT_STEP: Final = 127  # units between two points on each axis; a longer way gets points in between
MAX_PIECE_POINTS: Final = 128
MAX_STROKE_POINTS: Final = 4096
MAX_ARTIST_STROKES: Final = 5_000
MAX_ARTIST_BYTES: Final = 1024 * 1024
MAX_PICTURE_STROKES: Final = 20_000
MAX_PICTURE_BYTES: Final = 3 * 1024 * 1024
"""Three quarters of the largest possible state. The rest is for names, cursors and a reserve."""
PIECE_COST: Final = 10  # bytes of a piece in the state, beyond its own

PAGE: Final = 256  # pieces in one page of the state

MAX_NUMBER: Final = 0xFFFF  # of strokes of an artist: two bytes

Point = tuple[int, int]

_STROKE: Final = struct.Struct(">iH")  # the artist, who is a client or a bot, and the number of the stroke
_HEAD: Final = struct.Struct(">iHBB")
_FIRST: Final = struct.Struct(">HH")
_LOOK: Final = struct.Struct(">BB")


class Piece(NamedTuple):
    """An unpacked piece. `artist` and `number` together name its stroke."""

    artist: int
    number: int
    colour: int
    width: int  # an index of WIDTHS
    points: tuple[Point, ...]


class BadPiece(ValueError):
    """Bytes that are no piece. The message says why."""


def pack_line(colour: int, width: int, points: Sequence[Point]) -> bytes:
    """Return the line of a piece: everything but its stroke. Points are at most `MAX_POINT_STEP` apart (see `Pen`)."""
    steps = array("b")
    for (x, y), (before_x, before_y) in zip(points[1:], points, strict=False):
        steps.append(x - before_x)
        steps.append(y - before_y)
    x, y = points[0]
    return _LOOK.pack(colour, width) + _FIRST.pack(x + OUTSIDE, y + OUTSIDE) + steps.tobytes()


def piece_of(artist: int, number: int, line: bytes) -> bytes:
    """Return the piece with a line, an artist and a stroke's number."""
    return _STROKE.pack(artist, number) + line


def line_of(piece: bytes) -> bytes:
    """Return the line of a piece."""
    return piece[_STROKE.size :]


def stroke_of(piece: bytes) -> bytes:
    """Return the key of a piece's stroke, the same for all its pieces."""
    return piece[: _STROKE.size]


def stroke_key(artist: int, number: int) -> bytes:
    """Return the key of an artist's stroke."""
    return piece_of(artist, number, b"")


def artist_of(piece: bytes) -> int:
    """Return the number of a piece's artist."""
    artist: int = _STROKE.unpack_from(piece)[0]
    return artist


def point_count(piece: bytes) -> int:
    """Return the number of points of a piece, without unpacking it."""
    return (len(piece) - _HEAD.size - _FIRST.size) // 2 + 1


def cost(piece: bytes) -> int:
    """Return the bytes that a piece takes in the state."""
    return len(piece) + PIECE_COST


def unpack(piece: bytes) -> Piece:
    """Return an unpacked piece. Raises `BadPiece` for other bytes."""
    _check(piece)
    artist, number, colour, width = _HEAD.unpack_from(piece)
    x, y = _FIRST.unpack_from(piece, _HEAD.size)
    steps = array("b", piece[_HEAD.size + _FIRST.size :])
    xs = tuple(accumulate(steps[::2], initial=x - OUTSIDE))  # fast: a picture may have half a million points
    ys = tuple(accumulate(steps[1::2], initial=y - OUTSIDE))
    if not (is_inside((min(xs), min(ys))) and is_inside((max(xs), max(ys)))):
        raise BadPiece("a point is far outside the paper")
    return Piece(artist, number, colour, width, tuple(zip(xs, ys, strict=True)))


def is_inside(point: Point) -> bool:
    """Return whether a point is on the paper or near enough."""
    return -OUTSIDE <= point[0] <= WIDTH + OUTSIDE and -OUTSIDE <= point[1] <= HEIGHT + OUTSIDE


def clamped(x: float, y: float) -> Point:
    """Return the nearest allowed point, in whole units."""
    return (
        round(min(max(x, -OUTSIDE), WIDTH + OUTSIDE)),
        round(min(max(y, -OUTSIDE), HEIGHT + OUTSIDE)),
    )


def box_of(piece: Piece) -> tuple[int, int, int, int]:
    """Return the area that a piece may touch: left, top, right, bottom, in units."""
    reach = WIDTHS[piece.width] // 2 + 2
    xs, ys = [x for x, _ in piece.points], [y for _, y in piece.points]
    return min(xs) - reach, min(ys) - reach, max(xs) + reach, max(ys) + reach


def is_number(value: object) -> bool:
    """Return whether a received value can be the number of a stroke."""
    return type(value) is int and 0 <= value <= MAX_NUMBER


def _check(piece: object) -> None:
    if not isinstance(piece, bytes):
        raise BadPiece(f"a piece is bytes, got {type(piece).__name__}")
    if len(piece) < _HEAD.size + _FIRST.size or len(piece) % 2:
        raise BadPiece(f"no piece has {len(piece)} bytes")
    if point_count(piece) > MAX_PIECE_POINTS:
        raise BadPiece(f"a piece has at most {MAX_PIECE_POINTS} points, got {point_count(piece)}")
    _, _, colour, width = _HEAD.unpack_from(piece)
    if colour >= len(COLOURS) or width >= len(WIDTHS):
        raise BadPiece(f"there is no colour {colour}, or no width {width}")
