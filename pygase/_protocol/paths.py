"""Moves of a connection to another address of the client, pure.

A router may forget the mapping of a connection, and a client may change its network. Then a packet with a known token
arrives from another address. ::

    client, at its new address                         server
    any new packet ----------------------------------->  goes on to send to the old address
    <------------------------------------ PathChallenge  a keyed hash over address, token and time
    PathResponse (a hash under the path key) --------->  the client receives there: the connection moves

An encrypted packet is taken in at once. Others are held until the response, since anybody who has read the token can
make them.

The server remembers no challenge, so strangers cannot fill its memory. Neither datagram is longer than the one that it
answers. The rules follow RFC 9000, section 9 (QUIC's connection migration).
"""

from __future__ import annotations

import math
from typing import Final

from .crypto import keyed_hash, same_secret
from .datagrams import PathChallenge, PathResponse
from .handshake import Address, RandomBytes
from .wire import PATH_COOKIE_BYTES, PATH_MAC_BYTES, TIME_UNIT, to_wire_time

CHALLENGE_INTERVAL: Final = 0.05
"""Least seconds between two challenges to one client."""

SAME_ADDRESS_INTERVAL: Final = 0.075
"""Least seconds between two challenges to one address of it: more, so that nobody who sends without a break from
elsewhere gets all of them. A lost challenge costs a player five ticks."""

LIFETIME: Final = 5.0
"""Seconds in which a response is accepted: more than a round trip of any link on which a game can be played."""

GUARD: Final = 1.0
"""Seconds of silence at the address of a guarded path after which it may move."""

MOST_HELD: Final = 32
"""Packets from elsewhere that are held for a client: those of a round trip of half a second at 60 a second."""

MOST_ANSWERS: Final = 4
"""Challenges that a client answers in one turn. A server sends one of them in that time."""

PATH_KEY_BYTES: Final = 32


def path_key(resume_secret: bytes) -> bytes:
    """Return the key of a connection's path responses. Its resume secret travels encrypted wherever packets do."""
    from hashlib import blake2b  # only on demand: the cryptography behind it takes long to import

    return blake2b(resume_secret, digest_size=PATH_KEY_BYTES, person=b"pygase path").digest()


def _mac(key: bytes, challenge: PathChallenge) -> bytes:
    return keyed_hash(key, challenge.encode(), PATH_MAC_BYTES)


