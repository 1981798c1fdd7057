"""The right to resume a connection: a secret that only the server and its client know.

The server issues a new secret with each acceptance and keeps no more than its hash. A secret is valid once: the client
presents it, and gets another one. The acceptance may get lost, so the presented one stays valid until the first packet
of the new path.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

from .crypto import RandomBytes, keyed_hash, same_secret
from .datagrams import Claim, Goodbye
from .wire import PROOF_BYTES, SECRET_BYTES

NEW_CLIENT: Final = 0
RESUMED: Final = 1
RESUMED_FROM_CHECKPOINT: Final = 2
"""The values of ``Welcome.resumed``."""

RESUME_TIME_UNIT: Final = 0.1
"""Seconds per unit of ``Welcome.resume_time``."""

_SECRET_HASH_BYTES: Final = 16
_PERSON: Final = b"pygase resume"
_GOODBYE_TEXT: Final = b"pygase goodbye"


def hash_of(secret: bytes) -> bytes:
    """Return all that a server keeps of a secret."""
    return keyed_hash(_PERSON, secret, _SECRET_HASH_BYTES)


def goodbye_mac(secret_hash: bytes, client_id: int) -> bytes:
    """Return the proof of a client that gives its place back: both sides have the hash, and nobody else has it."""
    return keyed_hash(secret_hash, _GOODBYE_TEXT + client_id.to_bytes(4, "big"), PROOF_BYTES)


class ResumeSecrets:
    """The hashes of one client's secrets at the server.

    :ivar current: of the newest secret; ``b""``: none.
    :ivar previous: of the one that the client presented for the present path; ``b""``: none.
    """

    __slots__ = ("current", "previous")

    def __init__(self, current: bytes = b"", previous: bytes = b"") -> None:
        self.current = current
        self.previous = previous

    def issue(self, random_bytes: RandomBytes, presented: bytes = b"") -> bytes:
        """Return a new secret. ``presented``: the one that the client has just presented."""
        secret = random_bytes(SECRET_BYTES)
        self.current, self.previous = hash_of(secret), hash_of(presented) if presented else b""
        return secret

    def accepts(self, secret: bytes, *, has_answered: bool) -> bool:
        """Return whether a client with this secret may resume the connection.

        :param has_answered: whether a packet has arrived on the present path, so that the client has the newest secret.
        """
        given = hash_of(secret)
        return any(same_secret(valid, given) for valid in self._valid(has_answered))

    def prove(self, goodbye: Goodbye, *, has_answered: bool) -> bool:
        """Return whether a goodbye is this client's; see :meth:`accepts`."""
        client_id, mac, _ = goodbye
        return any(same_secret(goodbye_mac(valid, client_id), mac) for valid in self._valid(has_answered))

    def _valid(self, has_answered: bool) -> list[bytes]:
        hashes = [self.current] if has_answered else [self.current, self.previous]
        return [each for each in hashes if each]

    @property
    def was_presented(self) -> bool:
        """Whether the client has come back with a secret before."""
        return bool(self.previous)


class Seat(NamedTuple):
    """A client's place in a game, which it can take again; empty before the first connection.

    :ivar seconds: for how long the server keeps a lost client.
    :ivar is_fresh: whether another process had the connection, so that only the secret is known of it.
    :ivar identity: the server's public key, if the connection was encrypted.
    :ivar room: the code of its room; ``""`` at a server without rooms.
    """

    client_id: int = 0
    secret: bytes = bytes(SECRET_BYTES)
    seconds: float = 0.0
    is_fresh: bool = False
    identity: bytes = b""
    room: str = ""

    def claim(self, received: int, acked: int) -> Claim:
        if self.is_fresh:
            return Claim(self.client_id, self.secret, True, 0, 0)
        return Claim(self.client_id, self.secret, False, received & 0xFFFFFFFF, acked & 0xFFFFFFFF)

    def goodbye(self) -> Goodbye:
        """Return the proof that the client gives this place back."""
        return Goodbye(self.client_id, goodbye_mac(hash_of(self.secret), self.client_id), self.room)


NO_SEAT: Final = Seat()


class Identity:
    """Who a client is.

    :ivar client_id: from 1, never given twice by a server.
    :ivar profile: what the client says of its player.
    :ivar nonce: the client's, from its latest handshake; ``accepted``: the answer to that.
    :ivar secrets: what it proves with that it is the same client.
    :ivar was_sealed: whether its connection to an earlier process was encrypted.
    """

    __slots__ = ("accepted", "client_id", "nonce", "profile", "secrets", "was_sealed")

    def __init__(self, client_id: int, nonce: bytes, profile: dict[Any, Any]) -> None:
        self.client_id = client_id
        self.profile = profile
        self.nonce = nonce
        self.accepted = b""
        self.secrets = ResumeSecrets()
        self.was_sealed = False
