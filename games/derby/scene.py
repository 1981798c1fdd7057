"""The content of one frame of Derby, and the camera."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from games.derby import rules
from games.derby.pitch import GOAL_DEPTH, HEIGHT, MIDDLE, WIDTH
from games.derby.referee import Match, Referee
from games.derby.rules import CAR, World

MARGIN: Final = 10.0  # units around the pitch
SMALLEST_CAR: Final = 7.0  # pixels of its radius: in smaller windows the camera follows the player


@dataclass
class Scene:
    """The content of one frame, with the tables of the state (see `server`)."""

    now: float
    world: World
    match: Match = field(default_factory=lambda: Referee().new_match())
    seats: Mapping[int, Mapping[str, Any]] = field(default_factory=dict)
    me: int | None = None
    phase_age: float = 99.0  # seconds since the match's phase changed
    notice: tuple[str, str, str] | None = None  # title, text, hint
    news: str = ""
    status: str = ""

    @property
    def seconds_to_kick_off(self) -> int:
        """Seconds that the countdown shows; 0 while the ball is in play."""
        return -(-self.world["wait"] // rules.TICKS_PER_SECOND)

    def name_of(self, who: int) -> str:
        """Return a player's name, or ""."""
        return str(self.seats[who]["name"]) if who in self.seats else ""


class Camera:
    """Converts units of the pitch to pixels of a window. It shows the whole pitch if the cars stay large enough.

    :param size: of the window's part for the pitch, pixels; ``top``: of that part.
    :param middle: what the camera follows otherwise, units.
    """

    def __init__(self, size: tuple[int, int], top: int, middle: tuple[float, float]) -> None:
        wide, high = WIDTH + 2 * (GOAL_DEPTH + MARGIN), HEIGHT + 2 * MARGIN
        self.size, self.top = size, top
        self.scale = max(min(size[0] / wide, size[1] / high), SMALLEST_CAR / CAR, 1e-6)
        self._x = _held(middle[0], size[0] / self.scale, -GOAL_DEPTH - MARGIN, WIDTH + GOAL_DEPTH + MARGIN)
        self._y = _held(middle[1], size[1] / self.scale, -MARGIN, HEIGHT + MARGIN)

    def point(self, x: float, y: float) -> tuple[int, int]:
        """Return the pixel of a place."""
        return round((x - self._x) * self.scale), self.top + round((y - self._y) * self.scale)

    def pixels(self, length: float) -> int:
        """Return a length in pixels, at least 1."""
        return max(1, round(length * self.scale))

    def shows(self, x: float, y: float) -> bool:
        """Return whether a place is in the picture."""
        left, down = self.point(x, y)
        return 0 <= left < self.size[0] and self.top <= down < self.top + self.size[1]


def _held(middle: float, seen: float, low: float, high: float) -> float:
    """Return the edge of the picture: around `middle`, within the limits, or centred if all of it is seen."""
    if seen >= high - low:
        return (low + high - seen) / 2
    return max(low, min(middle - seen / 2, high - seen))


def followed(world: World, me: int | None) -> tuple[float, float]:
    """Return what the camera follows: between the player's car and the ball, nearer to the car."""
    car, ball = world["cars"].get(me) if me is not None else None, world["ball"]
    if car is None:
        return ball["x"], ball["y"]
    return car["x"] * 0.6 + ball["x"] * 0.4, car["y"] * 0.6 + ball["y"] * 0.4


def empty_world() -> World:
    """Return the pitch before the first state."""
    return {"ball": {"x": WIDTH / 2, "y": MIDDLE, "vx": 0.0, "vy": 0.0}, "cars": {}, "wait": 0}
