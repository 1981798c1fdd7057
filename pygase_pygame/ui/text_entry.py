"""A line of text that a player types: a name, an address, a chat message."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import Final, Protocol

import pygame

from .clusters import boundaries, cut, is_joint
from .lettering import Lettering, drawable
from .palette import GREY, SKY, WHITE, Colour
from .widgets import field

REPEAT: Final = (400, 35)
"""Milliseconds until a key that is held down repeats, and between repeats, while an entry has the keyboard."""

BLINK: Final = 0.53
"""Seconds that the cursor is visible, and then not."""

_COMMAND: Final = pygame.KMOD_META if sys.platform == "darwin" else pygame.KMOD_CTRL
_MASK: Final = "•"
_MOST_READ: Final = 100_000  # characters of what is pasted; there may be a whole book on the clipboard
_SELECTED: Final[Colour] = (30, 78, 120)


class Clipboard(Protocol):
    """Where text is copied to and pasted from."""

    def get(self) -> str:
        """Return what is there; "" if that is no text."""

    def put(self, text: str) -> None:
        """Put text there."""


class TextEntry:
    """One line of text, with a cursor, a selection and a clipboard. It draws itself, and works without being drawn.

    While it has the focus, hand it all events; those that it makes use of are not meant for the game. It goes by what
    was *typed* (TEXTINPUT), not by keys, so every keyboard and input method works: what one is still composing is shown
    underlined, and the keys that it takes meanwhile do nothing else here. The cursor moves by what people take for one
    character, and what the font has no picture for is shown as a box; the text itself stays as it was typed.

    :param text: what it begins with.
    :param max_length: most code points; more is not taken in.
    :param placeholder: shown pale while there is no text.
    :param masked: show dots, as for a password, and let nobody copy it.
    :param clipboard: another than the system's, for tests.
    :param clock: seconds, for the cursor's blinking.
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
        self.masked = masked
        self.focused = False
        self.max_length = max_length
        self._clipboard = clipboard if clipboard is not None else system_clipboard
        self._clock = clock
        self._moved_at = clock()
        self._text = ""
        self._cursor = self._anchor = 0
        self._composition = ""
        self._swallowed = ""
        self._repeat_before: tuple[int, int] | None = None
        self._letters = Lettering(0.8)
        self._rect: pygame.Rect | None = None
        self._text_left, self._text_size = 0, 22  # of the text, as it was drawn last
        self._scroll = 0
        self.text = text

    @property
    def text(self) -> str:
        """What has been typed, without control characters and broken ones; set it, and the cursor goes to its end."""
        return self._text

    @text.setter
    def text(self, text: str) -> None:
        self._text = cut(_clean(text), self.max_length)
        self._composition = ""
        self._cursor = self._anchor = len(self._text)

    @property
    def selection(self) -> str:
        """The part that is selected, or ""."""
        return self._text[slice(*self._selected)]

    @property
    def composing(self) -> bool:
        """Whether an input method is in the middle of something."""
        return bool(self._composition)

    def clear(self) -> None:
        """Begin anew, as after a chat message was sent."""
        self.text = ""

    def select_all(self) -> None:
        """Select everything: the next key replaces it."""
        self._anchor, self._cursor = 0, len(self._text)

    # -- the keyboard

    def focus(self, because: pygame.event.Event | None = None) -> None:
        """Take the keyboard: keys repeat, and input methods and screen keyboards come up where the system has them.

        :param because: the key event that a chat opens with, so that its character is not the first one in it.
        """
        self._swallowed = getattr(because, "unicode", "")
        self._moved_at = self._clock()
        if self.focused:
            return
        self.focused = True
        if pygame.display.get_init():
            self._repeat_before = pygame.key.get_repeat()
            pygame.key.set_repeat(*REPEAT)
            pygame.key.start_text_input()

    def blur(self) -> None:
        """Give the keyboard back. The text stays; there are no more TEXTINPUT events until something asks for them."""
        self._composition = ""
        if not self.focused:
            return
        self.focused = False
        self._anchor = self._cursor
        if self._repeat_before is not None and pygame.display.get_init():
            pygame.key.set_repeat(*self._repeat_before)
            pygame.key.stop_text_input()
        self._repeat_before = None

    def handle(self, event: pygame.event.Event) -> bool:
        """Take a pygame event in; True if it was for this entry. Return and Escape never are, unless one composes.

        A click into it, where it was drawn, gives it the focus.
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
            self._composition = _clean(event.text)[: self.max_length]
            return True
        return event.type == pygame.KEYDOWN and self._press(event)

    def insert(self, text: str) -> None:
        """Put text in place of the selection, as far as there is room for it."""
        start, end = self._selected
        room = self.max_length - (len(self._text) - (end - start))
        text = cut(_clean(text), max(room, 0))
        self._text = self._text[:start] + text + self._text[end:]
        self._move(start + len(text))

    def rub_out(self) -> None:
        """Delete the selection, or the character before the cursor."""
        self._delete(self._before())

    def _type(self, text: str) -> bool:
        self._composition = ""
        swallowed, self._swallowed = self._swallowed, ""
        if text != swallowed or not swallowed:
            self.insert(text)
        return True

    def _press(self, event: pygame.event.Event) -> bool:
        self._swallowed = ""
        if self._composition:
            return True  # the input method's business
        mod, typed = getattr(event, "mod", 0), getattr(event, "unicode", "")
        command, select = bool(mod & _COMMAND), bool(mod & pygame.KMOD_SHIFT)
        if command and not mod & pygame.KMOD_ALT and event.key in _COMMANDS:
            _COMMANDS[event.key](self)
        elif event.key in _MOVES:
            self._move(_MOVES[event.key](self, command, select), select)
        elif event.key == pygame.K_BACKSPACE:
            self._delete(self._before(word=command))
        elif event.key == pygame.K_DELETE:
            self._delete(self._after(word=command))
        else:
            return bool(typed) and typed.isprintable() and not command  # what it types comes as another event
        return True

    # -- the cursor

    @property
    def _selected(self) -> tuple[int, int]:
        return min(self._anchor, self._cursor), max(self._anchor, self._cursor)

    def _move(self, to: int, select: bool = False) -> None:
        self._cursor = to
        if not select:
            self._anchor = to
        self._moved_at = self._clock()

    def _delete(self, to: int) -> None:
        """Delete the selection, or if there is none from the cursor to somewhere else."""
        start, end = self._selected
        if start == end:
            start, end = min(to, start), max(to, end)
        self._text = self._text[:start] + self._text[end:]
        self._move(start)

    def _before(self, word: bool = False) -> int:
        if word and not self.masked:
            head = self._text[: self._cursor].rstrip()
            return max((index + 1 for index, character in enumerate(head) if character.isspace()), default=0)
        return 0 if word else max((stop for stop in boundaries(self._text) if stop < self._cursor), default=0)

    def _after(self, word: bool = False) -> int:
        end = len(self._text)
        if word and not self.masked:
            rest = self._text[self._cursor :]
            skipped = len(rest) - len(rest.lstrip())
            spaces = (index for index, character in enumerate(rest) if index >= skipped and character.isspace())
            return self._cursor + next(spaces, len(rest))
        return end if word else min((stop for stop in boundaries(self._text) if stop > self._cursor), default=end)

    def _left(self, command: bool, select: bool) -> int:
        start, end = self._selected
        return start if start != end and not select and not command else self._before(command)

    def _right(self, command: bool, select: bool) -> int:
        start, end = self._selected
        return end if start != end and not select and not command else self._after(command)

    def _home(self, command: bool, select: bool) -> int:
        return 0

    def _end(self, command: bool, select: bool) -> int:
        return len(self._text)

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
        if self._rect is None or event.button != 1 or not self._rect.collidepoint(event.pos):
            return False
        self.focus()
        self._composition = ""
        self._move(self._index_at(event.pos[0]))
        return True

    def _drag(self, event: pygame.event.Event) -> bool:
        if not self.focused or self._rect is None or not event.buttons[0]:
            return False
        if not self._rect.collidepoint(event.pos):
            return False
        self._move(self._index_at(event.pos[0]), select=True)
        return True

    def _index_at(self, x: int) -> int:
        return min(self._stops(), key=lambda stop: abs(stop[1] - x))[0]

    def _stops(self) -> list[tuple[int, int]]:
        """Return where the cursor can stand: index and x, as it was drawn last."""
        return [
            (index, self._text_left + self._letters.width(self._shown(self._text[:index]), self._text_size))
            for index in boundaries(self._text)
        ]

    # -- drawing

    def draw(self, surface: pygame.Surface, rect: pygame.Rect, *, size: int = 22, colour: Colour = WHITE) -> None:
        """Draw the entry in a rectangle of a surface, scrolled so that the cursor is in sight.

        :param size: height of the letters, pixels.
        """
        self._rect = pygame.Rect(rect)
        field(surface, self._rect, focused=self.focused)
        inner = self._rect.inflate(-2 * max(6, size // 3), -4)
        if inner.width <= 0 or inner.height <= 0:
            return
        head, tail = self._shown(self._text[: self._cursor]), self._shown(self._text[self._cursor :])
        composed = self._shown(self._composition)
        before, whole = (self._letters.width(part, size) for part in (head + composed, head + composed + tail))
        self._scroll = max(0, min(self._scroll, before, whole + 2 - inner.width), before + 2 - inner.width)
        left, top = inner.left - self._scroll, inner.centery - self._letters.height(size) // 2
        clip = surface.get_clip()
        surface.set_clip(inner.clip(clip))
        self._draw_selection(surface, left, inner, size)
        shown = head + composed + tail
        if shown:
            self._letters_at(surface, shown, size, colour, (left, top))
        elif self.placeholder:
            surface.blit(self._letters.line(self.placeholder, size, GREY, inner.width), (inner.left, top))
        if self.focused:
            self._draw_cursor(surface, left, before, composed, inner, size)
        surface.set_clip(clip)
        self._text_left, self._text_size = left, size

    def _letters_at(
        self, surface: pygame.Surface, text: str, size: int, colour: Colour, place: tuple[int, int]
    ) -> None:
        surface.blit(self._letters.line(text, size, colour), place)

    def _draw_selection(self, surface: pygame.Surface, left: int, inner: pygame.Rect, size: int) -> None:
        start, end = (left + self._letters.width(self._shown(self._text[:index]), size) for index in self._selected)
        if self.focused and end > start and not self._composition:
            surface.fill(_SELECTED, (start, inner.top + 2, end - start, inner.height - 4))

    def _draw_cursor(
        self, surface: pygame.Surface, left: int, before: int, composed: str, inner: pygame.Rect, size: int
    ) -> None:
        width = self._letters.width(composed, size) if composed else 0
        bottom = inner.centery + self._letters.height(size) // 2
        if width:
            surface.fill(SKY, (left + before - width, bottom - 1, width, 2))
        if (self._clock() - self._moved_at) % (2 * BLINK) < BLINK:
            height = min(inner.height, self._letters.height(size) + 2)
            surface.fill(WHITE, (left + before, inner.centery - height // 2, 2, height))
        if pygame.display.get_init():
            pygame.key.set_text_input_rect(pygame.Rect(left + before, inner.top, 2, inner.height))

    def _shown(self, text: str) -> str:
        return _MASK * (len(boundaries(text)) - 1) if self.masked else drawable(text, self.max_length)


_MOVES: Final = {
    pygame.K_LEFT: TextEntry._left,
    pygame.K_RIGHT: TextEntry._right,
    pygame.K_HOME: TextEntry._home,
    pygame.K_END: TextEntry._end,
}

_COMMANDS: Final = {
    pygame.K_a: TextEntry.select_all,
    pygame.K_c: TextEntry._copy,
    pygame.K_x: TextEntry._cut_out,
    pygame.K_v: TextEntry._paste,
}


class SystemClipboard:
    """The system's clipboard; where pygame cannot reach that, one of this program's own."""

    def __init__(self) -> None:
        self._own = ""

    def get(self) -> str:
        """Return what is there; "" if that is no text."""
        text = self._ask_system()
        return self._own if text is None else text

    def put(self, text: str) -> None:
        """Put text there."""
        self._own = text
        try:
            if not pygame.display.get_init():
                return
            if hasattr(pygame.scrap, "put_text"):  # pygame-ce, which warns of the older way
                pygame.scrap.put_text(text)
            elif _old_scrap():
                pygame.scrap.put(_SCRAP_TYPE, text.encode("utf-8", "replace"))
        except pygame.error:
            pass

    def _ask_system(self) -> str | None:
        try:
            if not pygame.display.get_init():
                return None
            if hasattr(pygame.scrap, "get_text"):
                return str(pygame.scrap.get_text())
            data = pygame.scrap.get(_SCRAP_TYPE) if _old_scrap() else None
        except (pygame.error, UnicodeError):
            return None
        return None if data is None else data.decode("utf-8", "replace").rstrip("\0")


_SCRAP_TYPE: Final = "text/plain;charset=utf-8"


def _old_scrap() -> bool:
    """Make pygame's own clipboard module ready; False if that does not work here."""
    if pygame.display.get_surface() is None:
        return False
    if not pygame.scrap.get_init():
        pygame.scrap.init()
    return bool(pygame.scrap.get_init())


system_clipboard: Final = SystemClipboard()


def _clean(text: str) -> str:
    """Return a text without what cannot be sent or shown: control characters, and halves of broken ones."""
    text = text[:_MOST_READ].encode("utf-8", "ignore").decode("utf-8")
    text = "".join(" " if character in "\t\r\n" else character for character in text)
    return "".join(character for character in text if character.isprintable() or is_joint(character))
