"""Every game's command line: ``python -m mygame host`` and ``python -m mygame join``."""

from __future__ import annotations

import argparse
import importlib.util
import os
import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final, NoReturn

from pygase import AddressInUse, Backend, CheckpointUnusable, clean_name, is_loopback, own_address, port_beside

from ..connect.remembered import Remembered, default_path, login_name
from . import invite
from .arguments import PLAYERS_KEY, make_parser
from .game import Game, Hosting, announce, serve
from .port_user import user_of_port
from .settings import Settings, settings_path

_NO_PYGAME: Final = """{title}'s window needs pygame, which is not installed. To install it:
    pip install "pygase[pygame]"
(in a checkout of PyGaSe: pip install -e ".[pygame]")"""
_PERHAPS: Final = "perhaps a game that is open on this machine already"
_NO_PYGAME_HOST: Final = "Without it, `host --headless` serves a game that others can join."

_ENDINGS: Final = ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK")
"""Signals of Ctrl-C, of kill, and of a closing terminal. No system has all of them."""


def run(game: Game, argv: Sequence[str] | None = None) -> int:
    """Run the command until the window closes or Ctrl-C is pressed; return the exit status.

    Without any word it opens the game's start screen, on which the player joins or opens a game.

    :param argv: the words after the program's name; None: those of this program.
    """
    parser = make_parser(game)
    words = sys.argv[1:] if argv is None else list(argv)
    args = parser.parse_args(words or ["join"])
    args.start_screen = not words
    if getattr(args, "host_token", "") and args.address is None:
        parser.error("--host-token is for one server only: say which, as in join 192.168.1.5 --host-token SECRET")
    args.name = args.name or _usual_name(game, args)
    if args.debug:
        os.environ["PYGASE_DEBUG"] = "1"  # pygase reads it
    with _leaving_by_signals():
        try:
            return _host(game, args) if args.command == "host" else _join(game, args)
        except KeyboardInterrupt:
            return 0


def _host(game: Game, args: argparse.Namespace) -> int:
    """Serve a game, with a window to play in unless there is no display or --headless is given."""
    if not args.headless and not _has_pygame():
        return _complain(f"{_NO_PYGAME.format(title=game.title)}\n{_NO_PYGAME_HOST}")
    try:
        backend = serve(game, Hosting(args.bots, args))
    except CheckpointUnusable as error:
        return _complain(str(error))
    try:
        thread = backend.run_in_thread(args.bind, args.port, interval=game.tick)
    except AddressInUse:
        return _complain(port_in_use(game, args.port))
    except OSError as error:
        return _complain(f"Cannot serve at {args.bind}, port {args.port}: {error}")
    try:
        if not args.unlisted and not is_loopback(args.bind):
            announce(backend, game, clean_name(args.name))
        # one call, so that no other thread writes into the line
        keys = "" if args.headless else f"{PLAYERS_KEY}\n"
        print(
            f"{invite.invitation(game, args.bind, args.port, invite.private_invite(backend.server))}\n{keys}",
            end="",
            flush=True,
        )
        if args.headless or not _play_at_own(game, args, backend):
            print(f"{_lines_for_the_owner(game, args, backend)}\n", end="", flush=True)
            while thread.is_alive():
                thread.join(timeout=1.0)  # without a timeout, Ctrl-C has no effect on Windows
    finally:
        backend.shutdown()
    return 0


def _lines_for_the_owner(game: Game, args: argparse.Namespace, backend: Backend) -> str:
    command = invite.joining_command(game, own_address(args.bind), args.port)
    return "\n".join(
        [
            "Serving without a window. Ctrl-C ends the game for everyone.",
            "Nobody is its host yet. Whoever joins with this secret is, so keep it to yourself:",
            f"    {command} --host-token {backend.server.host_token}",
        ]
    )


def _join(game: Game, args: argparse.Namespace) -> int:
    if not _has_pygame():
        return _complain(_NO_PYGAME.format(title=game.title))
    return 0 if _play(game, args, args.address) else 1


def _play_at_own(game: Game, args: argparse.Namespace, backend: Backend) -> bool:
    """Return False if no window can be opened."""
    commands = invite.commands(game, args.bind, args.port)
    address = own_address(args.bind), args.port
    return _play(game, args, address, hosted=backend, invitation=commands[0] if commands else "")


def _play(game: Game, args: argparse.Namespace, address: tuple[str, int] | None, **hosting: Any) -> bool:
    """Play until the window closes. If none can be opened, print the reason and return False."""
    os.environ.setdefault("PYGAME_HIDE_SUPPORT_PROMPT", "1")  # the terminal is for the invitation
    from . import play  # only now: a server without a window needs no pygame

    try:
        play.play(game, args, address, **hosting)
    except play.NoDisplay as error:
        print(error, flush=True)
        return False
    return True


def _usual_name(game: Game, args: argparse.Namespace) -> str:
    """Return the name of the last time, in any game, or the login name."""
    if _has_pygame() and not getattr(args, "headless", False):
        remembered = Settings.load(settings_path()).name or Remembered(default_path(game.name)).get("name")
        if remembered:
            return remembered
    return login_name()


def _has_pygame() -> bool:
    return importlib.util.find_spec("pygame") is not None


def port_in_use(game: Game, port: int) -> str:
    """Return the advice for a host whose port is taken."""
    blamed = user_of_port(port)
    lines = [f"Port {port} is in use, by another program: {blamed or _PERHAPS}."]
    if not blamed or f"{game.command.partition(' ')[2]} " in blamed:  # another kind of program cannot be joined
        lines.append(f"To join that one:        {invite.joining_command(game, 'localhost', port)}")
    return "\n".join([*lines, f"To open another beside:  {game.command} host --port {port_beside(port)}"])


def _complain(sentence: str) -> int:
    print(sentence, file=sys.stderr, flush=True)
    return 1


@contextmanager
def _leaving_by_signals() -> Iterator[None]:
    """Let each signal in ``_ENDINGS`` raise KeyboardInterrupt; restore the handlers afterwards.

    SIGINT is among them because a program that a shell starts in the background ignores it.
    """
    numbers = [getattr(signal, name) for name in _ENDINGS if hasattr(signal, name)]
    before = {number: signal.signal(number, leave) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, signal.SIG_DFL if handler is None else handler)


def leave(signal_number: int, frame: object) -> NoReturn:
    """Handle a signal as Ctrl-C."""
    raise KeyboardInterrupt
