"""The command line of every game: `python -m games.NAME host` and `python -m games.NAME join`."""

import argparse
import getpass
import importlib.util
import os
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NoReturn, TypeVar

from pygase import AddressInUse, Backend, clean_name, parse_link

from . import invite
from .game import Game, Hosting, announce, serve
from .port_user import user_of_port

T = TypeVar("T")

NO_PYGAME = """{title}'s window needs pygame, which is not installed. To install it:
    pip install "pygase[pygame]"
(in a checkout of PyGaSe: pip install -e ".[pygame]")"""
PLAYERS_KEY = "In your window, F6 lists the players: whoever spoils the game can be kicked and banned there."
_PERHAPS = "perhaps a game that is open on this machine already"
NO_PYGAME_HOST = "Without it, `host --headless` serves a game that others can join."

_ENDINGS = ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK")  # Ctrl-C, kill, a terminal that closes; not all everywhere


def run(game: Game, argv: Sequence[str] | None = None) -> int:
    """Do what the command line says, until the window closes or Ctrl-C; return the exit status."""
    parser = _parser(game)
    args = parser.parse_args(argv)
    if getattr(args, "host_token", "") and args.address is None:
        parser.error("--host-token is for one server only: say which, as in join 192.168.1.5 --host-token SECRET")
    args.name = args.name or _usual_name(game, args)
    if args.debug:
        os.environ["PYGASE_DEBUG"] = "1"  # the library heeds it
    with _leaving_by_signals():
        try:
            return _host(game, args) if args.command == "host" else _join(game, args)
        except KeyboardInterrupt:
            return 0


def _host(game: Game, args: argparse.Namespace) -> int:
    """Serve a game, with a window to play in unless it is not wanted or there is no display."""
    if not args.headless and not _has_pygame():
        return _complain(f"{NO_PYGAME.format(title=game.title)}\n{NO_PYGAME_HOST}")
    backend = serve(game, Hosting(args.bots, args))
    try:
        thread = backend.run_in_thread(args.bind, args.port, interval=game.tick)
    except AddressInUse:
        return _complain(_port_in_use(game, args.port))
    except OSError as error:
        return _complain(f"Cannot serve at {args.bind}, port {args.port}: {error}")
    try:
        if not args.unlisted and not invite.is_loopback(args.bind):
            announce(backend, game, clean_name(args.name))
        # one piece, so that no other thread's words come before the end of the line
        keys = "" if args.headless else f"{PLAYERS_KEY}\n"
        print(f"{invite.invitation(game, args.bind, args.port)}\n{keys}", end="", flush=True)
        if args.headless or not _play_at_own(game, args, backend):
            print(f"{_words_for_the_owner(game, args, backend)}\n", end="", flush=True)
            while thread.is_alive():
                thread.join(timeout=1.0)  # without a timeout, Ctrl-C would not get through on Windows
    finally:
        backend.shutdown()
    return 0


def _words_for_the_owner(game: Game, args: argparse.Namespace, backend: Backend) -> str:
    """Return what is said where a game is served without a window."""
    command = invite.joining_command(game, invite.joining_host(args.bind), args.port)
    return "\n".join(
        [
            "Serving without a window. Ctrl-C ends the game for everyone.",
            "Nobody is its host yet. Whoever joins with this secret is, so keep it to yourself:",
            f"    {command} --host-token {backend.server.host_token}",
        ]
    )


def _join(game: Game, args: argparse.Namespace) -> int:
    """Open a window and play at somebody's server."""
    if not _has_pygame():
        return _complain(NO_PYGAME.format(title=game.title))
    return 0 if _play(game, args, args.address) else 1


def _play_at_own(game: Game, args: argparse.Namespace, backend: Backend) -> bool:
    """Play at the server that runs here."""
    commands = invite.commands(game, args.bind, args.port)
    address = invite.joining_host(args.bind), args.port
    return _play(game, args, address, hosted=backend, invitation=commands[0] if commands else "")


