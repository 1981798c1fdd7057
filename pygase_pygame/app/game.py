"""The description of a game: all that the shell needs."""

from __future__ import annotations

import argparse
import importlib
import shlex
import sys
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from pygase import Backend

if TYPE_CHECKING:
    from .game_screen import GameScreen


@dataclass(frozen=True)
class Hosting:
    """The host's choices, for the function that makes the server.

    :ivar bots: the number of bots that play.
    :ivar args: the whole command line, for the game's own options.
    """

    bots: int = 0
    args: argparse.Namespace = field(default_factory=argparse.Namespace)

    @property
    def checkpoint(self) -> Path | None:
        """The file that keeps the game, for ``Backend(checkpoint=...)``; None: the game is not kept."""
        return getattr(self.args, "checkpoint", None)

    @property
    def lobby(self) -> bool:
        """Whether the players wait for each other before a game: as the command line says, or else with a window."""
        wanted: bool | None = getattr(self.args, "lobby", False)
        return not getattr(self.args, "headless", False) if wanted is None else wanted


@dataclass(frozen=True)
class Game:
    """One game: its name, its server, and its window.

    :ivar name: identifies the game on the network; others are refused.
    :ivar title: for the title bar.
    :ivar about: one line for ``--help``, without a full stop.
    :ivar serve: makes the server. Its backend must have ``game=name``.
    :ivar screen: the :class:`GameScreen`, or ``"module:class"``: then a server without a window imports no pygame.
    :ivar port: the UDP port, unless the command line names another.
    :ivar tick: seconds between the server's ticks.
    :ivar bots: the number of bots, unless ``--bots`` names another.
    :ivar most_bots: the largest number for ``--bots``; 0: no bots and no such option.
    :ivar lobby: whether there is an option ``--lobby`` for ``Hosting.lobby``.
    :ivar options: adds the game's own options to the parser of "host" or "join".
    """

    name: str
    title: str
    about: str
    serve: Callable[[Hosting], Backend]
    screen: str | type[GameScreen]
    port: int
    tick: float = 1 / 60
    bots: int = 0
    most_bots: int = 0
    lobby: bool = False
    options: Callable[[argparse.ArgumentParser, Literal["host", "join"]], None] | None = None

    @property
    def command(self) -> str:
        """The command that starts this game, such as ``python -m games.pong``."""
        module = self.screen.partition(":")[0] if isinstance(self.screen, str) else self.screen.__module__
        return command_of(module)


def command_of(module: str) -> str:
    """Return the command that runs a game, given the module of its screen.

    It is ``python -m PACKAGE`` if the module's package can be run, otherwise ``python -m MODULE``. A module without a
    package stands for the program that runs now, which may be ``python FILE``.
    """
    if module == "__main__" or "." not in module:
        spec = sys.modules["__main__"].__spec__
        module = spec.name if spec is not None else "__main__"
    if module == "__main__":
        return shlex.join(["python", sys.argv[0]])
    package = module.rpartition(".")[0]
    is_runnable = bool(package) and find_spec(f"{package}.__main__") is not None
    return f"python -m {package if is_runnable else module}"


def load_screen(game: Game) -> type[GameScreen]:
    """Return the class of a game's screen.

    :raises ValueError: ``game.screen`` names no :class:`GameScreen`.
    """
    from .game_screen import GameScreen  # only now: a server without a window needs no pygame

    if isinstance(game.screen, type):
        return game.screen
    module, _, name = game.screen.partition(":")
    found = getattr(importlib.import_module(module), name, None)
    if not (isinstance(found, type) and issubclass(found, GameScreen)):
        raise ValueError(f'Game.screen is "module:class" of a GameScreen, got {game.screen!r}')
    return found


def serve(game: Game, hosting: Hosting) -> Backend:
    """Make a game's server. Only a client with the host token becomes its host."""
    backend = game.serve(hosting)
    backend.server.config = replace(backend.server.config, local_host=False)
    return backend


def announce(backend: Backend, game: Game, host_name: str) -> None:
    """Let the local network find a game that is served here."""
    backend.announce(f"{host_name}: {game.title}")
