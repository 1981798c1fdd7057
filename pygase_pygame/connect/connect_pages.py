"""The looks of the connect screen's pages, from 480 × 320 pixels up."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, Final

import pygame

from ..ui.lettering import Lettering
from ..ui.menu import Item
from ..ui.palette import FLOOR, GREY, LINE, ORANGE, SKY, WHITE, Colour
from .connect_flow import ConnectFlow

_SMALLEST, _LARGEST = 20, 38  # of the letters; pygame's own font draws them about two thirds as high
_HELP: Final = "Arrows or Tab: choose    Return: do it    Escape: back"
_KEYBOARD: Final = ("1234567890", "qwertyuiop", "asdfghjkl-", "zxcvbnm.:_")


class Sheet:
    """A column in the middle of a surface, filled from the top and from the bottom.

    :param size: of the surface, pixels.
    """

    def __init__(self, size: tuple[int, int]) -> None:
        width, height = size
        self.text = max(_SMALLEST, min(_LARGEST, height // 17, width // 25))
        self.small = max(18, round(self.text * 0.82))
        self.gap = self.text // 3
        self.row = round(self.text * 1.45)
        column = max(60, min(width - 2 * self.gap, self.text * 27))
        self.left, self.width = (width - column) // 2, column
        self.top, self.bottom = self.gap + self.gap // 2, height - self.gap - self.gap // 2
        self.surface_height = height

    def take(self, height: int) -> pygame.Rect:
        """Return the next strip from the top."""
        rect = pygame.Rect(self.left, self.top, self.width, height)
        self.top += height + self.gap
        return rect

    def take_below(self, height: int) -> pygame.Rect:
        """Return the next strip from the bottom."""
        rect = pygame.Rect(self.left, self.bottom - height, self.width, height)
        self.bottom -= height + self.gap
        return rect


def split(strip: pygame.Rect, gap: int, *shares: float) -> list[pygame.Rect]:
    """Return the parts of a strip from left to right, as wide as ``shares`` in proportion."""
    room, total = strip.width - gap * (len(shares) - 1), sum(shares)
    rects, x = [], float(strip.left)
    for share in shares:
        width = room * share / total
        rects.append(pygame.Rect(round(x), strip.top, round(width), strip.height))
        x += width + gap
    return rects


class Page:
    """The content of the screen in one frame: the drawing, and the items to choose.

    Each frame makes a new one, since games and windows change.

    :param flow: the logic, with the page to lay out.
    :param focus: the key of the item with the focus.
    :param first_row: the first row of the list of games in the last frame.
    :param passwords: whether the host may give a password.
    :param now: seconds, for moving parts.
    :ivar text_places: the rectangles of text outside the items.
    :ivar wanted_focus: the key of the item that gets the focus next; None: the focus stays.
    """

    def __init__(
        self,
        flow: ConnectFlow,
        title: str,
        size: tuple[int, int],
        letters: Lettering,
        *,
        focus: Any = None,
        first_row: int = 0,
        passwords: bool = True,
        now: float = 0.0,
    ) -> None:
        self.flow = flow
        self._focus, self._passwords, self._now = focus, passwords, now
        self.wanted_focus: Any = None
        self.items: list[Item] = []
        self.first_row = first_row
        self.sheet = Sheet(size)
        self._title, self._letters = title, letters
        self.text_places: list[pygame.Rect] = []
        self._drawn: list[Callable[[pygame.Surface], object]] = []
        getattr(self, f"_lay_out_{flow.page}")()

    def draw(self, surface: pygame.Surface) -> None:
        """Draw everything but the items."""
        for draw in self._drawn:
            draw(surface)

    # -- parts of pages

    def _text(self, text: str, rect: pygame.Rect, size: int, colour: Colour = WHITE, align: str = "midleft") -> None:
        rendered = self._letters.line(text, size, colour, rect.width)
        place = rendered.get_rect(**{align: getattr(rect, align)})
        self._put(rendered, place.topleft)

    def _put(self, rendered: pygame.Surface, place: tuple[int, int]) -> None:
        self.text_places.append(rendered.get_rect(topleft=place))
        self._drawn.append(lambda surface: surface.blit(rendered, place))

    def _heading(self, text: str) -> None:
        sheet = self.sheet
        size = round(sheet.text * 1.5)
        self._text(text, sheet.take(self._letters.height(size)), size)

    def _labelled(self, strip: pygame.Rect, label: str, key: str, entry: Any, action: Callable[[], None]) -> None:
        label_rect, entry_rect = split(strip, self.sheet.gap, 1, 3.6)
        self._text(label, label_rect, self.sheet.text)
        self.items.append(Item(key, entry_rect, action, entry=entry))

    def _buttons(self, strip: pygame.Rect, *buttons: tuple[str, str, Callable[[], None]]) -> None:
        for rect, (key, text, action) in zip(split(strip, self.sheet.gap, *[1] * len(buttons)), buttons, strict=True):
            self.items.append(Item(key, rect, action, text))

    def _message(self) -> None:
        """Put the message in a box above the parts at the bottom."""
        sheet = self.sheet
        if not self.flow.message:
            return
        inside = sheet.width - 3 * sheet.gap
        lines = self._letters.lines(self.flow.message, sheet.small, WHITE, inside, 4)
        line_height = self._letters.height(sheet.small) + 2
        box = sheet.take_below(len(lines) * line_height + 2 * sheet.gap)

        def draw(surface: pygame.Surface) -> None:
            surface.fill(FLOOR, box)
            surface.fill(ORANGE, (box.left, box.top, max(4, sheet.gap // 2), box.height))

        self._drawn.append(draw)
        for number, line in enumerate(lines):
            self._put(line, (box.left + 2 * sheet.gap, box.top + sheet.gap + number * line_height))

    def _help(self) -> None:
        sheet = self.sheet
        if sheet.surface_height >= 440:
            self._text(_HELP, sheet.take_below(self._letters.height(sheet.small)), sheet.small, GREY, "center")

    def _note(self, text: str, colour: Colour = GREY, lines: int = 2) -> None:
        """Put small text below the parts at the top."""
        sheet = self.sheet
        height = self._letters.height(sheet.small) + 2
        rendered = self._letters.lines(text, sheet.small, colour, sheet.width, lines)
        strip = sheet.take(height * len(rendered))
        for number, line in enumerate(rendered):
            self._put(line, (strip.left, strip.top + number * height))

    # -- the pages

    def _lay_out_main(self) -> None:
        flow, sheet = self.flow, self.sheet
        self._heading(self._title)
        self._labelled(sheet.take(sheet.row), "Your name", "name", flow.entries.name, self._next)
        self._help()
        buttons = [("host", "Open a game here", flow.open_hosting)] if flow.can_host else []
        bottom = sheet.take_below(sheet.row)
        self._message()
        address, join = split(sheet.take_below(sheet.row), sheet.gap, 4.6, 1)
        self._list()
        self._labelled_address(address, join)
        self._buttons(bottom, *buttons, ("leave", "Leave", flow.leave))

    def _labelled_address(self, strip: pygame.Rect, join: pygame.Rect) -> None:
        label, entry = split(strip, self.sheet.gap, 1, 2.76)
        self._text("Address", label, self.sheet.text)
        self.items.append(Item("address", entry, self.flow.join_typed, entry=self.flow.entries.address))
        self.items.append(Item("join", join, self.flow.join_typed, "Join"))

    def _next(self) -> None:
        self.wanted_focus = "address"

    def _list(self) -> None:
        flow, sheet = self.flow, self.sheet
        games = flow.search.games
        header = sheet.take(self._letters.height(sheet.small) + 2)
        self._text("Games on your network", header, sheet.small, GREY)
        box = pygame.Rect(sheet.left, sheet.top, sheet.width, sheet.bottom - sheet.top)
        step = sheet.row + max(3, sheet.gap // 2)
        rows = max(1, (box.height + step - sheet.row) // step)
        self.first_row = max(0, min(self._scrolled(rows), len(games) - rows))
        shown = games[self.first_row : self.first_row + rows]
        if len(games) > rows:
            where = f"{self.first_row + 1} to {self.first_row + len(shown)} of {len(games)}; turn the wheel for more"
            self._text(where, header, sheet.small, GREY, "midright")
        for number, found in enumerate(shown):
            rect = pygame.Rect(box.left, box.top + number * step, box.width, sheet.row)
            self.items.append(
                Item(_key(found), rect, partial(flow.join_found, found), found.name or found.address, _detail(found))
            )
        if not games:
            self._empty_list(box)

    def _scrolled(self, rows: int) -> int:
        """Return the first visible row, with another row on either side of the focus."""
        focused = [number for number, found in enumerate(self.flow.search.games) if _key(found) == self._focus]
        if not focused or rows < 3:
            return self.first_row
        return max(min(self.first_row, focused[0] - 1), focused[0] + 2 - rows)

    def _empty_list(self, box: pygame.Rect) -> None:
        problem = self.flow.search.problem
        dots = "." * (1 + int(self._now * 2) % 3)
        text = f"None can be found: {problem}" if problem else f"Searching{dots}"
        hint = "Those that are open on this network appear here by themselves."
        self._drawn.append(partial(_frame, box))
        inner = box.inflate(-2 * self.sheet.gap, -2 * self.sheet.gap)
        lines = self._letters.lines(text, self.sheet.small, WHITE, inner.width, 3)
        lines += [] if problem else self._letters.lines(hint, self.sheet.small, GREY, inner.width, 2)
        height = self._letters.height(self.sheet.small) + 4
        top = inner.centery - height * len(lines) // 2
        for number, line in enumerate(lines):
            if top + (number + 1) * height <= box.bottom:
                self._put(line, (inner.left, top + number * height))

    def _lay_out_connecting(self) -> None:
        flow, sheet = self.flow, self.sheet
        self._heading(self._title)
        self._help()
        buttons = sheet.take_below(sheet.row)
        middle = pygame.Rect(sheet.left, sheet.top, sheet.width, sheet.bottom - sheet.top)
        words = flow.attempt.session.reason if flow.attempt.session is not None else ""
        line = pygame.Rect(middle.left, middle.centery - 2 * sheet.row, middle.width, sheet.row)
        self._text(words or "Connected.", line, sheet.text, WHITE, "center")
        bar = pygame.Rect(middle.left, middle.centery - sheet.gap, middle.width, max(6, sheet.gap))
        self._drawn.append(partial(_running_bar, bar, flow.attempt.seconds))
        below = line.move(0, 3 * sheet.row)
        self._text(f"{flow.attempt.seconds:.0f} s", below, sheet.text, GREY, "center")
        self._buttons(buttons, ("cancel", "Cancel", flow.cancel))

    def _lay_out_password(self) -> None:
        flow, sheet = self.flow, self.sheet
        self._heading("This game needs a password")
        self._note("Ask the host for it.")
        self._labelled(sheet.take(sheet.row), "Password", "password", flow.entries.password, flow.join_with_password)
        self._help()
        buttons = sheet.take_below(sheet.row)
        self._message()
        self._buttons(buttons, ("join", "Join", flow.join_with_password), ("back", "Back", flow.back))

    def _lay_out_host(self) -> None:
        flow, sheet = self.flow, self.sheet
        self._heading("Open a game here")
        self._labelled(sheet.take(sheet.row), "Your name", "name", flow.entries.name, flow.start_hosting)
        self._labelled(sheet.take(sheet.row), "Port", "port", flow.entries.port, flow.start_hosting)
        if self._passwords:
            self._labelled(sheet.take(sheet.row), "Password", "secret", flow.entries.host_password, flow.start_hosting)
        self._help()
        buttons = sheet.take_below(sheet.row)
        self._message()
        self._friends()
        self._buttons(buttons, ("start", "Start", flow.start_hosting), ("back", "Back", flow.back))

    def _friends(self) -> None:
        sheet, addresses = self.sheet, self.flow.friends_type
        if not addresses:
            self._note("This machine is in no network: only players on this machine itself can join.")
            return
        self._note("Friends on your network type" + (" one of" if len(addresses) > 1 else ""))
        height = self._letters.height(sheet.text) + 4
        while addresses and sheet.top + height <= sheet.bottom:
            self._text(addresses.pop(0), sheet.take(height), sheet.text, SKY)

    def _lay_out_typing(self) -> None:
        keyboard, sheet = self.flow.keyboard, self.sheet
        entry = keyboard.entry
        strip = sheet.take(round(sheet.row * 1.2))
        if entry is not None:
            self._drawn.append(lambda surface: entry.draw(surface, strip, size=sheet.text))
        last = sheet.take_below(sheet.row)
        height = min((sheet.bottom - sheet.top - 4 * sheet.gap) // 4, 2 * sheet.row)
        for line in _KEYBOARD:
            rects = split(sheet.take(height), sheet.gap, *[1] * len(line))
            for rect, character in zip(rects, line, strict=True):
                shown = character.upper() if keyboard.capitals else character
                self.items.append(Item(("key", character), rect, partial(keyboard.type, shown), shown))
        self._buttons(
            last,
            ("shift", "abc" if keyboard.capitals else "ABC", keyboard.toggle_capitals),
            ("space", "Space", partial(keyboard.type, " ")),
            ("delete", "Delete", keyboard.rub_out),
            ("done", "Done", self.flow.finish_typing),
        )


def _key(found: Any) -> tuple[str, str, int]:
    return ("game", found.address, found.port)


def _detail(found: Any) -> str:
    parts = [f"{found.players}/{found.max_players} players", f"{max(found.ping, 0.0) * 1000:.0f} ms"]
    if not found.version_ok:
        parts = ["other version"]
    elif found.players >= found.max_players:
        parts[0] += ", full"
    if found.password:
        parts.insert(0, "password")
    return "   ".join(parts)


def _frame(box: pygame.Rect, surface: pygame.Surface) -> None:
    pygame.draw.rect(surface, LINE, box, width=1, border_radius=4)


def _running_bar(bar: pygame.Rect, seconds: float, surface: pygame.Surface) -> None:
    pygame.draw.rect(surface, FLOOR, bar, border_radius=3)
    part = bar.copy()
    part.width = max(1, bar.width // 5)
    way = 2 * (bar.width - part.width)
    x = int(seconds * 0.8 * bar.width) % max(way, 1)
    part.left = bar.left + (x if x <= way // 2 else way - x)
    pygame.draw.rect(surface, SKY, part, border_radius=3)
