"""The time between two ticks of a game loop: acknowledgements and datagrams that can wait do so until the next tick."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

from .._protocol.rhythm import LONGEST_RIDE

if TYPE_CHECKING:
    from .run import ServerRun

CROWDED: Final = 0.5
"""Share of a socket's buffer that the datagrams of one tick may fill. Beyond it they are read between the ticks."""

CROWD: Final = 64
"""Datagrams of one tick below which nobody looks at the buffer."""

CROWDED_SECONDS: Final = 2.0
"""Seconds for which the datagrams are read between the ticks after the buffer was crowded."""


class BetweenTicks:
    """Lets a server's work wait for the next tick while a game loop runs on the network's thread.

    :ivar ticking: True while a game loop on the network's thread computes a tick. Datagrams leave at its end.
    :ivar next_at: when the next tick begins, seconds; -math.inf if nothing may wait for it.
    """

    def __init__(self, run: ServerRun) -> None:
        self._run = run
        self._crowded_until = -math.inf
        self._count = 0
        self.ticking = False
        self.next_at = -math.inf

    def read(self, now: float) -> None:
        """Take in the datagrams that have waited for the tick that begins."""
        run = self._run
        if self._count >= CROWD and run.transport.fullness() > CROWDED:
            self._crowded_until = now + CROWDED_SECONDS
        self._count = run.receive()
        run.driver.looked(self._count)

    def note_tick(self, now: float) -> None:
        """A tick begins, on any thread."""
        run = self._run
        interval = run.server.wire.interval
        run.endpoint.shared.ride.expect(now, run.server.states.wire.pace.until_next(interval), interval / 2)
        if self.ticking:
            self.next_at = now + interval if interval <= LONGEST_RIDE else -math.inf

    def rest(self) -> None:
        """Leave the sockets alone until the next tick, if nobody misses anything by that.

        Without clients there is nothing to save, and the first one gets in at once. A server's own handlers, and wires
        other than a game loop, do not wait for ticks.
        """
        run, now = self._run, self._run.clock()
        run.driver.rest(
            self.next_at > now
            and bool(run.endpoint.peers)
            and run.server.handlers.is_empty
            and run.server.wire.waiting is not None
            and now >= self._crowded_until
        )

    def end(self) -> None:
        """No tick will follow."""
        self.next_at = -math.inf
        self._run.endpoint.shared.ride.leaves_by = -math.inf
        self._run.driver.rest(False)
        self._run.driver.wake()

    def alarm(self, due_at: float | None) -> float | None:
        """Return when the run has to be called between the ticks for work that is due then; None: the tick does it."""
        return None if due_at is not None and due_at >= self.next_at > -math.inf else due_at
