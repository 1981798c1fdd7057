"""Bodies that change sides: from the interpolated part of a world to the predicted one, and back. Pure.

The two parts show different moments, so a body that changes sides would jump. It is drawn where it was, and the rest of
the way fades.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from .bodies import Body, GlidingBodies, Values
from .world_rules import copied

BLEND: Final = 0.3
"""Seconds in which a body that has changed sides glides to its new place. The examples of lightyear, a library for
Bevy, blend as long."""


class _Drawn(NamedTuple):
    """A body in the last picture."""

    is_predicted: bool
    values: Values


class _Blend(NamedTuple):
    """How far a body was off when it changed sides, and when that was."""

    way: list[float]
    since: float


class Switching:
    """Puts the predicted bodies of a world among the interpolated ones.

    :param bodies: the rules of those that glide. All others change sides at once.
    """

    def __init__(self, bodies: GlidingBodies) -> None:
        self._bodies = bodies
        self.reset()

    def reset(self) -> None:
        """Forget the last picture."""
        self._last: dict[Body, _Drawn] = {}
        self._blends: dict[Body, _Blend] = {}

    def joined(self, interpolated: Mapping[Any, Any], predicted: Any, now: float) -> Any:
        """Return the world to be drawn, a copy.

        :param interpolated: the whole world; it is only read.
        :param predicted: the part of it that is predicted, in the same shape.
        :param now: any clock that counts seconds, the same in each call.
        """
        world = copied(interpolated)
        _overlay(world, predicted)
        near, drawn = self._bodies.read(predicted), dict[Body, _Drawn]()
        for body, values in self._bodies.read(world).items():
            drawn[body] = shown = self._shown(body, _Drawn(body in near, values), now)
            if shown.values is not values:
                self._bodies.write(world, {body: shown.values})
        self._last = drawn
        return world

    def _shown(self, body: Body, here: _Drawn, now: float) -> _Drawn:
        """Return where a body is drawn."""
        last = self._last.get(body)
        if last is not None and last.is_predicted != here.is_predicted and len(last.values) == len(here.values):
            way = self._bodies.ways(body, here.values, last.values)
            self._blends.pop(body, None)
            if not self._bodies.jumps(body, way):
                self._blends[body] = _Blend(way, now)
        blend = self._blends.get(body)
        if blend is None:
            return here
        share = _left((now - blend.since) / BLEND)
        if share <= 0.0 or len(blend.way) != len(here.values):
            del self._blends[body]
            return here
        moved = tuple([value + way * share for value, way in zip(here.values, blend.way, strict=True)])
        return _Drawn(here.is_predicted, moved)


def _left(share: float) -> float:
    """Return the part of a way that is left: a curve that begins and ends slowly."""
    share = min(max(share, 0.0), 1.0)
    return 1.0 - share * share * (3.0 - 2.0 * share)


def _overlay(under: Any, over: Mapping[Any, Any]) -> None:
    """Set all values of a tree of dicts in another one."""
    for key, value in over.items():
        below = under.get(key)
        if type(below) is dict and type(value) is dict:
            _overlay(below, value)
        else:
            under[key] = value
