"""The line of keys at the bottom of Pong's window."""

from collections.abc import Sequence

from pygase_pygame.app import Lettering

SEPARATOR = " · "


class KeyLine:
    """Fits a list of keys into one line. It keeps the result, because measuring text is slow."""

    def __init__(self, lettering: Lettering) -> None:
        self._lettering = lettering
        self._asked: tuple[Sequence[str], int, int] = ((), 0, 0)
        self._line = ""

    def within(self, room: int, keys: Sequence[str], size: int) -> str:
        """Return the first keys that fit into `room` pixels, as one line of text `size` pixels high."""
        if (keys, room, size) != self._asked:
            self._asked, self._line = (keys, room, size), self._fitted(room, keys, size)
        return self._line

    def _fitted(self, room: int, keys: Sequence[str], size: int) -> str:
        line = ""
        for key in keys:
            longer = f"{line}{SEPARATOR}{key}" if line else key
            if self._lettering.width(longer, size) > room:
                break
            line = longer
        return line
