"""A window in which to play: opens it, joins a server, and sees to it that everything ends with it."""

import argparse
import importlib
import threading
from collections.abc import Callable

import pygame

from games.common import extras, invite
from games.common.game import Game
from games.common.icon import initial_icon
from games.common.loop import Loop
from games.common.names import clean_name
from games.common.screen import GameScreen, Playing
from games.common.sounds import Sounds
from games.common.window import NoDisplay, Window
from pygase import Backend, Client
from pygase_pygame import Session

__all__ = ["NoDisplay", "load_screen", "play"]

Address = tuple[str, int]


def play(
    game: Game,
    args: argparse.Namespace,
    address: Address | None,
    *,
    hosted: Backend | None = None,
    invitation: str = "",
) -> None:
    """Join the game at an address, in a window, until the player closes it. Raises `NoDisplay`.

    :param address: None: the player chooses.
    :param hosted: the game that is served here, which ends with the window.
    :param invitation: what friends have to type to join it.
    """
    screen_class = load_screen(game)
    with Window(game.title, _icon(game, screen_class)) as window:
        sounds = Sounds(screen_class.sounds, wanted=not args.mute)
        while True:
            address = address or extras.choose(game, args.name)
            if address is None:
                return
            with _session(game, screen_class, address, hosted, args.link) as session:
                screen = screen_class(Playing(session, clean_name(args.name), invitation, sounds, args=args))
                try:
                    if Loop(window, screen).run() == "leave":
                        return
                finally:
                    if hosted:
                        hosted.shutdown()  # before we leave, so that the others keep the game in sight as it was
            address = hosted = None


def load_screen(game: Game) -> type[GameScreen]:
    """Return the class that `game.screen` names. Raises `ValueError` if it is none."""
    if isinstance(game.screen, type):
        return game.screen
    module, _, name = game.screen.partition(":")
    found = getattr(importlib.import_module(module), name, None)
    if not (isinstance(found, type) and issubclass(found, GameScreen)):
        raise ValueError(f'Game.screen is "module:class" of a GameScreen, got {game.screen!r}')
    return found


def _icon(game: Game, screen_class: type[GameScreen]) -> Callable[[], pygame.Surface]:
    return lambda: screen_class.icon() or initial_icon(game.title)


def _session(
    game: Game, screen_class: type[GameScreen], address: Address, hosted: Backend | None, link: str | None
) -> Session:
    hostname, port = address
    client = Client(game=game.name)
    client.condition(link)

    def connect() -> threading.Thread:
        token = hosted.server.host_token if hosted else ""  # whose game it is may do more, in some games
        return client.connect_in_thread(port, hostname, host_token=token)

    session = Session(
        client, connect=connect, address=invite.address_text(hostname, port, game.port), **screen_class.options
    )
    session.connect()
    return session
