"""How strongly the screen may shake and flash, as the player wants it."""

from dataclasses import dataclass


@dataclass
class Comfort:
    """The player's limits. Change them at any time; the next frame follows.

    :ivar shake: from 0.0 (the screen never shakes) to 1.0.
    :ivar flash: from 0.0 (nothing flashes) to 1.0.
    """

    shake: float = 1.0
    flash: float = 1.0
