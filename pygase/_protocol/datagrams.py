"""The datagrams beside the packets: handshake, moves to a new address, lost connections.

Encoding stands beside decoding. Kind and version have their places in every version of the protocol.
"""

from __future__ import annotations

from struct import Struct
from typing import Final, NamedTuple

from ..errors import MalformedPacket
from .wire import (
    ACCEPTED,
    CHALLENGE,
    CHALLENGE_RESPONSE,
    CONNECT_REQUEST,
    GOODBYE,
    KEY_BYTES,
    MAX_DATAGRAM_BYTES,
    MAX_DETAIL_BYTES,
    MAX_GAME_BYTES,
    MAX_HOST_TOKEN_BYTES,
    MAX_OPTIONS_BYTES,
    MAX_PROFILE_BYTES,
    MAX_ROOM_BYTES,
    MIN_REQUEST_BYTES,
    NOT_HERE,
    PATH_CHALLENGE,
    PATH_RESPONSE,
    PROOF_BYTES,
    PROTOCOL_VERSION,
    REFUSED,
    SALT_BYTES,
    SECRET_BYTES,
    TAG_BYTES,
    sized_text,
    text_field,
)
from .wishes import EMPTY_OPTIONS

_REQUEST_LAYOUT: Final = Struct("!BH8sB")
_CHALLENGE_LAYOUT: Final = Struct("!B8sI16s")
_RESPONSE_LAYOUT: Final = Struct("!BH8sI16s")
_CLAIM_LAYOUT: Final = Struct("!I16sBII")
_PLAIN_SIZE: Final = Struct("!H")
_ACCEPTED_LAYOUT: Final = Struct("!B8s")
_WELCOME_LAYOUT: Final = Struct("!8sIBBI16sH14sQB")
_REFUSED_LAYOUT: Final = Struct("!B8sB")
_PATH_LAYOUT: Final = Struct("!B8sI8s")
_NOT_HERE_LAYOUT: Final = Struct("!B8s14s")
_GOODBYE_LAYOUT: Final = Struct("!BI16s")


def _short(data: bytes, layout: Struct, name: str) -> None:
    if len(data) < layout.size:
        raise MalformedPacket(f"{name} of {len(data)} bytes, at least {layout.size} expected")


def _sized_bytes(data: bytes, at: int, sizes: tuple[int, ...], name: str) -> tuple[bytes, int]:
    """Read a length byte and that many bytes. Return the bytes and the index of their end.

    :param sizes: the lengths that are valid.
    """
    size = data[at] if at < len(data) else -1
    end = at + 1 + size
    if size not in sizes or end > len(data):
        raise MalformedPacket(f"{name} of {size} bytes, {' or '.join(map(str, sizes))} expected")
    return data[at + 1 : end], end


class ConnectRequest(NamedTuple):
    """A client's first datagram. It names the protocol's version and the game.

    ``encryption`` is 0 (off), 1 (the client can) or 2 (the client insists).
    """

    version: int
    nonce: bytes
    game: str
    encryption: int = 0

    def encode(self) -> bytes:
        head = _REQUEST_LAYOUT.pack(CONNECT_REQUEST, self.version, self.nonce, self.encryption)
        return (head + text_field(self.game, MAX_GAME_BYTES)).ljust(MAX_DATAGRAM_BYTES, b"\0")

    @classmethod
    def decode(cls, data: bytes) -> ConnectRequest:
        if len(data) < MIN_REQUEST_BYTES:
            raise MalformedPacket(f"request of {len(data)} bytes is not padded to {MIN_REQUEST_BYTES}")
        _, version, nonce, encryption = _REQUEST_LAYOUT.unpack_from(data)
        if version != PROTOCOL_VERSION:  # another version may lay out the rest differently
            return cls(version, nonce, "")
        return cls(version, nonce, sized_text(data, _REQUEST_LAYOUT.size)[0], encryption)


