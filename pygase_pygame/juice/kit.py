"""The parts of the juice in one object."""

from .comfort import Comfort
from .flashes import Flash
from .particles import MOST, Particles
from .shaking import Shake


class Juice:
    """Particles, shake and flash with one player's limits.

    :param comfort: the player's limits.
    :param most: particles at once.
    :param seed: for the particles' directions.

    :ivar particles: the pool.
    :ivar shake: moves the picture.
    :ivar flash: lights the picture.
    """

    def __init__(self, comfort: Comfort | None = None, most: int = MOST, seed: int = 0) -> None:
        self.comfort = comfort or Comfort()
        self.particles = Particles(most, seed)
        self.shake = Shake(self.comfort)
        self.flash = Flash(self.comfort)

    def follow(self, comfort: Comfort) -> None:
        """Keep to other limits from now on."""
        self.comfort = self.shake.comfort = self.flash.comfort = comfort

    def clear(self) -> None:
        """End all effects, as when another round begins."""
        self.particles.clear()
        self.shake.clear()
        self.flash.clear()
