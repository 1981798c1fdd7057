"""The player's own strokes until they are in the server's picture, which confirms them. Pure.

They are shown at once, and can be sent again.
"""

from typing import NamedTuple

from games.canvas import rules
from games.canvas.pen import Pen
from games.canvas.picture import Picture
from games.canvas.rules import Piece


class Sent(NamedTuple):
    """A piece on its way: number of the stroke, number of the piece in it, the line to send, the piece to draw."""

    stroke: int
    part: int
    line: bytes
    piece: Piece


class Hand:
    """Draws the player's strokes one after another, and remembers their numbers."""

    def __init__(self) -> None:
        self.artist: int | None = None
        """The player's own number; None until the server gives one."""
        self._pen: Pen | None = None
        self._stroke = -1
        self._part = 0
        self._sent: list[Sent] = []
        self._mine: list[int] = []
        self._fresh: Piece | None = None

    @property
    def stroke(self) -> int:
        """The number of the present stroke; -1 for none."""
        return -1 if self._pen is None else self._stroke

    @property
    def is_full(self) -> bool:
        """Whether the present stroke has its maximum length."""
        return self._pen is not None and self._pen.is_full

    def begin(self, colour: int, width: int, at: tuple[float, float]) -> None:
        """Put the pen down."""
        self._stroke = (self._stroke + 1) % (rules.MAX_NUMBER + 1)
        self._mine = [*self._mine[1 - rules.MAX_ARTIST_STROKES :], self._stroke]
        self._pen, self._part, self._fresh = Pen(colour, width, rules.clamped(*at)), 0, None

    def move(self, x: float, y: float) -> None:
        """Draw on to a point in units, if the pen is down."""
        if self._pen is not None:
            self._pen.move(x, y)

    def go_on(self) -> list[Sent]:
        """Continue a full stroke as a new one from its end. Return the pieces to send."""
        if self._pen is None:
            return []
        colour, width, end, last = self._pen.colour, self._pen.width, self._pen.end, self.take()
        self.begin(colour, width, end)
        return last

    def lift(self) -> list[Sent]:
        """Lift the pen. Return the pieces to send."""
        last = self.take()
        self._pen = None
        return last

    def take(self) -> list[Sent]:
        """Return the new pieces to send, which are kept until they are confirmed."""
        if self._pen is None:
            return []
        new = []
        for line in self._pen.take():
            piece = rules.unpack(rules.piece_of(0, self._stroke, line))
            new.append(Sent(self._stroke, self._part, line, piece))
            self._part += 1
        self._sent += new
        return new

    def unconfirmed(self) -> list[Sent]:
        """Return the unconfirmed pieces, to send them again."""
        return list(self._sent)

    def pieces(self) -> list[Piece]:
        """Return all unconfirmed pieces, to draw them."""
        pieces = [sent.piece for sent in self._sent]
        points = self._pen.fresh if self._pen is not None else ()
        if self._pen is None or not points:
            return pieces
        if self._fresh is None or self._fresh.points != points:
            self._fresh = Piece(0, self._stroke, self._pen.colour, self._pen.width, points)
        return [*pieces, self._fresh]

    def confirm(self, picture: Picture) -> None:
        """Drop the pieces that are in the picture."""
        if self.artist is None or not self._sent:
            return
        artist = self.artist
        counts = {
            stroke: picture.count_of(rules.stroke_key(artist, stroke))
            for stroke in {sent.stroke for sent in self._sent}
        }
        self._sent = [sent for sent in self._sent if sent.part >= counts[sent.stroke]]

    def undo(self, picture: Picture) -> tuple[int, list[Piece]] | None:
        """Undo the last visible stroke. Return its number and its unconfirmed pieces, or None."""
        while self._mine and self.artist is not None:
            stroke = self._mine.pop()
            gone = self.drop(stroke)
            if gone or picture.count_of(rules.stroke_key(self.artist, stroke)):
                return stroke, gone
        return None

    def drop(self, stroke: int) -> list[Piece]:
        """Drop the unconfirmed pieces of a stroke, lift the pen if it draws that stroke, and return the pieces."""
        gone = [piece for piece in self.pieces() if piece.number == stroke]
        if stroke == self.stroke:
            self._pen = None
        self._sent = [sent for sent in self._sent if sent.stroke != stroke]
        return gone

    def reset(self) -> list[Piece]:
        """Drop everything, and return the pieces: the player has got another number."""
        gone = self.pieces()
        self._pen, self._sent, self._mine = None, [], []
        return gone
