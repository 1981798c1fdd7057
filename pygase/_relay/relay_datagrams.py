"""The datagrams between a relay and those who use it, as ``docs/protocol.md`` describes them, byte by byte."""

from __future__ import annotations

from struct import Struct
from typing import Any, Final, NamedTuple

from .._protocol.handshake import Address, plain_host
from .._protocol.wire import COOKIE_BYTES, NONCE_BYTES, SECRET_BYTES
from ..errors import MalformedPacket
from .codes import CODE_ALPHABET, CODE_LETTERS

RELAY_VERSION: Final = 1

MIN_RELAY_REQUEST_BYTES: Final = 256
"""The least size of OPEN_ROOM and JOIN_ROOM, by padding: no answer to them is larger (no amplification)."""

CHANNEL_BYTES: Final = 4
OWN_ROOM: Final = bytes(CHANNEL_BYTES)
"""The channel number that means the room of the host that sends it."""

ACCESS_BYTES: Final = 16
MAX_CANDIDATES_BYTES: Final = 4 * 19
"""Four addresses at which a player may be reached directly. A relay passes them on and does not read them."""

OPEN_ROOM: Final = 0x10
RELAY_COOKIE: Final = 0x11
ROOM_OPENED: Final = 0x12
JOIN_ROOM: Final = 0x13
ROOM_JOINED: Final = 0x14
ROOM_PEER: Final = 0x15
RELAYED: Final = 0x16
ALIVE: Final = 0x19
CHANNEL_GONE: Final = 0x1A
LEAVE: Final = 0x1B
MET: Final = 0x1C
RELAY_REFUSED: Final = 0x1D

RELAYED_BYTES: Final = 1 + CHANNEL_BYTES
"""Bytes in front of each relayed datagram."""

NO_SUCH_CODE: Final = 1
RELAY_FULL: Final = 2
WRONG_ACCESS_KEY: Final = 3
TOO_MANY_TRIES: Final = 4
OTHER_RELAY_VERSION: Final = 5

# kind, version, nonce, issued_at, cookie; the same in both requests
_REQUEST: Final = Struct(f"!BB{NONCE_BYTES}sI{COOKIE_BYTES}s")
_OPEN: Final = Struct(f"!{SECRET_BYTES}s{ACCESS_BYTES}s")
_CODE: Final = Struct(f"!{CODE_LETTERS}s")
_COOKIE: Final = Struct(f"!B{NONCE_BYTES}sI{COOKIE_BYTES}s")
_OPENED: Final = Struct(f"!B{NONCE_BYTES}s{CODE_LETTERS}sH")
_JOINED: Final = Struct(f"!B{NONCE_BYTES}s{CHANNEL_BYTES}s{SECRET_BYTES}s")
_PEER: Final = Struct(f"!B{CHANNEL_BYTES}s{SECRET_BYTES}s")
_SHORT: Final = Struct(f"!B{CHANNEL_BYTES}s")
_LEAVE: Final = Struct(f"!B{CHANNEL_BYTES}s{SECRET_BYTES}s")
_TURNED_AWAY: Final = Struct(f"!B{NONCE_BYTES}sBH")


class RelayRequest(NamedTuple):
    """The fields that both requests have. Without a proof yet, ``issued_at`` is 0 and ``cookie`` zeros."""

    version: int
    nonce: bytes
    issued_at: int = 0
    cookie: bytes = bytes(COOKIE_BYTES)

    def encode(self, kind: int) -> bytes:
        return _REQUEST.pack(kind, *self)

    @classmethod
    def decode(cls, data: bytes) -> RelayRequest:
        """:raises MalformedPacket: if it is too short for a request."""
        if len(data) < MIN_RELAY_REQUEST_BYTES:
            raise MalformedPacket(f"a request to a relay of {len(data)} bytes, without its padding")
        return cls(*_REQUEST.unpack_from(data)[1:])


class OpenRoom(NamedTuple):
    """A host's request for a room.

    :ivar secret: of the room: the code follows from it, and whoever knows it can take the room over.
    :ivar access: the proof that the host knows the relay's key; zeros if it has none.
    :ivar candidates: addresses at which the host may be reached directly.
    """

    request: RelayRequest
    secret: bytes
    access: bytes = bytes(ACCESS_BYTES)
    candidates: bytes = b""

    def encode(self) -> bytes:
        fixed = self.request.encode(OPEN_ROOM) + _OPEN.pack(self.secret, self.access)
        return (fixed + _field(self.candidates)).ljust(MIN_RELAY_REQUEST_BYTES, b"\0")

    @classmethod
    def decode(cls, data: bytes) -> OpenRoom:
        request = RelayRequest.decode(data)
        secret, access = _OPEN.unpack_from(data, _REQUEST.size)
        return cls(request, secret, access, _candidates(data, _REQUEST.size + _OPEN.size)[0])


class JoinRoom(NamedTuple):
    """A player's request to be brought together with the host of a room."""

    request: RelayRequest
    code: str
    candidates: bytes = b""

    def encode(self) -> bytes:
        fixed = self.request.encode(JOIN_ROOM) + _CODE.pack(self.code.encode())
        return (fixed + _field(self.candidates)).ljust(MIN_RELAY_REQUEST_BYTES, b"\0")

    @classmethod
    def decode(cls, data: bytes) -> JoinRoom:
        request = RelayRequest.decode(data)
        code = _code(_CODE.unpack_from(data, _REQUEST.size)[0])
        return cls(request, code, _candidates(data, _REQUEST.size + _CODE.size)[0])


