"""`python -m games.pong`: host a game of Pong, or join one."""

import argparse
import sys
from typing import Final

from games.pong.rules import SERIES
from games.pong.server import GAME_NAME, TICK, PongServer
from pygase import Backend
from pygase_pygame.app import Game, Hosting, cli


def _options(parser: argparse.ArgumentParser, command: str) -> None:
    if command == "host":
        parser.add_argument(
            "--best-of",
            type=int,
            choices=SERIES,
            default=1,
            metavar="N",
            help=f"series of N games, more than half win it: {', '.join(map(str, SERIES))} (default: %(default)s)",
        )


def serve(hosting: Hosting) -> Backend:
    """Return the server for a command line."""
    best_of = getattr(hosting.args, "best_of", 1)
    return PongServer(hosting.bots > 0, best_of, checkpoint=hosting.checkpoint, lobby=hosting.lobby).backend


GAME: Final = Game(
    name=GAME_NAME,
    title="Pong",
    about="Pong for two over a network",
    serve=serve,
    screen="games.pong.client:PongScreen",
    port=7664,  # PONG on the keys of a telephone
    tick=TICK,
    bots=1,
    most_bots=1,
    lobby=True,
    options=_options,
)

if __name__ == "__main__":
    sys.exit(cli.run(GAME))
