"""Canvas's gamepad buttons and sounds."""

from collections.abc import Mapping
from typing import Any, Final

from pygase_pygame.app import SoundSet, Tone

PAD: Final[Mapping[str, Any]] = {
    "left": "pad left",
    "right": "pad right",
    "up": "pad up",
    "down": "pad down",
    "draw": "pad 0",
    "erase": "pad 1",
    "undo": "pad 2",
    "thinner": "pad 4",
    "wider": "pad 5",
}

SOUNDS: Final = SoundSet(
    pick=[Tone(1320, 0.03, volume=0.12)],
    undo=[Tone(660, 0.08, to=440, volume=0.15)],
    clear=[Tone(900, 0.35, to=300, shape="noise", volume=0.2)],
    news=[Tone(520, 0.06, volume=0.12), Tone(780, 0.1, volume=0.12)],
    refused=[Tone(150, 0.15, shape="triangle", volume=0.25)],
    saved=[Tone(880, 0.05, volume=0.15), Tone(1100, 0.05, volume=0.15), Tone(1320, 0.12, volume=0.15)],
)
