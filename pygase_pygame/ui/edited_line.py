"""A line of text that is edited. Pure."""

from __future__ import annotations

from typing import Final

from .clusters import boundaries, cut, is_joint

MAX_PASTED: Final = 100_000
"""Characters of a pasted text that are looked at. A clipboard may hold a book."""


class EditedLine:
    """One line of text with a cursor and a selection. The cursor moves by visible characters.

    The selection lies between the cursor and the anchor.

    :param max_length: most code points; more text is cut off.
    :param masked: a password: no jumps over words.
    """

    def __init__(self, max_length: int, masked: bool) -> None:
        self.max_length = max_length
        self.masked = masked
        self._text = ""
        self.cursor = self._anchor = 0

    @property
    def text(self) -> str:
        """The text. Setting it cleans it and puts the cursor at its end."""
        return self._text

    @text.setter
    def text(self, text: str) -> None:
        self._text = cut(typeable(text), self.max_length)
        self.cursor = self._anchor = len(self._text)

    @property
    def selected(self) -> tuple[int, int]:
        """Start and end of the selection."""
        return min(self._anchor, self.cursor), max(self._anchor, self.cursor)

    @property
    def selection(self) -> str:
        """The selected part, or ""."""
        return self._text[slice(*self.selected)]

    def select_all(self) -> None:
        """Select the whole text."""
        self._anchor, self.cursor = 0, len(self._text)

    def unselect(self) -> None:
        """Leave the cursor where it is, without a selection."""
        self._anchor = self.cursor

    def move(self, to: int, select: bool = False) -> None:
        """Move the cursor; with ``select``, the selection grows."""
        self.cursor = to
        if not select:
            self._anchor = to

    def insert(self, text: str) -> None:
        """Replace the selection by the part of a text that there is room for."""
        start, end = self.selected
        room = self.max_length - (len(self._text) - (end - start))
        text = cut(typeable(text), max(room, 0))
        self._text = self._text[:start] + text + self._text[end:]
        self.move(start + len(text))

    def delete(self, to: int) -> None:
        """Delete the selection, or else the text between the cursor and ``to``."""
        start, end = self.selected
        if start == end:
            start, end = min(to, start), max(to, end)
        self._text = self._text[:start] + self._text[end:]
        self.move(start)

    # -- places to move to

    def before(self, word: bool = False) -> int:
        """Return the place one character, or one word, before the cursor."""
        if not word:
            return max((stop for stop in boundaries(self._text) if stop < self.cursor), default=0)
        if self.masked:
            return 0
        head = self._text[: self.cursor].rstrip()
        return max((index + 1 for index, character in enumerate(head) if character.isspace()), default=0)

    def after(self, word: bool = False) -> int:
        """Return the place one character, or one word, after the cursor."""
        end = len(self._text)
        if not word:
            return min((stop for stop in boundaries(self._text) if stop > self.cursor), default=end)
        if self.masked:
            return end
        rest = self._text[self.cursor :]
        skipped = len(rest) - len(rest.lstrip())
        spaces = (index for index, character in enumerate(rest) if index >= skipped and character.isspace())
        return self.cursor + next(spaces, len(rest))

    def left(self, word: bool, select: bool) -> int:
        """Return the left arrow key's place: the start of a selection, or one step before the cursor."""
        start, end = self.selected
        return start if start != end and not select and not word else self.before(word)

    def right(self, word: bool, select: bool) -> int:
        """Return the right arrow key's place: the end of a selection, or one step after the cursor."""
        start, end = self.selected
        return end if start != end and not select and not word else self.after(word)


def typeable(text: str) -> str:
    """Return a text without control characters and broken ones, which cannot be sent or shown."""
    text = text[:MAX_PASTED].encode("utf-8", "ignore").decode("utf-8")
    text = "".join(" " if character in "\t\r\n" else character for character in text)
    return "".join(character for character in text if character.isprintable() or is_joint(character))
