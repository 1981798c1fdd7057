"""A window in which to play: opens it, joins a server, and sees to it that everything ends with it."""

import argparse
import importlib
from collections.abc import Callable

import pygame

from pygase import Backend, clean_name

from ..session import Session
from . import choosing, invite
from .connector import EVERYONE, Connector
from .game import Game
from .game_loop import End, Loop
from .game_screen import GameScreen, Playing
from .icon import initial_icon
from .sounds import Sounds
from .window import NoDisplay, Window

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

    :param address: None: the only game that is found, or else what the player chooses.
    :param hosted: the game that is served here, which ends with the window.
    :param invitation: what friends have to type to join it.
    """
    screen_class = load_screen(game)
    connector = Connector(game, args, screen_class.options)
    with Window(game.title, _icon(game, screen_class)) as window:
        name = clean_name(args.name)
        sounds = Sounds(screen_class.sounds, wanted=not args.mute)
        chooser = choosing.Choosing(window, game, connector, name)
        address = address or choosing.only_game(window, game)
        session = connector.join(*address, hosted=hosted) if address else chooser.run()
        while session is not None:
            name = clean_name(chooser.name) if address is None else name
            friends = invitation if hosted else _invitation(game, session)
            screen = screen_class(Playing(session, name, friends, sounds, args=args))
            end, reason = _run(Loop(window, screen), session)
            if end == "leave":
                return
            address = hosted = None
            session = chooser.run(reason)


def load_screen(game: Game) -> type[GameScreen]:
    """Return the class that `game.screen` names. Raises `ValueError` if it is none."""
    if isinstance(game.screen, type):
        return game.screen
    module, _, name = game.screen.partition(":")
    found = getattr(importlib.import_module(module), name, None)
    if not (isinstance(found, type) and issubclass(found, GameScreen)):
        raise ValueError(f'Game.screen is "module:class" of a GameScreen, got {game.screen!r}')
    return found


def _run(loop: Loop, session: Session) -> tuple[End, str]:
    """Play, and end the session however playing ends; return how it has, and what was wrong with the connection."""
    try:
        return loop.run(), session.reason
    finally:
        if session.backend:
            session.backend.shutdown()  # before we leave, so that the others keep the game in sight as it was
        session.close()


def _icon(game: Game, screen_class: type[GameScreen]) -> Callable[[], pygame.Surface]:
    return lambda: screen_class.icon() or initial_icon(game.title)


def _invitation(game: Game, session: Session) -> str:
    """Return what friends have to type, if the game was opened here on the screen; else ""."""
    port = session.backend.server.port if session.backend else None
    commands = invite.commands(game, EVERYONE, port) if port else []
    return commands[0] if commands else ""
