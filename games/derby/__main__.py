"""`python -m games.derby`: host a match of car football, or join one."""

import argparse
import sys
from typing import Final

from games.derby.referee import MATCH_SECONDS
from games.derby.server import GAME_NAME, PLACES, TICK, DerbyServer
from pygase import Backend
from pygase_pygame.app import Game, Hosting, cli


def _options(parser: argparse.ArgumentParser, command: str) -> None:
    if command == "host":
        parser.add_argument(
            "--minutes",
            type=int,
            choices=range(1, 11),
            default=MATCH_SECONDS // 60,
            metavar="N",
            help="length of a match, 1 to 10 (default: %(default)s)",
        )


def serve(hosting: Hosting) -> Backend:
    """Return the server for a command line."""
    seconds = 60 * getattr(hosting.args, "minutes", MATCH_SECONDS // 60)
    return DerbyServer(hosting.bots, seconds, checkpoint=hosting.checkpoint, lobby=hosting.lobby).backend


GAME: Final = Game(
    name=GAME_NAME,
    title="Derby",
    about="Football with cars, for two to eight over a network",
    serve=serve,
    screen="games.derby.client:DerbyScreen",
    port=7633,
    tick=TICK,
    bots=3,
    most_bots=PLACES - 1,
    lobby=True,
    options=_options,
)

if __name__ == "__main__":
    sys.exit(cli.run(GAME))
