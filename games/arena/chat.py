"""What people may say in Arena, and how much of it: pure, and the same for whoever sends whatever."""

from typing import Final

LONGEST: Final = 100  # characters
AT_ONCE: Final = 4  # lines that somebody can say in a row ...
REGAINED_IN: Final = 2.0  # ... and seconds until they may say one more


class Voice:
    """How much one player may still say (a token bucket)."""

    def __init__(self) -> None:
        self._left = float(AT_ONCE)
        self._at = 0.0

    def speak(self, now: float) -> bool:
        """Tell whether a line is allowed now, in seconds of any clock that only goes on; it is counted then."""
        self._left = min(self._left + (now - self._at) / REGAINED_IN, AT_ONCE)
        self._at = now
        if self._left < 1:
            return False
        self._left -= 1
        return True


def clean_text(text: object) -> str:
    """Return a line that can be shown, whatever somebody sent: one line, not too long, "" for nothing."""
    if not isinstance(text, str):
        return ""
    printable = "".join(c if c.isprintable() else " " for c in text[: 4 * LONGEST])
    return " ".join(printable.split())[:LONGEST].strip()
