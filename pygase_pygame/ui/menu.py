"""A menu of buttons and text entries, for keyboard, mouse and gamepad."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import pygame

from ..controls.controls import Controls
from .lettering import Lettering
from .palette import GREY, NIGHT, WHITE, Colour
from .text_entry import TextEntry
from .widgets import button

Action = Callable[[], None]


@dataclass
class Item:
    """A button or a text entry.

    :ivar key: identifies the item while others appear and vanish.
    :ivar action: called when the item is chosen; for a text entry, when Return is pressed.
    :ivar text: the words on it.
    :ivar detail: smaller words at its right side.
    :ivar entry: None for a button.
    """

    key: Hashable
    rect: pygame.Rect
    action: Action
    text: str = ""
    detail: str = ""
    entry: TextEntry | None = None


_KEYS: Final = {
    pygame.K_UP: "up",
    pygame.K_DOWN: "down",
    pygame.K_RETURN: "accept",
    pygame.K_KP_ENTER: "accept",
    pygame.K_ESCAPE: "back",
}
_KEYS_OUTSIDE_TEXT: Final = {pygame.K_LEFT: "left", pygame.K_RIGHT: "right", pygame.K_SPACE: "accept"}
_STEPS: Final = {"up": (0, -1), "down": (0, 1), "left": (-1, 0), "right": (1, 0)}


class Menu:
    """Moves the focus among the items of a page, and calls their actions.

    :param back: called by Escape and by a gamepad's button 1.
    :param type_by_pad: called with the text entry that a gamepad chose.
    """

    def __init__(self, back: Action, type_by_pad: Callable[[TextEntry], None]) -> None:
        self._back = back
        self._type_by_pad = type_by_pad
        self._focus: Hashable = None
        self._hovered: Hashable = None
        self._pad = Controls(
            up="pad up", down="pad down", left="pad left", right="pad right", accept="pad 0", back="pad 1"
        )

    @property
    def focus(self) -> Hashable:
        """The key of the item with the focus."""
        return self._focus

    def set_focus(self, items: Sequence[Item], key: Hashable) -> None:
        """Give the focus to the item with a key, if there is one, and take it from other text entries."""
        chosen = next((item for item in items if item.key == key), None)
        if chosen is None:
            return
        self._focus = key
        for item in items:
            if item.entry is not None and item is not chosen:
                item.entry.blur()
        if chosen.entry is not None and not chosen.entry.focused:
            chosen.entry.focus()

    def handle(self, event: pygame.event.Event, items: Sequence[Item]) -> bool:
        """Take in a pygame event; return True if it was for the menu."""
        focused = self._focused(items)
        if event.type == pygame.MOUSEMOTION:
            self._hovered = next((item.key for item in items if item.rect.collidepoint(event.pos)), None)
        if event.type == pygame.MOUSEBUTTONDOWN and event.button == 1:
            return self._click(event, items)
        if focused is not None and focused.entry is not None and focused.entry.handle(event):
            return True
        if event.type == pygame.KEYDOWN:
            return self._key(event, items, focused)
        return self._pad_event(event, items, focused)

    def _focused(self, items: Sequence[Item]) -> Item | None:
        return next((item for item in items if item.key == self._focus), None)

    def _click(self, event: pygame.event.Event, items: Sequence[Item]) -> bool:
        hit = next((item for item in items if item.rect.collidepoint(event.pos)), None)
        if hit is None:
            return False
        self.set_focus(items, hit.key)
        if hit.entry is not None:
            hit.entry.handle(event)
        else:
            hit.action()
        return True

    def _key(self, event: pygame.event.Event, items: Sequence[Item], focused: Item | None) -> bool:
        if event.key == pygame.K_TAB:
            self._step(items, -1 if getattr(event, "mod", 0) & pygame.KMOD_SHIFT else 1)
            return True
        in_text = focused is not None and focused.entry is not None
        command = _KEYS.get(event.key) or (None if in_text else _KEYS_OUTSIDE_TEXT.get(event.key))
        if command is None:
            return False
        self._do(command, items, focused)
        return True

    def _pad_event(self, event: pygame.event.Event, items: Sequence[Item], focused: Item | None) -> bool:
        if not self._pad.handle(event):
            return False
        pressed = [name for name in self._pad.state if self._pad.presses(name)]
        self._pad.take()
        for command in pressed:
            if command == "accept" and focused is not None and focused.entry is not None:
                self._type_by_pad(focused.entry)
            else:
                self._do(command, items, focused)
        return bool(pressed)

    def _do(self, command: str, items: Sequence[Item], focused: Item | None) -> None:
        if command == "back":
            self._back()
        elif command != "accept":
            self._move(command, items, focused)
        elif focused is not None:
            focused.action()

    def _step(self, items: Sequence[Item], by: int) -> None:
        keys = [item.key for item in items]
        if keys:
            here = keys.index(self._focus) if self._focus in keys else -by
            self.set_focus(items, keys[(here + by) % len(keys)])

    def _move(self, way: str, items: Sequence[Item], focused: Item | None) -> None:
        """Give the focus to the nearest item in a direction; sideways only within a row."""
        if focused is None:
            self._step(items, 1)
            return
        dx, dy = _STEPS[way]
        here = focused.rect
        best: tuple[float, Hashable] | None = None
        for item in items:
            ahead = (item.rect.centerx - here.centerx) * dx + (item.rect.centery - here.centery) * dy
            same_row = item.rect.top < here.bottom and here.top < item.rect.bottom
            if item is focused or ahead <= 0 or same_row != (dx != 0):
                continue
            aside = max(item.rect.left - here.right, here.left - item.rect.right, 0) if dy else 0
            distance = ahead + 2.0 * aside + (0.01 * abs(item.rect.left - here.left) if dy else 0.0)
            if best is None or distance < best[0]:
                best = (distance, item.key)
        if best is not None:
            self.set_focus(items, best[1])

    def draw(self, surface: pygame.Surface, items: Sequence[Item], letters: Lettering, size: int) -> None:
        """Draw all items; the letters are ``size`` pixels high."""
        for item in items:
            if item.entry is not None:
                item.entry.draw(surface, item.rect, size=size)
                continue
            focused = item.key == self._focus
            button(surface, item.rect, focused=focused, hovered=item.key == self._hovered)
            for text, place in _texts_of(item, letters, size, NIGHT if focused else WHITE):
                surface.blit(text, place)


def _texts_of(
    item: Item, letters: Lettering, size: int, colour: Colour
) -> Iterator[tuple[pygame.Surface, pygame.Rect]]:
    inner = item.rect.inflate(-size, 0)
    if not item.detail:
        text = letters.line(item.text, size, colour, inner.width)
        yield text, text.get_rect(center=inner.center)
        return
    detail = letters.line(item.detail, round(size * 0.9), colour if colour != WHITE else GREY, inner.width * 3 // 5)
    place = detail.get_rect(midright=inner.midright)
    text = letters.line(item.text, size, colour, inner.width - detail.get_width() - size)
    yield detail, place
    yield text, text.get_rect(midleft=inner.midleft)
