"""The numbers of a player's inputs."""

from __future__ import annotations

import threading

from .._protocol.inputs import pace
from .._protocol.peer_events import InputStateReceived


class SentInputs:
    """The inputs of one session: the last one sent, and the last one that each tick's state includes.

    :param kept_ticks: number of ticks to remember.

    :ivar lock: held while an input is numbered and queued, so that inputs leave in the order of their numbers.
        Reentrant: a pump may call handlers while it sends, and a handler may send an input.
    :ivar sent: number of the last input.
    :ivar pace: see ``Client.input_pace``.
    :ivar view_delay: age of the player's view of others at the last input, seconds.
    """

    def __init__(self, kept_ticks: int) -> None:
        self.lock = threading.RLock()
        self.sent = 0
        self.pace = 1.0
        self.view_delay = 0.0
        self._kept_ticks = kept_ticks
        self._applied: dict[int, int] = {}
        """Tick → number of the last input that its state includes."""

    def __len__(self) -> int:
        return len(self._applied)

    def next_number(self, view_time: float | None, server_time: float | None) -> int:
        """Count an input, and return its number.

        :param view_time: see ``Client.send_input``; ``server_time``: the server's time now, seconds.
        """
        if view_time is not None:
            self.view_delay = (server_time or view_time) - view_time
        self.sent += 1
        return self.sent

    def receive(self, event: InputStateReceived) -> None:
        tick = event.tick - 1  # on the wire ticks begin with 1
        self._applied.pop(tick, None)  # to the end
        self._applied[tick] = event.applied
        if len(self._applied) > self._kept_ticks:
            del self._applied[next(iter(self._applied))]
        self.pace = pace(event.margin)

    def applied(self, tick: int) -> int | None:
        """Return the number of the last input that the state of a tick includes; None if unknown."""
        return self._applied.get(tick)
