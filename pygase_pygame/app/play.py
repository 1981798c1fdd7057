"""A window to play in: it opens, joins a server, and ends everything when it closes."""

from __future__ import annotations

import argparse
from collections.abc import Callable

import pygame

from pygase import Backend, clean_name

from ..session import Session
from . import choosing, invite
from .connector import GameConnector
from .game import Game, load_screen
from .game_loop import End, GameLoop
from .game_screen import GameScreen, Playing
from .icons import initial_icon
from .invite import EVERYONE
from .settings import Settings, settings_path
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
    """Play the game at an address in a window.

    :param address: None: the only game that is found, or the player's choice.
    :param hosted: the game that is served here; it ends with the window.
    :param invitation: the command for friends.
    :raises NoDisplay: no window can be opened.
    """
    screen_class = load_screen(game)
    settings = Settings.load(settings_path())
    connector = GameConnector(game, args, screen_class.options, settings)
    with Window(game.title, _icon(game, screen_class)) as window:
        name = clean_name(args.name)
        sounds = Sounds(screen_class.sounds, wanted=not args.mute)
        chooser = choosing.Choosing(window, game, connector, name)
        if address is None and not getattr(args, "start_screen", False):
            address = choosing.only_game(window, game)
        session = connector.join(*address, name=name, hosted=hosted) if address else chooser.run()
        while session is not None:
            name = clean_name(chooser.name) if address is None else name
            friends = invitation if hosted else _invitation(game, session)
            _remember_name(settings, name)
            screen = screen_class(Playing(session, name, friends, sounds, args=args, game=game.name, settings=settings))
            end, reason = _run(GameLoop(window, screen), session)
            if end == "leave":
                return
            address = hosted = None
            session = chooser.run(reason)


def _remember_name(settings: Settings, name: str) -> None:
    if name != settings.name:
        settings.name = name
        settings.save()


def _run(loop: GameLoop, session: Session) -> tuple[End, str]:
    """Play, and end the session in any case. Return the end, and ``session.reason``."""
    try:
        return loop.run(), session.reason
    finally:
        if session.backend:
            session.backend.shutdown()  # first, so that the others keep a last picture with everyone in it
        session.close()


def _icon(game: Game, screen_class: type[GameScreen]) -> Callable[[], pygame.Surface]:
    return lambda: screen_class.icon() or initial_icon(game.title)


def _invitation(game: Game, session: Session) -> str:
    port = session.backend.server.port if session.backend else None
    commands = invite.commands(game, EVERYONE, port) if port else []
    return commands[0] if commands else ""
