"""What a game tells about itself, so that `pygase_pygame.app` can host it, join it and open its window."""

import argparse
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal

from pygase import Backend

if TYPE_CHECKING:
    from .game_screen import GameScreen


@dataclass(frozen=True)
class Hosting:
    """What the host has chosen, for the function that makes the server.

    :ivar bots: how many bots shall play.
    :ivar args: the whole command line, for options of the game's own.
    """

    bots: int = 0
    args: argparse.Namespace = field(default_factory=argparse.Namespace)


@dataclass(frozen=True)
class Game:
    """One game: what it is called, how to serve it, and where its window is.

    :ivar name: its folder, so that `python -m games.NAME` runs it; servers and clients of other games are refused.
    :ivar title: what stands in the title bar.
    :ivar about: one line for `--help`, without a full stop.
    :ivar serve: makes the server. Its backend has to have `game=name`.
    :ivar screen: `"module:class"` of the `GameScreen`: named, not imported, so that a server does without pygame.
        Or the class itself.
    :ivar port: UDP port unless another is asked for.
    :ivar tick: seconds between the server's ticks.
    :ivar bots: how many there are unless `--bots` says otherwise.
    :ivar most_bots: the most that `--bots` may ask for; 0: the game has none, and no such option.
    :ivar options: adds options of the game's own to the parser of "host" or "join".
    """

    name: str
    title: str
    about: str
    serve: Callable[[Hosting], Backend]
    screen: "str | type[GameScreen]"
    port: int
    tick: float = 1 / 60
    bots: int = 0
    most_bots: int = 0
    options: Callable[[argparse.ArgumentParser, Literal["host", "join"]], None] | None = None

    @property
    def command(self) -> str:
        """What one types to start it."""
        return f"python -m games.{self.name}"


def serve(game: Game, hosting: Hosting) -> Backend:
    """Make a game's server. Its host is whoever has the token: the window that it is opened from, or its owner."""
    backend = game.serve(hosting)
    backend.server.config = replace(backend.server.config, local_host=False)
    return backend


def announce(backend: Backend, game: Game, host_name: str) -> None:
    """Let others on the local network find a game that is served here, under its host's name."""
    backend.announce(f"{host_name}: {game.title}")
