"""The words that a game's command line understands."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Final, TypeVar

from pygase import parse_link, parse_port

from ..connect.address import parse_place
from .game import Game
from .invite import EVERYONE

T = TypeVar("T")

PLAYERS_KEY: Final = "In your window, F6 lists the players: whoever spoils the game can be kicked and banned there."

_ABOUT_HOST: Final = "Serve a game, with a window to play in unless it is not wanted or there is no display."
_ABOUT_JOIN: Final = "Open a window and play at somebody's server."


def make_parser(game: Game) -> argparse.ArgumentParser:
    """Make the parser of a game's command line."""
    parser = argparse.ArgumentParser(prog=game.command, description=f"{game.about}.")
    commands = parser.add_subparsers(dest="command", required=True, metavar="host|join")
    hosting = commands.add_parser(
        "host", help="open a game, and play in it", description=_ABOUT_HOST, epilog=PLAYERS_KEY
    )
    _add_hosting(hosting, game)
    joining = commands.add_parser("join", help="play in somebody's game", description=_ABOUT_JOIN)
    joining.add_argument(
        "address",
        nargs="?",
        metavar="HOST[:PORT]|INVITE",
        type=_typed(lambda text: parse_place(text, game.port)),
        help="where the game is, or the host's invite (default: the one on the local network; if there are none or "
        "several, you choose)",
    )
    joining.add_argument(
        "--host-token",
        metavar="SECRET",
        default="",
        help="what a host without a window has shown its owner: with it, you are the host (only with HOST)",
    )
    joining.add_argument(
        "--resume",
        type=Path,
        metavar="FILE",
        help="keep your place in this file: if your window dies, start it again in time and you are the same player",
    )
    for command in (hosting, joining):
        command.set_defaults(lobby=None)
        _add_playing(command)
    if game.lobby:
        hosting.add_argument(
            "--lobby",
            action=argparse.BooleanOptionalAction,
            help="let several players wait for each other before a game (default: only if you have a window)",
        )
    if game.options:
        game.options(hosting, "host")
        game.options(joining, "join")
    return parser


def _add_hosting(hosting: argparse.ArgumentParser, game: Game) -> None:
    hosting.add_argument(
        "--port",
        type=_typed(parse_port),
        default=game.port,
        help="UDP port to serve at (default: %(default)s)",
    )
    hosting.add_argument(
        "--bind",
        "--hostname",
        metavar="ADDRESS",
        default=EVERYONE,
        help="own address to serve at (default: all, so that friends can join; localhost: this machine only)",
    )
    hosting.add_argument(
        "--checkpoint",
        type=Path,
        metavar="FILE",
        help="keep the game in this file: if the host dies and is started again within half a minute, it goes on",
    )
    hosting.add_argument("--headless", action="store_true", help="serve only, without a window")
    hosting.add_argument("--unlisted", action="store_true", help="do not let the local network find the game")
    hosting.set_defaults(bots=0)
    if game.most_bots:
        few = f"a number from 0 to {game.most_bots}"
        hosting.add_argument(
            "--bots",
            type=_typed(lambda text: _number(text, game.most_bots)),
            default=game.bots,
            metavar="N",
            help=f"how many bots play, {few} (default: %(default)s)",
        )
        hosting.add_argument(
            "--no-bot", "--no-bots", dest="bots", action="store_const", const=0, help="same as --bots 0"
        )


def _add_playing(command: argparse.ArgumentParser) -> None:
    command.add_argument("--name", help="what the others call you (default: as the last time, or as you log in here)")
    command.add_argument(
        "--link",
        type=_typed(_link),
        help='play as on a bad connection: wifi, mobile, satellite, awful, or figures: "latency=80ms loss=5%%"',
    )
    command.add_argument(
        "--debug", action="store_true", help="for programmers: raise what goes wrong, also by what a server sends"
    )
    command.add_argument("--mute", action="store_true", help="make no sound (F9 while playing)")


def _typed(parse: Callable[[str], T]) -> Callable[[str], T]:
    """Return ``parse`` with errors of argparse's type, whose sentences it shows."""

    def typed(text: str) -> T:
        try:
            return parse(text)
        except ValueError as error:
            raise argparse.ArgumentTypeError(str(error)) from None

    return typed


def _number(text: str, most: int) -> int:
    if not (text.isascii() and text.isdigit() and int(text[:6]) <= most):
        raise ValueError(f"{text!r:.80} is no number of bots: type one from 0 to {most}")
    return int(text)


def _link(text: str) -> str:
    parse_link(text)
    return text
