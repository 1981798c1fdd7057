"""Turns movements into pieces of a stroke, for mice, pads and bots."""

from typing import Final

from games.canvas import rules
from games.canvas.rules import MAX_PIECE_POINTS, MAX_POINT_STEP, MAX_STROKE_POINTS, Point

LEAST_WAY: Final = 6  # units between two points: a shorter way is invisible
PIECE_TICKS: Final = 3
"""Ticks from one piece to the next. Ten pieces a second look smooth; more would be mostly headers."""


class Pen:
    """Draws one stroke: `move` adds points, `take` returns the new pieces. The first point is there at once.

    Each piece begins with the last point of the previous one, so that it can be drawn alone.
    """

    def __init__(self, colour: int, width: int, start: Point) -> None:
        self.colour = colour
        self.width = width
        self._points = [start]  # the last point taken and the new ones; at first all are new
        self._begun = False
        self._count = 1

    @property
    def end(self) -> Point:
        """The last point."""
        return self._points[-1]

    @property
    def fresh(self) -> tuple[Point, ...]:
        """The points that `take` has not returned yet, after the last one that it has."""
        return tuple(self._points) if self._has_fresh else ()

    @property
    def is_full(self) -> bool:
        """Whether the stroke has its maximum length, with room for one long jump."""
        return self._count >= MAX_STROKE_POINTS - MAX_PIECE_POINTS

    def move(self, x: float, y: float) -> None:
        """Draw on to a point in units, unless it is too near to the last one."""
        target = rules.clamped(x, y)
        from_x, from_y = self.end
        dx, dy = target[0] - from_x, target[1] - from_y
        if abs(dx) < LEAST_WAY and abs(dy) < LEAST_WAY:
            return
        steps = -(-max(abs(dx), abs(dy)) // MAX_POINT_STEP)
        for step in range(1, steps + 1):
            self._points.append((from_x + dx * step // steps, from_y + dy * step // steps))
        self._count += steps

    def take(self) -> list[bytes]:
        """Return the points since the last call, packed as lines of pieces (see `rules.pack_line`)."""
        lines = []
        while self._has_fresh:
            points = self._points[:MAX_PIECE_POINTS]
            lines.append(rules.pack_line(self.colour, self.width, points))
            self._points = self._points[len(points) - 1 :]
            self._count += self._begun  # the point that two pieces share
            self._begun = True
        return lines

    @property
    def _has_fresh(self) -> bool:
        return len(self._points) > 1 or not self._begun
