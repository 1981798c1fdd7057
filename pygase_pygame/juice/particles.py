"""Particles in a pool: sparks, dust, smoke, confetti."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Protocol

import pygame

from ..ui.palette import WHITE, YELLOW, Colour

MOST: Final = 512
"""Particles in a pool, unless it is made with another number."""

_FADES: Final = 8
"""Steps in which a particle becomes transparent."""

_LARGEST: Final = 64
"""Pixels of the largest particle's radius."""

_MOST_PICTURES: Final = 1024
"""Pictures of particles that a pool keeps; all together they take 16 MB at most for particles of 30 pixels."""


class ToPixels(Protocol):
    """Turns units of a game's world into pixels, such as :class:`pygase_pygame.app.Layout`."""

    scale: float

    def point(self, x: float, y: float) -> tuple[int, int]:
        """Return the pixel of a point."""
        ...


@dataclass(frozen=True)
class Burst:
    """The description of particles that begin together. Lengths are units of the game's world, times seconds.

    :ivar count: the number of particles.
    :ivar speed: units a second of the fastest; the slowest has a third of it.
    :ivar seconds: the longest life; the shortest is half of it.
    :ivar size: the radius at the beginning. It shrinks to 0.
    :ivar colours: each particle has one of them.
    :ivar angle: the middle of the directions in degrees, 0 to the right and 90 down.
    :ivar spread: degrees between the outermost directions; 360: all around.
    :ivar drag: the part of the speed that is lost in a second at first; 0: none.
    :ivar gravity: units a second, by which the speed down grows in each second.
    :raises ValueError: there are no colours, or a number is out of range.
    """

    count: int = 24
    speed: float = 240.0
    seconds: float = 0.6
    size: float = 4.0
    colours: Sequence[Colour] = (YELLOW, WHITE)
    angle: float = 0.0
    spread: float = 360.0
    drag: float = 3.0
    gravity: float = 0.0

    def __post_init__(self) -> None:
        if not self.colours:
            raise ValueError("Burst.colours needs at least one colour, such as [(255, 200, 0)]")
        for name in ("count", "speed", "seconds", "size", "drag"):
            value = getattr(self, name)
            if not (0 <= value < math.inf):
                raise ValueError(f"Burst.{name} is a number from 0, got {value!r}")


@dataclass
class _Particle:
    begins_at: float
    seconds: float
    x: float
    y: float
    vx: float
    vy: float
    size: float
    drag: float
    gravity: float
    colour: Colour


class Particles:
    """A pool of particles. It never grows: in a crowd the oldest make room for the newest.

    The place of a particle follows from its age alone, so drawing a moment twice draws the same picture.

    :param most: particles of the pool.
    :param seed: for the directions; the same seed makes the same picture.
    :raises ValueError: ``most`` is no number from 1.
    """

    def __init__(self, most: int = MOST, seed: int = 0) -> None:
        if most < 1:
            raise ValueError(f"Particles(most=...) is a number from 1, got {most!r}")
        self.most = most
        self._random = random.Random(seed)
        self._pool: list[_Particle] = []
        self._next = 0
        self._pictures: dict[tuple[Colour, int, int], pygame.Surface] = {}

    def burst(
        self, burst: Burst, x: float, y: float, now: float, *, angle: float | None = None, strength: float = 1.0
    ) -> None:
        """Begin the particles of a burst at a place.

        :param now: the time at which they begin.
        :param angle: replaces the burst's.
        :param strength: multiplies the number of particles and their speed, such as 0.3 for a light touch.
        """
        middle = burst.angle if angle is None else angle
        for _ in range(min(round(burst.count * strength), self.most)):
            self._add(self._one_of(burst, x, y, now, middle, burst.speed * strength))

    def clear(self) -> None:
        """Remove all particles, as when another round begins."""
        self._pool.clear()
        self._next = 0

    def alive(self, now: float) -> int:
        """Return how many particles are visible at a time."""
        return sum(0.0 <= now - one.begins_at < one.seconds for one in self._pool)

    def draw(self, surface: pygame.Surface, now: float, place: ToPixels | None = None) -> None:
        """Draw the particles of a moment.

        :param place: turns units into pixels, such as a :class:`pygase_pygame.app.Layout`; None: units are pixels.
        """
        point, scale = (place.point, place.scale) if place is not None else (_as_it_is, 1.0)
        pictures = []
        for one in self._pool:
            age = now - one.begins_at
            if 0.0 <= age < one.seconds:
                left = 1.0 - age / one.seconds
                radius = min(round(one.size * scale * left) or 1, _LARGEST)
                x, y = point(*_moved(one, age))
                pictures.append((self._picture(one.colour, radius, left), (x - radius, y - radius)))
        surface.blits(pictures, False)

    def _add(self, particle: _Particle) -> None:
        if len(self._pool) < self.most:
            self._pool.append(particle)
        else:
            self._pool[self._next] = particle
            self._next = (self._next + 1) % self.most

    def _one_of(self, burst: Burst, x: float, y: float, now: float, angle: float, speed: float) -> _Particle:
        chance = self._random
        way = math.radians(angle + (chance.random() - 0.5) * burst.spread)
        pace = speed * (1.0 + 2.0 * chance.random()) / 3.0
        return _Particle(
            begins_at=now,
            seconds=burst.seconds * (0.5 + 0.5 * chance.random()),
            x=x,
            y=y,
            vx=pace * math.cos(way),
            vy=pace * math.sin(way),
            size=burst.size,
            drag=burst.drag,
            gravity=burst.gravity,
            colour=chance.choice(burst.colours),
        )

    def _picture(self, colour: Colour, radius: int, left: float) -> pygame.Surface:
        fade = min(int(left * 2.0 * _FADES), _FADES)  # the first half of its life it is opaque
        key = (colour, radius, fade)
        picture = self._pictures.get(key)
        if picture is None:
            if len(self._pictures) >= _MOST_PICTURES:
                self._pictures.clear()
            picture = self._pictures[key] = _disc(colour, radius, round(255 * (fade or 1) / _FADES))
        return picture


def _as_it_is(x: float, y: float) -> tuple[int, int]:
    return round(x), round(y)


def _moved(one: _Particle, age: float) -> tuple[float, float]:
    """Return the place of a particle at an age: the speed v·e^(-drag·t), summed up."""
    way = (1.0 - math.exp(-one.drag * age)) / one.drag if one.drag else age
    return one.x + one.vx * way, one.y + one.vy * way + 0.5 * one.gravity * age * age


def _disc(colour: Colour, radius: int, alpha: int) -> pygame.Surface:
    picture = pygame.Surface((2 * radius, 2 * radius), pygame.SRCALPHA)
    pygame.draw.circle(picture, (*colour, alpha), (radius, radius), radius)
    return picture
