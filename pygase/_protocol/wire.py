"""The layout of every byte of a datagram, as ``docs/protocol.md`` describes it.

All numbers are big-endian. A datagram begins with its kind (one byte). A DATA datagram is a header and then messages,
each ``kind (1), length (2), body (length)``.
"""

from __future__ import annotations

from struct import Struct
from typing import Final, NamedTuple

from ..errors import MalformedPacket

PROTOCOL_VERSION: Final = 2

MAX_DATAGRAM_BYTES: Final = 1200
"""A datagram of this size passes every path of today's Internet unfragmented. IPv6 guarantees 1,280; RFC 9000, section
14, chooses 1,200."""

MIN_REQUEST_BYTES: Final = 1000
"""The least size of a connection request, by padding: no answer to it is larger (no amplification)."""

# -- kinds of datagrams ----------------------------------------------------------------------------------------------
CONNECT_REQUEST: Final = 0x01
CHALLENGE: Final = 0x02
CHALLENGE_RESPONSE: Final = 0x03
ACCEPTED: Final = 0x04
REFUSED: Final = 0x05
DATA: Final = 0x06
# 0x07 encrypted data, 0x08/0x09 path challenge and response, 0x0A resume: reserved

# -- kinds of messages -----------------------------------------------------------------------------------------------
EVENT: Final = 1
EVENT_ONCE: Final = 2
EVENT_ORDERED: Final = 3
SNAPSHOT: Final = 4
FRAGMENT: Final = 5
CLOSE: Final = 6
BULK_SNAPSHOT: Final = 7
ACKS: Final = 8
INPUTS: Final = 9
INPUT_STATE: Final = 10
SKIPPED: Final = 11

TOKEN_BYTES: Final = 8
NONCE_BYTES: Final = 8
COOKIE_BYTES: Final = 16
PROOF_BYTES: Final = 16
MAX_GAME_BYTES: Final = 64
MAX_DETAIL_BYTES: Final = 200

# kind, token, sequence, ack, ack_bits, ack_delay (units of 0.1 ms), the server's clock (units of 0.1 ms)
SERVER_HEADER: Final = Struct("!B8sHHIHI")
# the same, but the last field is the tick of the client's newest state (0: none)
CLIENT_HEADER: Final = Struct("!B8sHHIHI")
HEADER_BYTES: Final = 23

MESSAGE_HEADER: Final = Struct("!BH")
ORDER: Final = Struct("!H")
# lowest 16 bits of the tick whose state precedes an event (in the server's events, in front of the event itself)
AFTER: Final = Struct("!H")
# kind of the whole message, group, index, count
FRAGMENT_HEADER: Final = Struct("!BHHH")
# flags, tick, ticks back to the baseline (0: full state), ticks back to the previous state, time (0.1 ms), span (0.1
# ms)
SNAPSHOT_HEADER: Final = Struct("!BIHHIH")
# sequence; then 256 bits for the packets before it, the nearest in the lowest bit
ACKS_HEADER: Final = Struct("!H")
ACKS_BYTES: Final = 32
COMPRESSED: Final = 0x01
RESTING: Final = 0x02

TIME_UNIT: Final = 1e-4
"""Seconds per unit of the times on the wire: fine enough for the round trip of a LAN, and 16 bits reach 6.5 s."""

NO_ACK_DELAY: Final = 0xFFFF
"""The greatest ack_delay: the acknowledgement waited longer, and measures no round trip."""

TAG_BYTES: Final = 16
"""Bytes left free in every DATA datagram, for the authentication tag of an encrypted one."""

MAX_MESSAGE_ROOM: Final = MAX_DATAGRAM_BYTES - CLIENT_HEADER.size - TAG_BYTES
"""Bytes for messages in a datagram, the same in both directions."""

MAX_BODY_BYTES: Final = MAX_MESSAGE_ROOM - MESSAGE_HEADER.size
FRAGMENT_BYTES: Final = MAX_BODY_BYTES - FRAGMENT_HEADER.size
"""Payload of every fragment but the last. It is fixed, so the receiver knows each fragment's place and bounds the
whole."""

_REQUEST: Final = Struct("!BH8sB")
_CHALLENGE: Final = Struct("!B8sI16s")
_RESPONSE: Final = Struct("!BH8sI16s16sB")
_ACCEPTED: Final = Struct("!B8s8sBQB")
_REFUSED: Final = Struct("!B8sB")


def to_wire_time(seconds: float) -> int:
    """Return a time in units of 0.1 ms, modulo 2**32."""
    return int(seconds / TIME_UNIT + 0.5) & 0xFFFFFFFF


def to_whole_wire_time(seconds: float) -> int:
    """Return a time, 0 or later, in units of 0.1 ms, modulo 2**64."""
    return int(seconds / TIME_UNIT + 0.5) & 0xFFFFFFFFFFFFFFFF


def message(kind: int, body: bytes) -> bytes:
    """Frame a body of at most MAX_BODY_BYTES for a DATA datagram."""
    return MESSAGE_HEADER.pack(kind, len(body)) + body


def _short(data: bytes, layout: Struct, name: str) -> None:
    if len(data) < layout.size:
        raise MalformedPacket(f"{name} of {len(data)} bytes, at least {layout.size} expected")


