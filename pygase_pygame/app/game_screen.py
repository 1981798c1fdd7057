"""The base class of a game's screen."""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Final

import pygame

from pygase import RELIABLE

from ..controls.controls import Controls
from ..joining import SessionOptions
from ..juice import Juice
from ..session import Session
from ..ui.lettering import Lettering
from .settings import Settings
from .sounds import Sounds, SoundSet, Tone

WAYS: Final[Mapping[str, Any]] = {
    "left": [pygame.K_LEFT, pygame.K_a, "pad left"],
    "right": [pygame.K_RIGHT, pygame.K_d, "pad right"],
    "up": [pygame.K_UP, pygame.K_w, "pad up"],
    "down": [pygame.K_DOWN, pygame.K_s, "pad down"],
}
"""Keys and gamepads for left, right, up and down."""

HostDeed = tuple[int, str, Callable[[Any], None]]
"""A host's action on a player: key, name, and a function of a client's id (or of a key of `departed`)."""

__all__ = ["WAYS", "GameScreen", "HostDeed", "LobbyOptions", "Playing", "SessionOptions", "SoundSet", "Tone"]


@dataclass(frozen=True)
class LobbyOptions:
    """The lobby of a game whose server has :class:`pygase.Seats`. `GameScreen.in_lobby` decides when it is shown.

    :ivar teams: the names of the teams, as `Seats` has them.
    :ivar colours: the colours of the places, if each place has one in the game. Otherwise a player has the seat's.
    :ivar numbered: whether the game draws each player in :func:`player_colour` of the number, as the lobby does then.
    :ivar table: the attribute of the game state that has the seats.
    """

    teams: Sequence[str] = ()
    colours: Sequence[str] = ()
    numbered: bool = False
    table: str = "seats"


@dataclass
class Playing:
    """The tools of a `GameScreen`.

    :ivar session: the connection.
    :ivar name: the player's name.
    :ivar invitation: the command for friends if the game is served here; otherwise "".
    :ivar sounds: plays the screen's `sounds`.
    :ivar lettering: text that fits its place.
    :ivar juice: particles, shake and flashes, within the player's limits.
    :ivar clock: the time in seconds.
    :ivar args: the whole command line, for the game's own options.
    :ivar game: the game's name.
    :ivar settings: the player's settings, which are kept.
    """

    session: Session
    name: str
    invitation: str = ""
    sounds: Sounds = field(default_factory=lambda: Sounds({}))
    lettering: Lettering = field(default_factory=Lettering)
    juice: Juice = field(default_factory=Juice)
    clock: Callable[[], float] = time.monotonic
    args: argparse.Namespace = field(default_factory=argparse.Namespace)
    game: str = ""
    settings: Settings = field(default_factory=Settings)

    def __post_init__(self) -> None:
        self.juice.follow(self.settings.comfort)
        self.sounds.volume = self.settings.sound


class GameScreen:
    """Derive your game's screen from it, and name it in `Game.screen`.

    Each frame calls `handle` for every event, then `update` once, then `draw` once unless the window is minimised. The
    shell does the rest, such as full screen and connecting again.
    """

    options: ClassVar[SessionOptions] = SessionOptions()
    """The session's options: `interpolate`, `delay`, `tick`, `predict` ...; see `pygase_pygame.Session`."""

    inputs: ClassVar[Mapping[str, Any]] = WAYS
    """The player's inputs by name, as `pygase_pygame.Controls` takes them."""

    sounds: ClassVar[SoundSet] = SoundSet()
    """The game's sounds by name, for `self.playing.sounds.play(name)`."""

    shows_status: ClassVar[bool] = False
    """Whether `draw` reports a missing connection itself. Otherwise a band across the top does.

    The band reports a server that is silent for some seconds in any case.
    """

    graph_corner: ClassVar[str] = "topright"
    """The corner in which the network graph (F3) covers least of the game."""

    lobby: ClassVar[LobbyOptions | None] = None
    """The lobby of a game with :class:`pygase.Seats`; None: there is no lobby."""

    def __init__(self, playing: Playing) -> None:
        self.playing = playing
        self.session = playing.session
        self.controls = Controls(**self.inputs)
        if playing.game in playing.settings.keys:
            self.controls.load(playing.settings.keys[playing.game])
        """The player's inputs. `handle` must pass events on: `self.controls.handle(event)`."""

    @staticmethod
    def icon() -> pygame.Surface | None:
        """Return the window's icon; None for the title's initial. `pygase_pygame.app.icon` makes one of a drawing."""
        return None

    def handle(self, event: pygame.event.Event) -> bool | None:
        """Take in an event; return True if it is done with: an Esc that closed the chat opens no menu."""
        return None

    def update(self) -> None:
        """Send the player's input. Called in each frame, also while the window is minimised."""

    def draw(self, surface: pygame.Surface) -> None:
        """Draw the whole frame, on a surface of any size."""

    def in_lobby(self) -> bool:
        """Return whether the lobby is shown. By default that is the state's attribute `lobby`."""
        return bool(self.session.newest.get("lobby"))

    def lobby_note(self) -> str:
        """Return a sentence for the lobby, such as the result of the last game, or ""."""
        return ""

    def name_of(self, client_id: int) -> str:
        """Return a client's name for the host's list of players, or "". By default it is the one in the lobby."""
        seats = self.session.newest.get(self.lobby.table, {}) if self.lobby else {}
        return str(seats[client_id]["name"]) if client_id in seats else ""

    def departed(self) -> Sequence[tuple[Any, str]]:
        """Return key and name of players who have left, for `host_deeds`."""
        return ()

    def host_deeds(self) -> Sequence[HostDeed]:
        """Return the host's actions on a player besides kick and ban."""
        return ()

    def tell(self, event_type: str, *args: Any) -> None:
        """Send the server an event, exactly once and in order."""
        self.session.client.dispatch_event(event_type, *args, retries=RELIABLE)
