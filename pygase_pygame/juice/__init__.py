"""Juice: what makes a hit felt. Particles, a screen that shakes, easing, flashes, and sounds at places.

Everything here takes the time as an argument, in seconds, and computes the picture of that moment. Nothing is advanced
from frame to frame. So it stands still while the time stands still, it runs slowly in slow motion, and it runs again in
a replay. Which time to give:

- ``playing.clock()`` for what the player does and sees at once;
- ``session.buffer.playback_time(now=...)`` for what belongs to the view, which is a moment behind the server.

::

    SPARKS = juice.Burst(count=24, speed=300, seconds=0.5, size=4, colours=[app.YELLOW, app.WHITE])

    kit = juice.Juice()                                     # in the shell it is there already: playing.juice
    kit.particles.burst(SPARKS, x, y, now)                  # once, when it happens
    kit.shake.kick(0.5, now)
    kit.flash.flash(app.WHITE, now, strength=0.3)

    dx, dy = kit.shake.offset(now, pixels=12)               # in each frame
    kit.particles.draw(surface, now, layout)
    kit.flash.draw(surface, now)

Never start an effect in a rule, since a replay of the prediction would start it again. Start it by
``session.happenings()``, by a SERVER_EVENT, or when the view has changed.

A player can turn the shaking and the flashes down: see :class:`Comfort`. In the shell the menu (Esc) does so.
"""

from typing import TYPE_CHECKING, Final

import pygase

if TYPE_CHECKING:
    from .comfort import Comfort
    from .easing import Tween, back_out, bounce_out, ease_in, ease_in_out, ease_out, elastic_out, pulse
    from .flashes import Flash
    from .hearing import Ear, vary
    from .kit import Juice
    from .particles import Burst, Particles
    from .shaking import Shake

_MODULES: Final = {
    **dict.fromkeys(["Burst", "Particles"], "pygase_pygame.juice.particles"),
    "Comfort": "pygase_pygame.juice.comfort",
    **dict.fromkeys(["Ear", "vary"], "pygase_pygame.juice.hearing"),
    "Flash": "pygase_pygame.juice.flashes",
    "Juice": "pygase_pygame.juice.kit",
    "Shake": "pygase_pygame.juice.shaking",
    **dict.fromkeys(
        ["Tween", "back_out", "bounce_out", "ease_in", "ease_in_out", "ease_out", "elastic_out", "pulse"],
        "pygase_pygame.juice.easing",
    ),
}
"""The module of each public name, imported on first use: settings need no pygame."""

__getattr__ = pygase.utils.imported_when_used(__name__, _MODULES)


def __dir__() -> list[str]:
    return sorted({*globals(), *_MODULES})


__all__ = [
    "Burst",
    "Comfort",
    "Ear",
    "Flash",
    "Juice",
    "Particles",
    "Shake",
    "Tween",
    "back_out",
    "bounce_out",
    "ease_in",
    "ease_in_out",
    "ease_out",
    "elastic_out",
    "pulse",
    "vary",
]
