"""The seals of a connection's packets, in both directions."""

from __future__ import annotations

from typing import Final

from .crypto import FROM_CLIENT, FROM_SERVER, MOST_FORGERIES, Opener, Sealer, SessionKeys
from .record import PeerRecord
from .sequence import unwrap
from .wire import DATA, ENCRYPTED, HEADER_BYTES, TAG_BYTES, URGENT

CLEAR_BYTES: Final = 11
"""Bytes of a packet that stay readable: kind, token and sequence."""

_OPEN_KIND: Final = bytes([DATA])
_SEALED_KIND: Final = bytes([ENCRYPTED])
_URGENT_KIND: Final = bytes([URGENT])


class Seals:
    """Seals and opens the packets of one side of a connection.

    :param direction: of its own packets: FROM_CLIENT or FROM_SERVER.
    """

    __slots__ = ("_opener", "_sealer")

    def __init__(self, keys: SessionKeys, direction: int) -> None:
        from_client, from_server = keys.from_client, keys.from_server
        if direction == FROM_SERVER:
            self._sealer, self._opener = Sealer(from_server, FROM_SERVER), Opener(from_client, FROM_CLIENT)
        else:
            self._sealer, self._opener = Sealer(from_client, FROM_CLIENT), Opener(from_server, FROM_SERVER)

    def seal(self, number: int, header: bytes, messages: bytes, urgent: bool) -> bytes:
        """Return the encrypted packet.

        :param number: the packet's full number; never the same twice.
        :param header, messages: the two parts of the DATA datagram.
        :param urgent: whether the receiver should not let it wait for its tick.
        """
        clear = (_URGENT_KIND if urgent else _SEALED_KIND) + header[1:CLEAR_BYTES]
        return clear + self._sealer.seal(number, header[CLEAR_BYTES:] + messages, clear)

    def open(self, number: int, packet: bytes) -> bytes:
        """Return the DATA datagram of an encrypted packet; ``b""`` if it is not the other side's.

        :param number: the full number that the packet claims.
        """
        if len(packet) < HEADER_BYTES + TAG_BYTES:
            return b""
        clear = packet[:CLEAR_BYTES]
        plain = self._opener.open(number, packet[CLEAR_BYTES:], clear)
        return b"" if plain is None else _OPEN_KIND + clear[1:] + plain

    @property
    def is_worn_out(self) -> bool:
        """Whether so many forgeries have been tried that the next one might succeed."""
        return self._opener.forgeries >= MOST_FORGERIES


def unsealed(seals: Seals | None, data: bytes, record: PeerRecord) -> bytes:
    """Return the DATA datagram of an encrypted packet; ``b""`` if it is not the peer's, or if either the packet or the
    connection is open. Those are counted as dropped."""
    if seals is not None and data[0] != DATA:
        plain = seals.open(unwrap(data[9] << 8 | data[10], record.latest), data)
        if plain:
            return plain
    record.packets_dropped += 1
    return b""
