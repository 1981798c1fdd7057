"""`python -m games.chase`: host a game of Chase, or join one."""

import sys
from typing import Final

from games.chase.rules import MOST_RUNNERS
from games.chase.server import GAME_NAME, TICK, ChaseServer
from pygase_pygame.app import Game, cli

GAME: Final = Game(
    name=GAME_NAME,
    title="Chase",
    about="Tag for up to 16: run from the one who is it, around walls",
    serve=lambda hosting: ChaseServer(hosting.bots, checkpoint=hosting.checkpoint, lobby=hosting.lobby).backend,
    screen="games.chase.client:ChaseScreen",
    port=7665,
    tick=TICK,
    bots=4,
    most_bots=MOST_RUNNERS - 1,
    lobby=True,
)

if __name__ == "__main__":
    sys.exit(cli.run(GAME))
