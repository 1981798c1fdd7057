"""Clients of the soak test, in one process: they join, write letters, leave, and check what they receive."""

from __future__ import annotations

import os
import random
import sys
import threading
import time
from collections import Counter
from typing import Any, Final

from benchmarks._soak_game import INTERVAL, check_sum, listen, resources, say
from pygase import (
    CONNECTED,
    EVENTS_LOST,
    RECONNECTED,
    RECONNECTING,
    RELIABLE,
    Client,
    ClientConfig,
    DisconnectReason,
)

SHORTEST_VISIT: Final = 10.0
LONGEST_VISIT: Final = 90.0
SURELY_SAVED: Final = 10.0
"""Seconds from a connection until a client notices that the server is gone, after which the connection was saved: the
time-out of 5 s, and a few more."""


class Visitor:
    """One client, for one visit.

    :param resume: the file of its seat, or None.
    """

    def __init__(self, port: int, name: str, encryption: str, resume: str | None) -> None:
        self.faults: list[str] = []
        self.lost = 0
        self.sent = self.checked = 0
        self._name = name
        self._newest: dict[int, int] = {}
        self._tick = 0
        self._seated_at = self._missed_at = time.monotonic()
        self.client = Client(config=ClientConfig(encryption=encryption, connect_timeout=30.0))
        self.client.register_event_handler("news", self._on_news)
        self.client.register_event_handler(EVENTS_LOST, self._on_lost)
        for event_type in (CONNECTED, RECONNECTED):
            self.client.register_event_handler(event_type, self._on_seated)
        self.client.register_event_handler(RECONNECTING, self._on_missed)
        self.client.connect_in_thread(port, "127.0.0.1", profile={"name": name}, resume=resume)

    def _on_news(self, epoch: int, number: int) -> None:
        newest = self._newest.get(epoch)
        if newest is not None and number != newest + 1:
            self.faults.append(f"{self._name}: news {number} after {newest}")
        self._newest[epoch] = number

    def _on_lost(self, count: int) -> None:
        self.lost += count

    def _on_seated(self) -> None:
        self._seated_at = time.monotonic()

    def _on_missed(self) -> None:
        self._missed_at = time.monotonic()

    @property
    def is_rightly_out(self) -> bool:
        """Whether it may have lost its place: a server died before it had saved that this client has come, or is
        back."""
        is_new = self._missed_at - self._seated_at < SURELY_SAVED
        return self.client.disconnect_reason is DisconnectReason.NOT_RESUMABLE and is_new

    def play(self, writes: bool) -> None:
        """Do what a client does in a tick."""
        if self.client.status not in ("connected", "reconnecting"):
            return
        self.client.send_input(self.sent)
        if writes and self.client.id is not None:
            self.sent += 1
            self.client.dispatch_event("letter", os.getpid(), self.sent, retries=RELIABLE)
        self._check_newest()

    def _check_newest(self) -> None:
        snapshots = self.client.snapshots
        if not snapshots or snapshots[-1].tick == self._tick:
            return
        newest = snapshots[-1]
        if newest.tick < self._tick:
            self.faults.append(f"{self._name}: tick {newest.tick} after {self._tick}")
        self._tick = newest.tick
        self.checked += 1
        if check_sum(newest.state) != newest.state["check"]:
            self.faults.append(f"{self._name}: the state of tick {newest.tick} differs from the server's")

    def report(self) -> dict[str, Any]:
        """Return how things are."""
        snapshots = self.client.snapshots
        return {
            "id": self.client.id,
            "status": self.client.status,
            "reason": str(self.client.disconnect_reason),
            "process": os.getpid(),
            "sent": self.sent,
            "lost": self.lost,
            "check": snapshots[-1].state["check"] if snapshots else None,
        }


class Crowd:
    """Keeps some visitors in the game: one that leaves, or is thrown out, makes place for the next."""

    def __init__(self, port: int, size: int, encryption: str, seed: int, resume: str | None) -> None:
        self._new = lambda number: Visitor(port, f"visitor {seed}-{number}", encryption, resume)
        self._rng = random.Random(seed)
        self._count = size
        self._visitors = [self._new(number) for number in range(size)]
        self._until = [time.monotonic() + self._visit() for _ in range(size)]
        self._stays = resume is not None
        self._faults: list[str] = []
        self._checked = 0
        self._ended: Counter[str] = Counter()
        self.is_resting = self.is_ending = False
        self._lock = threading.Lock()

    def _visit(self) -> float:
        return self._rng.uniform(SHORTEST_VISIT, LONGEST_VISIT)

    def run(self) -> None:
        """Play until the parent says "end"."""
        tick = 0
        while not self.is_ending:
            tick += 1
            with self._lock:
                for place, visitor in enumerate(self._visitors):
                    visitor.play(writes=not self.is_resting and tick % 4 == 0)
                    if not self.is_resting and self._is_over(place):
                        self._replace(place)
            time.sleep(INTERVAL)
        for visitor in self._visitors:
            visitor.client.disconnect()

    def _is_over(self, place: int) -> bool:
        late = not self._stays and time.monotonic() > self._until[place]
        return late or self._visitors[place].client.status == "disconnected"

    def _replace(self, place: int) -> None:
        former = self._visitors[place]
        if former.client.status == "disconnected":
            reason = former.report()["reason"]
            self._ended[reason] += 1
            if not former.is_rightly_out:
                self._faults.append(f"a client has lost its place: {reason}")
        former.client.disconnect()
        self._settle(former)
        self._count += 1
        self._visitors[place] = self._new(self._count)
        self._until[place] = time.monotonic() + self._visit()

    def _settle(self, visitor: Visitor) -> None:
        self._faults += visitor.faults
        self._checked += visitor.checked

    def report(self) -> None:
        """Say how things are."""
        with self._lock:
            faults = self._faults + [text for visitor in self._visitors for text in visitor.faults]
            checked = self._checked + sum(visitor.checked for visitor in self._visitors)
            say(
                faults=faults,
                checked=checked,
                visits=self._count,
                thrown_out=self._ended,
                visitors=[visitor.report() for visitor in self._visitors],
                **resources(),
            )


def main() -> None:
    port, size, encryption, seed = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3], int(sys.argv[4])
    before = resources()
    crowd = Crowd(port, size, encryption, seed, sys.argv[5] if len(sys.argv) > 5 else None)

    def obey(command: str) -> None:
        if command == "report":
            crowd.report()
        elif command == "rest":
            crowd.is_resting = True
        elif command == "end":
            crowd.is_ending = True

    listen(obey)
    crowd.run()
    deadline = time.monotonic() + 10.0
    while resources()["threads"] > before["threads"] + 1 and time.monotonic() < deadline:
        time.sleep(0.05)
    after = resources()
    say(
        ended=True,
        leaked_threads=after["threads"] - before["threads"] - 1,
        leaked_files=after["files"] - before["files"],
    )


if __name__ == "__main__":
    main()
