"""A key (F4) that simulates worse links, one after the other."""

from __future__ import annotations

import functools
import time
from collections.abc import Callable
from typing import Any, Final

import pygame

from pygase import Client

from ..session import Session
from .lettering import Lettering
from .palette import LINE, ORANGE, WHITE
from .widgets import box

PRESETS: Final = ("off", "lan", "wifi", "mobile", "satellite", "awful")
"""Names of links for ``Client.condition``, from none to the worst."""

_SHOWN_AFTERWARDS: Final = 3.0
"""Seconds for which "off" is shown."""

_TEXT_SIZE: Final = 18


class LinkKey:
    """Shows the name of the simulated link, if there is one, and changes it at a key. Draw it last::

        link_key = pygase_pygame.LinkKey(session)
        link_key.handle(event)      # F4: the next link; with Shift: the previous one
        link_key.draw(screen)

    :param session: the session whose link is changed. A link set by ``session.client.condition`` is shown as well.
    :param key: changes the link.
    :param clock: returns seconds.
    """

    def __init__(
        self, session: Session, *, key: int = pygame.K_F4, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.session = session
        self._key = key
        self._clock = clock
        self._letters = Lettering(0.8)
        self._shown_until = float("-inf")

    @property
    def name(self) -> str:
        """The present link's name; "custom" for a link without one."""
        link = self.session.client.link
        return next((name for name, preset in _links().items() if preset == link), "custom")

    def handle(self, event: pygame.event.Event) -> bool:
        """Take in a pygame event; return True if it was the key."""
        if event.type != pygame.KEYDOWN or event.key != self._key:
            return False
        step = -1 if getattr(event, "mod", 0) & pygame.KMOD_SHIFT else 1
        here = PRESETS.index(self.name) if self.name in PRESETS else 0
        self.choose(PRESETS[(here + step) % len(PRESETS)])
        return True

    def choose(self, name: str) -> None:
        """Simulate a link over the connection.

        :raises ValueError: there is no link of that name.
        """
        if name not in PRESETS:
            raise ValueError(f"there is no link {name!r}, but: {', '.join(PRESETS)}")
        self.session.client.condition(name)
        self._shown_until = self._clock() + _SHOWN_AFTERWARDS

    def draw(self, surface: pygame.Surface, *, above: int = 0) -> pygame.Rect | None:
        """Draw the link's name at the bottom, and return its rectangle; None if there is no simulated link.

        :param above: pixels to leave free below it.
        """
        name = self.name
        if name == "off" and self._clock() >= self._shown_until:
            return None
        text = self._letters.line(self.words(name), _TEXT_SIZE, WHITE, max(surface.get_width() - 40, 1))
        place = text.get_rect().inflate(20, 10)
        place.midbottom = (surface.get_width() // 2, surface.get_height() - 6 - above)
        box(surface, place, edge=LINE if name == "off" else ORANGE)
        surface.blit(text, text.get_rect(center=place.center))
        return place

    def words(self, name: str) -> str:
        """Return the line on the screen for a link."""
        key = pygame.key.name(self._key).upper()
        link = self.session.client.link
        if link is None:
            return f"{key}  link: as it is"
        lost = link.loss + link.burst_loss * link.burst_length
        least, most = (f"{2000 * seconds:.0f}" for seconds in (link.latency, link.latency + link.jitter))
        ping = f"ping +{least} ms" if least == most else f"ping +{least} to {most} ms"
        return f"{key}  link: {name} ({ping}, about {lost:.1%} lost each way)"


@functools.cache
def _links() -> dict[str, Any]:
    client, links = Client(), {}
    for name in PRESETS:
        client.condition(name)
        links[name] = client.link
    return links
