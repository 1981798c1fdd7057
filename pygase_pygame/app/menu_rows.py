"""Rows of a menu in the middle of the window: buttons with a value at the right, in windows of any size."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import Final

import pygame

from ..ui.lettering import Lettering
from ..ui.menu import Item, Menu
from ..ui.palette import GREY, WHITE
from ..ui.widgets import box
from . import hud

_WIDEST_MENU: Final = 30  # heights of text
_NOTHING: Final = object()  # no row waits for the focus


@dataclass(frozen=True)
class MenuRow:
    """A row of a menu.

    :ivar key: identifies the row.
    :ivar action: called when it is chosen.
    :ivar value: the words at its right side.
    :ivar turn: changes the value by -1 or 1; None: it cannot be changed so.
    """

    key: Hashable
    text: str
    action: Callable[[], None]
    value: str = ""
    turn: Callable[[int], None] | None = None


class MenuRows:
    """Draws rows, and moves the focus among them by keyboard, mouse and gamepad.

    :param back: called by Esc and by a gamepad's second button.
    """

    def __init__(self, letters: Lettering, back: Callable[[], None]) -> None:
        self._letters = letters
        self._menu = Menu(back=back, type_by_pad=lambda entry: None)
        self._rows: Sequence[MenuRow] = ()
        self._wanted: Hashable = _NOTHING
        self.items: list[Item] = []
        """The buttons as they were drawn last."""

    @property
    def focus(self) -> Hashable:
        """The key of the row that has the focus."""
        return self._menu.focus

    def focus_first(self, key: Hashable) -> None:
        """Give a row the focus when the next page is drawn; None: its first row."""
        self._wanted = key

    def choose(self, key: Hashable) -> None:
        """Give a row of the present page the focus."""
        self._menu.set_focus([Item(row.key, pygame.Rect(0, 0, 0, 0), row.action) for row in self._rows], key)

    def handle(self, event: pygame.event.Event) -> bool:
        """Take in an event; return True if it was for the menu."""
        if event.type == pygame.KEYDOWN and event.key in (pygame.K_LEFT, pygame.K_RIGHT):
            row = next((row for row in self._rows if row.key == self._menu.focus), None)
            if row is not None and row.turn is not None:
                row.turn(-1 if event.key == pygame.K_LEFT else 1)
            return True
        if event.type == pygame.MOUSEWHEEL:
            self._step(-event.y)
            return True
        if event.type == pygame.KEYDOWN and event.key in (pygame.K_UP, pygame.K_DOWN):
            self._step(-1 if event.key == pygame.K_UP else 1)
            return True
        return self._menu.handle(event, self.items)

    def draw(self, surface: pygame.Surface, title: str, rows: Sequence[MenuRow], note: str = "") -> pygame.Rect:
        """Draw title, rows and a note; return the rectangle."""
        self._rows = rows
        keys = [row.key for row in rows]
        if self._wanted is not _NOTHING or self._menu.focus not in keys:
            self.choose(self._wanted if self._wanted in keys else keys[0])
            self._wanted = _NOTHING
        size = min(hud.text_size(surface), max(surface.get_height() // 9, 12))
        row, width = size + size // 2 + 2, min(surface.get_width() - size, _WIDEST_MENU * size)
        notes = self._letters.lines(note, size, GREY, width - 2 * size, 3) if note else []
        most = max((surface.get_height() - size) // row - 1 - len(notes), 1)
        shown = min(most, len(rows))
        place = pygame.Rect(0, 0, width, (shown + 1) * row + size + sum(line.get_height() for line in notes))
        place.center = surface.get_rect().center
        box(surface, place, radius=size // 2)
        heading = self._letters.line(title, round(size * 1.2), WHITE, width - 2 * size)
        surface.blit(heading, heading.get_rect(midtop=(place.centerx, place.top + size // 2)))
        self.items = self._items_at(pygame.Rect(place.left + size // 2, place.top + row, width - size, row), shown)
        self._menu.draw(surface, self.items, self._letters, size)
        top = place.top + row * (shown + 1) + size // 3
        for line in notes:
            surface.blit(line, line.get_rect(midtop=(place.centerx, top)))
            top += line.get_height()
        return place

    def _items_at(self, first: pygame.Rect, most: int) -> list[Item]:
        """Return ``most`` rows as buttons below each other, among them the one with the focus."""
        keys = [row.key for row in self._rows]
        at = keys.index(self._menu.focus) if self._menu.focus in keys else 0
        begin = max(0, min(at - most // 2, len(self._rows) - most))
        shown = self._rows[begin : begin + most]
        return [
            Item(row.key, first.move(0, n * first.h).inflate(0, -4), row.action, row.text, row.value)
            for n, row in enumerate(shown)
        ]

    def _step(self, by: int) -> None:
        keys = [row.key for row in self._rows]
        if keys:
            at = keys.index(self._menu.focus) if self._menu.focus in keys else 0
            self.choose(keys[(at + by) % len(keys)])
