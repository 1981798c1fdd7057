"""The server's picture, with owners and limits. Each change returns its update of the state.

In the state the picture is `ink`: pages of pieces, numbered from 0. A new piece is one more entry, so a change costs
its own size, however large the picture is.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from games.canvas import rules
from games.canvas.quota import HELD, HOST_FULL, NO_AMOUNT, Amount, amount_of
from pygase import TO_DELETE

Ink = dict[int, Any]  # an update of the pages

PICTURE_FULL: Final = "The picture is full. Undo something, or ask the host to clear it."
ARTIST_FULL: Final = "You have drawn your share of this picture. Undo something to go on."
STROKE_FULL: Final = "This stroke has its maximum length. Begin another."
UNREADABLE: Final = "The server could not read this stroke."


class Refused(Exception):
    """A piece that may not be drawn. The message is for the player."""


@dataclass
class Stroke:
    """A stroke: its pieces by number, its number of points, and the address (`host`) that it came from."""

    artist: int
    host: str = ""
    pieces: list[int] = field(default_factory=list)
    points: int = 0


@dataclass
class Share:
    """The strokes of one artist, the oldest first."""

    strokes: dict[bytes, None] = field(default_factory=dict)
    size: int = 0  # bytes


class Sheet:
    """The server's picture. Changes return the update of the state's `ink`.

    :param pieces: the first pieces, such as a file's.
    """

    def __init__(self, pieces: Iterable[bytes] = ()) -> None:
        self.pieces: dict[int, bytes] = {}
        self.changes = 0
        """Number of changes so far."""
        self.size = 0
        """Bytes that the picture takes in the state."""
        self._strokes: dict[bytes, Stroke] = {}
        self._shares: dict[int, Share] = {}
        self._held: dict[str, Amount] = {}  # by address
        self._pages: dict[int, int] = {}  # number of pieces by page
        self._next = 0
        for piece in pieces:
            self._add(piece)

    def restore(self, pages: Mapping[int, Mapping[int, bytes]]) -> None:
        """Take over the pages of a state, with their numbers, into an empty sheet. Nobody's address is known then."""
        for page in sorted(pages):
            self._pages.setdefault(page, 0)
            for number, piece in sorted(pages[page].items()):
                self._next = number
                self._add(piece)
        self._next = max(self._next, rules.PAGE * max(pages, default=0))

    def pages(self) -> Ink:
        """Return all pages."""
        pages: Ink = {page: {} for page in self._pages}
        for number, piece in self.pieces.items():
            pages[number // rules.PAGE][number] = piece
        return pages

    def draw(self, artist: int, number: object, part: object, line: object, host: str = "") -> Ink:
        """Add a piece to a stroke. A known piece changes nothing. Raises `Refused`.

        :param number: number of the artist's stroke.
        :param part: number of the piece in the stroke, from 0.
        :param host: the network address that it came from; "" for bots. Addresses have limits of their own.
        """
        if not (rules.is_number(number) and type(part) is int and isinstance(line, bytes)):
            raise Refused(UNREADABLE)
        assert isinstance(number, int)
        piece = rules.piece_of(artist, number, line)
        stroke = self._strokes.get(rules.stroke_of(piece))
        known = len(stroke.pieces) if stroke else 0
        if 0 <= part < known:
            return {}  # sent again after the connection was lost
        if part != known:
            raise Refused(UNREADABLE)
        try:
            rules.unpack(piece)
        except rules.BadPiece as error:
            raise Refused(UNREADABLE) from error
        self._expect_room(piece, stroke)
        self._expect_room_for_host(piece, stroke, host)
        return self._add(piece, host)

    def undo(self, artist: int, number: object) -> Ink:
        """Remove an artist's stroke. An unknown number changes nothing."""
        if not rules.is_number(number):
            return {}
        assert isinstance(number, int)
        return self._remove(rules.stroke_key(artist, number))

    def undo_oldest(self, artist: int) -> Ink:
        """Remove the oldest stroke of an artist."""
        share = self._shares.get(artist)
        return self._remove(next(iter(share.strokes))) if share else {}

    def undo_all(self, artist: int) -> Ink:
        """Remove all strokes of an artist."""
        update: Ink = {}
        while self.stroke_count(artist):
            merge(update, self.undo_oldest(artist))
        return update

    def clear(self) -> Ink:
        """Remove everything."""
        update: Ink = dict.fromkeys(self._pages, TO_DELETE)
        self.pieces, self._strokes, self._shares, self._pages, self._held = {}, {}, {}, {}, {}
        self.size = 0
        self.changes += 1
        return update

    def stroke_count(self, artist: int | None = None) -> int:
        """Return the number of strokes, of one artist or of all."""
        if artist is None:
            return len(self._strokes)
        return len(self._shares[artist].strokes) if artist in self._shares else 0

    def _expect_room(self, piece: bytes, stroke: Stroke | None) -> None:
        size, artist = rules.cost(piece), rules.artist_of(piece)
        if self.size + size > rules.MAX_PICTURE_BYTES:
            raise Refused(PICTURE_FULL)
        if stroke is None and len(self._strokes) >= rules.MAX_PICTURE_STROKES:
            raise Refused(PICTURE_FULL)
        if stroke is not None and stroke.points + rules.point_count(piece) > rules.MAX_STROKE_POINTS:
            raise Refused(STROKE_FULL)
        share = self._shares.get(artist, Share())
        if share.size + size > rules.MAX_ARTIST_BYTES:
            raise Refused(ARTIST_FULL)
        if stroke is None and len(share.strokes) >= rules.MAX_ARTIST_STROKES:
            raise Refused(ARTIST_FULL)

    def _expect_room_for_host(self, piece: bytes, stroke: Stroke | None, host: str) -> None:
        host = stroke.host if stroke else host
        more = amount_of(piece, begins=stroke is None)
        if host and self.held(host).plus(more).exceeds(HELD):
            raise Refused(HOST_FULL)

    def held(self, host: str) -> Amount:
        """Return the amount in the picture from a network address."""
        return self._held.get(host, NO_AMOUNT)

    def _count(self, host: str, amount: Amount, times: int) -> None:
        held = self.held(host).plus(amount, times)
        if held == NO_AMOUNT:
            self._held.pop(host, None)
        else:
            self._held[host] = held

    def _add(self, piece: bytes, host: str = "") -> Ink:
        number, key, artist = self._next, rules.stroke_of(piece), rules.artist_of(piece)
        self._next += 1
        self.changes += 1
        self.pieces[number] = piece
        stroke = self._strokes.setdefault(key, Stroke(artist, host))
        self._count(stroke.host, amount_of(piece, begins=not stroke.pieces), 1)
        stroke.pieces.append(number)
        stroke.points += rules.point_count(piece)
        share = self._shares.setdefault(artist, Share())
        share.strokes[key] = None
        share.size += rules.cost(piece)
        self.size += rules.cost(piece)
        page = number // rules.PAGE
        self._pages[page] = self._pages.get(page, 0) + 1
        update: Ink = {page: {number: piece}}
        if self._pages.get(page - 1) == 0:  # emptied while it was the last page
            del self._pages[page - 1]
            update[page - 1] = TO_DELETE
        return update

    def _remove(self, key: bytes) -> Ink:
        stroke = self._strokes.pop(key, None)
        if stroke is None:
            return {}
        share = self._shares[stroke.artist]
        update: Ink = {}
        del share.strokes[key]
        self.changes += 1
        for number in stroke.pieces:
            piece, page = self.pieces.pop(number), number // rules.PAGE
            size = rules.cost(piece)
            self._count(stroke.host, amount_of(piece, begins=number == stroke.pieces[0]), -1)
            share.size -= size
            self.size -= size
            self._pages[page] -= 1
            update.setdefault(page, {})[number] = TO_DELETE
        if not share.strokes:
            del self._shares[stroke.artist]
        last = self._next // rules.PAGE  # new pieces go there
        for page in [page for page in update if not self._pages[page] and page != last]:
            del self._pages[page]
            update[page] = TO_DELETE
        return update


def merge(ink: Ink, more: Ink) -> None:
    """Merge a later update of the ink into an earlier one of the same tick."""
    for page, pieces in more.items():
        if isinstance(pieces, dict) and isinstance(ink.get(page), dict):
            ink[page].update(pieces)
        else:
            ink[page] = pieces
