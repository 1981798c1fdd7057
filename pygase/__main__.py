"""``python -m pygase``: what is installed here; and ``python -m pygase show FILE``: a checkpoint for people to read."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterable, Sequence

from .installation import build_info


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; return the exit status: 0, or 1 if it could not be done."""
    parser = argparse.ArgumentParser(prog="python -m pygase", description="Without a command: what is installed here.")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND")
    show = commands.add_parser("show", help="print a checkpoint of a Backend readably, without its secrets")
    show.add_argument("file", metavar="FILE", help="the path that the Backend has as checkpoint=")
    chosen = parser.parse_args(arguments)
    try:
        status = _show(chosen.file) if chosen.command == "show" else _print([str(build_info())])
        sys.stdout.flush()
    except BrokenPipeError:  # as of `| head`: the reader has enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    return status


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
