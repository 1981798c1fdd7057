"""The shape of Chase's states. A client leaves a server whose states do not fit."""

from typing import Final

from games.chase import walls
from pygase_pygame.app import SEATS, Each, Either, Flag, Number, Row, Shape, State, Text

_COUNT: Final = Number(0, whole=True)
_NUMBER: Final = Number(-(2**32), 2**32, whole=True)  # of a player

CHECK: Final[Shape] = State(
    runners=Each(
        {
            "x": Number(0, walls.WIDTH),
            "y": Number(0, walls.HEIGHT),
            "it": Flag(),
            "dash": _COUNT,
            "frozen": _COUNT,
            "safe": _COUNT,
        },
        keys=_NUMBER,
    ),
    people=SEATS,
    lobby=Flag(),
    scores=Each(Row(_COUNT, _COUNT), keys=_NUMBER),
    round={"seconds": _COUNT, "winner": Either(Row(_NUMBER, Text(), _COUNT), Row())},
)
