"""The content of one frame of Arena, and the camera."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import pygame

from games.arena import walls
from games.arena.memory import Memory
from games.arena.rules import Ship
from pygase_pygame import TextEntry
from pygase_pygame.app import hud

SEEN: Final = (9_600, 6_400)  # points: largest part of the arena in a window of any size


@dataclass
class Scene:
    """The content of one frame, with the tables of the state (see `server`)."""

    now: float
    memory: Memory
    me: int | None = None
    ships: Mapping[int, Ship] = field(default_factory=dict)
    health: Mapping[int, int] = field(default_factory=dict)
    shields: Mapping[int, bool] = field(default_factory=dict)
    pilots: Mapping[int, Sequence[Any]] = field(default_factory=dict)
    scores: Mapping[int, Sequence[int]] = field(default_factory=dict)
    winner: int | None = None
    middle: Sequence[float] = (walls.WIDTH / 2, walls.HEIGHT / 2)  # points: the camera's target
    sight: tuple[int, int] | None = None  # pixel of the crosshair
    hurt: float = 0.0  # strength of the warning flash, 0 to 1
    notice: tuple[str, str] | None = None
    status: Sequence[str] = ("",)  # the status in several lengths, longest first
    board: bool = False
    judge: bool = False
    chat: TextEntry | None = None


class Camera:
    """Converts points of the arena to pixels of a window."""

    def __init__(self, size: tuple[int, int], middle: Sequence[float]) -> None:
        self.size = size
        self.scale = max(size[0] / SEEN[0], size[1] / SEEN[1], 1e-6)
        self.left = _held(middle[0], size[0] / self.scale, walls.WIDTH)
        self.top = _held(middle[1], size[1] / self.scale, walls.HEIGHT)

    def pixel(self, place: Sequence[float]) -> tuple[int, int]:
        """Return the pixel of a place."""
        return round((place[0] - self.left) * self.scale), round((place[1] - self.top) * self.scale)

    def pixels(self, length: float) -> int:
        """Return a length in pixels, at least 1."""
        return max(1, round(length * self.scale))

    def shows(self, place: Sequence[float], around: float) -> bool:
        """Return whether a thing at `place`, with a radius of `around` points, is in the window."""
        x, y = (place[0] - self.left) * self.scale, (place[1] - self.top) * self.scale
        around *= self.scale
        return -around < x < self.size[0] + around and -around < y < self.size[1] + around


def field_of(surface: pygame.Surface) -> tuple[int, int]:
    """Return the size in pixels of the part of a window that shows the arena."""
    return surface.get_width(), max(1, surface.get_height() - hud.footer_height(surface))


def _held(middle: float, seen: float, size: int) -> float:
    """Return the left or top edge of the view, in points: `seen` points around `middle`, within 0 and `size`."""
    return max(0.0, min(middle - seen / 2, size - seen))
