"""A line of text for the player to type: a name, an address, a chat message."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import Final

import pygame

from .clipboard import Clipboard, system_clipboard
from .edited_line import EditedLine, typeable
from .entry_picture import EntryPicture
from .palette import WHITE, Colour

REPEAT: Final = (400, 35)
"""Milliseconds until a held key repeats, and between repeats, while an entry has the keyboard."""

BLINK: Final = 0.53
"""Seconds for which the cursor is visible, and then invisible."""

_COMMAND: Final = pygame.KMOD_META if sys.platform == "darwin" else pygame.KMOD_CTRL


class TextEntry:
    """One line of text with a cursor, a selection and a clipboard, which also works without being drawn.

    While it has the focus, hand it all events; the game must ignore those that it takes. It reads typed text
    (TEXTINPUT) and not keys, so every keyboard and input method works. Text that an input method is composing is
    underlined; keys then have no other effect here. The cursor moves by visible characters. A character that the font
    lacks is drawn as "?", and kept.

    :param text: the first text.
    :param max_length: most code points; more text is cut off.
    :param placeholder: shown in grey while the text is empty.
    :param masked: show dots, as for a password, and refuse to copy.
    :param clipboard: replaces the system's, for tests.
    :param clock: returns seconds, for the cursor's blinking.
    :raises ValueError: ``max_length`` is below 1.
    :ivar focused: whether it takes events and shows a cursor; see :meth:`focus`.
    """

    def __init__(
        self,
        text: str = "",
        *,
        max_length: int = 64,
        placeholder: str = "",
        masked: bool = False,
        clipboard: Clipboard | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        if max_length < 1:
            raise ValueError(f"max_length must be a number of characters from 1 up, not {max_length!r}")
        self.placeholder = placeholder
        self.focused = False
        self._line = EditedLine(max_length, masked)
        self._picture = EntryPicture(self._line)
        self._clipboard = clipboard if clipboard is not None else system_clipboard
        self._clock = clock
        self._moved_at = clock()
        self._composition = ""
        self._ignored = ""  # the character of the key that gave the focus
        self._repeat_before: tuple[int, int] | None = None
        self.text = text

    @property
    def text(self) -> str:
        """The typed text, without control characters and broken ones. Setting it puts the cursor at its end."""
        return self._line.text

    @text.setter
    def text(self, text: str) -> None:
        self._line.text = text
        self._composition = ""

    @property
    def max_length(self) -> int:
        """Most code points of the text."""
        return self._line.max_length

    @max_length.setter
    def max_length(self, max_length: int) -> None:
        self._line.max_length = max_length

    @property
    def masked(self) -> bool:
        """Whether dots are shown in place of the text."""
        return self._line.masked

    @masked.setter
    def masked(self, masked: bool) -> None:
        self._line.masked = masked

    @property
    def selection(self) -> str:
        """The selected part, or ""."""
        return self._line.selection

    @property
    def cursor(self) -> int:
        """The place of the cursor, in code points from the start."""
        return self._line.cursor

    def stops(self) -> list[tuple[int, int]]:
        """Return the cursor's places in the last drawing: the code points before each, and its x in pixels."""
        return self._picture.stops()

    @property
    def composing(self) -> bool:
        """Whether an input method is composing a text."""
        return bool(self._composition)

    def clear(self) -> None:
        """Remove the text, as after a chat message was sent."""
        self.text = ""

    def select_all(self) -> None:
        """Select the whole text, for the next character to replace."""
        self._line.select_all()

    # -- the keyboard

    def focus(self, because: pygame.event.Event | None = None) -> None:
        """Take the keyboard: keys repeat, and input methods and screen keyboards appear if there are any.

        :param because: the key event that opened a chat, whose character is not typed into the entry.
        """
        self._ignored = getattr(because, "unicode", "")
        self._moved_at = self._clock()
        if self.focused:
            return
        self.focused = True
        if pygame.display.get_init():
            self._repeat_before = pygame.key.get_repeat()
            pygame.key.set_repeat(*REPEAT)
            pygame.key.start_text_input()

    def blur(self) -> None:
        """Give the keyboard back. The text stays. pygame sends no more TEXTINPUT."""
        self._composition = ""
        if not self.focused:
            return
        self.focused = False
        self._line.unselect()
        if self._repeat_before is not None and pygame.display.get_init():
            pygame.key.set_repeat(*self._repeat_before)
            pygame.key.stop_text_input()
        self._repeat_before = None

    def handle(self, event: pygame.event.Event) -> bool:
        """Take in a pygame event; return True if it was for this entry.

        Return and Escape are for it only while an input method is composing. A click into its last drawing gives it
        the focus.
        """
        if event.type == pygame.MOUSEBUTTONDOWN:
            return self._click(event)
        if event.type == pygame.MOUSEMOTION:
            return self._drag(event)
        if not self.focused:
            return False
        if event.type == pygame.TEXTINPUT:
            return self._type(event.text)
        if event.type == pygame.TEXTEDITING:
            self._composition = typeable(event.text)[: self.max_length]
            return True
        return event.type == pygame.KEYDOWN and self._press(event)

    def insert(self, text: str) -> None:
        """Replace the selection by the part of a text that there is room for."""
        self._line.insert(text)
        self._moved_at = self._clock()

    def rub_out(self) -> None:
        """Delete the selection, or the character before the cursor."""
        self._line.delete(self._line.before())
        self._moved_at = self._clock()

    def _type(self, text: str) -> bool:
        self._composition = ""
        ignored, self._ignored = self._ignored, ""
        if text != ignored or not ignored:
            self.insert(text)
        return True

    def _press(self, event: pygame.event.Event) -> bool:
        self._ignored = ""
        if self._composition:
            return True  # the key is for the input method
        mod, typed = getattr(event, "mod", 0), getattr(event, "unicode", "")
        command, select = bool(mod & _COMMAND), bool(mod & pygame.KMOD_SHIFT)
        if command and not mod & pygame.KMOD_ALT and event.key in _COMMANDS:
            _COMMANDS[event.key](self)
        elif event.key in _MOVES:
            self._line.move(_MOVES[event.key](self._line, command, select), select)
        elif event.key in _DELETIONS:
            self._line.delete(_DELETIONS[event.key](self._line, command))
        else:
            return bool(typed) and typed.isprintable() and not command  # its text arrives as another event
        self._moved_at = self._clock()
        return True

    # -- the clipboard

    def _copy(self) -> None:
        if self.selection and not self.masked:
            self._clipboard.put(self.selection)

    def _cut_out(self) -> None:
        if self.selection and not self.masked:
            self._copy()
            self.insert("")

    def _paste(self) -> None:
        self.insert(self._clipboard.get().strip("\r\n"))

    # -- the mouse

    def _click(self, event: pygame.event.Event) -> bool:
        rect = self._picture.rect
        if rect is None or event.button != 1 or not rect.collidepoint(event.pos):
            return False
        self.focus()
        self._composition = ""
        self._line.move(self._picture.index_at(event.pos[0]))
        return True

    def _drag(self, event: pygame.event.Event) -> bool:
        rect = self._picture.rect
        if not self.focused or rect is None or not event.buttons[0] or not rect.collidepoint(event.pos):
            return False
        self._line.move(self._picture.index_at(event.pos[0]), select=True)
        self._moved_at = self._clock()
        return True

    def draw(self, surface: pygame.Surface, rect: pygame.Rect, *, size: int = 22, colour: Colour = WHITE) -> None:
        """Draw the entry, scrolled so that the cursor is in sight.

        :param size: height of the letters, pixels.
        """
        self._picture.draw(
            surface,
            rect,
            size,
            colour,
            composition=self._composition,
            placeholder=self.placeholder,
            focused=self.focused,
            cursor=(self._clock() - self._moved_at) % (2 * BLINK) < BLINK,
        )


_MOVES: Final[dict[int, Callable[[EditedLine, bool, bool], int]]] = {
    pygame.K_LEFT: EditedLine.left,
    pygame.K_RIGHT: EditedLine.right,
    pygame.K_HOME: lambda line, word, select: 0,
    pygame.K_END: lambda line, word, select: len(line.text),
}

_DELETIONS: Final[dict[int, Callable[[EditedLine, bool], int]]] = {
    pygame.K_BACKSPACE: EditedLine.before,
    pygame.K_DELETE: EditedLine.after,
}

_COMMANDS: Final[dict[int, Callable[[TextEntry], None]]] = {
    pygame.K_a: TextEntry.select_all,
    pygame.K_c: TextEntry._copy,
    pygame.K_x: TextEntry._cut_out,
    pygame.K_v: TextEntry._paste,
}
