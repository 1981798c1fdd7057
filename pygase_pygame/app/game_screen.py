"""What a game does in its window: the part of a client that is the game's own."""

import argparse
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Final

import pygame

from pygase import RELIABLE

from ..controls.controls import Controls
from ..joining import SessionOptions
from ..session import Session
from .lettering import Lettering
from .sounds import Sounds, SoundSet, Tone

WAYS: Final[Mapping[str, Any]] = {
    "left": [pygame.K_LEFT, pygame.K_a, "pad left"],
    "right": [pygame.K_RIGHT, pygame.K_d, "pad right"],
    "up": [pygame.K_UP, pygame.K_w, "pad up"],
    "down": [pygame.K_DOWN, pygame.K_s, "pad down"],
}
"""To go left, right, up and down, by keys and gamepads."""

HostDeed = tuple[int, str, Callable[[Any], None]]
"""A key, a word or two for what it does, and what it does to a client's address (or to a key of `departed`)."""

__all__ = ["WAYS", "GameScreen", "HostDeed", "Playing", "SessionOptions", "SoundSet", "Tone"]


@dataclass
class Playing:
    """What a `GameScreen` gets to work with.

    :ivar session: the connection.
    :ivar name: what this player wants to be called. The server has been told, or will be as soon as it is there.
    :ivar invitation: what friends have to type to join, if the game is served here; else "".
    :ivar sounds: plays the screen's `sounds`.
    :ivar lettering: text that fits.
    :ivar clock: the time in seconds, which in tests is another.
    :ivar args: the whole command line, for options of the game's own.
    """

    session: Session
    name: str
    invitation: str = ""
    sounds: Sounds = field(default_factory=lambda: Sounds({}))
    lettering: Lettering = field(default_factory=Lettering)
    clock: Callable[[], float] = time.monotonic
    args: argparse.Namespace = field(default_factory=argparse.Namespace)


class GameScreen:
    """Takes in events, tells the server what the player does, and draws. Derive from it, and name it in `Game.screen`.

    In each frame come `handle` for every event, then `update` once, then `draw` once unless nobody can see it. Closing,
    full screen, reconnecting, and saying what is wrong with the connection are seen to elsewhere.
    """

    options: ClassVar[SessionOptions] = SessionOptions()
    """What the session is made with: `interpolate`, `delay`, `tick`, `predict` ...; see `pygase_pygame.Session`."""

    inputs: ClassVar[Mapping[str, Any]] = WAYS
    """What the player can do, and with which keys, buttons and sticks, as `pygase_pygame.Controls` wants it."""

    sounds: ClassVar[SoundSet] = SoundSet()
    """The game's sounds by name, for `self.playing.sounds.play(name)`."""

    shows_status: ClassVar[bool] = False
    """Whether `draw` says itself that there is no connection, and why; else there is a band across the top.

    While there is one, but nothing has come for some seconds, the band is there in any case.
    """

    graph_corner: ClassVar[str] = "topright"
    """Where the net graph (F3) covers least of the game."""

    def __init__(self, playing: Playing) -> None:
        self.playing = playing
        self.session = playing.session
        self.controls = Controls(**self.inputs)
        """What the player does. It knows what `handle` passes on to it: `self.controls.handle(event)`."""

    @staticmethod
    def icon() -> pygame.Surface | None:
        """Return the window's icon; None for the title's initial. See `pygase_pygame.app.icon`."""
        return None

    def handle(self, event: pygame.event.Event) -> bool | None:
        """Take in an event. Return True if it is done with, such as an Esc that closed the chat: else Esc leaves."""
        return None

    def update(self) -> None:
        """Tell the server what the player does. Called in each frame, seen or not."""

    def draw(self, surface: pygame.Surface) -> None:
        """Draw the whole frame, on a surface of any size."""

    def name_of(self, address: Any) -> str:
        """Return what a client of this address is called, as far as the state says; "" if it does not.

        For the host's list of players.
        """
        return ""

    def departed(self) -> Sequence[tuple[Any, str]]:
        """Return key and name of players who have left, and to whom `host_deeds` can still be done."""
        return ()

    def host_deeds(self) -> Sequence[HostDeed]:
        """Return what the host can do to a player beside throwing them out: key, name, function of their address."""
        return ()

    def tell(self, event_type: str, *args: Any) -> None:
        """Send the server an event that it will get, exactly once and in order."""
        self.session.client.dispatch_event(event_type, *args, retries=RELIABLE)