class Challenge(NamedTuple):
    """The server's answer to a request. The client proves with it that it receives at its address. The server remembers
    nothing.

    ``key`` is the server's public key for handshakes, empty without encryption. ``salt`` is that of the password, empty
    if the server asks for none.
    """

    nonce: bytes
    issued_at: int
    cookie: bytes
    key: bytes = b""
    salt: bytes = b""

    def encode(self) -> bytes:
        head = _CHALLENGE_LAYOUT.pack(CHALLENGE, self.nonce, self.issued_at, self.cookie)
        return head + bytes([len(self.key)]) + self.key + bytes([len(self.salt)]) + self.salt

    @classmethod
    def decode(cls, data: bytes) -> Challenge:
        _short(data, _CHALLENGE_LAYOUT, "challenge")
        _, nonce, issued_at, cookie = _CHALLENGE_LAYOUT.unpack_from(data)
        key, end = _sized_bytes(data, _CHALLENGE_LAYOUT.size, (0, KEY_BYTES), "key")
        salt, _ = _sized_bytes(data, end, (0, SALT_BYTES), "salt")
        return cls(nonce, issued_at, cookie, key, salt)


class Claim(NamedTuple):
    """A client's claim to a connection that it had. ``client_id`` 0 is a newcomer's, and claims nothing.

    ``is_fresh``: the client remembers nothing else of the connection. ``received`` counts the EVENT_ORDERED that it has
    received in all, and ``acked`` those of its own that it knows to be acknowledged, both modulo 2**32.
    """

    client_id: int = 0
    secret: bytes = bytes(SECRET_BYTES)
    is_fresh: bool = False
    received: int = 0
    acked: int = 0


class ResponseBody(NamedTuple):
    """The part of a challenge response that is sealed on an encrypted connection.

    ``profile`` is msgpack of a dict, at most MAX_PROFILE_BYTES. ``room`` is the room that the client wants to enter, or
    that of the claimed connection. ``options`` is msgpack of a dict, at most MAX_OPTIONS_BYTES.
    """

    password_proof: bytes = bytes(PROOF_BYTES)
    host_token: str = ""
    claim: Claim = Claim()
    profile: bytes = b"\x80"
    room: str = ""
    options: bytes = EMPTY_OPTIONS

    def encode(self) -> bytes:
        head = self.password_proof + text_field(self.host_token, MAX_HOST_TOKEN_BYTES) + _CLAIM_LAYOUT.pack(*self.claim)
        room = text_field(self.room, MAX_ROOM_BYTES)
        return head + _with_size(self.profile) + room + _with_size(self.options)

    @classmethod
    def decode(cls, data: bytes) -> ResponseBody:
        host_token, end = sized_text(data, PROOF_BYTES)
        begin = end + _CLAIM_LAYOUT.size
        if len(data) < begin:
            raise MalformedPacket(f"body of a challenge response of {len(data)} bytes, at least {begin} expected")
        client_id, secret, is_fresh, received, acked = _CLAIM_LAYOUT.unpack_from(data, end)
        claim = Claim(client_id, secret, bool(is_fresh), received, acked)
        profile, end = _plain_data(data, begin, MAX_PROFILE_BYTES, "profile")
        room, end = sized_text(data, end)
        if len(room.encode()) > MAX_ROOM_BYTES:
            raise MalformedPacket(f"code of a room of more than {MAX_ROOM_BYTES} bytes")
        options, _ = _plain_data(data, end, MAX_OPTIONS_BYTES, "options")
        return cls(data[:PROOF_BYTES], host_token, claim, profile, room, options)


def _with_size(data: bytes) -> bytes:
    return _PLAIN_SIZE.pack(len(data)) + data


def _plain_data(data: bytes, at: int, limit: int, name: str) -> tuple[bytes, int]:
    """Read two length bytes and that many bytes. Return the bytes and the index of their end."""
    begin = at + _PLAIN_SIZE.size
    size = _PLAIN_SIZE.unpack_from(data, at)[0] if len(data) >= begin else limit + 1
    if size > limit or len(data) < begin + size:
        raise MalformedPacket(f"{name} of {size} bytes, at most {limit} and all of them expected")
    return data[begin : begin + size], begin + size


