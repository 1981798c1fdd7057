"""Sounds at places, and sounds that vary. Pure."""

import math
import random
from dataclasses import dataclass

_chance = random.Random()


@dataclass
class Ear:
    """The place where the player hears: ``volume, pan = ear.hear(x, y)``, then ``sounds.play("bang", volume, pan)``.

    :ivar x: the place, in units of the game's world. Move it with the player.
    :ivar y: see ``x``.
    :ivar within: units from which on nothing is heard.
    """

    x: float = 0.0
    y: float = 0.0
    within: float = 1000.0

    def move(self, x: float, y: float) -> None:
        """Move the ear."""
        self.x, self.y = x, y

    def hear(self, x: float, y: float) -> tuple[float, float]:
        """Return volume, 0 to 1, and pan, -1 (left) to 1 (right), of a sound at a place."""
        away = math.hypot(x - self.x, y - self.y) / self.within
        return max(1.0 - away, 0.0), min(max((x - self.x) / self.within, -1.0), 1.0)


def vary(share: float = 0.06, chance: random.Random | None = None) -> float:
    """Return a random pitch around 1.0, for ``sounds.play(name, pitch=vary())``: no two steps sound the same.

    :param share: the largest difference; 0.06 is a semitone.
    :param chance: replaces the random numbers, for a test.
    """
    return 1.0 + share * (2.0 * (chance or _chance).random() - 1.0)
