"""Players who have stayed for some seconds. Pure, for servers.

    company.came(client_id, now)                # a player has joined
    for client_id in company.settled(now): ...  # in each tick: announce these players
    if company.left(client_id): ...             # announce the departure

A client that comes and goes would otherwise fill everybody's screen with news.
"""

from collections.abc import Iterable
from typing import Any, Final

from pygase import DisconnectReason

STAYS: Final = 3.0
"""Seconds after which a player is announced."""


def how_left(reason: DisconnectReason) -> str:
    """Return how a player has left, as the end of a sentence."""
    if reason in (DisconnectReason.KICKED, DisconnectReason.BANNED):
        return "has been removed by the host"
    return "has left" if reason is DisconnectReason.CLOSED else "has lost the connection"


class Company:
    """The players in a game.

    Times are seconds of any clock that never goes back.

    :param known: players who have been announced before, as in a game that goes on from a checkpoint.
    """

    def __init__(self, known: Iterable[Any] = ()) -> None:
        self._new: dict[Any, float] = {}  # player → time of arrival, the oldest first
        self._known: set[Any] = set(known)

    def came(self, who: Any, now: float) -> None:
        """Add a player, unless the player is there already."""
        if who not in self._known:
            self._new.setdefault(who, now)

    def settled(self, now: float) -> list[Any]:
        """Return the players who have been here for `STAYS` seconds: each once, the oldest first."""
        settled = [who for who, since in self._new.items() if now >= since + STAYS]
        for who in settled:
            del self._new[who]
            self._known.add(who)
        return settled

    def knows(self, who: Any) -> bool:
        """Return whether a player has been announced."""
        return who in self._known

    def left(self, who: Any) -> bool:
        """Remove a player. Return whether the player had been announced."""
        self._new.pop(who, None)
        known = who in self._known
        self._known.discard(who)
        return known
