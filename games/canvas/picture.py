"""A client's copy of the picture, and its changes from state to state.

A picture may have tens of thousands of pieces, and a frame 16 milliseconds. States share structure: a page that is the
same object as before has not changed, and is skipped.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from games.canvas import rules

Pages = Mapping[int, Mapping[int, bytes]]

_NO_PAGE: Final[Mapping[int, bytes]] = {}


@dataclass(frozen=True)
class Changes:
    """The changes between two states.

    :ivar added: numbers of the new pieces on top, in drawing order.
    :ivar removed: removed pieces by number.
    :ivar inserted: numbers of new pieces below others, only after a restart of the server with another picture.
    """

    added: list[int] = field(default_factory=list)
    removed: dict[int, bytes] = field(default_factory=dict)
    inserted: list[int] = field(default_factory=list)


class Picture:
    """The pieces of the newest state by number, in drawing order."""

    def __init__(self) -> None:
        self.pieces: dict[int, bytes] = {}
        self._pages: dict[int, Mapping[int, bytes]] = {}
        self._strokes: dict[bytes, int] = {}  # number of pieces of each stroke
        self._newest = -1

    def __len__(self) -> int:
        return len(self.pieces)

    def in_order(self) -> Iterator[tuple[int, bytes]]:
        """Return all pieces with their numbers, in drawing order."""
        return iter(self.pieces.items())

    def count_of(self, stroke: bytes) -> int:
        """Return the number of pieces of a stroke (see `rules.stroke_of`)."""
        return self._strokes.get(stroke, 0)

    def artists(self) -> set[int]:
        """Return the artists with pieces in the picture."""
        return {rules.artist_of(stroke) for stroke in self._strokes}

    def follow(self, pages: Pages) -> Changes:
        """Apply the state's `ink`. Return the changes."""
        removed: dict[int, bytes] = {}
        new: dict[int, bytes] = {}
        for page in {**self._pages, **pages}:
            before, after = self._pages.get(page, _NO_PAGE), pages.get(page, _NO_PAGE)
            if before is not after:
                _compare(before, after, removed, new)
        if not removed and not new:
            return Changes()
        self._pages = dict(pages)
        return self._apply(removed, new)

    def _apply(self, removed: dict[int, bytes], new: dict[int, bytes]) -> Changes:
        for number, piece in removed.items():
            del self.pieces[number]
            self._count(piece, -1)
        if self._newest not in self.pieces:
            self._newest = next(reversed(self.pieces), -1)
        inserted = sorted(number for number in new if number <= self._newest)
        added = sorted(number for number in new if number > self._newest)
        for number in (*inserted, *added):
            self.pieces[number] = new[number]
            self._count(new[number], 1)
        if inserted:
            self.pieces = dict(sorted(self.pieces.items()))
        self._newest = max(self._newest, *added) if added else self._newest
        return Changes(added, removed, inserted)

    def _count(self, piece: bytes, change: int) -> None:
        stroke = rules.stroke_of(piece)
        count = self._strokes.get(stroke, 0) + change
        if count:
            self._strokes[stroke] = count
        else:
            del self._strokes[stroke]


def _compare(
    before: Mapping[int, bytes], after: Mapping[int, bytes], removed: dict[int, bytes], new: dict[int, bytes]
) -> None:
    for number, piece in before.items():
        if after.get(number) != piece:
            removed[number] = piece
    for number, piece in after.items():
        if before.get(number) != piece:
            new[number] = piece
