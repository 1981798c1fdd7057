"""The shape of Pong's states. A client leaves a server whose states do not fit."""

from typing import Final

from games.pong.flight import HEIGHT, LEFT, RIGHT, WIDTH
from games.pong.rules import OVER, RALLY, SERVE, WAITING
from pygase_pygame.app import SEATS, Flag, Number, Shape, State, Text

_COUNT: Final = Number(0, whole=True)
_SIDE: Final = Text(LEFT, RIGHT)
_ALONG: Final = Number(0, HEIGHT)
_BALL: Final = {"x": Number(-WIDTH, 2 * WIDTH), "y": _ALONG, "vx": Number(-WIDTH, WIDTH), "vy": Number(-WIDTH, WIDTH)}

CHECK: Final[Shape] = State(
    match={
        "phase": Text(WAITING, SERVE, RALLY, OVER),
        "countdown": _COUNT,
        "serve_to": _SIDE,
        "rally": _COUNT,
        "ball": _BALL,
        "paddles": {LEFT: _ALONG, RIGHT: _ALONG},
        "score": {LEFT: _COUNT, RIGHT: _COUNT},
        "winner": Text(LEFT, RIGHT, ""),
        "longest": _COUNT,
        "best_of": _COUNT,
        "games": {LEFT: _COUNT, RIGHT: _COUNT},
    },
    seats=SEATS,
    lobby=Flag(),
)
