"""The shape of Chase's states. A client leaves a server whose states do not fit."""

from typing import Final

from games.chase import walls
from pygase_pygame.app import Each, Either, Flag, Number, Row, Shape, State, Text

_COUNT: Final = Number(0, whole=True)
_MARK: Final = Number(0, 2**32, whole=True)

CHECK: Final[Shape] = State(
    runners=Each(
        {
            "x": Number(0, walls.WIDTH),
            "y": Number(0, walls.HEIGHT),
            "it": Flag(),
            "dash": _COUNT,
            "frozen": _COUNT,
            "safe": _COUNT,
        }
    ),
    people=Each({"name": Text(), "bot": Flag(), "mark": _MARK}),
    scores=Each(Row(_COUNT, _COUNT)),
    round={"seconds": _COUNT, "winner": Either(Row(_COUNT, Text(), _COUNT), Row())},
)
