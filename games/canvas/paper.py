"""The place of the paper in the window."""

import pygame

from games.canvas import rules
from pygase_pygame.app import NIGHT, Layout


class Beside(Layout):
    """The layout of the paper, right of the tools."""

    def __init__(self, left: int, window: tuple[int, int], top: int, bottom: int) -> None:
        super().__init__((window[0] - left, window[1]), (rules.WIDTH, rules.HEIGHT), header=top, footer=bottom)
        self._left += left
        self.area = self.rect(0, 0, rules.WIDTH, rules.HEIGHT)


def fill_around(surface: pygame.Surface, area: pygame.Rect) -> None:
    """Fill the window outside `area`."""
    width, height = surface.get_size()
    surface.fill(NIGHT, (0, 0, width, max(area.top, 0)))
    surface.fill(NIGHT, (0, area.bottom, width, max(height - area.bottom, 0)))
    surface.fill(NIGHT, (0, area.top, max(area.left, 0), area.h))
    surface.fill(NIGHT, (area.right, area.top, max(width - area.right, 0), area.h))
