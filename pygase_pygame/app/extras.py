"""A worse connection (F4 or ``--link``) and the network graph (F3), for every game."""

from __future__ import annotations

from typing import Final

import pygame

from ..ui.link_key import LinkKey
from ..ui.net_graph import NetGraph
from ..ui.palette import NIGHT
from .game_screen import Playing

GRAPH_SHARE: Final = 0.45
"""Part of the window's width and height that the network graph may take."""

GRAPH_OPACITY: Final = 0.85
"""The graph hides nobody: players behind it are seen."""

SMALLEST_GRAPH: Final = 0.7
"""Part of its own size below which the graph is illegible."""

ROOMY_WINDOW: Final = (680, 540)
"""Pixels of a window that has room for the whole graph beside the game."""

_MARGIN: Final = 6  # pixels


class Extras:
    """The network graph and the worse connection, for one session."""

    def __init__(self, playing: Playing, graph_corner: str = "topright") -> None:
        self._corner = graph_corner
        self._graph = NetGraph(playing.session, corner=graph_corner, opacity=GRAPH_OPACITY, clock=playing.clock)
        self.link = LinkKey(playing.session, clock=playing.clock)
        """The worse connection."""
        self._whole = pygame.Surface(ROOMY_WINDOW)  # the graph is drawn here before it is made smaller

    def handle(self, event: pygame.event.Event) -> str:
        """Handle F3 and F4; return a sentence about the change, unless the picture says it."""
        self.link.handle(event)
        return f"Network graph: {'on' if self._graph.visible else 'off'} (F3)" if self._graph.handle(event) else ""

    def draw_below(self, surface: pygame.Surface) -> pygame.Surface:
        """Draw the name of a worse link at the bottom; return the part of the surface that is left."""
        place = self.link.draw(surface)
        if place is None or place.top < surface.get_height() // 2:
            return surface  # a window this low is for the game
        above = surface.get_rect()
        above.h = place.top - _MARGIN
        surface.fill(NIGHT, (0, above.h, above.w, surface.get_height() - above.h))
        self.link.draw(surface)
        return surface.subsurface(above)

    def draw_over(self, surface: pygame.Surface) -> None:
        """Draw the graph if it is on, smaller in a small window."""
        if not self._graph.visible:
            return
        if min(surface.get_width() / ROOMY_WINDOW[0], surface.get_height() / ROOMY_WINDOW[1]) >= 1.0:
            self._graph.draw(surface)
            return
        graph = self._whole.subsurface(self._graph.draw(self._whole) or self._whole.get_rect())
        small = pygame.transform.smoothscale(graph, _fitting(graph.get_size(), surface.get_size()))
        place, inner = small.get_rect(), surface.get_rect().inflate(-2 * _MARGIN, -2 * _MARGIN)
        setattr(place, self._corner, getattr(inner, self._corner))
        surface.blit(small, place)


def _fitting(size: tuple[int, int], window: tuple[int, int]) -> tuple[int, int]:
    """Shrink a size to GRAPH_SHARE of the window, but not below SMALLEST_GRAPH of itself."""
    share = min(GRAPH_SHARE * window[0] / size[0], GRAPH_SHARE * window[1] / size[1], 1.0)
    share = max(share, SMALLEST_GRAPH)
    return round(size[0] * share), round(size[1] * share)
