"""The layout of every byte of a datagram, as ``docs/protocol.md`` describes it.

All numbers are big-endian. A datagram begins with its kind (one byte). A DATA datagram is a header and then messages,
each ``kind (1), length (2), body (length)``.
"""

from __future__ import annotations

from struct import Struct
from typing import Final

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
ENCRYPTED: Final = 0x07
URGENT: Final = 0x87
"""ENCRYPTED, with something inside that the receiver should not let wait for its tick."""
PATH_CHALLENGE: Final = 0x08
PATH_RESPONSE: Final = 0x09
NOT_HERE: Final = 0x0A
GOODBYE: Final = 0x0B

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
DELTA: Final = 12

LAST: Final = 0x80
"""This bit of a message's kind: the message is the last of its packet, and its frame has no length."""

WAITING_KINDS: Final = (EVENT, INPUTS, SKIPPED)
"""Kinds of messages that can wait for a server's tick. A packet whose first message is of another kind should not."""

KIND_BITS: Final = 0xFF & ~LAST
"""The bits of a message's first byte that are its kind."""

TOKEN_BYTES: Final = 8
NONCE_BYTES: Final = 8
COOKIE_BYTES: Final = 16
PROOF_BYTES: Final = 16
KEY_BYTES: Final = 32
"""The size of a public key (X25519)."""
SALT_BYTES: Final = 16
SECRET_BYTES: Final = 16
"""The size of the secret that resumes a connection."""
PATH_COOKIE_BYTES: Final = 8
PATH_MAC_BYTES: Final = 8
RESET_BYTES: Final = 14
"""The size of a reset token. A NOT_HERE of this size is as long as the smallest packet that it answers."""
MAX_HOST_TOKEN_BYTES: Final = 64
MAX_PROFILE_BYTES: Final = 400
"""The largest profile, serialised."""
MAX_GAME_BYTES: Final = 64
MAX_ROOM_BYTES: Final = 64
MAX_OPTIONS_BYTES: Final = 256
"""The largest options of a new room, serialised."""
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
# flags and, in their highest four bits, ticks back to the previous state; lowest 16 bits of the baseline's tick; ticks
# back to it; lowest 16 bits of the time (0.1 ms); span (0.1 ms)
DELTA_HEADER: Final = Struct("!BHBHH")
# sequence; then 256 bits for the packets before it, the nearest in the lowest bit
ACKS_HEADER: Final = Struct("!H")
ACKS_BYTES: Final = 32
COMPRESSED: Final = 0x01
RESTING: Final = 0x02
PACKED: Final = 0x04

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


def to_wire_time(seconds: float) -> int:
    """Return a time in units of 0.1 ms, modulo 2**32."""
    return int(seconds / TIME_UNIT + 0.5) & 0xFFFFFFFF


def to_whole_wire_time(seconds: float) -> int:
    """Return a time, 0 or later, in units of 0.1 ms, modulo 2**64."""
    return int(seconds / TIME_UNIT + 0.5) & 0xFFFFFFFFFFFFFFFF


def message(kind: int, body: bytes) -> bytes:
    """Frame a body of at most MAX_BODY_BYTES for a DATA datagram."""
    return MESSAGE_HEADER.pack(kind, len(body)) + body


def last_message(kind: int, body: bytes) -> bytes:
    """Frame a body as the last message of a DATA datagram."""
    return bytes([kind | LAST]) + body


def as_last(framed: bytes) -> bytes:
    """Return a framed message as the last one of its datagram: without its length."""
    return bytes([framed[0] | LAST]) + framed[MESSAGE_HEADER.size :]


def sized_text(data: bytes, at: int) -> tuple[str, int]:
    """Read a length byte and that many bytes of UTF-8. Return the text and the index of its end."""
    if at >= len(data) or at + 1 + data[at] > len(data):
        raise MalformedPacket("text reaches beyond the datagram")
    end = at + 1 + data[at]
    try:
        return data[at + 1 : end].decode(), end
    except UnicodeDecodeError:
        raise MalformedPacket("text is not UTF-8") from None


def text_field(value: str, limit: int) -> bytes:
    """Return a length byte and the text in UTF-8, cut to ``limit`` bytes."""
    data = value.encode(errors="replace")[:limit].decode(errors="ignore").encode()
    return bytes([len(data)]) + data


def can_wait(datagram: bytes) -> bool:
    """Return whether a datagram from a client can wait for the server's tick."""
    kind = datagram[0] if datagram else DATA
    if kind != DATA:
        return kind == ENCRYPTED
    return len(datagram) <= HEADER_BYTES or datagram[HEADER_BYTES] & KIND_BITS in WAITING_KINDS


def sequence_of(packet: bytes) -> int:
    """Return the number of a packet, 16 bits."""
    return packet[9] << 8 | packet[10]


def acks_message(sequence: int, bits: int) -> bytes:
    """Frame an ACKS message: like ack and ack_bits of the header, but 256 packets long."""
    return message(ACKS, ACKS_HEADER.pack(sequence & 0xFFFF) + bits.to_bytes(ACKS_BYTES, "big"))


def decode_acks(body: bytes) -> tuple[int, int]:
    if len(body) != ACKS_HEADER.size + ACKS_BYTES:
        raise MalformedPacket(f"ACKS of {len(body)} bytes")
    return ACKS_HEADER.unpack_from(body)[0], int.from_bytes(body[ACKS_HEADER.size :], "big")


def close_message(reason: int, detail: str) -> bytes:
    return message(CLOSE, bytes([reason]) + text_field(detail, MAX_DETAIL_BYTES))


def decode_close(body: bytes) -> tuple[int, str]:
    if not body:
        raise MalformedPacket("empty CLOSE")
    return body[0], sized_text(body, 1)[0]
