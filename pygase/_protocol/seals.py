"""The seals of a connection's packets, in both directions."""

from __future__ import annotations

from typing import Final

from .crypto import FROM_CLIENT, FROM_SERVER, MOST_FORGERIES, NONCE, SessionKeys, invalid_tag, new_aead
from .sequence import unwrap
from .wire import ENCRYPTED, HEADER_BYTES, URGENT

CLEAR_BYTES: Final = 11
"""Bytes of a packet that stay readable: kind, token and sequence."""

_LEAST_BYTES: Final = HEADER_BYTES - CLEAR_BYTES
_pack_nonce: Final = NONCE.pack
_SEALED_KIND: Final = bytes([ENCRYPTED])
_URGENT_KIND: Final = bytes([URGENT])


class Seals:
    """Seals and opens the packets of one side of a connection.

    :param direction: of its own packets: FROM_CLIENT or FROM_SERVER.
    :ivar forgeries: count of the packets that did not open.
    """

    __slots__ = ("_direction", "_from_other", "_from_self", "_invalid_tag", "_other_direction", "forgeries")

    def __init__(self, keys: SessionKeys, direction: int) -> None:
        from_client, from_server = new_aead(keys.from_client), new_aead(keys.from_server)
        is_server = direction == FROM_SERVER
        self._from_self, self._from_other = (from_server, from_client) if is_server else (from_client, from_server)
        self._direction = direction
        self._other_direction = FROM_CLIENT if is_server else FROM_SERVER
        self._invalid_tag = invalid_tag()
        self.forgeries = 0

    def seal(self, number: int, header: bytes, messages: bytes, urgent: bool) -> bytes:
        """Return the encrypted packet.

        :param number: the packet's full number; never the same twice.
        :param header, messages: the two parts of the DATA datagram.
        :param urgent: whether the receiver should not let it wait for its tick.
        """
        clear = (_URGENT_KIND if urgent else _SEALED_KIND) + header[1:CLEAR_BYTES]
        plain = header[CLEAR_BYTES:] + messages
        return clear + self._from_self.encrypt(_pack_nonce(self._direction, number), plain, clear)

    def open(self, packet: bytes, latest: int) -> bytes:
        """Return an encrypted packet with its text in clear, as a DATA datagram but for its kind; ``b""`` if it is not
        the other side's, or if it is an open one.

        :param packet: at least 11 bytes.
        :param latest: the newest received number. This packet has the number nearest to it.
        """
        wire, number = packet[9] << 8 | packet[10], latest + 1
        if number & 0xFFFF != wire:
            number = unwrap(wire, latest)
        clear = packet[:CLEAR_BYTES]
        try:
            nonce = _pack_nonce(self._other_direction, number)
            plain = self._from_other.decrypt(nonce, packet[CLEAR_BYTES:], clear)
        except self._invalid_tag:  # also of an open packet
            self.forgeries += 1
            return b""
        return clear + plain if len(plain) >= _LEAST_BYTES else b""

    @property
    def is_worn_out(self) -> bool:
        """Whether so many forgeries have been tried that the next one might succeed."""
        return self.forgeries >= MOST_FORGERIES
