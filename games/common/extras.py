"""What the adapter lays over every game: the net graph (F3), and a worse connection (F4, or `--link`)."""

import pygame

from games.common import hud
from games.common.screen import Playing
from pygase_pygame import LinkKey, NetGraph


class Extras:
    """The net graph and the worse connection, for one session."""

    def __init__(self, playing: Playing, graph_corner: str = "topright") -> None:
        self._graph = NetGraph(playing.session, corner=graph_corner, clock=playing.clock)
        self._link = LinkKey(playing.session, clock=playing.clock)

    def handle(self, event: pygame.event.Event) -> None:
        """Take in what the game itself has not taken."""
        self._graph.handle(event)
        self._link.handle(event)

    def draw(self, surface: pygame.Surface) -> None:
        """Draw over the frame what is switched on."""
        self._graph.draw(surface)
        self._link.draw(surface, above=hud.footer_height(surface))
