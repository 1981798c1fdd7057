"""Packets that leave at regular times, pure: acknowledgements ride on them instead of making packets of their own."""

from __future__ import annotations

import math
from typing import Final

LONGEST_RIDE: Final = 0.11
"""Most seconds from one such packet to the next: ten a second, not quite even. Nothing waits for a rarer one, since a
peer's own measurements and resends would be too late."""

_LATE_AFTER: Final = 0.5
"""Intervals by which the next packet may be late."""

_SAME_TURN: Final = 0.001
"""Seconds between two packets that count as one."""


class Ride:
    """The next packet that leaves anyway.

    :ivar leaves_by: by when it leaves, seconds; -math.inf: none is expected.
    """

    __slots__ = ("leaves_by",)

    def __init__(self) -> None:
        self.leaves_by = -math.inf

    def expect(self, left_at: float, interval: float, late: float) -> None:
        """Expect the next packet, unless it is too far off to wait for.

        :param left_at: when the newest one left, or was due; ``interval``: seconds from there to the next.
        :param late: seconds after which the next packet is late, and nothing waits for it any more.
        """
        self.leaves_by = left_at + interval + late if interval <= LONGEST_RIDE else -math.inf


class Rhythm(Ride):
    """Expects the next packet at the distance of the latest two."""

    __slots__ = ("_left_at",)

    def __init__(self) -> None:
        super().__init__()
        self._left_at = -math.inf

    def note(self, now: float) -> None:
        """Note that a packet leaves."""
        interval = now - self._left_at
        if interval > _SAME_TURN:
            self._left_at = now
            self.expect(now, interval, _LATE_AFTER * interval)


NO_RIDE: Final = Ride()
"""Of a peer that sends nothing at regular times."""
