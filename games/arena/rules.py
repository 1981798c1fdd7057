"""The rules of Arena: what a ship does in a tick, and what a shot hits. Pure functions of their arguments.

The server runs `move` for everybody; each client runs it for its own ship, ahead of the server, with the same inputs.
Both get the same, to the last bit: all that a ship remembers is whole numbers.

A ship travels to every client in every tick, so its parts have numbers for names (`AT`, `AIM`, ...), which take a byte
each. Time is in ticks, `TICKS_PER_SECOND` a second; lengths are points (see `walls`); angles are whole degrees from
-180 to 179, clockwise from "right", as a screen has them.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, NamedTuple

from games.arena import walls

Ship = Mapping[int, Any]

AT: Final = 0  # [x, y] of its middle
AIM: Final = 1  # where its gun points
WAIT: Final = 2  # ticks until it can fire again
SHOTS: Final = 3  # how often it has fired, counted from 0 to `COUNT - 1` and round again

TICKS_PER_SECOND: Final = 30
SPEED: Final = 100  # points per tick: from one side of the window to the other in 3 s
FULL: Final = 10  # a stick that is pushed all the way, in one of its two directions
RELOAD: Final = 6  # ticks from one shot to the next: 5 a second
COUNT: Final = 128  # so that the count takes one byte
RANGE: Final = 6_500  # of a shot: from the middle of the window to its corner, and a bit

FULL_HEALTH: Final = 100
DAMAGE: Final = 20
CREW: Final = 32  # most ships

Command = tuple[int, int, int, bool]
"""What a player does in a tick: push the stick (x, y: -FULL to FULL), aim (degrees), fire."""


class Hit(NamedTuple):
    """Where a shot ends, and whom it has hit."""

    end: tuple[int, int]
    target: int | None


def new_ship(at: Sequence[int], aim: int = 0) -> dict[int, Any]:
    """Return a ship that has just come."""
    return {AT: list(at), AIM: aim, WAIT: 0, SHOTS: 0}


def command(value: object) -> Command | None:
    """Return the command that a client sent, or None if it is none. It may have sent anything."""
    if not isinstance(value, (list, tuple)) or len(value) != 4:
        return None
    if not all(isinstance(part, int) and -(2**31) < part < 2**31 for part in value):
        return None
    x, y, aim, fire = value
    return min(max(x, -FULL), FULL), min(max(y, -FULL), FULL), degrees(aim), bool(fire)


def degrees(angle: float) -> int:
    """Return an angle as the rules have it: whole, from -180 to 179."""
    return (round(angle) + 180) % 360 - 180


def move(ship: Ship, value: object) -> dict[int, Any]:
    """Return a ship one tick later, given what its player sent. What makes no sense moves nothing.

    It has fired if `SHOTS` is another.
    """
    after = {**ship, WAIT: max(ship[WAIT] - 1, 0)}
    done = command(value)
    if done is None:
        return after
    x, y, after[AIM], fire = done
    if x or y:
        after[AT] = list(walls.step(ship[AT], _way(x, y)))
    if fire and not ship[WAIT]:
        after[WAIT] = RELOAD - 1
        after[SHOTS] = (ship[SHOTS] + 1) % COUNT
    return after


def shoot(at: Sequence[float], aim: int, targets: Iterable[tuple[int, Sequence[float]]]) -> Hit:
    """Return what a shot meets first, of the walls and of the targets: numbers, and where they are."""
    dx, dy = direction(aim)
    way, target = walls.free_way(at[0], at[1], dx, dy, RANGE), None
    for number, (x, y) in targets:
        x, y = x - at[0], y - at[1]
        along, beside = x * dx + y * dy, x * dy - y * dx
        if abs(beside) <= walls.RADIUS and along > 0:
            met = max(along - math.sqrt(walls.RADIUS**2 - beside**2), 0.0)
            if met < way:
                way, target = met, number
    return Hit((round(at[0] + dx * way), round(at[1] + dy * way)), target)


def direction(aim: float) -> tuple[float, float]:
    """Return the step of length 1 that leads to where a gun points."""
    return math.cos(math.radians(aim)), math.sin(math.radians(aim))


def bearing(a: Sequence[float], b: Sequence[float]) -> float:
    """Return the angle, in degrees, at which one point is seen from another."""
    return math.degrees(math.atan2(b[1] - a[1], b[0] - a[0]))


def _way(x: int, y: int) -> tuple[int, int]:
    """Return how far a stick moves a ship in a tick: not faster across than straight on."""
    pushed = max(math.sqrt(x * x + y * y), FULL)  # the same to the last bit everywhere, which `hypot` need not be
    return round(SPEED * x / pushed), round(SPEED * y / pushed)
