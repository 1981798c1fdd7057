"""`python -m games.arena`: host a fight in the arena, or join one."""

import sys
from typing import Final

from games.arena.rules import CREW
from games.arena.server import GAME_NAME, TICK, ArenaServer
from pygase_pygame.app import Game, cli

GAME: Final = Game(
    name=GAME_NAME,
    title="Arena",
    about="A shooter for up to 32, seen from above: fly, aim, shoot",
    serve=lambda hosting: ArenaServer(hosting.bots, checkpoint=hosting.checkpoint, lobby=hosting.lobby).backend,
    screen="games.arena.client:ArenaScreen",
    port=7654,
    tick=TICK,
    bots=7,
    most_bots=CREW - 1,
    lobby=True,
)

if __name__ == "__main__":
    sys.exit(cli.run(GAME))
