"""Cleans and limits chat lines. Pure: no network, no clock."""

from typing import Final

from pygase import clean_line

LONGEST_CHAT_LINE: Final = 100  # characters
AT_ONCE: Final = 4  # lines in a row, at most
REGAINED_IN: Final = 2.0  # seconds until one more line is allowed


class Voice:
    """The chat allowance of one player: a token bucket."""

    def __init__(self) -> None:
        self._left = float(AT_ONCE)
        self._at = 0.0

    def speak(self, now: float) -> bool:
        """Return whether a line is allowed at `now` (seconds of a monotonic clock), and count it."""
        self._left = min(self._left + (now - self._at) / REGAINED_IN, AT_ONCE)
        self._at = now
        if self._left < 1:
            return False
        self._left -= 1
        return True


def clean_text(text: object) -> str:
    """Return a printable line of at most `LONGEST_CHAT_LINE` characters. "" for any value but text."""
    return clean_line(text, LONGEST_CHAT_LINE)
