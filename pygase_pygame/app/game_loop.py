"""The loop of every window, and every game's keys."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, Literal

import pygame

from ..ui.banner import StatusBanner
from . import extras
from .escape_menu import EscapeMenu
from .game_screen import GameScreen
from .lobby import Lobby
from .roster import Roster
from .said import Said
from .window import Window

FRAMES_PER_SECOND: Final = 60
UNSEEN_FRAMES_PER_SECOND: Final = 20
"""Frames a second of a minimised window, which draws nothing."""

LOST_HINT: Final = "R: try again · Esc: choose another game"

End = Literal["leave", "back"]
"""The player leaves the game, or goes back to the choice of one."""


class GameLoop:
    """Runs a game's screen in a window until the player leaves. A test calls :meth:`frame` itself.

    The keys: Esc opens the menu and closes it; while the connection is lost or the server silent, it goes back to the
    choice of a game. R connects again after a loss. F3 shows the network graph, F4 makes the link worse, F9 turns off
    the sound, F11 or Alt-Enter fills the screen. In a host's window F6 lists the players, to kick and ban. A key that
    changes something says so for two seconds.
    """

    def __init__(self, window: Window, screen: GameScreen) -> None:
        self._window = window
        self._screen = screen
        self._session = screen.session
        self._banner = StatusBanner()
        self.roster = Roster(screen)
        self.lobby = Lobby(screen, self.roster)
        self._extras = extras.Extras(screen.playing, screen.graph_corner)
        self.said = Said(screen.playing.lettering, screen.playing.clock)
        self.menu = EscapeMenu(screen, window, self._extras.link, self.said, self._leave)
        self._unseen = 0
        """Frames since one was drawn."""
        self.end: End | None = None
        """The way in which the loop has ended; None while it runs."""

    def run(self) -> End:
        """Play until the player leaves; return ``end``."""
        frames = pygame.time.Clock()
        while self.frame(pygame.event.get()):
            frames.tick(FRAMES_PER_SECOND if self._window.visible else UNSEEN_FRAMES_PER_SECOND)
        return self.end or "leave"

    def frame(self, events: Iterable[pygame.event.Event]) -> bool:
        """Do the work of one frame; return whether another one follows.

        A server whose data makes no sense to the game ends the loop. ``session.reason`` says why.
        """
        events = list(events)
        with self._session.guard():
            self._turn(events)
        if self._session.refusal:
            _clean_up(self._window.surface)
            self.end = "leave" if any(event.type == pygame.QUIT for event in events) else "back"
        return self.end is None

    def _turn(self, events: Iterable[pygame.event.Event]) -> None:
        for event in events:
            self._window.handle(event)
            self._listen(event)
            if event.type == pygame.QUIT:
                self.end = "leave"
            elif not (
                self.menu.handle(event)
                or self.roster.handle(event)
                or self._screen.handle(event)
                or self.lobby.handle(event)
            ):
                self._handle(event)
        self.menu.standstill.follow(self.menu.is_open)
        self._screen.update()
        if self._window.visible:
            self._unseen = 0
            self._draw(self._window.surface)
        else:
            self._session.poll()
            self._unseen += 1
            if self._unseen > UNSEEN_FRAMES_PER_SECOND:
                self._session.happenings()  # nobody has seen them: they are not to be shown later, all at once

    def _listen(self, event: pygame.event.Event) -> None:
        """Let the sounds rest while the window has no focus."""
        if event.type == pygame.WINDOWFOCUSLOST:
            self._screen.playing.sounds.rest()
        elif event.type == pygame.WINDOWFOCUSGAINED:
            self._screen.playing.sounds.wake()

    def _draw(self, surface: pygame.Surface) -> None:
        above = self._extras.draw_below(surface)
        self._screen.draw(above)
        self.lobby.draw(above)
        self.roster.draw(above)
        self._extras.draw_over(above)
        self.menu.draw(above)
        self.said.draw(above)
        if self._session.is_in_game or not self._screen.shows_status:
            self._banner.draw(above, self._session, LOST_HINT)
        pygame.display.flip()

    def _handle(self, event: pygame.event.Event) -> None:
        changed = self._extras.handle(event)
        if changed:
            self.said.say(changed)
        if event.type != pygame.KEYDOWN:
            return
        with_alt = getattr(event, "mod", 0) & pygame.KMOD_ALT
        if event.key == pygame.K_ESCAPE:
            self._escape()
        elif event.key == pygame.K_r:
            self._session.retry()  # does nothing unless the connection is lost
        elif event.key == pygame.K_F11 or (event.key == pygame.K_RETURN and with_alt):
            self.menu.toggle_full_screen()
        elif event.key == pygame.K_F9:
            sounds = self._screen.playing.sounds
            sounds.on = not sounds.on
            self.said.say(f"Sound: {'on' if sounds.on else 'off'} (F9)")

    def _escape(self) -> None:
        if self._session.status != "connecting" and self._session.reason:
            self._leave("back")
        else:
            self.menu.open()

    def _leave(self, way: End) -> None:
        self.end = way


def _clean_up(surface: pygame.Surface) -> None:
    surface.set_clip(None)
    pygame.mouse.set_visible(True)
