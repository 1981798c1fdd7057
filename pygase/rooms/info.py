"""What a room is made with, and the bounds of a host of rooms."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any


@dataclass(frozen=True)
class RoomInfo:
    """What a maker gets for a new room.

    :ivar code: by which players enter the room.
    :ivar kind: the key of the maker.
    :ivar options: what the creator of the room has asked for: plain values. A stranger's options are not checked, so
        the maker checks them, and raises a ValueError with words for the player.
    :ivar private: whether only players with the code get in: quick matches leave the room out.
    """

    code: str
    kind: str
    options: Mapping[str, Any] = field(default_factory=dict)
    private: bool = False


@dataclass(frozen=True)
class RoomLimits:
    """The bounds of a host. All numbers are positive; ``math.inf`` is no bound."""

    rooms: float = 128
    """Most rooms. In rooms of four players at 20 ticks a second, a processor core carries about this number."""
    players: float = 1024
    """Most players in all rooms."""
    players_per_room: float = 256
    """Most players in a room. The ``ServerConfig(max_clients=...)`` of its Backend may allow fewer."""
    per_address: float = 64
    """Most players in all rooms from one IP address; for IPv6 from one /64. A school is behind one."""
    creates_per_minute: float = 6
    """Rooms that the players from one address may have made, at once and in a minute."""
    close_empty_after: float = 30.0
    """Seconds after which an empty room is closed that a player has made. A room of ``RoomHost.create`` stays."""
    tick_budget: float = 0.010
    """Seconds of the processor that a tick of a room may take. If five ticks within ten seconds take more, the room is
    closed, so that the others play on."""

    def __post_init__(self) -> None:
        for each in fields(self):
            value = getattr(self, each.name)
            if isinstance(value, bool) or not isinstance(value, (int, float)) or not value > 0 or math.isnan(value):
                raise ValueError(f"RoomLimits.{each.name} must be a positive number, got {value!r:.80}")
