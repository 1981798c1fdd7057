"""The part of a server that outlives a run."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .._io.ports import Clock
    from .._protocol.identity import ServerIdentity
    from .run import ServerRun


class Memory:
    """The part of a server that outlives a run. Without a checkpoint it dies with the process.

    :ivar identity: the server's, if an earlier process had one.
    :ivar next_client_id: the id of the first client of the next run.
    :ivar reset_key: makes the reset tokens; ``b""`` before the first run.
    """

    def __init__(self) -> None:
        self.next_client_id = 1
        self.identity: ServerIdentity | None = None
        self.reset_key = b""

    def live_in_virtual_time(self) -> None:
        """Save without a thread. Call it before the run begins."""

    def set_clock(self) -> None:
        """Set the clock of the store, before a run reads it: no client of the old process sees time go back."""

    def prepare(self, wall_clock: Clock) -> None:
        """Begin to use the file, and go on with the loaded state, before a run takes it over.

        :param wall_clock: returns seconds since 1970.
        :raises CheckpointUnusable: if another server uses the file.
        """

    def begin(self, run: ServerRun) -> None:
        """Take the loaded clients into a run, before its first datagram is read."""

    def look(self, run: ServerRun) -> None:
        """Save if it is time; on the network's thread, right after a tick."""

    def look_from_game(self, run: ServerRun) -> None:
        """Do the same for a game loop on a thread of its own; on that thread, right after a tick."""

    def look_between_ticks(self, run: ServerRun) -> float:
        """Do the same if no ticks are taken; return the time of the next look, seconds; math.inf for never."""
        return math.inf

    def after_server(self) -> None:
        """The server's run has ended. Save for the last time, unless a backend does it; on the network's thread."""

    def after_game(self) -> None:
        """The game loop has ended. If the server has ended before, save again; on the loop's thread."""

    def end(self) -> None:
        """Save for the last time, and wait for the disk within a bound. May be called again."""
