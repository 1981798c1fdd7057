"""The list of players in a host's window (F6), to kick and ban.

Only the host's window has it, since it calls the server in the same process.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import pygame

from pygase import Server

from ..ui.palette import FLOOR, GREY, LINE, ORANGE, WHITE, YELLOW, Colour
from ..ui.widgets import box
from . import hud
from .game_screen import GameScreen

ROSTER_KEY: Final = pygame.K_F6
TITLE: Final = "Players"
NOBODY_ELSE: Final = "Nobody else is here yet."
UNNAMED: Final = "no name yet"
ROSTER_HINT: Final = "Up, Down: choose · F6 or Esc: close"

Key = Any
"""A client's id, or a key of `GameScreen.departed`."""


@dataclass(frozen=True)
class Player:
    """A row of the list.

    :ivar host: the IP address.
    :ivar ping: seconds.
    :ivar near: at the host's own network address.
    :ivar lost: its connection is lost, and its place is kept.
    :ivar gone: has left the game.
    """

    key: Key
    name: str
    host: str = ""
    ping: float = 0.0
    is_me: bool = False
    near: bool = False
    lost: bool = False
    gone: bool = False

    @property
    def where(self) -> str:
        """The network address, and the ping in milliseconds or ``"reconnecting"``; or ``"has left"``."""
        if self.gone:
            return "has left"
        return f"{self.host} · {'reconnecting' if self.lost else f'{self.ping * 1000:.0f} ms'}"


@dataclass(frozen=True)
class Deed:
    """An action on the chosen player.

    :ivar to_near: whether it is possible for players at the host's own network address.
    :ivar to_gone: whether it is possible for players who have left.
    """

    key: int
    name: str
    do: Callable[[Key], None]
    to_near: bool = True
    to_gone: bool = False

    def fits(self, player: Player) -> bool:
        """Return whether the action is possible for this player."""
        return (self.to_near or not player.near) and (self.to_gone or not player.gone)