class RelayCookie(NamedTuple):
    """The relay's demand for a proof that the sender of a request receives at its address."""

    nonce: bytes
    issued_at: int
    cookie: bytes

    def encode(self) -> bytes:
        return _COOKIE.pack(RELAY_COOKIE, *self)

    @classmethod
    def decode(cls, data: bytes) -> RelayCookie:
        return cls(*_unpacked(_COOKIE, data))


class RoomOpened(NamedTuple):
    """The room exists.

    :ivar lifetime: seconds that it outlives the host's last datagram.
    :ivar address: the host's, as the relay sees it.
    """

    nonce: bytes
    code: str
    lifetime: int
    address: bytes

    def encode(self) -> bytes:
        return _OPENED.pack(ROOM_OPENED, self.nonce, self.code.encode(), self.lifetime) + _field(self.address)

    @classmethod
    def decode(cls, data: bytes) -> RoomOpened:
        nonce, code, lifetime = _unpacked(_OPENED, data)
        return cls(nonce, _code(code), lifetime, _sized(data, _OPENED.size)[0])


class RoomJoined(NamedTuple):
    """A channel to the host exists.

    :ivar channel: its number; :ivar secret: known to relay, host and player.
    :ivar address, host_address: the player's and the host's, as the relay sees them.
    :ivar candidates: the host's.
    """

    nonce: bytes
    channel: bytes
    secret: bytes
    address: bytes
    host_address: bytes
    candidates: bytes

    def encode(self) -> bytes:
        fixed = _JOINED.pack(ROOM_JOINED, self.nonce, self.channel, self.secret)
        return fixed + _field(self.address) + _field(self.host_address) + _field(self.candidates)

    @classmethod
    def decode(cls, data: bytes) -> RoomJoined:
        nonce, channel, secret = _unpacked(_JOINED, data)
        address, at = _sized(data, _JOINED.size)
        host_address, at = _sized(data, at)
        return cls(nonce, channel, secret, address, host_address, _candidates(data, at)[0])


class RoomPeer(NamedTuple):
    """The report to a host that a player has joined. The fields are those of RoomJoined, about the player."""

    channel: bytes
    secret: bytes
    address: bytes
    candidates: bytes

    def encode(self) -> bytes:
        fixed = _PEER.pack(ROOM_PEER, self.channel, self.secret)
        return fixed + _field(self.address) + _field(self.candidates)

    @classmethod
    def decode(cls, data: bytes) -> RoomPeer:
        channel, secret = _unpacked(_PEER, data)
        address, at = _sized(data, _PEER.size)
        return cls(channel, secret, address, _candidates(data, at)[0])


class RelayRefused(NamedTuple):
    """The relay does not do what a request asks for.

    :ivar wait: seconds before another request has a chance.
    """

    nonce: bytes
    reason: int
    wait: int

    def encode(self) -> bytes:
        return _TURNED_AWAY.pack(RELAY_REFUSED, *self)

    @classmethod
    def decode(cls, data: bytes) -> RelayRefused:
        return cls(*_unpacked(_TURNED_AWAY, data))


class LeaveRoom(NamedTuple):
    """A player leaves a channel, or the host closes its room; ``secret`` is the channel's or the room's."""

    channel: bytes
    secret: bytes

    def encode(self) -> bytes:
        return _LEAVE.pack(LEAVE, *self)

    @classmethod
    def decode(cls, data: bytes) -> LeaveRoom:
        return cls(*_unpacked(_LEAVE, data))


def of_channel(kind: int, channel: bytes) -> bytes:
    """Return an ALIVE, CHANNEL_GONE or MET, or the head of a RELAYED."""
    return _SHORT.pack(kind, channel)


def channel_of(data: bytes) -> bytes:
    """Return the channel of such a datagram.

    :raises MalformedPacket: if it is too short.
    """
    return bytes(_unpacked(_SHORT, data)[0])


def wire_address(address: Address) -> bytes:
    """Return the IP address and port of a socket's address: 6 bytes, or 18 with IPv6."""
    import ipaddress  # only on demand: it takes long to import

    return ipaddress.ip_address(plain_host(address[0])).packed + int(str(address[1])).to_bytes(2, "big")


def _field(data: bytes) -> bytes:
    return bytes([len(data)]) + data


def _sized(data: bytes, at: int) -> tuple[bytes, int]:
    """Read a length byte and that many bytes. Return them and the index of their end."""
    if at >= len(data) or at + 1 + data[at] > len(data):
        raise MalformedPacket("a field reaches beyond the datagram")
    end = at + 1 + data[at]
    return data[at + 1 : end], end


def _candidates(data: bytes, at: int) -> tuple[bytes, int]:
    found, end = _sized(data, at)
    if len(found) > MAX_CANDIDATES_BYTES:
        raise MalformedPacket(f"candidates of {len(found)} bytes")
    return found, end


def _code(data: bytes) -> str:
    code = data.decode("ascii", "replace")
    if not set(CODE_ALPHABET).issuperset(code):
        raise MalformedPacket("not a code")
    return code


def _unpacked(layout: Struct, data: bytes) -> tuple[Any, ...]:
    """Return the fields behind the kind.

    :raises MalformedPacket: if the datagram is too short.
    """
    if len(data) < layout.size:
        raise MalformedPacket(f"{len(data)} bytes, too few for kind {data[:1].hex()}")
    return layout.unpack_from(data)[1:]
