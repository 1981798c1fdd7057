"""The mouse of who has none: a gamepad's stick moves the pen over the window."""

from typing import Final

SPEED: Final = 0.5  # of the window's width in a second, with the stick pushed all the way
LONGEST_FRAME: Final = 0.1  # seconds: after a longer one the pen does not leap

Pixel = tuple[int, int]


class PadPen:
    """Knows where between two pixels the pen is, so that a stick that is barely pushed moves it too. Pure."""

    def __init__(self) -> None:
        self._at: tuple[float, float] | None = None
        self._then = 0.0

    def move(self, way: tuple[float, float], start: Pixel | None, window: Pixel, now: float) -> Pixel | None:
        """Return where the pen is in this frame; None while the stick rests. Call it once a frame.

        :param way: where the stick points, x to the right and y down, with a length of 1.0 at most.
        :param start: where the pen, or the mouse, was before the stick was pushed; None: in the middle.
        :param window: width and height, pixels.
        :param now: seconds.
        """
        passed, self._then = min(now - self._then, LONGEST_FRAME), now
        if way == (0.0, 0.0):
            self._at = None
            return None
        x, y = self._at or start or (window[0] / 2, window[1] / 2)
        by = SPEED * window[0] * passed
        self._at = (min(max(x + by * way[0], 0.0), window[0] - 1.0), min(max(y + by * way[1], 0.0), window[1] - 1.0))
        return round(self._at[0]), round(self._at[1])
