"""Moves the pen with a gamepad's stick."""

from typing import Final

STICK_SPEED: Final = 0.5  # share of the window's width in a second, with the stick at its end
LONGEST_FRAME: Final = 0.1  # seconds: after a longer frame the pen does not jump

Pixel = tuple[int, int]


class PadPen:
    """Keeps the pen's place between pixels, so that a lightly pushed stick moves it. Pure."""

    def __init__(self) -> None:
        self._at: tuple[float, float] | None = None
        self._then = 0.0

    def move(self, way: tuple[float, float], start: Pixel | None, window: Pixel, now: float) -> Pixel | None:
        """Return the pen's pixel in this frame, or None while the stick is at rest.

        :param way: direction of the stick, x to the right, y down, length 1.0 at most.
        :param start: pixel of the pen or mouse before the stick moved; None: the middle.
        :param window: width and height in pixels.
        :param now: seconds.
        """
        passed, self._then = min(now - self._then, LONGEST_FRAME), now
        if way == (0.0, 0.0):
            self._at = None
            return None
        x, y = self._at or start or (window[0] / 2, window[1] / 2)
        by = STICK_SPEED * window[0] * passed
        self._at = (min(max(x + by * way[0], 0.0), window[0] - 1.0), min(max(y + by * way[1], 0.0), window[1] - 1.0))
        return round(self._at[0]), round(self._at[1])
