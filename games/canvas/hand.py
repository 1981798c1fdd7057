"""What a player has drawn that the server has not confirmed yet: it is theirs to see at once, and to send again.

A piece counts as confirmed when it is in the picture that comes from the server. Pure.
"""

from typing import NamedTuple

from games.canvas import rules
from games.canvas.pen import Pen
from games.canvas.picture import Picture
from games.canvas.rules import Piece


class Sent(NamedTuple):
    """A piece on its way: number of the stroke, number of the piece in it, the line, and what it looks like."""

    stroke: int
    part: int
    line: bytes
    piece: Piece


class Hand:
    """Draws strokes, one after the other, and knows which of them are one's own."""

    def __init__(self) -> None:
        self.artist: int | None = None
        """One's own number, as soon as the server has told it."""
        self._pen: Pen | None = None
        self._stroke = -1
        self._part = 0
        self._sent: list[Sent] = []
        self._mine: list[int] = []
        self._fresh: Piece | None = None

    @property
    def stroke(self) -> int:
        """The number of the stroke that is being drawn; -1 if none is."""
        return -1 if self._pen is None else self._stroke

    @property
    def is_full(self) -> bool:
        """Whether the stroke that is being drawn cannot become longer."""
        return self._pen is not None and self._pen.is_full

    def begin(self, colour: int, width: int, at: tuple[float, float]) -> None:
        """Put the pen down."""
        self._stroke = (self._stroke + 1) % (rules.MAX_NUMBER + 1)
        self._mine = [*self._mine[1 - rules.MAX_ARTIST_STROKES :], self._stroke]
        self._pen, self._part, self._fresh = Pen(colour, width, rules.clamped(*at)), 0, None

    def move(self, x: float, y: float) -> None:
        """Draw on, if the pen is down."""
        if self._pen is not None:
            self._pen.move(x, y)

    def go_on(self) -> list[Sent]:
        """Go on with another stroke where this one ends, which cannot become longer; return what is to be sent."""
        if self._pen is None:
            return []
        colour, width, end, last = self._pen.colour, self._pen.width, self._pen.end, self.take()
        self.begin(colour, width, end)
        return last

    def lift(self) -> list[Sent]:
        """Take the pen off the paper; return what is still to be sent."""
        last = self.take()
        self._pen = None
        return last

    def take(self) -> list[Sent]:
        """Return what is new and to be sent. It is kept until it is confirmed."""
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
        """Return what has been sent, and is to be sent again after the connection was lost."""
        return list(self._sent)

    def pieces(self) -> list[Piece]:
        """Return all that is drawn and not confirmed, to be seen on top of the picture."""
        pieces = [sent.piece for sent in self._sent]
        points = self._pen.fresh if self._pen is not None else ()
        if self._pen is None or not points:
            return pieces
        if self._fresh is None or self._fresh.points != points:
            self._fresh = Piece(0, self._stroke, self._pen.colour, self._pen.width, points)
        return [*pieces, self._fresh]

    def confirm(self, picture: Picture) -> None:
        """Forget what is in the picture by now."""
        if self.artist is None or not self._sent:
            return
        artist = self.artist
        counts = {
            stroke: picture.count_of(rules.stroke_key(artist, stroke))
            for stroke in {sent.stroke for sent in self._sent}
        }
        self._sent = [sent for sent in self._sent if sent.part >= counts[sent.stroke]]

    def undo(self, picture: Picture) -> tuple[int, list[Piece]] | None:
        """Take back the latest stroke that is there to be seen; return its number, and what is unconfirmed of it."""
        while self._mine and self.artist is not None:
            stroke = self._mine.pop()
            gone = self.drop(stroke)
            if gone or picture.count_of(rules.stroke_key(self.artist, stroke)):
                return stroke, gone
        return None

    def drop(self, stroke: int) -> list[Piece]:
        """Forget what is unconfirmed of a stroke, and lift the pen if it draws it; return what is gone."""
        gone = [piece for piece in self.pieces() if piece.number == stroke]
        if stroke == self.stroke:
            self._pen = None
        self._sent = [sent for sent in self._sent if sent.stroke != stroke]
        return gone

    def reset(self) -> list[Piece]:
        """Forget everything: whoever the server takes us for now, it is somebody else. Return what is gone."""
        gone = self.pieces()
        self._pen, self._sent, self._mine = None, [], []
        return gone
