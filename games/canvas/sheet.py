"""The server's picture: who drew what, how much there may be of it, and what each change means for the state.

The state has it as `ink`: pages of pieces, by number, counted from the beginning. Whatever is drawn is one more entry,
so that each change costs what it says and no more, however large the picture is.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Final

from games.canvas import rules
from games.canvas.quota import HELD, HOST_FULL, NOTHING, Amount, amount_of
from pygase import TO_DELETE

Ink = dict[int, Any]  # an update of the pages

FULL: Final = "The picture is full. Undo something, or ask the host to clear it."
ARTIST_FULL: Final = "You have drawn as much as one may. Undo something to go on."
LONG: Final = "This stroke is as long as one can be. Begin another."
NO_PIECE: Final = "The server could not read that stroke."


class Refused(Exception):
    """Something that cannot be drawn; says why, for the player."""


@dataclass
class Stroke:
    """One stroke: the numbers of its pieces, and how many points they have. `host`: the address it came from."""

    artist: int
    host: str = ""
    pieces: list[int] = field(default_factory=list)
    points: int = 0


@dataclass
class Share:
    """What one artist has in the picture: their strokes in the order in which they were begun."""

    strokes: dict[bytes, None] = field(default_factory=dict)
    size: int = 0  # bytes


class Sheet:
    """A picture that grows and shrinks. What changes it returns the update of the state's `ink`.

    :param pieces: what is there from the beginning, such as out of a file.
    """

    def __init__(self, pieces: Iterable[bytes] = ()) -> None:
        self.pieces: dict[int, bytes] = {}
        self.changes = 0
        """How often it has changed."""
        self.size = 0
        """Bytes that it takes in the state."""
        self._strokes: dict[bytes, Stroke] = {}
        self._shares: dict[int, Share] = {}
        self._held: dict[str, Amount] = {}  # from each address
        self._pages: dict[int, int] = {}  # how many pieces there are on each
        self._next = 0
        for piece in pieces:
            self._add(piece)

    def pages(self) -> Ink:
        """Return all pages."""
        pages: Ink = {page: {} for page in self._pages}
        for number, piece in self.pieces.items():
            pages[number // rules.PAGE][number] = piece
        return pages

    def draw(self, artist: int, number: object, part: object, line: object, host: str = "") -> Ink:
        """Add a piece to a stroke. What is there already is not added again. Raises `Refused`.

        :param number: of the stroke, of the artist's own; :param part: of the piece in the stroke, from 0.
        :param host: the network address it comes from, by which it is counted, too; "" for bots.
        """
        if not (rules.is_number(number) and type(part) is int and isinstance(line, bytes)):
            raise Refused(NO_PIECE)
        assert isinstance(number, int)
        piece = rules.piece_of(artist, number, line)
        stroke = self._strokes.get(rules.stroke_of(piece))
        known = len(stroke.pieces) if stroke else 0
        if 0 <= part < known:
            return {}  # sent again after the connection was lost
        if part != known:
            raise Refused(NO_PIECE)
        try:
            rules.unpack(piece)
        except rules.BadPiece as error:
            raise Refused(NO_PIECE) from error
        self._expect_room(piece, stroke)
        self._expect_room_for_host(piece, stroke, host)
        return self._add(piece, host)

    def undo(self, artist: int, number: object) -> Ink:
        """Remove a stroke of an artist's own; nothing if there is none of that number."""
        if not rules.is_number(number):
            return {}
        assert isinstance(number, int)
        return self._remove(rules.stroke_key(artist, number))

    def undo_oldest(self, artist: int) -> Ink:
        """Remove the first stroke of an artist that is still there."""
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
        """Return how many strokes there are, of one artist or of all."""
        if artist is None:
            return len(self._strokes)
        return len(self._shares[artist].strokes) if artist in self._shares else 0

    def _expect_room(self, piece: bytes, stroke: Stroke | None) -> None:
        size, artist = rules.cost(piece), rules.artist_of(piece)
        if self.size + size > rules.MAX_PICTURE_BYTES:
            raise Refused(FULL)
        if stroke is None and len(self._strokes) >= rules.MAX_PICTURE_STROKES:
            raise Refused(FULL)
        if stroke is not None and stroke.points + rules.point_count(piece) > rules.MAX_STROKE_POINTS:
            raise Refused(LONG)
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
        """Return how much is in the picture from a network address."""
        return self._held.get(host, NOTHING)

    def _count(self, host: str, amount: Amount, times: int) -> None:
        """Count what came from an address, or what of it is gone."""
        held = self.held(host).plus(amount, times)
        if held == NOTHING:
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
        if self._pages.get(page - 1) == 0:  # it was emptied while it was the last one
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
        last = self._next // rules.PAGE  # which will be needed again
        for page in [page for page in update if not self._pages[page] and page != last]:
            del self._pages[page]
            update[page] = TO_DELETE
        return update


def merge(ink: Ink, more: Ink) -> None:
    """Add an update of the ink to another one of the same tick, which came before."""
    for page, pieces in more.items():
        if isinstance(pieces, dict) and isinstance(ink.get(page), dict):
            ink[page].update(pieces)
        else:
            ink[page] = pieces
