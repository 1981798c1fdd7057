"""What the adapter lays beside and over every game: a worse connection (F4, or `--link`), and the net graph (F3)."""

from typing import Final

import pygame

from ..ui.link_key import LinkKey
from ..ui.net_graph import NetGraph
from .game_screen import Playing
from .palette import NIGHT

GRAPH_SHARE: Final = 0.45  # of the window's width, and of its height, that the net graph may take
SMALLEST_GRAPH: Final = 0.7  # of its size: smaller, nobody could read it
MARGIN: Final = 6  # pixels
ROOMY: Final = (680, 540)  # pixels of a window in which the net graph is no hindrance


class Extras:
    """The net graph and the worse connection, for one session."""

    def __init__(self, playing: Playing, graph_corner: str = "topright") -> None:
        self._corner = graph_corner
        self._graph = NetGraph(playing.session, corner=graph_corner, clock=playing.clock)
        self._link = LinkKey(playing.session, clock=playing.clock)
        self._whole = pygame.Surface(ROOMY)  # where the net graph is drawn that has to be made smaller

    def handle(self, event: pygame.event.Event) -> None:
        """Take in what the game itself has not taken."""
        self._graph.handle(event)
        self._link.handle(event)

    def draw_below(self, surface: pygame.Surface) -> pygame.Surface:
        """Draw which worse link it is, if it is one, along the bottom; return the part of the surface above it.

        The game has only that part then, so that nothing of it is hidden, whatever it has at its bottom.
        """
        box = self._link.draw(surface)
        if box is None or box.top < surface.get_height() // 2:
            return surface  # in a window as low as that, the game comes first
        above = surface.get_rect()
        above.h = box.top - MARGIN
        surface.fill(NIGHT, (0, above.h, above.w, surface.get_height() - above.h))
        self._link.draw(surface)
        return surface.subsurface(above)

    def draw_over(self, surface: pygame.Surface) -> None:
        """Draw the net graph if it is switched on, smaller where it would cover most of the game."""
        if not self._graph.visible:
            return
        if min(surface.get_width() / ROOMY[0], surface.get_height() / ROOMY[1]) >= 1.0:
            self._graph.draw(surface)
            return
        graph = self._whole.subsurface(self._graph.draw(self._whole) or self._whole.get_rect())
        small = pygame.transform.smoothscale(graph, _fitting(graph.get_size(), surface.get_size()))
        place, inner = small.get_rect(), surface.get_rect().inflate(-2 * MARGIN, -2 * MARGIN)
        setattr(place, self._corner, getattr(inner, self._corner))
        surface.blit(small, place)


def _fitting(size: tuple[int, int], window: tuple[int, int]) -> tuple[int, int]:
    """Return how large the net graph, of this size by itself, is to be in a window."""
    share = min(GRAPH_SHARE * window[0] / size[0], GRAPH_SHARE * window[1] / size[1], 1.0)
    share = max(share, SMALLEST_GRAPH)
    return round(size[0] * share), round(size[1] * share)