def _play(game: Game, args: argparse.Namespace, address: tuple[str, int] | None, **hosting: Any) -> bool:
    """Play in a window until it closes; return False, having said why, if there can be no window."""
    os.environ.setdefault("PYGAME_HIDE_SUPPORT_PROMPT", "1")  # the terminal is for the invitation
    from . import play  # only now: a server without a window does without pygame

    try:
        play.play(game, args, address, **hosting)
    except play.NoDisplay as error:
        print(error, flush=True)
        return False
    return True


def _parser(game: Game) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog=game.command, description=f"{game.about}.")
    commands = parser.add_subparsers(dest="command", required=True, metavar="host|join")
    hosting = commands.add_parser(
        "host", help="open a game, and play in it", description=_host.__doc__, epilog=PLAYERS_KEY
    )
    _add_hosting(hosting, game)
    joining = commands.add_parser("join", help="play in somebody's game", description=_join.__doc__)
    joining.add_argument(
        "address",
        nargs="?",
        metavar="HOST[:PORT]",
        type=_typed(lambda text: invite.parse_address(text, game.port)),
        help="where the game is (default: the one on the local network; if there are none or several, you choose)",
    )
    joining.add_argument(
        "--host-token",
        metavar="SECRET",
        default="",
        help="what a host without a window has shown its owner: with it, you are the host (only with HOST)",
    )
    for command in (hosting, joining):
        _add_playing(command)
    if game.options:
        game.options(hosting, "host")
        game.options(joining, "join")
    return parser


def _add_hosting(hosting: argparse.ArgumentParser, game: Game) -> None:
    hosting.add_argument(
        "--port",
        type=_typed(invite.parse_port),
        default=game.port,
        help="UDP port to serve at (default: %(default)s)",
    )
    hosting.add_argument(
        "--bind",
        "--hostname",
        metavar="ADDRESS",
        default="0.0.0.0",
        help="own address to serve at (default: all, so that friends can join; localhost: this machine only)",
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
    """Return `parse` as argparse wants it, which shows the sentences of its own kind of error only."""

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


def _usual_name(game: Game, args: argparse.Namespace) -> str:
    """Return what a player who types no name is called: as they typed it on the screen the last time, if ever."""
    if _has_pygame() and not getattr(args, "headless", False):
        from ..connect.remembered import Remembered, default_path

        remembered = Remembered(default_path(game.name)).get("name")
        if remembered:
            return remembered
    return _own_name()


def _own_name() -> str:
    """Return what this machine calls its user, as a start."""
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):  # what it raises when there is no such thing differs by system
        return "Player"


def _has_pygame() -> bool:
    return importlib.util.find_spec("pygame") is not None


def _port_in_use(game: Game, port: int) -> str:
    other = port + 1 if port < 65535 else port - 1
    blamed = user_of_port(port)
    lines = [f"Port {port} is in use, by another program: {blamed or _PERHAPS}."]
    if not blamed or f"games.{game.name} " in blamed:  # else it is something else that cannot be joined from here
        lines.append(f"To join that one:        {invite.joining_command(game, 'localhost', port)}")
    return "\n".join([*lines, f"To open another beside:  {game.command} host --port {other}"])


def _complain(sentence: str) -> int:
    print(sentence, file=sys.stderr, flush=True)
    return 1


@contextmanager
def _leaving_by_signals() -> Iterator[None]:
    """Let each of the signals in ``_ENDINGS`` raise KeyboardInterrupt; restore the handlers afterwards.

    SIGINT is among them because a shell lets the programs that it starts in the background ignore it.
    """
    numbers = [getattr(signal, name) for name in _ENDINGS if hasattr(signal, name)]
    before = {number: signal.signal(number, _leave) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, signal.SIG_DFL if handler is None else handler)


def _leave(signal_number: int, frame: object) -> NoReturn:
    raise KeyboardInterrupt
