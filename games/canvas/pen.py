"""From the way of a hand to pieces of a stroke: for players, whose mouse tells too much or too little, and for bots."""

from typing import Final

from games.canvas import rules
from games.canvas.rules import MAX_PIECE_POINTS, MAX_STEP, MAX_STROKE_POINTS, Point

LEAST_WAY: Final = 6  # units between two points: less cannot be seen
PIECE_TICKS: Final = 3
"""Ticks from one piece to the next: ten a second look like drawing, and more would be mostly headers."""


class Pen:
    """Draws one stroke. `move` it, and `take` now and then what there is to send; the first point is there at once.

    Each piece begins with the last point of the one before, so that it can be drawn by itself.
    """

    def __init__(self, colour: int, width: int, start: Point) -> None:
        self.colour = colour
        self.width = width
        self._points = [start]  # the last that was taken, and those that are new; at first, all are new
        self._begun = False
        self._count = 1

    @property
    def end(self) -> Point:
        """Where it is."""
        return self._points[-1]

    @property
    def fresh(self) -> tuple[Point, ...]:
        """The way since the last time that something was taken; empty if there is none."""
        return tuple(self._points) if self._has_fresh else ()

    @property
    def is_full(self) -> bool:
        """Whether the stroke is as long as one can be, but for a leap."""
        return self._count >= MAX_STROKE_POINTS - MAX_PIECE_POINTS

    def move(self, x: float, y: float) -> None:
        """Draw on to a point, if it is far enough away to be seen."""
        target = rules.clamped(x, y)
        from_x, from_y = self.end
        dx, dy = target[0] - from_x, target[1] - from_y
        if abs(dx) < LEAST_WAY and abs(dy) < LEAST_WAY:
            return
        steps = -(-max(abs(dx), abs(dy)) // MAX_STEP)
        for step in range(1, steps + 1):
            self._points.append((from_x + dx * step // steps, from_y + dy * step // steps))
        self._count += steps

    def take(self) -> list[bytes]:
        """Return the lines (see `rules.pack_line`) that are new since the last time."""
        lines = []
        while self._has_fresh:
            points = self._points[:MAX_PIECE_POINTS]
            lines.append(rules.pack_line(self.colour, self.width, points))
            self._points = self._points[len(points) - 1 :]
            self._count += self._begun  # the point that this piece has in common with the one before
            self._begun = True
        return lines

    @property
    def _has_fresh(self) -> bool:
        return len(self._points) > 1 or not self._begun
