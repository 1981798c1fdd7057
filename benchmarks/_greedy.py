"""A greedy flow in virtual time: a download over TCP Reno. It fills the queue of its bottleneck, and halves on loss."""

from __future__ import annotations

import math
from typing import Final

from pygase.testing import Bottleneck, SimulatedNetwork

SEGMENT_BYTES: Final = 1200
_TIME_OUT: Final = 3.0


class GreedyFlow:
    """Sends from a host on the open side of a bottleneck to one behind it, as fast as its window allows.

    Slow start, then one segment more a round trip (RFC 5681); after a loss, half. Acknowledgements are never lost.

    :ivar arrived_bytes: in all.
    """

    def __init__(self, network: SimulatedNetwork, bottleneck: Bottleneck) -> None:
        self.arrived_bytes = 0
        self._network = network
        self._far = network.open_socket()
        self._near = network.open_socket(bottleneck=bottleneck)
        self._window = 10.0
        self._threshold = math.inf
        self._next = self._acked = self._recover = 0
        self._under_way: set[int] = set()
        self._progress_at = network.now
        self._ends_at = math.inf
        self._step()

    def end(self) -> None:
        """Send nothing from now on."""
        self._ends_at = self._network.now

    def _step(self) -> None:
        if self._network.now >= self._ends_at:
            return
        self._answer()
        self._take_answers()
        while len(self._under_way) < self._window:
            self._under_way.add(self._next)
            self._far.send(self._next.to_bytes(8, "big").ljust(SEGMENT_BYTES, b"."), self._near.own)
            self._next += 1
        self._network.call_at(self._network.now + 0.002, self._step)

    def _answer(self) -> None:
        for data, sender in self._near.take():
            self.arrived_bytes += len(data)
            self._near.send(data[:8], sender)

    def _take_answers(self) -> None:
        for data, _ in self._far.take():
            number = int.from_bytes(data, "big")
            self._under_way.discard(number)
            self._progress_at = self._network.now
            self._window += 1.0 if self._window < self._threshold else 1.0 / self._window
            lost = {each for each in self._under_way if each < number - 3}
            if lost:
                self._under_way -= lost
                self._lose(number)
        if self._network.now > self._progress_at + _TIME_OUT:
            self._under_way.clear()
            self._progress_at = self._network.now

    def _lose(self, number: int) -> None:
        """Halve the window, once a round trip."""
        if number >= self._recover:
            self._recover = self._next
            self._window = self._threshold = max(self._window / 2, 2.0)
