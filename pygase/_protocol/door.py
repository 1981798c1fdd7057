"""The door of a host of rooms: it proves each newcomer's address, and only then looks for the room."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Final

from ..config import ServerConfig
from ..errors import DisconnectReason, MalformedPacket
from .admission import host_of
from .buckets import Buckets
from .challenges import Opened
from .crypto import RandomBytes
from .datagrams import ChallengeResponse, Goodbye
from .endpoint import ServerEndpoint
from .entrance import Objection
from .handshake import Address
from .house import Arrival, Home, House
from .wire import CHALLENGE_RESPONSE, DATA, ENCRYPTED, GOODBYE, PATH_RESPONSE, TOKEN_BYTES, URGENT

WRONG_CODES: Final = 8
"""Codes of no room that a host may try at once: a friend's handwriting, not a search."""

WRONG_CODES_PER_SECOND: Final = 0.2
"""The same in the long run. A code of four letters is one of 920,000: a search for one of 100 rooms takes 13 hours."""

_HOSTS: Final = 4096
"""Hosts whose wrong codes are remembered."""

_OF_A_CONNECTION: Final = frozenset({DATA, ENCRYPTED, URGENT, PATH_RESPONSE})
"""Kinds of datagrams that begin with the token of a connection, after their kind."""

Found = tuple[ServerEndpoint, Home, str]
"""A room: its endpoint, its home and its code."""

Search = Callable[[Opened, str, float], Found | Objection]
"""Returns the room for an opened response from a host (a name as of ``host_of``) at a time, or the objection."""


class Door:
    """Receives the datagrams of a host, and gives each to its room.

    :param rooms: the host's rooms by their codes, for claims and goodbyes.
    :param search: finds the room of a newcomer.
    :ivar own: an endpoint without clients, for everything that belongs to no room. Its ``outbox`` has the answers.
    """

    def __init__(
        self,
        house: House,
        config: ServerConfig,
        game: str,
        random_bytes: RandomBytes,
        rooms: Mapping[str, tuple[ServerEndpoint, Home]],
        search: Search,
    ) -> None:
        self._house = house
        self._rooms = rooms
        self._search = search
        self._wrong_codes = Buckets(WRONG_CODES, WRONG_CODES_PER_SECOND, _HOSTS)
        self.own = ServerEndpoint(random_bytes=random_bytes, config=config, game=game, house=house)

    def receive_datagrams(self, arrivals: Iterable[Arrival]) -> None:
        homes = self._house.homes
        for arrival in arrivals:
            data = arrival[0]
            home = homes.get(data[1 : 1 + TOKEN_BYTES]) if data and data[0] in _OF_A_CONNECTION else None
            if home is not None:
                home.take(arrival)
            else:
                self._receive_other(*arrival)

    def _receive_other(self, data: bytes, address: Address, now: float) -> None:
        kind = data[0] if data else -1
        try:
            if kind == CHALLENGE_RESPONSE:
                self._receive_response(ChallengeResponse.decode(data), address, now)
            elif kind == GOODBYE:
                self._receive_goodbye(Goodbye.decode(data), now)
            else:
                self.own.receive_datagram(data, address, now=now)
        except MalformedPacket:
            self.own.dropped["malformed"] += 1

    def _receive_goodbye(self, goodbye: Goodbye, now: float) -> None:
        found = self._rooms.get(goodbye.room)
        if found is not None and found[0].endings.receive_goodbye(goodbye, now):
            found[1].rouse()
        else:
            self.own.dropped["goodbye without a proof"] += 1

    def _receive_response(self, response: ChallengeResponse, address: Address, now: float) -> None:
        if self._is_repeated(response, address, now):
            return
        opened = self.own.entrance.opened(response, address, now)
        if opened is None:
            return
        found = self._room_for(opened, address, now)
        if len(found) == 2:
            self.own.entrance.object_to(opened, found, address)
            return
        endpoint, home, code = found
        endpoint.receive_opened(opened.in_room(code), address, now=now)
        home.rouse()

    def _is_repeated(self, response: ChallengeResponse, address: Address, now: float) -> bool:
        """Let the room repeat its acceptance that was lost. Such a response is rare, so all rooms are asked."""
        challenges = self._house.challenges
        if not challenges.nonces.has(response, address, now) or not challenges.are_answered_by(response, address, now):
            return False
        for endpoint, home in self._rooms.values():
            if endpoint.entrance.repeats(response, address, now):
                home.rouse()
                return True
        return False

    def _room_for(self, opened: Opened, address: Address, now: float) -> Found | Objection:
        body, host = opened.body, host_of(address)
        if body.claim.client_id:
            known = self._rooms.get(body.room)
            return (*known, body.room) if known is not None else (DisconnectReason.NOT_RESUMABLE, "")
        objection = self.own.entrance.password_objection(opened, host, now)
        if objection is not None:
            return objection
        if not self._wrong_codes.has_one(host, now):
            return None, "a room wanted too soon after wrong codes"
        found = self._search(opened, host, now)
        if found[0] is DisconnectReason.NO_SUCH_ROOM:
            self._wrong_codes.take(host, now)
        return found
