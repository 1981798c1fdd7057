"""A computer player that doodles: flowers, suns, houses, waves, spirals."""

import math
import random
from collections.abc import Callable, Iterator
from typing import Final, NamedTuple

from games.canvas import rules
from games.canvas.pen import PIECE_TICKS, Pen
from games.canvas.rules import Point

DRAWING_SPEED: Final = 30.0  # units a tick with the pen down
LIFTED_SPEED: Final = 60.0  # units a tick with the pen up
REST_TICKS: Final = (20, 90)  # pause between two doodles: shortest, longest
MOST_STROKES: Final = 60  # strokes of one bot in the picture; then it removes its oldest

Line = list[tuple[float, float]]
Look = tuple[int, int]  # colour and width


class Turn(NamedTuple):
    """A bot's tick: its cursor, its stroke and its new pieces."""

    at: Point
    stroke: int  # number of the present stroke; -1 for none
    lines: list[tuple[int, int, bytes]]  # new pieces: number of the stroke, number of the piece in it, line


class Bot:
    """Doodles without end. Call `turn` once a tick. The same `rng` seed gives the same doodles."""

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        self._at: tuple[float, float] = (rng.uniform(0, rules.WIDTH), rng.uniform(0, rules.HEIGHT))
        self._moves = self._doodle_for_ever()
        self._pen: Pen | None = None
        self._stroke = self._part = 0
        self._ticks = 0

    def turn(self) -> Turn:
        """Return its actions in the next tick."""
        way, look = next(self._moves)
        lines: list[tuple[int, int, bytes]] = []
        if self._pen is None and look is not None:
            self._pen, self._part, self._ticks = Pen(*look, rules.clamped(*way[0])), 0, -1
        if self._pen is not None:
            for x, y in way:
                self._pen.move(x, y)
        self._ticks += 1
        if self._ticks % PIECE_TICKS == 0 or look is None:
            lines = self._take()
        if self._pen is not None and look is None:
            self._pen, self._stroke = None, (self._stroke + 1) % (rules.MAX_NUMBER + 1)
        return Turn(rules.clamped(*self._at), -1 if self._pen is None else self._stroke, lines)

    def _take(self) -> list[tuple[int, int, bytes]]:
        lines = [] if self._pen is None else self._pen.take()
        taken = [(self._stroke, self._part + place, line) for place, line in enumerate(lines)]
        self._part += len(lines)
        return taken

    def _doodle_for_ever(self) -> Iterator[tuple[Line, Look | None]]:
        rng = self._rng
        while True:
            size = rng.uniform(120, 320)
            middle = rng.uniform(size, rules.WIDTH - size), rng.uniform(size, rules.HEIGHT - size)
            look = rng.randrange(1, len(rules.COLOURS)), rng.randrange(1, 4)
            for line in rng.choice(DOODLES)(rng):
                yield from self._draw([(middle[0] + x * size, middle[1] + y * size) for x, y in line], look)
            for _ in range(rng.randint(*REST_TICKS)):
                yield [self._at], None

    def _draw(self, line: Line, look: Look) -> Iterator[tuple[Line, Look | None]]:
        yield from ((way, None) for way in self._walk([self._at, line[0]], LIFTED_SPEED))
        yield from ((way, look) for way in self._walk(line, DRAWING_SPEED))
        yield [self._at], None

    def _walk(self, line: Line, speed: float) -> Iterator[Line]:
        """Move along a line by `speed` units a tick. Yield each tick's points."""
        way, left = [line[0]], 0.0
        self._at = line[0]
        for target in line[1:]:
            while (distance := math.dist(self._at, target)) > left:
                share = left / distance
                self._at = (
                    self._at[0] + (target[0] - self._at[0]) * share,
                    self._at[1] + (target[1] - self._at[1]) * share,
                )
                yield [*way, self._at]
                way, left = [], speed
            left -= distance
            self._at = target
            way.append(target)
        yield [*way, self._at]


# Lines in a square from -1 to 1, y downwards.


def _ring(x: float, y: float, radius: float, steps: int = 24) -> Line:
    return [
        (x + radius * math.cos(math.tau * n / steps), y + radius * math.sin(math.tau * n / steps))
        for n in range(steps + 1)
    ]


def _flower(rng: random.Random) -> list[Line]:
    petals = rng.randint(4, 7)
    turns = [math.tau * n / 90 for n in range(91)]
    blossom = [
        (0.55 * r * math.cos(a), -0.4 + 0.55 * r * math.sin(a))
        for a in turns
        for r in (0.55 + 0.45 * math.cos(petals * a),)
    ]
    return [blossom, [(0.0, 0.1), (0.06, 0.5), (0.0, 1.0)], [(0.03, 0.7), (0.3, 0.45), (0.05, 0.6)]]


def _sun(rng: random.Random) -> list[Line]:
    rays = rng.randint(7, 11)
    angles = [math.tau * n / rays for n in range(rays)]
    return [
        _ring(0, 0, 0.5),
        *([(0.65 * math.cos(a), 0.65 * math.sin(a)), (math.cos(a), math.sin(a))] for a in angles),
    ]


def _house(rng: random.Random) -> list[Line]:
    wall = [(-0.7, 1.0), (-0.7, 0.0), (0.7, 0.0), (0.7, 1.0), (-0.7, 1.0)]
    door = rng.uniform(-0.4, 0.2)
    return [
        wall,
        [(-0.85, 0.05), (0.0, -0.9), (0.85, 0.05)],
        [(door, 1), (door, 0.4), (door + 0.3, 0.4), (door + 0.3, 1)],
    ]


def _waves(rng: random.Random) -> list[Line]:
    crests = rng.randint(2, 4)
    xs = [n / 20 - 1 for n in range(41)]
    return [[(x, y + 0.15 * math.sin(crests * math.pi * x)) for x in xs] for y in (-0.4, 0.0, 0.4)]


def _spiral(rng: random.Random) -> list[Line]:
    turns = rng.randint(2, 4)
    steps = [n / (24 * turns) for n in range(24 * turns + 1)]
    return [[(s * math.cos(math.tau * turns * s), s * math.sin(math.tau * turns * s)) for s in steps]]


def _face(rng: random.Random) -> list[Line]:
    mood = rng.choice((0.25, -0.2))
    mouth = [(x / 10, 0.4 + mood * (1 - (x / 5) ** 2)) for x in range(-5, 6)]
    return [_ring(0, 0, 0.95), _ring(-0.35, -0.3, 0.08, 8), _ring(0.35, -0.3, 0.08, 8), mouth]


DOODLES: Final[tuple[Callable[[random.Random], list[Line]], ...]] = (_flower, _sun, _house, _waves, _spiral, _face)
