"""`python -m games.canvas`: host a picture, or join one."""

import argparse
import dataclasses
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final, Literal

from games.canvas.files import FileTrouble
from games.canvas.server import BOT_NAMES, TICK, CanvasServer
from pygase import Backend
from pygase_pygame.app import Game, Hosting, cli


def make(hosting: Hosting) -> CanvasServer:
    """Return the server for a command line. Raises `FileTrouble` if its file cannot be read."""
    return CanvasServer(hosting.bots, getattr(hosting.args, "file", None), checkpoint=hosting.checkpoint)


def options(parser: argparse.ArgumentParser, command: Literal["host", "join"]) -> None:
    """Add this game's own options."""
    if command == "host":
        parser.add_argument(
            "--file",
            type=Path,
            metavar="PICTURE.json",
            help="keep the picture in this file: load it if it is there, save it every half minute and at the end",
        )


GAME: Final = Game(
    name="canvas",
    title="Canvas",
    about="Draw on one picture with everybody",
    serve=lambda hosting: make(hosting).backend,
    screen="games.canvas.client:CanvasScreen",
    port=7672,
    tick=TICK,
    bots=0,
    most_bots=len(BOT_NAMES),
    options=options,
)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line. The picture is saved at the end in any case."""
    servers: list[CanvasServer] = []

    def serve(hosting: Hosting) -> Backend:
        servers.append(make(hosting))
        return servers[0].backend

    try:
        return cli.run(dataclasses.replace(GAME, serve=serve), argv)
    except FileTrouble as error:
        print(error, file=sys.stderr, flush=True)
        return 1
    finally:
        for server in servers:
            server.close()


if __name__ == "__main__":
    sys.exit(main())
