"""The colours of the adapter and of the shell, which nearly everyone can distinguish, colour-blind people included.

The eight player colours follow M. Okabe and K. Ito, "Color Universal Design" (2008), somewhat lighter for dark
backgrounds. Do not rely on colour alone: give each player a name, a shape or a place as well.
"""

from typing import Final

Colour = tuple[int, int, int]
"""Red, green and blue, 0 to 255 each."""

NIGHT: Final[Colour] = (10, 14, 24)  # around everything, and behind text
FIELD: Final[Colour] = (6, 8, 14)  # inside a text entry
FLOOR: Final[Colour] = (21, 29, 47)  # the place of the game; a button
FAINT: Final[Colour] = (52, 64, 92)  # patterns of the floor
LINE: Final[Colour] = (74, 88, 118)  # edges and decoration
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
CARMINE: Final[Colour] = (224, 16, 76)  # of a team: the farthest from ORANGE, BLUE and SNOW for everybody's eyes

PLAYER_COLOURS: Final = (ORANGE, SKY, GREEN, YELLOW, BLUE, RED, PINK, SNOW)
"""The colours of players 0 to 7."""

TEAM_COLOURS: Final = (ORANGE, BLUE, SNOW, CARMINE)
"""The colours of teams 0 to 3: farther apart than those of players, for everybody's eyes."""


def team_colour(number: int) -> Colour:
    """Return a team's colour, ``number`` from 0. The colours repeat after four."""
    return TEAM_COLOURS[number % len(TEAM_COLOURS)]


def player_colour(number: int) -> Colour:
    """Return a player's colour, ``number`` from 0. The colours repeat after eight."""
    return PLAYER_COLOURS[number % len(PLAYER_COLOURS)]


def mixed(colour: Colour, other: Colour, share: float) -> Colour:
    """Return a mixture of two colours; ``share`` is the part of ``other``, 0 to 1."""
    red, green, blue = (round(a + (b - a) * share) for a, b in zip(colour, other, strict=True))
    return red, green, blue
