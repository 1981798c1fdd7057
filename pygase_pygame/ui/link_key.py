"""What your game is like on a bad link: F4 lays one over the connection, and the next one, and none again."""

from __future__ import annotations

import functools
import time
from collections.abc import Callable
from typing import Any, Final

import pygame

from pygase import Client

from ..session import Session
from .lettering import Lettering
from .palette import LINE, NIGHT, ORANGE, WHITE

PRESETS: Final = ("off", "lan", "wifi", "mobile", "satellite", "awful")
"""Links by name, as ``Client.condition`` knows them, from none to the worst."""

_SHOWN_AFTERWARDS: Final = 3.0
"""Seconds that it says "off" after the last one."""

_SIZE: Final = 18


class LinkKey:
    """Shows which bad link lies over the connection, if one does, and changes it at a key. Draw it last::

        link_key = pygase_pygame.LinkKey(session)
        link_key.handle(event)      # F4: the next one; with Shift: the one before
        link_key.draw(screen)

    :param session: whose connection. What ``session.client.condition`` was told elsewhere is shown, too.
    :param key: what changes it.
    :param clock: seconds.
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
        """The present link's name; "custom" for one that has none."""
        link = self.session.client.link
        return next((name for name, preset in _links().items() if preset == link), "custom")

    def handle(self, event: pygame.event.Event) -> bool:
        """Take a pygame event in; True if it was the key."""
        if event.type != pygame.KEYDOWN or event.key != self._key:
            return False
        step = -1 if getattr(event, "mod", 0) & pygame.KMOD_SHIFT else 1
        here = PRESETS.index(self.name) if self.name in PRESETS else 0
        self.choose(PRESETS[(here + step) % len(PRESETS)])
        return True

    def choose(self, name: str) -> None:
        """Lay a link over the connection.

        :raises ValueError: there is none of that name.
        """
        if name not in PRESETS:
            raise ValueError(f"there is no link {name!r}, but: {', '.join(PRESETS)}")
        self.session.client.condition(name)
        self._shown_until = self._clock() + _SHOWN_AFTERWARDS

    def draw(self, surface: pygame.Surface, *, above: int = 0) -> pygame.Rect | None:
        """Draw which link it is, at the bottom, and return where; None if there is nothing to tell.

        :param above: so many pixels above the bottom, for a game that has a line of its own there.
        """
        name = self.name
        if name == "off" and self._clock() >= self._shown_until:
            return None
        text = self._letters.line(self.words(name), _SIZE, WHITE, max(surface.get_width() - 40, 1))
        box = text.get_rect().inflate(20, 10)
        box.midbottom = (surface.get_width() // 2, surface.get_height() - 6 - above)
        surface.fill(NIGHT, box)
        pygame.draw.rect(surface, LINE if name == "off" else ORANGE, box, width=1)
        surface.blit(text, text.get_rect(center=box.center))
        return box

    def words(self, name: str) -> str:
        """Return the line on the screen for a link of that name."""
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
    """Return the links by name, as a client makes them of the names."""
    client, links = Client(), {}
    for name in PRESETS:
        client.condition(name)
        links[name] = client.link
    return links
