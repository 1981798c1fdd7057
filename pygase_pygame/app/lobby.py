"""The lobby of a game with :class:`pygase.Seats`: who plays, and whether all are ready."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import pygame

from ..ui.menu import Item, Menu
from ..ui.palette import FLOOR, GREEN, GREY, SKY, WHITE, YELLOW, Colour, player_colour
from ..ui.widgets import box
from . import hud
from .game_screen import GameScreen
from .roster import Roster
from .seat_mark import draw_mark, seat_colour

READY: Final = "ready"
WIDEST: Final = 46
"""Heights of text that the lobby is wide at most."""

TEXT_ROWS: Final = 7
"""Rows that heading, note, invitation and buttons take."""

Seat = Mapping[str, Any]
Table = Mapping[int, Seat]


@dataclass(frozen=True)
class SeatList:
    """The seats as the lobby lists them.

    :ivar seats: the seats in the order of the rows: players by team and place, bots last, then spectators.
    :ivar me: the player's own number.
    """

    seats: Table
    me: int | None

    @property
    def mine(self) -> Seat | None:
        """The player's own seat."""
        return self.seats.get(self.me) if self.me is not None else None

    @property
    def heading(self) -> str:
        """How many clients among the players are ready."""
        players = [seat for number, seat in self.seats.items() if number > 0 and seat["place"] is not None]
        ready = sum(seat["ready"] and not seat["lost"] for seat in players)
        return f"{ready} of {len(players)} ready" if players else "nobody plays"


