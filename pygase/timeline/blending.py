"""States between two others, and movement carried on beyond the newer one.

A :class:`Blender` compiles the paths of a game into the shape of its state, once. Then it walks two states along those
paths only, and copies only the moving parts.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from .differences import difference
from .moving import MovingParts
from .rules import Interpolate

HOLDING: Final = 0.5
"""Seconds for which an extrapolated number then stays in place, in case the next snapshot still arrives."""

RETURNING: Final = 0.1
"""Seconds in which it then returns to its last known place."""


class Blender:
    """Computes states between two others by a game's rules.

    :param rules: paths, or :class:`Interpolate` rules for angles, jumps and extrapolation.
    :raises TypeError: a rule is neither a path nor an :class:`Interpolate`.
    :raises ValueError: a path is malformed or named twice.

    :ivar can_snap: whether any rule knows jumps.
    """

    def __init__(self, rules: Iterable[str | Interpolate] = ()) -> None:
        self._root = MovingParts()
        self._ahead: dict[float, MovingParts] = {}  # the same rules, by their `extrapolate`
        self.can_snap = False
        named = set[str]()
        for rule in (rules,) if isinstance(rules, (str, Interpolate)) else rules:
            if not isinstance(rule, (str, Interpolate)):
                raise TypeError(f'a path such as "players.*.x", or an Interpolate, is expected; got {rule!r}')
            self._add(Interpolate(rule) if isinstance(rule, str) else rule, named)
        for root in (self._root, *self._ahead.values()):
            root.settle()

    def blend(self, older: Mapping[str, Any], newer: Mapping[str, Any], progress: float) -> Mapping[str, Any]:
        """Return the state ``progress`` (above 0, below 1) of the way from ``older`` to ``newer``.

        Both stay as they are. If nothing moves, the result is ``older`` itself, else a copy along the moving paths.
        """
        result: Mapping[str, Any] = self._root.blend(older, newer, older, progress)
        return result

    @property
    def reach(self) -> float:
        """Most seconds for which a rule carries movement on."""
        return max(self._ahead, default=0.0)

    def extrapolate(
        self,
        older: Mapping[str, Any],
        newer: Mapping[str, Any],
        span: float,
        overdue: float,
        bridging: float,
        easing: float = 0.0,
    ) -> Mapping[str, Any]:
        """Return ``newer`` with its movement carried on at the speed that it had since ``older``.

        It goes on for ``bridging`` seconds, or longer if a rule says so, then holds and returns (see :func:`carried`).
        Numbers that appeared since ``older``, or jumped, have no speed.

        :param span: seconds between ``older`` and ``newer``.
        :param overdue: seconds since the time of ``newer``.
        :param easing: as in :func:`carried`. Seconds that a rule adds to ``bridging`` are subtracted from it.
        """
        result = newer
        for asked, root in self._ahead.items():
            reach = max(asked, bridging)
            ahead = carried(overdue, reach, max(bridging + easing - reach, 0.0))
            if ahead > 0.0 and span > 0.0:
                result = root.blend(newer, older, result, -ahead / span)
        return result

    def difference(self, state: Mapping[str, Any], shown: Mapping[str, Any]) -> dict[Any, Any]:
        """Return ``shown - state`` for the numbers that move, in the shape of the state.

        Jumps are left out, and so are numbers that only one of the two has.
        """
        return difference(self._root.blend(state, shown, state, 1.0), state)

    def _add(self, rule: Interpolate, named: set[str]) -> None:
        for path in rule.paths:
            if path in named:
                raise ValueError(f"the path {path!r} is named twice; name it in one rule only")
            named.add(path)
        self.can_snap = self.can_snap or rule.snap_on is not None or rule.snap_distance is not None
        for root in (self._root, self._ahead.setdefault(rule.extrapolate, MovingParts())):
            root.add_rule(rule)


def carried(overdue: float, reach: float, easing: float) -> float:
    """Return how far movement is carried on, in seconds at full speed.

    Movement keeps its full speed for ``reach`` seconds. Then it slows down evenly for ``2 * easing`` seconds, which is
    a way of ``easing`` seconds at full speed. It holds, and returns to 0 (see ``HOLDING`` and ``RETURNING``).

    :param overdue: seconds since the newest snapshot's time.
    """
    late = min(max(overdue - reach, 0.0), 2.0 * easing)
    ahead = min(overdue, reach) + (late * (1.0 - late / (4.0 * easing)) if late else 0.0)
    if overdue <= reach + HOLDING:
        return ahead
    return max(ahead * (1.0 - (overdue - reach - HOLDING) / RETURNING), 0.0)
