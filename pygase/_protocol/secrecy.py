"""The two sides of an encrypted handshake: which keys they use, and what they make of them.

A client offers encryption in its request, the server gives a key in its challenge, the client gives one in its
response. From there on everything is sealed. A client that knows the server's identity, from an invite or from an
earlier connection, mixes it in: then only that server can go on.
"""

from __future__ import annotations

import math
from typing import Final, NamedTuple

from .crypto import (
    FROM_CLIENT,
    FROM_SERVER,
    HandshakeKeys,
    KeyPair,
    Opener,
    RandomBytes,
    Sealer,
    keyed_hash,
    same_secret,
    session_keys,
    transcript_hash,
    why_not,
)
from .datagrams import Challenge, ChallengeResponse
from .identity import ServerIdentity
from .wire import KEY_BYTES

OPEN_ONLY: Final = 0
CAN_ENCRYPT: Final = 1
MUST_ENCRYPT: Final = 2
"""What a client offers in its request."""

STRANGER: Final = 0
BY_INVITE: Final = 1
BY_MEMORY: Final = 2
"""How a client knows the server: not at all, from an invite, or from an earlier connection."""

_REFUSAL_TAG_BYTES: Final = 16


class Trust(NamedTuple):
    """What a client knows of the server's identity before it connects.

    :ivar how: STRANGER, BY_INVITE or BY_MEMORY.
    :ivar identity: the server's public key, or ``b""``.
    :ivar join_secret: of an invite, or ``b""``.
    """

    how: int
    identity: bytes
    join_secret: bytes


NO_TRUST: Final = Trust(STRANGER, b"", b"")


class Agreement:
    """The keys of an encrypted handshake, and the hash of what was sent in clear.

    :ivar keys: all keys.
    :ivar transcript: the hash, to which a password's proof is bound.
    """

    __slots__ = ("keys", "transcript")

    def __init__(self, transcript: bytes, shared: bytes) -> None:
        self.transcript = transcript
        self.keys = session_keys(transcript, shared)

    def seal_response(self, body: bytes, head: bytes) -> bytes:
        return Sealer(self.keys.response, FROM_CLIENT).seal(0, body, head)

    def open_response(self, sealed: bytes, head: bytes) -> bytes | None:
        return Opener(self.keys.response, FROM_CLIENT).open(0, sealed, head)

    def seal_accepted(self, body: bytes, head: bytes) -> bytes:
        return Sealer(self.keys.accepted, FROM_SERVER).seal(0, body, head)

    def open_accepted(self, sealed: bytes, head: bytes) -> bytes | None:
        return Opener(self.keys.accepted, FROM_SERVER).open(0, sealed, head)

    def refusal_tag(self, refusal: bytes) -> bytes:
        """Return the proof that a REFUSED is the server's. It is a hash, since a server may refuse in several ways."""
        return keyed_hash(self.keys.refused, refusal, _REFUSAL_TAG_BYTES)

    def proves(self, refusal: bytes, tag: bytes) -> bool:
        return same_secret(self.refusal_tag(refusal), tag)


class ClientSecrecy:
    """The client's side, for one attempt to connect.

    :param mode: ``"auto"``, ``"required"`` or ``"off"``, as in ClientConfig.
    :param trust: what the client knows of the server; a client that knows it requires encryption.
    :ivar offer: OPEN_ONLY, CAN_ENCRYPT or MUST_ENCRYPT.
    """

    __slots__ = ("_mode", "_pair", "_random_bytes", "offer", "trust")

    def __init__(self, mode: str, trust: Trust, random_bytes: RandomBytes) -> None:
        self.trust = trust
        self._mode = mode
        self._random_bytes = random_bytes
        self._pair: KeyPair | None = None
        self.offer = OPEN_ONLY
        if trust.how != STRANGER or mode == "required":
            self.offer = MUST_ENCRYPT
        elif mode == "auto" and not why_not():
            self.offer = CAN_ENCRYPT

    @property
    def public(self) -> bytes:
        """The public key of this attempt, made when it is first needed."""
        return self._own_pair().public

    def _own_pair(self) -> KeyPair:
        if self._pair is None:
            self._pair = KeyPair(self._random_bytes(KEY_BYTES))
        return self._pair

    def again(self, identity: bytes) -> ClientSecrecy:
        """Return the client's side for its next attempt, with another key.

        :param identity: of the server, from an earlier connection; ``b""``: that was open.
        """
        trust = self.trust
        if trust.how != BY_INVITE:
            trust = Trust(BY_MEMORY, identity, b"") if identity else NO_TRUST
        return ClientSecrecy(self._mode, trust, self._random_bytes)

    def agree(self, challenge: Challenge, head: bytes) -> Agreement:
        """Return the keys for the response to a challenge.

        :param head: the clear part of the response.
        :raises MalformedPacket: if the server's key is none.
        """
        pair = self._own_pair()
        shared = pair.shared_with(challenge.key)
        if self.trust.how != STRANGER:
            shared += pair.shared_with(self.trust.identity) + self.trust.join_secret
        return Agreement(transcript_hash(challenge.encode(), head), shared)


class ServerSecrecy:
    """The server's side, for all clients.

    :param mode: ``"auto"``, ``"required"`` or ``"off"``, as in ServerConfig.
    :param period: seconds for which a challenge can be answered.
    :ivar identity: the server's.
    :ivar forget_at: when to call :meth:`forget`; infinite for never.
    :ivar is_on, is_required: whether connections can be encrypted, and whether they must be.
    """

    __slots__ = ("_keys", "forget_at", "identity", "is_on", "is_required")

    def __init__(self, mode: str, identity: ServerIdentity, random_bytes: RandomBytes, period: float) -> None:
        self.is_required = mode == "required"
        self.is_on = mode != "off" and not why_not()  # imports now, so that no import delays a game later
        self.identity = identity
        self._keys = HandshakeKeys(random_bytes, period)
        self.forget_at = math.inf

    @property
    def identity_key(self) -> bytes:
        """The public key that clients remember; ``b""`` if nothing is encrypted here."""
        return self.identity.pair.public if self.is_on else b""

    def key_for(self, offer: int, issued_at: int) -> bytes:
        """Return the public key for a challenge; ``b""`` for an open connection.

        :param offer: of the client's request.
        """
        if offer == OPEN_ONLY or not self.is_on:
            return b""
        public = self._keys.make(issued_at).public
        self.forget_at = self._keys.forget_at()
        return public

    def key_of(self, issued_at: int) -> bytes:
        """Return the public key that stood in the challenges of that time; ``b""`` if it is forgotten."""
        pair = self._keys.find(issued_at)
        return pair.public if pair is not None else b""

    def agree(self, response: ChallengeResponse, challenge: bytes) -> Agreement | None:
        """Return the keys for the response to a challenge; None if this server's key is forgotten.

        :param challenge: the whole datagram.
        :raises MalformedPacket: if the client's key is none.
        """
        pair = self._keys.find(response.issued_at)
        if pair is None:
            return None
        shared = pair.shared_with(response.key)
        if response.trust != STRANGER:
            shared += self.identity.pair.shared_with(response.key)
        if response.trust == BY_INVITE:
            shared += self.identity.join_secret
        return Agreement(transcript_hash(challenge, response.clear()), shared)

    def forget(self, now: float) -> None:
        """Forget the keys of challenges that nobody can answer any more. It does nothing before ``forget_at``."""
        if now < self.forget_at:
            return
        self._keys.forget(math.ceil(now * 10))  # up, so that it does something as soon as it is due
        self.forget_at = self._keys.forget_at()
