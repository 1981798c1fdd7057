"""`python -m games.pong`: host a game of Pong, or join one."""

import argparse
import getpass
import importlib.util
import os
import signal
import sys
from collections.abc import Callable, Sequence
from typing import Any, NoReturn, TypeVar

from games.pong import invite
from games.pong.server import TICK, PongServer
from pygase import AddressInUse, Backend

T = TypeVar("T")

NO_PYGAME = """Pong's window needs pygame, which is not installed. To install it:
    pip install "pygase[pygame]"
(in a checkout of PyGaSe: pip install -e ".[pygame]")"""
NO_PYGAME_HOST = "Without it, `host --headless` serves a game that others can join."


def main(argv: Sequence[str] | None = None) -> int:
    """Do what the command line says, until the window closes or Ctrl-C; return the exit status."""
    args = _parser().parse_args(argv)
    for number in (signal.SIGINT, signal.SIGTERM):  # shells start what runs in the background deaf to Ctrl-C
        signal.signal(number, _leave)
    try:
        return int(args.run(args))
    except KeyboardInterrupt:
        return 0


def host(args: argparse.Namespace) -> int:
    """Serve a game, with a window to play in unless it is not wanted or there is no display."""
    if not args.headless and not _has_pygame():
        return _complain(f"{NO_PYGAME}\n{NO_PYGAME_HOST}")
    backend = PongServer(bots=not args.no_bot).backend
    try:
        thread = backend.run_in_thread(args.bind, args.port, interval=TICK)
    except AddressInUse:
        return _complain(_port_in_use(args.port))
    except OSError as error:
        return _complain(f"Cannot serve at {args.bind}, port {args.port}: {error}")
    try:
        print(invite.invitation(args.bind, args.port), flush=True)
        if args.headless or not _play_at_own(backend, args):
            print("Serving without a window. Ctrl-C ends the game for everyone.", flush=True)
            while thread.is_alive():
                thread.join(timeout=1.0)  # without a timeout, Ctrl-C would not get through on Windows
    finally:
        backend.shutdown()
    return 0


def join(args: argparse.Namespace) -> int:
    """Open a window and play at somebody's server."""
    if not _has_pygame():
        return _complain(NO_PYGAME)
    hostname, port = args.address
    return 0 if _play(args.name, hostname, port) else 1


def _play_at_own(backend: Backend, args: argparse.Namespace) -> bool:
    """Play at the server that runs here."""
    commands = invite.commands(args.bind, args.port)
    hostname = invite.joining_host(args.bind)
    return _play(args.name, hostname, args.port, hosted=backend, invitation=commands[0] if commands else "")


def _play(name: str, hostname: str, port: int, **hosting: Any) -> bool:
    """Play in a window until it closes; return False, having said why, if there can be no window."""
    os.environ.setdefault("PYGAME_HIDE_SUPPORT_PROMPT", "1")  # the terminal is for the invitation
    from games.pong import client  # only now: a server without a window does without pygame

    try:
        client.play(name, hostname, port, **hosting)
    except client.NoDisplay as error:
        print(error, flush=True)
        return False
    return True


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog=invite.COMMAND, description="Pong for two over a network.")
    commands = parser.add_subparsers(required=True, metavar="host|join")

    hosting = commands.add_parser("host", help="open a game, and play in it", description=host.__doc__)
    hosting.set_defaults(run=host)
    hosting.add_argument(
        "--port",
        type=_typed(invite.parse_port),
        default=invite.DEFAULT_PORT,
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
    hosting.add_argument("--no-bot", action="store_true", help="wait for people instead of playing against a bot")

    joining = commands.add_parser("join", help="play in somebody's game", description=join.__doc__)
    joining.set_defaults(run=join)
    joining.add_argument(
        "address",
        nargs="?",
        metavar="HOST[:PORT]",
        type=_typed(invite.parse_address),
        default=("localhost", invite.DEFAULT_PORT),
        help="where the game is (default: this machine)",
    )
    for command in (hosting, joining):
        command.add_argument("--name", default=_own_name(), help="what the others call you (default: %(default)s)")
    return parser


def _typed(parse: Callable[[str], T]) -> Callable[[str], T]:
    """Return `parse` as argparse wants it, which shows the sentences of its own kind of error only."""

    def typed(text: str) -> T:
        try:
            return parse(text)
        except ValueError as error:
            raise argparse.ArgumentTypeError(str(error)) from None

    return typed


def _own_name() -> str:
    """Return what this machine calls its user, as a start."""
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):  # what it raises when there is no such thing differs by system
        return "Player"


def _has_pygame() -> bool:
    return importlib.util.find_spec("pygame") is not None


def _port_in_use(port: int) -> str:
    other = port + 1 if port < 65535 else port - 1
    return f"""Port {port} is in use: perhaps by a game that is open on this machine already.
To join that one:        {invite.COMMAND} join {invite.address_text("localhost", port)}
To open another beside:  {invite.COMMAND} host --port {other}"""


def _complain(sentence: str) -> int:
    print(sentence, file=sys.stderr, flush=True)
    return 1


def _leave(signal_number: int, frame: object) -> NoReturn:
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
