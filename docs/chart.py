"""Charts as SVG: a few lines of text each, equal on every machine, with readable differences.

They have a light background, so they can be read on a dark page as well.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from html import escape
from typing import Final

WIDTH: Final = 760
LEFT: Final = 62  # where the plots begin,
RIGHT: Final = 744  # and end

INK: Final = "#1f2328"
FAINT: Final = "#6b7280"
GRID: Final = "#e5e7eb"
GREY: Final = "#8a919c"
BLUE: Final = "#1d6fdc"
RED: Final = "#d1442c"
GREEN: Final = "#15803d"
SAND: Final = "#f3ead7"

FONT: Final = "system-ui, 'Segoe UI', 'DejaVu Sans', Helvetica, Arial, sans-serif"

Point = tuple[float, float]


class Picture:
    """A picture of charts, one above the other.

    :param title: read aloud by screen readers.
    :param height: in pixels of the drawing; its width is 760.
    """

    def __init__(self, title: str, height: float) -> None:
        self._title, self._height = title, height
        self.parts: list[str] = []
        self.text(16, 27, title, size=15, bold=True)

    def text(
        self,
        x: float,
        y: float,
        words: str,
        *,
        size: int = 12,
        colour: str = INK,
        anchor: str = "start",
        bold: bool = False,
    ) -> None:
        """Write words; ``anchor`` is the part of them at ``x``: start, middle or end."""
        weight = ' font-weight="600"' if bold else ""
        self.parts.append(
            f'<text x="{number(x)}" y="{number(y)}" font-size="{size}" fill="{colour}" '
            f'text-anchor="{anchor}"{weight}>{escape(words)}</text>'
        )

    def legend(self, y: float, entries: Sequence[tuple[str, str]]) -> None:
        """Write the meanings of the colours in one row: (colour, words)."""
        x = float(LEFT)
        for colour, words in entries:
            self.parts.append(f'<path d="M{number(x)} {number(y - 4)}h18" stroke="{colour}" stroke-width="3"/>')
            self.text(x + 24, y, words, colour=INK)
            x += 24 + 6.2 * len(words) + 20

    def svg(self) -> str:
        """Return the text of the file."""
        size = f'width="{WIDTH}" height="{number(self._height)}" viewBox="0 0 {WIDTH} {number(self._height)}"'
        frame = (
            f'<rect x="0.5" y="0.5" width="{WIDTH - 1}" height="{number(self._height - 1)}" rx="8" '
            'fill="#fdfdfc" stroke="#d0d7de"/>'
        )
        head = (
            f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img" font-family="{FONT}" fill="none" stroke="none">'
        )
        return "\n".join([head, f"<title>{escape(self._title)}</title>", frame, *self.parts, "</svg>", ""])


class Plot:
    """One chart of a picture: draws in the units of its axes.

    :param top, bottom: its edges in the picture.
    :param x, y: the first and the last value of each axis.
    :param x_marks, y_marks: values that are told beside the axes.
    """

    def __init__(
        self,
        picture: Picture,
        top: float,
        bottom: float,
        *,
        x: tuple[float, float],
        y: tuple[float, float],
        x_marks: Iterable[tuple[float, str]] = (),
        y_marks: Iterable[tuple[float, str]] = (),
        x_name: str = "",
        y_name: str = "",
    ) -> None:
        self._picture, self._top, self._bottom, self._x, self._y = picture, top, bottom, x, y
        for value, words in y_marks:
            at = self.y(value)
            self._add(f'<path d="M{LEFT} {number(at)}H{RIGHT}" stroke="{GRID}"/>')
            picture.text(LEFT - 7, at + 4, words, size=11, colour=FAINT, anchor="end")
        for value, words in x_marks:
            at = self.x(value)
            self._add(f'<path d="M{number(at)} {number(bottom)}v4" stroke="{GREY}"/>')
            picture.text(at, bottom + 16, words, size=11, colour=FAINT, anchor="middle")
        self._add(f'<path d="M{LEFT} {number(bottom)}H{RIGHT}" stroke="{GREY}"/>')
        if x_name:
            picture.text(RIGHT, bottom + 31, x_name, size=11, colour=FAINT, anchor="end")
        if y_name:
            picture.text(LEFT, top - 6, y_name, size=11, colour=FAINT)

    def x(self, value: float) -> float:
        """Return the x in the picture of a value on the horizontal axis."""
        first, last = self._x
        return LEFT + (RIGHT - LEFT) * (value - first) / (last - first)

    def y(self, value: float) -> float:
        """Return the y in the picture of a value on the vertical axis."""
        first, last = self._y
        return self._bottom - (self._bottom - self._top) * (value - first) / (last - first)

    def line(self, points: Iterable[Point], colour: str, *, width: float = 2, dash: str = "") -> None:
        """Draw a line from point to point, without points beyond the ends of the horizontal axis."""
        first, last = self._x
        places = [f"{number(self.x(x))},{number(self.y(y))}" for x, y in points if first <= x <= last]
        style = f' stroke-dasharray="{dash}"' if dash else ""
        self._add(
            f'<polyline points="{" ".join(_without_repeats(places))}" stroke="{colour}" stroke-width="{number(width)}" '
            f'stroke-linejoin="round"{style}/>'
        )

    def steps(self, points: Sequence[Point], colour: str, *, width: float = 2) -> None:
        """Draw values that stay until the next one, as steps."""
        stairs: list[Point] = []
        for (x, y), (after, _) in itertools.pairwise(points):
            if not stairs or stairs[-1][1] != y:
                stairs += [(x, y), (after, y)]
            else:
                stairs[-1] = (after, y)
        self.line(stairs, colour, width=width)

    def dots(self, points: Iterable[Point], colour: str, *, radius: float = 2) -> None:
        """Draw points."""
        first, last = self._x
        ways = "".join(f"M{number(self.x(x))} {number(self.y(y))}h0" for x, y in points if first <= x <= last)
        self._add(f'<path d="{ways}" stroke="{colour}" stroke-width="{number(2 * radius)}" stroke-linecap="round"/>')

    def bars(self, points: Iterable[Point], colour: str, *, width: float) -> None:
        """Draw upright bars from 0."""
        first, last = self._x
        ways = "".join(
            f"M{number(self.x(x))} {number(self.y(0.0))}V{number(self.y(y))}"
            for x, y in points
            if first <= x <= last and y
        )
        self._add(f'<path d="{ways}" stroke="{colour}" stroke-width="{number(width)}" stroke-linecap="butt"/>')

    def band(self, since: float, until: float, colour: str, words: str = "") -> None:
        """Colour a part of the horizontal axis."""
        x, wide = self.x(since), self.x(until) - self.x(since)
        self._add(
            f'<rect x="{number(x)}" y="{number(self._top)}" width="{number(wide)}" '
            f'height="{number(self._bottom - self._top)}" fill="{colour}"/>'
        )
        if words:
            self._picture.text(x + wide / 2, self._top + 14, words, size=11, colour=FAINT, anchor="middle")

    def arrow(self, start: Point, end: Point, colour: str, *, both: bool = False) -> None:
        """Draw an arrow from one point to another; ``both``: with two heads."""
        x, y, to_x, to_y = self.x(start[0]), self.y(start[1]), self.x(end[0]), self.y(end[1])
        self._add(f'<path d="M{number(x)} {number(y)}L{number(to_x)} {number(to_y)}" stroke="{colour}"/>')
        self._head(x, y, to_x, to_y, colour)
        if both:
            self._head(to_x, to_y, x, y, colour)

    def _head(self, x: float, y: float, to_x: float, to_y: float, colour: str) -> None:
        length = ((to_x - x) ** 2 + (to_y - y) ** 2) ** 0.5
        along, across = ((to_x - x) / length * 7, (to_y - y) / length * 7), 0.45
        corners = [
            (to_x, to_y),
            (to_x - along[0] + across * along[1], to_y - along[1] - across * along[0]),
            (to_x - along[0] - across * along[1], to_y - along[1] + across * along[0]),
        ]
        places = " ".join(f"{number(px)},{number(py)}" for px, py in corners)
        self._add(f'<polygon points="{places}" fill="{colour}"/>')

    def say(self, at: Point, words: str, colour: str, *, anchor: str = "start", up: float = 0.0) -> None:
        """Write words at a point, or a number of pixels above it."""
        self._picture.text(self.x(at[0]), self.y(at[1]) - up, words, colour=colour, anchor=anchor)

    def _add(self, part: str) -> None:
        self._picture.parts.append(part)


def number(value: float) -> str:
    """Return a number with at most one decimal. Smaller differences are invisible."""
    text = f"{value:.1f}".removesuffix(".0")
    return "0" if text == "-0" else text


def _without_repeats(places: list[str]) -> list[str]:
    return [place for n, place in enumerate(places) if n == 0 or place != places[n - 1]]
