"""The players' colours differ also for people with a red-green deficiency, and stand out from the floor.

Deficient vision is simulated after Machado, Oliveira and Fernandes, "A Physiologically-based Model for Simulation of
Color Vision Deficiency" (2009), severity 1.0. Distances are in CIE 1976 L*a*b*; about 2.3 is just noticeable.
"""

from itertools import combinations

import pytest

from pygase_pygame.ui.palette import (
    FLOOR,
    GREY,
    NIGHT,
    PLAYER_COLOURS,
    TEAM_COLOURS,
    WHITE,
    Colour,
    mixed,
    player_colour,
    team_colour,
)

SIGHT = {
    "normal": ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0)),
    "protanopia": ((0.152286, 1.052583, -0.204868), (0.114503, 0.786281, 0.099216), (-0.003882, -0.048116, 1.051998)),
    "deuteranopia": ((0.367322, 0.860646, -0.227968), (0.280085, 0.672501, 0.047413), (-0.011820, 0.042940, 0.968881)),
    "tritanopia": ((1.255528, -0.076749, -0.178779), (-0.078411, 0.930809, 0.147602), (0.004733, 0.691367, 0.303900)),
}
TO_XYZ = ((0.4124564, 0.3575761, 0.1804375), (0.2126729, 0.7151522, 0.0721750), (0.0193339, 0.1191920, 0.9503041))
WHITE_POINT = (0.95047, 1.0, 1.08883)

Vector = tuple[float, ...]


def linear(colour: Colour) -> Vector:
    shares = [channel / 255 for channel in colour]
    return tuple(s / 12.92 if s <= 0.04045 else ((s + 0.055) / 1.055) ** 2.4 for s in shares)


def times(matrix: tuple[Vector, ...], vector: Vector) -> Vector:
    return tuple(sum(a * b for a, b in zip(row, vector, strict=True)) for row in matrix)


def lab(rgb: Vector) -> Vector:
    def curve(t: float) -> float:
        return t ** (1 / 3) if t > 216 / 24389 else (24389 / 27 * t + 16) / 116

    x, y, z = (curve(value / white) for value, white in zip(times(TO_XYZ, rgb), WHITE_POINT, strict=True))
    return 116 * y - 16, 500 * (x - y), 200 * (y - z)


def distance(one: Colour, other: Colour, sight: str) -> float:
    seen = [
        lab(tuple(min(max(value, 0.0), 1.0) for value in times(SIGHT[sight], linear(colour))))
        for colour in (one, other)
    ]
    return float(sum((a - b) ** 2 for a, b in zip(*seen, strict=True)) ** 0.5)


def contrast(one: Colour, other: Colour) -> float:
    """Return the contrast of WCAG 2.1, from 1 to 21."""
    high, low = sorted((times(TO_XYZ, linear(colour))[1] for colour in (one, other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("sight", SIGHT)
def test_any_two_players_colours_differ_whoever_looks(sight: str) -> None:
    distances = {(a, b): distance(a, b, sight) for a, b in combinations(PLAYER_COLOURS, 2)}
    print(sight, min(distances.values()))
    assert min(distances.values()) > 12


@pytest.mark.parametrize("sight", SIGHT)
def test_teams_differ_far_more_than_players_whoever_looks(sight: str) -> None:
    distances = {(a, b): distance(a, b, sight) for a, b in combinations(TEAM_COLOURS, 2)}
    print(sight, distances)
    assert min(distances.values()) > 40
    assert distance(*TEAM_COLOURS[:2], sight) > 60
    assert [team_colour(number) for number in (0, 1, 4)] == [*TEAM_COLOURS[:2], TEAM_COLOURS[0]]


@pytest.mark.parametrize("colour", [*PLAYER_COLOURS, WHITE, GREY])
@pytest.mark.parametrize("ground", [NIGHT, FLOOR])
def test_everything_stands_out_from_the_ground(colour: Colour, ground: Colour) -> None:
    """WCAG asks for a contrast of 3, and of 4.5 for text."""
    assert contrast(colour, ground) >= (4.5 if colour in (WHITE, GREY) else 3)


def test_there_is_a_colour_for_every_number() -> None:
    assert [player_colour(number) for number in range(8)] == list(PLAYER_COLOURS)
    assert player_colour(8) == player_colour(0)


def test_mixing_goes_from_one_colour_to_the_other() -> None:
    assert mixed((0, 0, 0), (100, 50, 10), 0) == (0, 0, 0)
    assert mixed((0, 0, 0), (100, 50, 10), 0.5) == (50, 25, 5)
    assert mixed((0, 0, 0), (100, 50, 10), 1) == (100, 50, 10)