class Lobby:
    """Shows the seats while the screen's ``in_lobby`` is true, and lets the player get ready.

    The arrow keys, Tab, a gamepad's cross or the mouse move between the buttons; Space, Return, a gamepad's first
    button or a click press one. In a host's window they choose a player, too, whom further buttons kick and ban.

    :param roster: the host's actions on players.
    """

    def __init__(self, screen: GameScreen, roster: Roster) -> None:
        self._screen = screen
        self._roster = roster
        self._letters = screen.playing.lettering
        self._menu = Menu(back=lambda: None, type_by_pad=lambda entry: None)
        self._was_open = False
        self.items: list[Item] = []
        """The buttons, and in a host's window the rows of other players, as they were drawn last."""

    @property
    def is_open(self) -> bool:
        """Whether the lobby is shown now."""
        return self._screen.lobby is not None and self._screen.session.is_in_game and self._screen.in_lobby()

    def listed(self) -> SeatList:
        """Return the newest seats that the server sent."""
        seats = self._screen.session.newest.get(self._screen.lobby.table if self._screen.lobby else "", {})
        return SeatList(dict(sorted(seats.items(), key=_rank)), self._screen.session.me)

    def handle(self, event: pygame.event.Event) -> bool:
        """Take in an event; return True if the shell must not handle it as well."""
        if not self.is_open or getattr(event, "key", None) == pygame.K_ESCAPE:
            return False
        handled = self._menu.handle(event, self.items)
        if handled:
            self._screen.controls.release_all()  # the same key may fire a gun, and the game has it already
        return handled

    # -- what the buttons do

    def _buttons(self, listed: SeatList) -> list[tuple[str, str]]:
        """Return key and text of each button."""
        mine, chosen = listed.mine, self._roster.chosen
        if mine is None:
            return []
        plays = mine["place"] is not None
        buttons = [(READY, "Not ready" if mine["ready"] else "Ready")] if plays else []
        teams = self._teams
        if plays and len(teams) > 1:
            buttons += [(f"team {n}", f"Join {team}") for n, team in enumerate(teams) if n != mine["team"]]
        buttons.append(("play", "Watch" if mine["wants"] else "Play"))
        player = self._roster.player(chosen) if chosen in listed.seats else None
        if player is not None:
            deeds = [deed for deed in self._roster.deeds() if deed.fits(player)]
            buttons += [(f"deed {deed.name}", f"{deed.name.capitalize()} {player.name}") for deed in deeds]
        return buttons

    def _press(self, key: str) -> None:
        mine = self.listed().mine
        what, _, which = key.partition(" ")
        if mine is None:
            return
        if what == READY:
            self._screen.tell("READY", not mine["ready"])
        elif what == "play":
            self._screen.tell("PLAY", not mine["wants"])
        elif what == "team":
            self._screen.tell("TEAM", self._teams[int(which)])
        else:
            self._roster.do(which)

    @property
    def _teams(self) -> Sequence[str]:
        return self._screen.lobby.teams if self._screen.lobby else ()

    # -- drawing

    def draw(self, surface: pygame.Surface) -> None:
        """Draw the lobby over the game, if it is shown now."""
        is_open = self.is_open
        if is_open != self._was_open:
            self._was_open = is_open
            self._screen.controls.release_all()
        if not is_open:
            return
        pygame.mouse.set_visible(True)  # some games hide it
        self._draw(surface, self.listed())

    def _draw(self, surface: pygame.Surface, listed: SeatList) -> None:
        size = hud.text_size(surface)
        area = surface.get_rect().inflate(-size, -size)
        area.size = min(area.w, WIDEST * size), min(area.h, (len(listed.seats) + TEXT_ROWS) * _row_height(size))
        area.center = surface.get_rect().center
        box(surface, area, radius=size // 2)
        inner = area.inflate(-size, -size // 2)
        buttons = self._placed(self._buttons(listed), inner, size)
        inner.h = min((item.rect.top for item in buttons), default=inner.bottom) - size // 4 - inner.top
        inner = self._draw_texts(surface, inner, listed, size)
        rows = self._draw_rows(surface, inner, listed, size)
        self.items = [*rows, *buttons]
        if self._menu.focus not in [item.key for item in self.items]:
            self._menu.set_focus(self.items, next((item.key for item in buttons), None))
        self._menu.draw(surface, buttons, self._letters, size)

    def _placed(self, buttons: Sequence[tuple[str, str]], inner: pygame.Rect, size: int) -> list[Item]:
        """Return the buttons from left to right, in as many lines as they need, above the lower edge."""
        gap, height = size // 3, size + size // 2
        items, left, line = [], inner.left, 0
        for key, text in buttons:
            width = min(self._letters.width(text, size) + 2 * size, inner.w)
            if left > inner.left and left + width > inner.right:
                left, line = inner.left, line + 1
            rect = pygame.Rect(left, line * (height + gap), width, height)
            items.append(Item(key, rect, lambda key=key: self._press(key), text))  # type: ignore[misc]
            left += width + gap
        for item in items:
            item.rect.y += inner.bottom - (line + 1) * height - line * gap
        return items

    def _draw_texts(self, surface: pygame.Surface, inner: pygame.Rect, listed: SeatList, size: int) -> pygame.Rect:
        """Draw heading, note and invitation; return the place between them."""
        heading = self._letters.line(listed.heading, round(size * 1.3), WHITE, inner.w)
        surface.blit(heading, inner.topleft)
        top = inner.top + heading.get_height()
        for line in self._letters.lines(self._screen.lobby_note(), size, YELLOW, inner.w, 2):
            surface.blit(line, (inner.left, top))
            top += line.get_height()
        bottom, invitation = inner.bottom, self._screen.playing.invitation
        for line in reversed(self._letters.lines(f"Friends type: {invitation}", size, GREY, inner.w, 2)):
            if invitation:
                bottom -= line.get_height()
                surface.blit(line, (inner.left, bottom))
        return pygame.Rect(inner.left, top + size // 4, inner.w, max(bottom - top - size // 2, 0))

    def _draw_rows(self, surface: pygame.Surface, inner: pygame.Rect, listed: SeatList, size: int) -> list[Item]:
        """Draw one row for each seat; return those that a host can choose."""
        row = _row_height(size)
        others = {player.key for player in self._roster.players() if not player.is_me}
        items = []
        for number, place in _in_sight(list(listed.seats), inner, row, self._menu.focus):
            if number in others:
                items.append(Item(number, place, lambda number=number: self._roster.choose(number)))  # type: ignore[misc]
                if number == self._roster.chosen:
                    surface.fill(FLOOR, place)
                if number == self._menu.focus:
                    pygame.draw.rect(surface, SKY, place, 1)
            self._draw_row(surface, place.inflate(-size // 2, 0), listed, number, size)
        return items

    def _draw_row(self, surface: pygame.Surface, place: pygame.Rect, listed: SeatList, number: int, size: int) -> None:
        seat = listed.seats[number]
        mark = pygame.Rect(0, 0, size, size)
        mark.midleft = place.midleft
        if seat["place"] is not None:
            draw_mark(surface, mark, self._colour_of(number, seat), seat["team"])
        words, colour = self._words(seat, number)
        state = self._letters.line(words, size, colour, place.w // 2)
        surface.blit(state, state.get_rect(midright=place.midright))
        name = f"{seat['name']} (you)" if number == listed.me else str(seat["name"])
        room = place.w - state.get_width() - 2 * size
        text = self._letters.line(name, size, WHITE if seat["place"] is not None else GREY, max(room, 1))
        surface.blit(text, text.get_rect(midleft=(mark.right + size // 2, place.centery)))

    def _colour_of(self, number: int, seat: Seat) -> Colour:
        options = self._screen.lobby
        if options and options.numbered and not seat["lost"]:
            return player_colour(number)
        colours = options.colours if options else ()
        return seat_colour({**seat, "colour": colours[seat["place"] % len(colours)]} if colours else seat)

    def _words(self, seat: Seat, number: int) -> tuple[str, Colour]:
        """Return the words at the right end of a row, and their colour."""
        if seat["place"] is None:
            return ("waits for a place" if seat["wants"] else "watches"), GREY
        team = f"{self._teams[seat['team']]} · " if self._teams else ""
        if seat["lost"]:
            return f"{team}reconnecting", GREY
        if number < 0:
            return f"{team}bot", GREY
        return (f"{team}ready", GREEN) if seat["ready"] else (f"{team}not ready", YELLOW)


def _row_height(size: int) -> int:
    return size + size // 3


def _rank(item: tuple[int, Seat]) -> tuple[bool, int, bool, int]:
    number, seat = item
    if seat["place"] is None:
        return True, 0, False, number
    return False, seat["team"] or 0, number < 0, seat["place"]


def _in_sight(numbers: Sequence[int], inner: pygame.Rect, row: int, focus: Hashable) -> list[tuple[int, pygame.Rect]]:
    """Return the numbers that have room, and their rows; among them the one with the focus."""
    most = max(inner.h // row, 1)
    at = next((place for place, number in enumerate(numbers) if number == focus), 0)
    first = max(0, min(at - most // 2, len(numbers) - most))
    shown = numbers[first : first + most]
    return [(number, pygame.Rect(inner.left, inner.top + n * row, inner.w, row)) for n, number in enumerate(shown)]