class Roster:
    """The list and its keys. Pass it events before the game, and draw it after the game.

    Up, Down or a click chooses a player. K kicks the player, who may join again. B bans the player's network address
    until the game ends. The host cannot be chosen. A player at the host's own network address cannot be banned: that
    would lock out the host.
    """

    def __init__(self, screen: GameScreen) -> None:
        self._screen = screen
        self._letters = screen.playing.lettering
        self.chosen: Key | None = None
        """The chosen player."""
        self.places: list[tuple[pygame.Rect, Callable[[], None]]] = []
        """Places to click, and their actions."""
        self.open = False

    @property
    def _server(self) -> Server | None:
        backend = self._screen.session.backend
        return backend.server if backend else None

    def players(self) -> list[Player]:
        """Return the connected players in the order of their arrival, then those who have left and still matter."""
        server, session = self._server, self._screen.session
        own = session.client.address
        here = [
            Player(
                client_id,
                self._screen.name_of(client_id) or UNNAMED,
                client.client_address[0],
                client.latency,
                is_me=client_id == session.me,
                near=own is not None and client.client_address[0] == own[0],
                lost=client.is_lost,
            )
            for client_id, client in (list(server.clients.items()) if server else [])
        ]
        return here + [Player(key, name, gone=True) for key, name in self._screen.departed()]

    def deeds(self) -> list[Deed]:
        """Return the actions on other players."""
        server = self._server
        if server is None:
            return []
        own = [Deed(key, name, do, to_gone=True) for key, name, do in self._screen.host_deeds()]
        return [Deed(pygame.K_k, "kick", server.kick), Deed(pygame.K_b, "ban", self._ban, to_near=False), *own]

    def _ban(self, client_id: int) -> None:
        """Ban a client's network address: with its id alone, it could come back under another."""
        server = self._server
        client = server.clients.get(client_id) if server else None
        if server and client:
            server.ban(client.client_address)

    # -- the host's input

    def handle(self, event: pygame.event.Event) -> bool:
        """Take in an event; return True if the game must not handle it as well."""
        if event.type == pygame.KEYDOWN and event.key == ROSTER_KEY and self._server:
            self.open = not self.open
            self._screen.controls.release_all()
            return True
        if not self.open:
            return False
        if event.type == pygame.KEYDOWN:
            return self._press(event.key)
        if event.type == pygame.MOUSEBUTTONDOWN and event.button == 1:
            for place, do in self.places:
                if place.collidepoint(event.pos):
                    do()
        return event.type in (pygame.MOUSEBUTTONDOWN, pygame.MOUSEBUTTONUP, pygame.TEXTINPUT)

    def _press(self, key: int) -> bool:
        if key == pygame.K_ESCAPE:
            self.open = False
        elif key in (pygame.K_UP, pygame.K_DOWN):
            self._choose_next(-1 if key == pygame.K_UP else 1)
        for deed in self.deeds():
            if key == deed.key:
                self._do(deed)
        return not pygame.K_F1 <= key <= pygame.K_F12

    def _choose_next(self, step: int) -> None:
        others = [player.key for player in self.players() if not player.is_me]
        if others:
            place = others.index(self.chosen) if self.chosen in others else (-1 if step > 0 else 0)
            self.chosen = others[(place + step) % len(others)]

    def choose(self, key: Key) -> None:
        """Choose a player."""
        self.chosen = key

    def do(self, name: str) -> None:
        """Do the action of that name to the chosen player, if it is possible."""
        for deed in self.deeds():
            if deed.name == name:
                self._do(deed)

    def _do(self, deed: Deed) -> None:
        player = self._chosen_player()
        if player is not None and deed.fits(player):
            deed.do(player.key)

    def player(self, key: Key) -> Player | None:
        """Return another player, who can be chosen; None if there is none with that key."""
        return next((one for one in self.players() if one.key == key and not one.is_me), None)

    def _chosen_player(self) -> Player | None:
        return self.player(self.chosen)

    # -- drawing

    def draw(self, surface: pygame.Surface) -> None:
        """Draw the list in the middle if it is open."""
        if not self.open:
            return
        pygame.mouse.set_visible(True)  # some games hide it
        size = hud.text_size(surface)
        row, width = size + 8, min(surface.get_width() - 2 * size, 40 * size)
        players = self.in_sight(self.players(), max(1, surface.get_height() // row - 6))
        alone = all(player.is_me for player in players)
        place = pygame.Rect(0, 0, width, (len(players) + alone + 3) * row + row // 2)
        place.center = surface.get_rect().center
        box(surface, place, radius=size // 2)
        self.places = []
        line = pygame.Rect(place.left + size, place.top + row // 2, width - 2 * size, row)
        self._write(surface, line, TITLE, WHITE)
        for player in players:
            line = line.move(0, row)
            self._draw_player(surface, line, player)
        if alone:
            line = line.move(0, row)
            self._write(surface, line, NOBODY_ELSE, GREY)
        self._draw_deeds(surface, line.move(0, row + row // 2))

    def in_sight(self, players: list[Player], most: int) -> list[Player]:
        """Return ``most`` players at most, among them the chosen one."""
        place = next((n for n, player in enumerate(players) if player.key == self.chosen), 0)
        first = max(0, min(place - most // 2, len(players) - most))
        return players[first : first + most]

    def _draw_player(self, surface: pygame.Surface, line: pygame.Rect, player: Player) -> None:
        if player.key == self.chosen:
            surface.fill(FLOOR, line)
        colour = GREY if player.is_me else YELLOW if player.key == self.chosen else WHITE
        self._write(surface, line, f"{player.name} (you)" if player.is_me else player.name, colour)
        text = self._letters.line(player.where, hud.text_size(surface), GREY, line.w // 2)
        surface.blit(text, text.get_rect(midright=line.midright))
        if not player.is_me:
            self.places.append((line, lambda: self.choose(player.key)))

    def _draw_deeds(self, surface: pygame.Surface, line: pygame.Rect) -> None:
        size, chosen, left = hud.text_size(surface), self._chosen_player(), line.left
        for deed in self.deeds() if chosen else ():
            can = chosen is not None and deed.fits(chosen)
            label = f"{pygame.key.name(deed.key).upper()}: {deed.name}"
            text = self._letters.line(label, size, ORANGE if can else LINE)
            button = text.get_rect(midleft=(left + size // 2, line.centery)).inflate(size, 6)
            pygame.draw.rect(surface, ORANGE if can else LINE, button, 1, border_radius=4)
            surface.blit(text, text.get_rect(center=button.center))
            self.places.append((button, lambda deed=deed: self._do(deed)))  # type: ignore[misc]
            left = button.right + size // 2
        room = pygame.Rect(left, line.top, line.right - left, line.h)
        text = self._letters.line(ROSTER_HINT, size, GREY, max(room.w, 1))
        surface.blit(text, text.get_rect(midright=room.midright))

    def _write(self, surface: pygame.Surface, line: pygame.Rect, text: str, colour: Colour) -> None:
        written = self._letters.line(text, hud.text_size(surface), colour, line.w // 2)
        surface.blit(written, written.get_rect(midleft=(line.left + 4, line.centery)))