def _sized_text(data: bytes, at: int) -> tuple[str, int]:
    """Read a length byte and that many bytes of UTF-8. Return the text and the index of its end."""
    if at >= len(data) or at + 1 + data[at] > len(data):
        raise MalformedPacket("text reaches beyond the datagram")
    end = at + 1 + data[at]
    try:
        return data[at + 1 : end].decode(), end
    except UnicodeDecodeError:
        raise MalformedPacket("text is not UTF-8") from None


def _text(value: str, limit: int) -> bytes:
    data = value.encode(errors="replace")[:limit].decode(errors="ignore").encode()
    return bytes([len(data)]) + data


class ConnectRequest(NamedTuple):
    version: int
    nonce: bytes
    game: str

    def encode(self) -> bytes:
        head = _REQUEST.pack(CONNECT_REQUEST, self.version, self.nonce, 0)[:-1] + _text(self.game, MAX_GAME_BYTES)
        return head.ljust(MAX_DATAGRAM_BYTES, b"\0")

    @classmethod
    def decode(cls, data: bytes) -> ConnectRequest:
        if len(data) < MIN_REQUEST_BYTES:
            raise MalformedPacket(f"request of {len(data)} bytes is not padded to {MIN_REQUEST_BYTES}")
        _, version, nonce, _ = _REQUEST.unpack_from(data)
        if version != PROTOCOL_VERSION:  # another version may lay out the rest differently
            return cls(version, nonce, "")
        return cls(version, nonce, _sized_text(data, _REQUEST.size - 1)[0])


class Challenge(NamedTuple):
    """The server's answer to a request. The client proves with it that it receives at its address."""

    nonce: bytes
    issued_at: int
    cookie: bytes

    def encode(self) -> bytes:
        return _CHALLENGE.pack(CHALLENGE, *self)

    @classmethod
    def decode(cls, data: bytes) -> Challenge:
        _short(data, _CHALLENGE, "challenge")
        return cls(*_CHALLENGE.unpack_from(data)[1:])


class ChallengeResponse(NamedTuple):
    version: int
    nonce: bytes
    issued_at: int
    cookie: bytes
    password_proof: bytes
    game: str
    host_token: str

    def encode(self) -> bytes:
        head = _RESPONSE.pack(CHALLENGE_RESPONSE, *self[:5], 0)[:-1]
        return head + _text(self.game, MAX_GAME_BYTES) + _text(self.host_token, 64)

    @classmethod
    def decode(cls, data: bytes) -> ChallengeResponse:
        _short(data, _RESPONSE, "challenge response")
        game, end = _sized_text(data, _RESPONSE.size - 1)
        host_token, _ = _sized_text(data, end)
        _, version, nonce, issued_at, cookie, proof, _ = _RESPONSE.unpack_from(data)
        return cls(version, nonce, issued_at, cookie, proof, game, host_token)


class Accepted(NamedTuple):
    """The server's welcome: the connection's token, whether the client is host, the server's time, and the client's
    address as the server sees it.

    ``time`` is in units of 0.1 ms and whole. All later times are modulo 2**32 (4.97 days), and clients that connect in
    different weeks know the same clock by this one. ``address`` is msgpack of a list.
    """

    nonce: bytes
    token: bytes
    is_host: bool
    time: int
    address: bytes

    def encode(self) -> bytes:
        return (
            _ACCEPTED.pack(ACCEPTED, self.nonce, self.token, self.is_host, self.time, len(self.address)) + self.address
        )

    @classmethod
    def decode(cls, data: bytes) -> Accepted:
        _short(data, _ACCEPTED, "acceptance")
        _, nonce, token, is_host, time, size = _ACCEPTED.unpack_from(data)
        address = data[_ACCEPTED.size : _ACCEPTED.size + size]
        if len(address) < size:
            raise MalformedPacket("address reaches beyond the datagram")
        return cls(nonce, token, bool(is_host), time, address)


class Refused(NamedTuple):
    """The value of a DisconnectReason, and the server's own words."""

    nonce: bytes
    reason: int
    detail: str

    def encode(self) -> bytes:
        return _REFUSED.pack(REFUSED, self.nonce, self.reason) + _text(self.detail, MAX_DETAIL_BYTES)

    @classmethod
    def decode(cls, data: bytes) -> Refused:
        _short(data, _REFUSED, "refusal")
        _, nonce, reason = _REFUSED.unpack_from(data)
        return cls(nonce, reason, _sized_text(data, _REFUSED.size)[0])


def acks_message(sequence: int, bits: int) -> bytes:
    """Frame an ACKS message: like ack and ack_bits of the header, but 256 packets long."""
    return message(ACKS, ACKS_HEADER.pack(sequence & 0xFFFF) + bits.to_bytes(ACKS_BYTES, "big"))


def decode_acks(body: bytes) -> tuple[int, int]:
    if len(body) != ACKS_HEADER.size + ACKS_BYTES:
        raise MalformedPacket(f"ACKS of {len(body)} bytes")
    return ACKS_HEADER.unpack_from(body)[0], int.from_bytes(body[ACKS_HEADER.size :], "big")


def close_message(reason: int, detail: str) -> bytes:
    return message(CLOSE, bytes([reason]) + _text(detail, MAX_DETAIL_BYTES))


def decode_close(body: bytes) -> tuple[int, str]:
    if not body:
        raise MalformedPacket("empty CLOSE")
    return body[0], _sized_text(body, 1)[0]
