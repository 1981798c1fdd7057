"""The game that all servers run: 64 entities, of which a quarter moves in each tick. It needs nothing but Python."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict, dataclass
from typing import Any

ENTITIES = 64
MOVING = ENTITIES // 4
FIRST_TURN = 1 << 20
"""The number of the first turn. msgpack writes it in five bytes, so a light player need not decode a whole state."""


@dataclass(frozen=True)
class Load:
    """One run: the number of clients, ticks per second, seconds measured after the warm-up, and what a server sends.

    ``sends`` is "changes" or "everything": the entities that moved, or the whole state. ``port`` is the server's.
    """

    clients: int
    hz: float
    seconds: float
    sends: str = "changes"
    port: int = 0

    @property
    def slots(self) -> int:
        """The number of moments of a tick at which clients send, a millisecond apart at least."""
        return max(min(self.clients, int(1000 / self.hz)), 1)

    def as_argument(self) -> str:
        """Return the run as one word of a command line; ``given`` reads it."""
        return json.dumps(asdict(self))


def given() -> Load:
    """Return the run that this program was started for: its first argument."""
    return Load(**json.loads(sys.argv[1]))


def entities() -> dict[int, dict[str, Any]]:
    """Return the entities of the first tick."""
    return {i: {"x": i * 1.5, "y": i * 2.5, "vx": 1.0, "vy": -1.0, "hp": 100, "name": f"e{i}"} for i in range(ENTITIES)}


def moves(current: dict[int, dict[str, Any]], turn: int, dt: float) -> dict[int, dict[str, float]]:
    """Return the new places of those entities whose turn it is, ``dt`` seconds later. ``current`` stays as it is."""
    first = turn * MOVING % ENTITIES
    moved = {}
    for i in range(first, first + MOVING):
        entity = current[i]
        moved[i] = {"x": entity["x"] + entity["vx"] * dt, "y": entity["y"] + entity["vy"] * dt}
    return moved


class World:
    """The game of a server that has no game state of its own: it keeps the entities, and makes what is sent."""

    def __init__(self, sends: str) -> None:
        self.entities = entities()
        self.held: dict[Any, Any] = {}
        self.turn = FIRST_TURN
        self._sends_everything = sends == "everything"

    def step(self, dt: float) -> dict[str, Any]:
        """Move the entities. Return the message for all clients."""
        self.turn += 1
        moved = moves(self.entities, self.turn, dt)
        for i, changes in moved.items():
            self.entities[i].update(changes)
        return {"turn": self.turn, "entities": self.entities if self._sends_everything else moved}


def turn_of(message: bytes) -> int:
    """Return the turn that a packed message of ``World.step`` begins with: ``82 a4 "turn" ce`` and four bytes."""
    return int.from_bytes(message[7:11], "big")