class ChallengeResponse(NamedTuple):
    """The client's proof that it receives at its address.

    ``key`` is the client's public key, empty without encryption. ``trust`` is 0 if the client does not know the server,
    1 if it knows it from an invite, 2 if from an earlier connection: the keys depend on it. ``body`` is a ResponseBody,
    sealed if there is a key.
    """

    version: int
    nonce: bytes
    issued_at: int
    cookie: bytes
    game: str
    key: bytes
    trust: int
    body: bytes

    def clear(self) -> bytes:
        """Return the bytes before the body."""
        head = _RESPONSE_LAYOUT.pack(CHALLENGE_RESPONSE, self.version, self.nonce, self.issued_at, self.cookie)
        return head + text_field(self.game, MAX_GAME_BYTES) + bytes([len(self.key)]) + self.key + bytes([self.trust])

    def encode(self) -> bytes:
        return self.clear() + self.body

    @classmethod
    def decode(cls, data: bytes) -> ChallengeResponse:
        _short(data, _RESPONSE_LAYOUT, "challenge response")
        _, version, nonce, issued_at, cookie = _RESPONSE_LAYOUT.unpack_from(data)
        game, end = sized_text(data, _RESPONSE_LAYOUT.size)
        key, end = _sized_bytes(data, end, (0, KEY_BYTES), "key")
        if end >= len(data):
            raise MalformedPacket("challenge response without a body")
        return cls(version, nonce, issued_at, cookie, game, key, data[end], data[end + 1 :])


class Welcome(NamedTuple):
    """What an accepted client learns: the part of the acceptance that is sealed on an encrypted connection.

    ``resumed`` is 0 for a newcomer, 1 for a client whose connection goes on, and 2 for one whose server knows of the
    connection only what a checkpoint held. ``received`` counts the client's EVENT_ORDERED that the server has received
    in all, modulo 2**32. ``resume_time`` is in units of 0.1 s; 0: the server keeps no lost clients.

    ``time`` is in units of 0.1 ms and whole. All later times are modulo 2**32 (4.97 days), and clients that connect in
    different weeks know the same clock by this one. ``address`` is msgpack of a list, as the server's socket reports
    it. ``identity`` is the server's public key, by which the client recognises it from then on; empty without
    encryption. ``precision`` is the table of :class:`.Precision`, serialised. ``room`` is the code of the room that the
    client is in; empty at a server without rooms.
    """

    token: bytes
    client_id: int
    is_host: bool
    resumed: int
    received: int
    resume_secret: bytes
    resume_time: int
    reset_token: bytes
    time: int
    address: bytes
    identity: bytes = b""
    precision: bytes = b"\x80"
    room: str = ""

    def encode(self) -> bytes:
        head = _WELCOME_LAYOUT.pack(*self[:9], len(self.address)) + self.address
        head += bytes([len(self.identity)]) + self.identity
        return head + _with_size(self.precision) + text_field(self.room, MAX_ROOM_BYTES)

    @classmethod
    def decode(cls, data: bytes) -> Welcome:
        _short(data, _WELCOME_LAYOUT, "body of an acceptance")
        token, client_id, is_host, resumed, received, secret, kept, reset, time, n = _WELCOME_LAYOUT.unpack_from(data)
        end = _WELCOME_LAYOUT.size + n
        address = data[_WELCOME_LAYOUT.size : end]
        identity, end = _sized_bytes(data, end, (0, KEY_BYTES), "identity")
        precision, end = _plain_data(data, end, MAX_DATAGRAM_BYTES, "table of precision")
        room, _ = sized_text(data, end)
        fixed = (token, client_id, bool(is_host), resumed, received, secret, kept, reset, time)
        return cls(*fixed, address, identity, precision, room)


