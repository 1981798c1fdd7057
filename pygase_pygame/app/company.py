"""Who has been here long enough to be spoken of: nobody hears of those who only looked in. Pure, for servers.

    company.came(address, now)                  # somebody has joined
    for address in company.settled(now): ...    # in each tick: tell the others that these have
    if company.left(address): ...               # tell the others, who have heard of them

A client that connects and leaves, again and again, would fill everybody's screen with news otherwise.
"""

from typing import Any, Final

from pygase import DisconnectReason

STAYS: Final = 3.0
"""Seconds after which the others hear of somebody."""


def how_left(reason: DisconnectReason) -> str:
    """Return how somebody has left, as the end of a sentence about them."""
    if reason in (DisconnectReason.KICKED, DisconnectReason.BANNED):
        return "has been removed by the host"
    return "has left" if reason is DisconnectReason.CLOSED else "has lost the connection"


class Company:
    """Those who are here. Times are seconds of any clock that only goes on, such as a game's ticks times its `TICK`."""

    def __init__(self) -> None:
        self._new: dict[Any, float] = {}  # when they came, the longest ago first
        self._known: set[Any] = set()

    def came(self, who: Any, now: float) -> None:
        """Somebody has come; nothing happens if they are here already."""
        if who not in self._known:
            self._new.setdefault(who, now)

    def settled(self, now: float) -> list[Any]:
        """Return those who have been here for `STAYS` by now, each of them once, in the order in which they came."""
        settled = [who for who, since in self._new.items() if now >= since + STAYS]
        for who in settled:
            del self._new[who]
            self._known.add(who)
        return settled

    def knows(self, who: Any) -> bool:
        """Return whether the others have heard of somebody."""
        return who in self._known

    def left(self, who: Any) -> bool:
        """Somebody has left; return whether the others have heard of them, and so are to hear of this."""
        self._new.pop(who, None)
        known = who in self._known
        self._known.discard(who)
        return known
