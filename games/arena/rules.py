"""The rules of Arena: a ship's tick and a shot's target. Pure functions of their arguments.

The server runs `move` for every ship, each client for its own, ahead of the server, with the same inputs. Both get the
same result to the last bit, because a ship holds whole numbers only.

The server sends every ship to every client in every tick. So its keys are small numbers (`AT`, `AIM`, ...), one byte
each. Times are in ticks, `TICKS_PER_SECOND` a second, lengths in points (see `walls`), angles in whole degrees from
-180 to 179, 0 to the right, clockwise on the screen.
"""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final, NamedTuple

from games.arena import walls

Ship = Mapping[int, Any]

AT: Final = 0  # [x, y] of its middle
AIM: Final = 1  # direction of its gun
WAIT: Final = 2  # ticks until it can fire again
SHOTS: Final = 3  # number of shots fired, modulo `SHOT_NUMBERS`

TICKS_PER_SECOND: Final = 30
SPEED: Final = 100  # points a tick: across the window in 3 s
FULL_STICK: Final = 10  # one axis of a stick at its end
RELOAD: Final = 6  # ticks from one shot to the next: 5 a second
SHOT_NUMBERS: Final = 128  # keeps a shot's number in one byte
RANGE: Final = 6_500  # points: a little more than from the middle of the window to its corner

FULL_HEALTH: Final = 100
DAMAGE: Final = 20
CREW: Final = 32  # most ships

Command = tuple[int, int, int, bool]
"""A player's command for a tick: stick x and y from -FULL_STICK to FULL_STICK, aim in degrees, fire."""


class Hit(NamedTuple):
    """The end of a shot in points, and the number of the ship that it hit, or None."""

    end: tuple[int, int]
    target: int | None


def new_ship(at: Sequence[int], aim: int = 0) -> dict[int, Any]:
    """Return a ship that has not moved or fired yet."""
    return {AT: list(at), AIM: aim, WAIT: 0, SHOTS: 0}


def command(value: object) -> Command | None:
    """Return the command in an input, within its limits, or None if it is no command."""
    if not isinstance(value, (list, tuple)) or len(value) != 4:
        return None
    if not all(isinstance(part, int) and -(2**31) < part < 2**31 for part in value):
        return None
    x, y, aim, fire = value
    return min(max(x, -FULL_STICK), FULL_STICK), min(max(y, -FULL_STICK), FULL_STICK), degrees(aim), bool(fire)


def degrees(angle: float) -> int:
    """Return an angle in whole degrees from -180 to 179."""
    return (round(angle) + 180) % 360 - 180


def move(ship: Ship, value: object, tell: Callable[..., object] | None = None) -> dict[int, Any]:
    """Return a ship one tick later. `value` is its player's input; an invalid one changes nothing but `WAIT`.

    A changed `SHOTS` means that the ship has fired. Then `tell` is called with `"SHOT"`, the shot's number, the ship's
    place and its aim.
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
        after[SHOTS] = (ship[SHOTS] + 1) % SHOT_NUMBERS
        if tell is not None:
            tell("SHOT", after[SHOTS], after[AT], after[AIM])
    return after


def shoot(at: Sequence[float], aim: int, targets: Iterable[tuple[int, Sequence[float]]]) -> Hit:
    """Return the end of a shot: the first wall or target on its line. `targets` are pairs of number and place."""
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
    """Return the unit vector of an angle in degrees."""
    return math.cos(math.radians(aim)), math.sin(math.radians(aim))


def bearing(a: Sequence[float], b: Sequence[float]) -> float:
    """Return the direction from `a` to `b` in degrees."""
    return math.degrees(math.atan2(b[1] - a[1], b[0] - a[0]))


def _way(x: int, y: int) -> tuple[int, int]:
    """Return a ship's movement in a tick, in points. A diagonal one is not faster."""
    pushed = max(math.sqrt(x * x + y * y), FULL_STICK)  # exact on every machine; `hypot` may not be
    return round(SPEED * x / pushed), round(SPEED * y / pushed)