class ClientPath:
    """The server's knowledge of the path of one connection.

    Somebody who reads the client's packets can bring copies of them from elsewhere, faster than they arrive, and have
    the client answer the challenge. Such a *rival* differs from a client that has moved in one thing: the client's own
    packets go on to arrive from its address. If they do so before the response, it does not count. If they do so after
    the move, the former address is challenged, the connection moves back, and the path is *guarded* from then on: it
    moves only after ``GUARD`` seconds of silence at its address.

    :ivar key: the key of the client's path responses.
    :ivar is_watched: True if packets from the client's address are to be noted, by :meth:`note_here`.
    """

    __slots__ = (
        "_asked",
        "_asked_at",
        "_former",
        "_guarded",
        "_held",
        "_here_at",
        "_moved_with",
        "_recalled",
        "_rival",
        "_void_until",
        "is_watched",
        "key",
    )

    def __init__(self) -> None:
        self.key = b""
        self.is_watched = False
        self._guarded = False
        self._recalled = False  # whether duplicates have arrived from the former address since the move
        self._rival = -1  # the number of the first new packet from elsewhere since the last one from here
        self._asked: Address = ()
        self._asked_at = self._here_at = self._void_until = -math.inf
        self._former: Address = ()
        self._moved_with = 0  # the greatest number at the move from there
        self._held: list[bytes] = []

    def note_here(self, number: int, now: float) -> None:
        """Note a packet with this number from the client's address while the path is watched; duplicates count."""
        self._here_at = now
        if self._rival >= 0 and (number >= self._rival or now > self._asked_at + LIFETIME):
            self._end_contest(now)

    def note_elsewhere(self, number: int, is_newest: bool, address: Address, now: float) -> bool:
        """Note a packet with this number from elsewhere. Return whether its sender gets a challenge."""
        if is_newest:
            if self._guarded and now < self._here_at + GUARD:
                return False
            self._rival = number if self._rival < 0 else self._rival
            self.is_watched = True
        elif address != self._former or number < self._moved_with:
            return False
        else:
            self._recalled = True
        return self._ask(address, now)

    def _ask(self, address: Address, now: float) -> bool:
        is_same = address == self._asked
        if now < self._asked_at + (SAME_ADDRESS_INTERVAL if is_same else CHALLENGE_INTERVAL):
            return False
        if not is_same:
            self._held.clear()
        self._asked, self._asked_at = address, now
        return True

    def hold(self, packet: bytes, address: Address) -> None:
        """Keep a packet that is not encrypted until its sender has answered. So nothing is lost, and nobody elsewhere
        takes part in the game who only knows the token."""
        if address == self._asked and len(self._held) < MOST_HELD:
            self._held.append(packet)

    def is_current(self, address: Address, issued_at: int, now: float) -> bool:
        """Return whether a challenge to an address of this time (on the wire) may still be answered."""
        age = ((to_wire_time(now) - issued_at) & 0xFFFFFFFF) * TIME_UNIT
        contested = self._rival >= 0 or address == self._former
        return contested and age <= LIFETIME and now - age > self._void_until

    def move(self, former: Address, address: Address, latest: int, now: float) -> list[bytes]:
        """Note that the connection moves. Return the packets that were held for that address.

        :param latest: the greatest number that has arrived.
        """
        held = self._held if address == self._asked else []
        self._guarded = self._guarded or (self._recalled and address == self._former)
        self._recalled = False
        self._former, self._moved_with, self._here_at = former, max(latest, self._rival), now
        self._end_contest(now)
        return held

    def _end_contest(self, now: float) -> None:
        """Accept no response to a challenge that has been sent until now."""
        self._held = []
        self._rival = -1
        self.is_watched = self._guarded
        self._void_until = now + 2 * TIME_UNIT  # the times in challenges are rounded


class PathChallenges:
    """Makes the challenges of a server and checks the responses, and remembers none of them."""

    __slots__ = ("_key", "_random_bytes")

    def __init__(self, random_bytes: RandomBytes) -> None:
        self._random_bytes = random_bytes
        self._key = b""

    def challenge(self, token: bytes, address: Address, now: float) -> bytes:
        if not self._key:
            self._key = self._random_bytes(PATH_KEY_BYTES)
        return self._challenge(token, address, to_wire_time(now)).encode()

    def is_answered(self, response: PathResponse, address: Address, path: ClientPath, now: float) -> bool:
        """Return whether a response from an address answers a challenge to it that still counts."""
        if not path.is_current(address, response.issued_at, now):
            return False
        challenge = self._challenge(response.token, address, response.issued_at)
        return same_secret(_mac(path.key, challenge), response.mac)

    def _challenge(self, token: bytes, address: Address, issued_at: int) -> PathChallenge:
        text = token + issued_at.to_bytes(4, "big") + repr(address).encode()
        return PathChallenge(token, issued_at, keyed_hash(self._key, text, PATH_COOKIE_BYTES))


class PathAnswers:
    """The client's answers to path challenges that wait to be sent.

    :ivar key: the key of this connection's answers.
    """

    __slots__ = ("_waiting", "key")

    def __init__(self) -> None:
        self.key = b""
        self._waiting: list[bytes] = []

    def __len__(self) -> int:
        return len(self._waiting)

    def receive(self, challenge: PathChallenge) -> None:
        """Answer a challenge of this connection."""
        if len(self._waiting) < MOST_ANSWERS:
            response = PathResponse(challenge.token, challenge.issued_at, _mac(self.key, challenge))
            self._waiting.append(response.encode())

    def take(self) -> list[bytes]:
        waiting, self._waiting = self._waiting, []
        return waiting
