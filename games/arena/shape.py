"""The shape of Arena's states. A client leaves a server whose states do not fit."""

from typing import Final

from games.arena import walls
from games.arena.rules import AIM, AT, FULL_HEALTH, SHOTS, WAIT
from pygase_pygame.app import SEATS, Each, Flag, Number, Row, Shape, State

_COUNT: Final = Number(0, whole=True)
_PILOT: Final = Number(-(2**32), 2**32, whole=True)  # the number of a pilot; 0 is nobody
_PLACE: Final = Row(Number(0, walls.WIDTH), Number(0, walls.HEIGHT))

CHECK: Final[Shape] = State(
    ships=Each({AT: _PLACE, AIM: Number(-180, 180), WAIT: _COUNT, SHOTS: _COUNT}, keys=_PILOT),
    health=Each(Number(0, FULL_HEALTH), keys=_PILOT),
    shields=Each(Flag(), keys=_PILOT),
    pilots=SEATS,
    lobby=Flag(),
    scores=Each(Row(_COUNT, _COUNT), keys=_PILOT),
    winner=_PILOT,
)
