"""How the bodies of a predicted world are drawn: the rule of a game for a kind of bodies."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final, Literal

from .._state.state_paths import ANY_KEY, parts_of
from .rules import Interpolate

OTHERS_TIME: Final = 0.35
"""Seconds in which a correction of a body fades. A remote car that turned shows no kink in its way."""

MINE_TIME: Final = 0.15
"""The same for the player's own body, which is corrected seldom and is to be where the player steers it."""


@dataclass(frozen=True, slots=True, init=False)
class Glide:
    """Names a kind of bodies that glide when their prediction is corrected: ``Glide("cars.*", "x", "y", snap=150)``.

    A spring without overshoot (critically damped) draws a corrected body. It begins with the place and the speed of the
    picture, so neither jumps. Only the picture glides; the rules never see it.

    :param body: path of the body's dict: keys joined by dots, ``*`` for any key. ``""`` is the whole predicted part.
    :param names: keys of its numbers, or of lists of numbers. They are the coordinates of one point and move together.
    :param time: seconds within which 95 % of an error fade, from 0 (at once) up.
    :param mine: the same for the body under the player's own id.
    :param snap: a body with a larger error jumps. An error is a distance, in the unit of the numbers.
    :param snap_on: path of a value, such as a counter of teleports. If the corrected prediction has another value
        there than the picture, the body jumps. See :class:`pygase.Interpolate`.
    :param angle: ``"radians"`` or ``"degrees"``: the numbers turn the short way round. Name angles in a rule of their
        own: ``Glide("cars.*", "heading", angle="radians")``.
    :param period: the same for other units, and for places in a world without edges.
    :raises TypeError: a path or a name is no text.
    :raises ValueError: there are no names, or a parameter is out of its range.
    """

    body: str
    names: tuple[str, ...]
    time: float
    mine: float
    snap: float | None
    snap_on: str | None
    angle: Literal["radians", "degrees"] | None
    period: float | None

    def __init__(
        self,
        body: str,
        *names: str,
        time: float = OTHERS_TIME,
        mine: float = MINE_TIME,
        snap: float | None = None,
        snap_on: str | None = None,
        angle: Literal["radians", "degrees"] | None = None,
        period: float | None = None,
    ) -> None:
        if not names:
            raise ValueError('Glide expected a body and its numbers, such as Glide("cars.*", "x", "y"), got no numbers')
        if body != "":
            parts_of(body)
        for name in names:
            if len(parts_of(name)) != 1 or name == ANY_KEY:
                raise ValueError(f"Glide expected the keys of a body's numbers, got {name!r}; its path is {body!r}")
        for parameter, seconds in (("time", time), ("mine", mine)):
            if isinstance(seconds, bool) or not isinstance(seconds, (int, float)) or not 0 <= seconds < math.inf:
                raise ValueError(f"{parameter} must be a number of seconds from 0 up, not {seconds!r}")
        if snap is not None and not snap >= 0:
            raise ValueError(f"snap must be a distance from 0 up, or None, not {snap!r}")
        object.__setattr__(self, "body", body)
        object.__setattr__(self, "names", names)
        object.__setattr__(self, "time", time)
        object.__setattr__(self, "mine", mine)
        object.__setattr__(self, "snap", snap)
        object.__setattr__(self, "snap_on", snap_on)
        object.__setattr__(self, "angle", angle)
        object.__setattr__(self, "period", period)
        self.interpolation()

    def interpolation(self, below: str = "") -> Interpolate:
        """Return the rule by which the same numbers are interpolated.

        :param below: path of the part that the body's path begins at.
        """
        start = f"{below}." if below else ""
        place = f"{self.body}." if self.body else ""
        return Interpolate(
            *[f"{start}{place}{name}" for name in self.names],
            angle=self.angle,
            period=self.period,
            snap_distance=self.snap,
            snap_on=None if self.snap_on is None else start + self.snap_on,
        )
