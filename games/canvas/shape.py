"""The shape of Canvas's states. A client leaves a server whose states do not fit.

The ink has too many pieces to check in each state. `Painter` skips invalid ones.
"""

from typing import Final

from games.canvas.rules import HEIGHT, MAX_NUMBER, OUTSIDE, PAGE, WIDTH
from pygase_pygame.app import Each, Flag, Number, Row, Shape, State, Text

_NUMBER: Final = Number(0, MAX_NUMBER, whole=True)
_ARTIST: Final = Number(-(2**32), 2**32, whole=True)
_POINT: Final = Row(Number(-OUTSIDE, WIDTH + OUTSIDE), Number(-OUTSIDE, HEIGHT + OUTSIDE))

CHECK: Final[Shape] = State(
    ink=Each(Each(None, most=PAGE), most=MAX_NUMBER),
    people=Each({"name": Text(), "lost": Flag()}, keys=_ARTIST),
    cursors=Each(_POINT, keys=_ARTIST),
    pens=Each(_NUMBER, keys=_ARTIST),
    host=_ARTIST,
)