class Accepted(NamedTuple):
    """The server's acceptance. ``body`` is a Welcome, sealed if the challenge response had a key."""

    nonce: bytes
    body: bytes

    def clear(self) -> bytes:
        """Return the bytes before the body."""
        return _ACCEPTED_LAYOUT.pack(ACCEPTED, self.nonce)

    def encode(self) -> bytes:
        return self.clear() + self.body

    @classmethod
    def decode(cls, data: bytes) -> Accepted:
        _short(data, _ACCEPTED_LAYOUT, "acceptance")
        return cls(_ACCEPTED_LAYOUT.unpack_from(data)[1], data[_ACCEPTED_LAYOUT.size :])


class Refused(NamedTuple):
    """The server's refusal: the value of a DisconnectReason, and the server's own words.

    ``tag`` proves that it is the server's, if client and server have agreed on keys; else it is empty.
    """

    nonce: bytes
    reason: int
    detail: str
    tag: bytes = b""

    def encode(self) -> bytes:
        return self.clear() + self.tag

    def clear(self) -> bytes:
        """Return the bytes before the tag."""
        return _REFUSED_LAYOUT.pack(REFUSED, self.nonce, self.reason) + text_field(self.detail, MAX_DETAIL_BYTES)

    @classmethod
    def decode(cls, data: bytes) -> Refused:
        _short(data, _REFUSED_LAYOUT, "refusal")
        _, nonce, reason = _REFUSED_LAYOUT.unpack_from(data)
        detail, end = sized_text(data, _REFUSED_LAYOUT.size)
        return cls(nonce, reason, detail, data[end : end + TAG_BYTES])


class PathChallenge(NamedTuple):
    """The server's question whether a client receives at a new address. The server remembers nothing."""

    token: bytes
    issued_at: int
    cookie: bytes

    def encode(self) -> bytes:
        return _PATH_LAYOUT.pack(PATH_CHALLENGE, *self)

    @classmethod
    def decode(cls, data: bytes) -> PathChallenge:
        _short(data, _PATH_LAYOUT, "path challenge")
        return cls(*_PATH_LAYOUT.unpack_from(data)[1:])


class PathResponse(NamedTuple):
    """A client's answer from its new address. ``mac`` proves that it has read the challenge, and is the client.

    It has no cookie, since the server can compute it, and an answer is never longer than its question.
    """

    token: bytes
    issued_at: int
    mac: bytes

    def encode(self) -> bytes:
        return _PATH_LAYOUT.pack(PATH_RESPONSE, *self)

    @classmethod
    def decode(cls, data: bytes) -> PathResponse:
        _short(data, _PATH_LAYOUT, "path response")
        return cls(*_PATH_LAYOUT.unpack_from(data)[1:])


class NotHere(NamedTuple):
    """The server's answer to a packet of a connection that it does not know. ``reset`` proves that it once did."""

    token: bytes
    reset: bytes

    def encode(self) -> bytes:
        return _NOT_HERE_LAYOUT.pack(NOT_HERE, *self)

    @classmethod
    def decode(cls, data: bytes) -> NotHere:
        _short(data, _NOT_HERE_LAYOUT, "not here")
        return cls(*_NOT_HERE_LAYOUT.unpack_from(data)[1:])


class Goodbye(NamedTuple):
    """The goodbye of a client that has no connection at the moment. ``mac`` proves that it is the client's. ``room`` is
    the code of its room, empty at a server without rooms.
    """

    client_id: int
    mac: bytes
    room: str = ""

    def encode(self) -> bytes:
        return _GOODBYE_LAYOUT.pack(GOODBYE, self.client_id, self.mac) + text_field(self.room, MAX_ROOM_BYTES)

    @classmethod
    def decode(cls, data: bytes) -> Goodbye:
        _short(data, _GOODBYE_LAYOUT, "goodbye")
        _, client_id, mac = _GOODBYE_LAYOUT.unpack_from(data)
        return cls(client_id, mac, sized_text(data, _GOODBYE_LAYOUT.size)[0])
