"""What the library and its adapter have for every game, in the one place where it is put in.

- a worse connection: F4 and `--link`
- finding games on the local network
- the net graph, F3
"""

from typing import Final

import pygame

import pygase_pygame
from games.common.game import Game
from games.common.hud import text_size
from games.common.palette import NIGHT, YELLOW
from games.common.screen import Playing
from pygase.discovery import Browser
from pygase.links import LINKS, describe_link

CAN_CHOOSE: Final = False
"""Whether there is a screen to choose a game on, to go back to."""

WORSE_LINKS: Final = ("off", *(name for name in LINKS if name != "lan"))
SEARCH_SECONDS: Final = 1.0


class Extras:
    """The net graph and the worse connection, for one session."""

    def __init__(self, playing: Playing) -> None:
        self._session = playing.session
        self._lettering = playing.lettering
        self._graph = pygase_pygame.NetGraph(playing.session, clock=playing.clock)

    def handle(self, event: pygame.event.Event) -> None:
        """Take in what the game itself has not taken."""
        self._graph.handle(event)
        if event.type == pygame.KEYDOWN and event.key == pygame.K_F4:
            self._next_link()

    def draw(self, surface: pygame.Surface) -> None:
        """Draw over the frame what is switched on."""
        self._graph.draw(surface)
        link = self._session.client.link
        if link is not None and self._session.status == "connected":
            self._draw_link(surface, describe_link(link))

    def _next_link(self) -> None:
        now = describe_link(self._session.client.link)
        place = WORSE_LINKS.index(now) if now in WORSE_LINKS else -1
        self._session.client.condition(WORSE_LINKS[(place + 1) % len(WORSE_LINKS)])

    def _draw_link(self, surface: pygame.Surface, link: str) -> None:
        size = text_size(surface)
        text = self._lettering.line(f"F4: connection as by {link}", size, YELLOW, surface.get_width() // 2)
        box = text.get_rect(topleft=(0, 0)).inflate(size, size // 2)
        box.topleft = (0, 0)
        pygame.draw.rect(surface, NIGHT, box)
        surface.blit(text, text.get_rect(center=box.center))


def choose(game: Game, name: str) -> tuple[str, int] | None:
    """Return the address of the game to join where none was typed; None if the player wants to leave.

    It is the first that is found on the local network, and this machine if there is none.
    """
    with Browser(game.name) as browser:
        frames, waited = pygame.time.Clock(), 0.0
        while not browser.games and waited < SEARCH_SECONDS:
            if any(event.type == pygame.QUIT for event in pygame.event.get()):
                return None
            waited += frames.tick(60) / 1000
        return (browser.games[0].address, browser.games[0].port) if browser.games else ("localhost", game.port)
