"""Colours that nearly everyone can tell apart, also those who cannot tell red from green.

The eight are chosen after Okabe and Ito, "Color Universal Design" (2008), somewhat lighter, for dark backgrounds.
Even so, say nothing by colour alone: names, shapes and positions say it too.
"""

from typing import Final

Colour = tuple[int, int, int]

NIGHT: Final[Colour] = (10, 14, 24)  # around everything, and behind text
FLOOR: Final[Colour] = (21, 29, 47)  # where the game takes place
FAINT: Final[Colour] = (52, 64, 92)  # patterns of the floor
LINE: Final[Colour] = (74, 88, 118)  # edges, and what is only decoration
GREY: Final[Colour] = (158, 170, 194)  # text of the second rank
WHITE: Final[Colour] = (240, 243, 249)  # text

ORANGE: Final[Colour] = (240, 165, 0)
SKY: Final[Colour] = (86, 180, 233)
GREEN: Final[Colour] = (0, 158, 115)
YELLOW: Final[Colour] = (240, 228, 66)
BLUE: Final[Colour] = (70, 120, 230)
RED: Final[Colour] = (213, 80, 20)
PINK: Final[Colour] = (221, 140, 185)
SNOW: Final[Colour] = (225, 229, 238)

PLAYER_COLOURS: Final = (ORANGE, SKY, GREEN, YELLOW, BLUE, RED, PINK, SNOW)


def player_colour(number: int) -> Colour:
    """Return the colour of player `number`, from 0; after eight they come again, so let a shape or a name tell too."""
    return PLAYER_COLOURS[number % len(PLAYER_COLOURS)]


def mixed(colour: Colour, other: Colour, share: float) -> Colour:
    """Return `colour` with so much (0 to 1) of `other` in it."""
    red, green, blue = (round(a + (b - a) * share) for a, b in zip(colour, other, strict=True))
    return red, green, blue
