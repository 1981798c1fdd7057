"""The choice of a game if the command line names no address."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import pygame

from pygase import Browser

from ..connect.connect_screen import ConnectScreen
from ..session import Session
from ..ui.lettering import Lettering
from ..ui.palette import NIGHT
from . import hud
from .connector import GameConnector
from .game import Game
from .window import Window

SEARCH_SECONDS: Final = 1.0
FRAMES_PER_SECOND: Final = 60

Address = tuple[str, int]


def only_game(window: Window, game: Game, browser: Any = None) -> Address | None:
    """Search the local network for a second; return the game's address if exactly one is found.

    If the player closes the window meanwhile, the event stays in the queue.
    """
    letters = Lettering()
    with browser or Browser(game.name) as found:
        frames, waited = pygame.time.Clock(), 0.0
        while waited < SEARCH_SECONDS and not pygame.event.peek(pygame.QUIT):
            window.surface.fill(NIGHT)
            hud.notice(window.surface, letters, game.title, "Looking for a game on the local network ...")
            pygame.display.flip()
            pygame.event.pump()
            waited += frames.tick(FRAMES_PER_SECOND) / 1000
        return (found.games[0].address, found.games[0].port) if len(found.games) == 1 else None


class Choosing:
    """The screen before a game: a name, and a game to choose or to open.

    :param remember: whether name and address are stored for the next time, or the file for them.
    :param browser: replaces ``pygase.Browser(game.name)``.
    """

    def __init__(
        self,
        window: Window,
        game: Game,
        connector: GameConnector,
        name: str,
        *,
        remember: bool | Path = True,
        browser: Any = None,
    ) -> None:
        self._window = window
        self._screen = ConnectScreen(
            game.name,
            title=game.title,
            default_port=game.port,
            connect=lambda hostname, port, password: connector.join(hostname, port, password, name=self.name),
            host=lambda port, password: connector.host(port, self.name),
            passwords=False,
            remember=remember,
            browser=browser,
        )
        self._screen.name = name

    def run(self, message: str = "") -> Session | None:
        """Return the session that was joined or opened; None if the player leaves.

        :param message: why the player has to choose.
        """
        self._screen.reopen(message)
        frames = pygame.time.Clock()
        try:
            while self.frame(pygame.event.get()):
                frames.tick(FRAMES_PER_SECOND)
            return self._screen.session
        finally:
            self._screen.close()

    @property
    def name(self) -> str:
        """The player's name, as typed."""
        return self._screen.name

    def frame(self, events: list[pygame.event.Event]) -> bool:
        """Do the work of one frame; return whether another one follows."""
        for event in events:
            self._window.handle(event)
            if event.type == pygame.QUIT:
                return False
            if event.type == pygame.KEYDOWN and event.key == pygame.K_F11:
                self._window.toggle_full_screen()
            else:
                self._screen.handle(event)
        self._screen.draw(self._window.surface)
        pygame.display.flip()
        return self._screen.session is None and not self._screen.left
