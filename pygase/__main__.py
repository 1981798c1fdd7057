"""``python -m pygase``: what is installed here. Commands: ``show FILE``, a checkpoint for people to read; ``relay``."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Final

from .addresses import MAX_PORT, RELAY_PORT
from .installation import build_info

_CTRL_C_STATUS: Final = 130
"""The exit status after Ctrl-C, as shells have it: 128 plus the number of SIGINT."""

_MOST_ROOMS: Final = 1_000_000
_LEAST_BYTES_PER_SECOND: Final = 1_200
"""One datagram of the greatest size."""
_MOST_BYTES_PER_SECOND: Final = 1_000_000_000


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; return the exit status: 0, or 1 if it could not be done."""
    parser = argparse.ArgumentParser(prog="python -m pygase", description="Without a command: what is installed here.")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND")
    show = commands.add_parser("show", help="print a checkpoint of a Backend readably, without its secrets")
    show.add_argument("file", metavar="FILE", help="the path that the Backend has as checkpoint=")
    _add_relay(commands.add_parser("relay", help="run a server that brings players together by a code"))
    chosen = parser.parse_args(arguments)
    try:
        status = _run(chosen)
        sys.stdout.flush()
    except BrokenPipeError:  # as of `| head`: the reader has enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    return status


def _add_relay(relay: argparse.ArgumentParser) -> None:
    relay.add_argument(
        "--port", type=_whole_number(0, MAX_PORT), default=RELAY_PORT, help="UDP port (7777); 0: any free one"
    )
    relay.add_argument("--hostname", default="0.0.0.0", help="own address to listen at (0.0.0.0: all of IPv4; ::: all)")
    relay.add_argument("--key", metavar="FILE", type=Path, help="only hosts that know the key in this file open rooms")
    relay.add_argument(
        "--secret",
        metavar="FILE",
        type=Path,
        help="keeps the relay's own secret, so that rooms keep "
        "their codes over a restart (pygase-relay.secret, in $STATE_DIRECTORY if that is set)",
    )
    rooms, rate = _whole_number(1, _MOST_ROOMS), _whole_number(_LEAST_BYTES_PER_SECOND, _MOST_BYTES_PER_SECOND)
    relay.add_argument("--rooms", type=rooms, default=500, help="most rooms at a time (500)")
    relay.add_argument("--rate", type=rate, default=64_000, help="most bytes a second of a player, each way (64000)")


def _whole_number(least: int, most: int) -> Callable[[str], int]:
    def parse(text: str) -> int:
        if not text.isdecimal() or not least <= int(text) <= most:
            raise argparse.ArgumentTypeError(f"expected a whole number from {least} to {most}, got {text!r}")
        return int(text)

    return parse


def _run(chosen: argparse.Namespace) -> int:
    if chosen.command == "show":
        return _show(chosen.file)
    if chosen.command == "relay":
        return _relay(chosen)
    return _print([str(build_info())])


def _relay(chosen: argparse.Namespace) -> int:
    from ._io.relaying import RelayFileUnusable, new_relay, serve_relay  # only here: few runs need it
    from ._io.signals import EndedBySignal

    secret = chosen.secret or Path(os.environ.get("STATE_DIRECTORY", ""), "pygase-relay.secret")
    try:
        relay = new_relay(secret, chosen.key, chosen.rooms, chosen.rate)
        serve_relay(relay, chosen.hostname, chosen.port, lambda line: print(line, flush=True))
    except (RelayFileUnusable, OSError) as refused:
        print(refused, file=sys.stderr)
        return 1
    except EndedBySignal:
        raise  # its exit status says by which one
    except KeyboardInterrupt:
        return _CTRL_C_STATUS
    return 0


def _print(lines: Iterable[str]) -> int:
    for line in lines:
        print(line)
    return 0


def _show(path: str) -> int:
    from ._server.checkpoint_file import read_checkpoint  # only here: few runs need it
    from ._server.checkpoint_text import checkpoint_lines
    from .errors import CheckpointUnusable

    try:
        checkpoint = read_checkpoint(path)
    except CheckpointUnusable as refused:
        print(refused, file=sys.stderr)
        return 1
    return _print(checkpoint_lines(checkpoint))


if __name__ == "__main__":
    sys.exit(main())
