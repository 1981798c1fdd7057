"""The players of a run: all in one process, each sends at its own moment of the tick, as real ones do.

A few witnesses among them read a state as soon as it arrives: the latency is theirs. All others read what has arrived
when their moment comes, so that the players cost little and the server is what is measured.
"""

from __future__ import annotations

import json
import selectors
import socket
import time
from collections.abc import Callable
from typing import Any, ClassVar, Protocol

from meter import pin
from workload import Load

WARM_UP = 1.5
WITNESSES = 4
PATIENCE = 20.0
AT_ONCE = 50
"""How many players try to join in one turn, while those who are in already play."""


class Traffic:
    """Bytes and datagrams (or, with TCP, pieces) that one player has sent and received."""

    def __init__(self) -> None:
        self.up = self.down = self.sent = self.received = 0

    def count_up(self, size: int) -> None:
        """Count a datagram that was sent."""
        self.up += size
        self.sent += 1

    def count_down(self, size: int) -> None:
        """Count a datagram that was received."""
        self.down += size
        self.received += 1


class Player(Protocol):
    """A client that costs little. ``newest`` is the turn of the newest state that it has."""

    traffic: Traffic
    newest: int

    def fileno(self) -> int: ...
    def join(self) -> bool:
        """Go on with the handshake; return whether it is done."""
        ...

    def receive(self) -> None:
        """Take in all that has arrived."""
        ...

    def send(self, turn: int) -> None:
        """Send the input of a turn."""
        ...


class Crowd:
    """All players of a run."""

    def __init__(self, load: Load, make: Callable[[int, int], Player]) -> None:
        """Make the players: ``make(port, number)``."""
        pin(1)
        self._load = load
        self._players = [make(load.port, number) for number in range(load.clients)]
        step = max(len(self._players) - 1, 1) / (WITNESSES - 1)
        self._witnesses = {round(step * n) for n in range(min(WITNESSES, load.clients))}
        self._arrivals: list[tuple[int, float]] = []
        self._watched = selectors.DefaultSelector()

    def run(self) -> None:
        """Join, play, and print what was measured; ``start`` and ``stop`` are printed at their moments."""
        self._join()
        for number in self._witnesses:
            self._watched.register(self._players[number].fileno(), selectors.EVENT_READ, number)
        self._play(WARM_UP)
        before, seen = self._totals(), [player.newest for player in self._players]
        cpu = time.process_time()
        self._arrivals.clear()
        print("start", flush=True)
        self._play(self._load.seconds)
        print("stop", flush=True)
        share = (time.process_time() - cpu) / self._load.seconds
        moved = {name: now - before[name] for name, now in self._totals().items()}
        shown = [player.newest - old for player, old in zip(self._players, seen, strict=True)]
        found = {"arrivals": self._arrivals, "fewest_turns": min(shown), "players_share": share, **moved}
        print(json.dumps(found), flush=True)

    def _join(self) -> None:
        give_up_at = time.monotonic() + PATIENCE
        alive_at = time.monotonic()
        waiting, joined = list(self._players), []
        while waiting:
            if time.monotonic() > alive_at:  # a silent player would be taken for a lost one
                alive_at += 0.2
                for player in joined:
                    player.receive()
                    player.send(0)
            trying, waiting = waiting[:AT_ONCE], waiting[AT_ONCE:]
            for player in trying:
                (joined if player.join() else waiting).append(player)
            time.sleep(0.005)
            if time.monotonic() > give_up_at:
                raise SystemExit(f"{len(waiting)} of {len(self._players)} players did not get connected")

    def _totals(self) -> dict[str, int]:
        names = ("up", "down", "sent", "received")
        return {name: sum(getattr(player.traffic, name) for player in self._players) for name in names}

    def _play(self, seconds: float) -> None:
        load = self._load
        next_at = time.monotonic()
        end, turn = next_at + seconds, 0
        while next_at < end:
            turn += 1
            for slot in range(load.slots):
                next_at += 1 / load.hz / load.slots
                self._watch(next_at)
                for number in range(slot, load.clients, load.slots):
                    self._take(number)
                    self._players[number].send(turn)

    def _watch(self, until: float) -> None:
        """Let the witnesses read at once whatever arrives before that moment."""
        while (pause := until - time.monotonic()) > 0:
            for found, _ in self._watched.select(pause):
                self._take(found.data)

    def _take(self, number: int) -> None:
        """Let a player take in what has arrived; note the moment of a new state if it is a witness."""
        player = self._players[number]
        before = player.newest
        player.receive()
        if player.newest != before and number in self._witnesses:
            self._arrivals.append((player.newest, time.monotonic()))


class CountedSocket(socket.socket):
    """A socket for libraries that make their own: it counts for the ``Traffic`` in ``CountedSocket.traffic_of``."""

    traffic_of: ClassVar[dict[int, Traffic]] = {}

    def _traffic(self) -> Traffic:
        return self.traffic_of.setdefault(self.fileno(), Traffic())

    def sendto(self, data: Any, *args: Any) -> int:
        self._traffic().count_up(len(data))
        return super().sendto(data, *args)

    def recvfrom(self, *args: Any) -> Any:
        found = super().recvfrom(*args)
        self._traffic().count_down(len(found[0]))
        return found
