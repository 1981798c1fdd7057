"""What a picture is made of: strokes in pieces, each of them a few bytes; and how much of it there may be.

A stroke grows while it is drawn. So it travels, and is kept, in pieces, and what has been sent is never sent again for
what comes after it. A piece says for itself all that it takes to draw it:

    stroke (4 bytes) · colour (1) · width (1) · first point (2 + 2) · from there on, step by step (1 + 1 each)

Pieces are drawn in the order in which they came, whosever they are: what was drawn last is on top, and everybody who
draws the same pieces sees the same picture, whenever they came.

A point is in units of the paper, from its upper left corner; strokes may leave the paper a little.
"""

import struct
from array import array
from collections.abc import Sequence
from itertools import accumulate
from typing import Final, NamedTuple

WIDTH: Final = 3200
HEIGHT: Final = 2000
OUTSIDE: Final = 400  # units beyond the paper's edges where there may be points

PAPER: Final = 0  # the colour that erases
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
"""After Okabe and Ito, "Color Universal Design" (2008): those who cannot tell red from green can tell these apart."""
COLOUR_NAMES: Final = ("paper", "black", "orange", "sky blue", "green", "yellow", "blue", "red", "pink")
WIDTHS: Final = (6, 10, 16, 24, 36, 56, 88, 136, 200)
"""How wide strokes can be, in units."""

MAX_STEP: Final = 127  # units from one point to the next, along each axis; longer ways get points in between
MAX_PIECE_POINTS: Final = 128
MAX_STROKE_POINTS: Final = 4096
MAX_ARTIST_STROKES: Final = 5_000
MAX_ARTIST_BYTES: Final = 1024 * 1024
MAX_PICTURE_STROKES: Final = 20_000
MAX_PICTURE_BYTES: Final = 3 * 1024 * 1024
"""Three quarters of the largest state that there can be: the rest is for names, cursors and room to spare."""
PIECE_COST: Final = 10  # bytes that a piece takes in the state beyond its own

PAGE: Final = 256  # pieces that are kept together in the state

MAX_NUMBER: Final = 0xFFFF  # of artists, and of the strokes of one: two bytes each

Point = tuple[int, int]

_HEAD: Final = struct.Struct(">HHBB")
_FIRST: Final = struct.Struct(">HH")
_LOOK: Final = struct.Struct(">BB")
_STROKE_BYTES: Final = 4


class Piece(NamedTuple):
    """A piece of a stroke, unpacked: `artist` and `number` together say which stroke."""

    artist: int
    number: int
    colour: int
    width: int  # an index of WIDTHS
    points: tuple[Point, ...]


class BadPiece(ValueError):
    """Bytes that are no piece of a stroke; says why."""


def pack_line(colour: int, width: int, points: Sequence[Point]) -> bytes:
    """Return what a player sends of a piece: all but whose it is. Points are at most `MAX_STEP` apart; see `Pen`."""
    steps = array("b")
    for (x, y), (before_x, before_y) in zip(points[1:], points, strict=False):
        steps.append(x - before_x)
        steps.append(y - before_y)
    x, y = points[0]
    return _LOOK.pack(colour, width) + _FIRST.pack(x + OUTSIDE, y + OUTSIDE) + steps.tobytes()


def piece_of(artist: int, number: int, line: bytes) -> bytes:
    """Return a piece: a line, and whose it is."""
    return artist.to_bytes(2, "big") + number.to_bytes(2, "big") + line


def line_of(piece: bytes) -> bytes:
    """Return what a player has sent of a piece."""
    return piece[_STROKE_BYTES:]


def stroke_of(piece: bytes) -> bytes:
    """Return which stroke a piece is of: a key, the same for all its pieces."""
    return piece[:_STROKE_BYTES]


def stroke_key(artist: int, number: int) -> bytes:
    """Return the same for an artist's stroke."""
    return piece_of(artist, number, b"")


def artist_of(piece: bytes) -> int:
    """Return whose a piece is."""
    return int.from_bytes(piece[:2], "big")


def point_count(piece: bytes) -> int:
    """Return how many points a piece has, without unpacking it."""
    return (len(piece) - _HEAD.size - _FIRST.size) // 2 + 1


def cost(piece: bytes) -> int:
    """Return how many bytes a piece takes in the state."""
    return len(piece) + PIECE_COST


def unpack(piece: bytes) -> Piece:
    """Return a piece unpacked. Raises `BadPiece` for what is none, whatever it is."""
    _check(piece)
    artist, number, colour, width = _HEAD.unpack_from(piece)
    x, y = _FIRST.unpack_from(piece, _HEAD.size)
    steps = array("b", piece[_HEAD.size + _FIRST.size :])
    xs = tuple(accumulate(steps[::2], initial=x - OUTSIDE))  # a picture may have half a million points
    ys = tuple(accumulate(steps[1::2], initial=y - OUTSIDE))
    if not (is_inside((min(xs), min(ys))) and is_inside((max(xs), max(ys)))):
        raise BadPiece("a point is far outside the paper")
    return Piece(artist, number, colour, width, tuple(zip(xs, ys, strict=True)))


def is_inside(point: Point) -> bool:
    """Tell whether there may be a point here: on the paper, or a little beside it."""
    return -OUTSIDE <= point[0] <= WIDTH + OUTSIDE and -OUTSIDE <= point[1] <= HEIGHT + OUTSIDE


def clamped(x: float, y: float) -> Point:
    """Return the nearest point that there may be."""
    return (
        round(min(max(x, -OUTSIDE), WIDTH + OUTSIDE)),
        round(min(max(y, -OUTSIDE), HEIGHT + OUTSIDE)),
    )


def box_of(piece: Piece) -> tuple[int, int, int, int]:
    """Return the part of the paper that a piece may touch: left, top, right, bottom, in units."""
    reach = WIDTHS[piece.width] // 2 + 2
    xs, ys = [x for x, _ in piece.points], [y for _, y in piece.points]
    return min(xs) - reach, min(ys) - reach, max(xs) + reach, max(ys) + reach


def is_number(value: object) -> bool:
    """Tell whether something that somebody sent can be the number of a stroke."""
    return type(value) is int and 0 <= value <= MAX_NUMBER


def _check(piece: object) -> None:
    if not isinstance(piece, bytes):
        raise BadPiece(f"a piece is bytes, got {type(piece).__name__}")
    if len(piece) < _HEAD.size + _FIRST.size or len(piece) % 2:
        raise BadPiece(f"no piece has {len(piece)} bytes")
    if point_count(piece) > MAX_PIECE_POINTS:
        raise BadPiece(f"a piece has at most {MAX_PIECE_POINTS} points, got {point_count(piece)}")
    if piece[4] >= len(COLOURS) or piece[5] >= len(WIDTHS):
        raise BadPiece(f"there is no colour {piece[4]}, or no width {piece[5]}")
