"""Many games in a process: a :class:`RoomHost` runs them as rooms behind one port."""

from .asking import new, quick
from .host import Room, RoomHost
from .info import RoomInfo, RoomLimits

__all__ = ["Room", "RoomHost", "RoomInfo", "RoomLimits", "new", "quick"]
