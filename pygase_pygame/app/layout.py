"""The place of a game's world in a window: units of the rules to pixels and back. Pure."""

from typing import Final

MARGIN_SHARE: Final = 0.02
"""The free margin, as a part of the window's smaller side."""

Rect = tuple[int, int, int, int]
"""Left, top, width and height in pixels."""


class Layout:
    """A world in the rules' own units, centred in a window and as large as it has room for.

    :param window: width and height in pixels.
    :param world: width and height in units.
    :param header: pixels that stay free at the top.
    :param footer: the same at the bottom; see `hud.footer_height`.
    """

    def __init__(
        self, window: tuple[int, int], world: tuple[float, float], *, header: float = 0, footer: float = 0
    ) -> None:
        margin = min(window) * MARGIN_SHARE
        width, height = max(1.0, window[0] - 2 * margin), max(1.0, window[1] - 2 * margin - header - footer)
        self.scale = min(width / world[0], height / world[1])
        """Pixels a unit."""
        self._left = margin + (width - world[0] * self.scale) / 2
        self._top = margin + header + (height - world[1] * self.scale) / 2
        self.area = self.rect(0, 0, *world)
        """The rectangle of the world in pixels."""

    def point(self, x: float, y: float) -> tuple[int, int]:
        """Return the pixel of a point of the world."""
        return round(self._left + x * self.scale), round(self._top + y * self.scale)

    def units(self, pixel: tuple[float, float]) -> tuple[float, float]:
        """Return the point at a pixel, such as the mouse's. It may lie outside the world."""
        return (pixel[0] - self._left) / self.scale, (pixel[1] - self._top) / self.scale

    def rect(self, x: float, y: float, width: float, height: float) -> Rect:
        """Return the pixels of a part of the world. Parts that touch in the world touch here."""
        left, top = self.point(x, y)
        right, bottom = self.point(x + width, y + height)
        return left, top, right - left, bottom - top

    def pixels(self, length: float) -> int:
        """Return a length in pixels: at least one, so that nothing vanishes."""
        return max(1, round(length * self.scale))
