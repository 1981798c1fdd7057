"""The shape of Derby's states. A client leaves a server whose states do not fit."""

from typing import Final

from games.derby.pitch import HEIGHT, WIDTH
from games.derby.referee import GOAL, OVER, PLAY, WAITING
from games.derby.rules import BALL_TOP, TANK
from pygase_pygame.app import SEATS, Each, Flag, Number, Row, Shape, State, Text

_COUNT: Final = Number(0, whole=True)
_SPEED: Final = Number(-10 * BALL_TOP, 10 * BALL_TOP)
_BODY: Final = {"x": Number(-WIDTH, 2 * WIDTH), "y": Number(-HEIGHT, 2 * HEIGHT), "vx": _SPEED, "vy": _SPEED}
_LOOK: Final = Number(-2, 2)
_CAR: Final = {**_BODY, "hx": _LOOK, "hy": _LOOK, "boost": Number(0, 2 * TANK), "team": Number(0, 1, whole=True)}

CHECK: Final[Shape] = State(
    world={
        "ball": _BODY,
        "cars": Each(
            {**_BODY, "hx": _LOOK, "hy": _LOOK, "boost": Number(0, 2 * TANK), "team": Number(0, 1, whole=True)}
        ),
        "wait": _COUNT,
    },
    match={
        "phase": Text(WAITING, PLAY, GOAL, OVER),
        "left": _COUNT,
        "pause": _COUNT,
        "score": Row(_COUNT, _COUNT),
        "scorer": Number(whole=True),
        "own": Flag(),
        "team": Number(0, 1, whole=True),
    },
    seats=SEATS,
    lobby=Flag(),
)
