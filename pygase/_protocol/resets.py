"""The server's answers to packets of connections that it does not know, and the proof in them.

The proof is that of QUIC's stateless reset (RFC 9000, section 10.3): a keyed hash of the connection's token. The client
got it with its acceptance. The key outlives the process in a checkpoint, so a new process can prove that the old one is
gone.
"""

from __future__ import annotations

import math
from typing import Final

from .buckets import Bucket, Buckets
from .crypto import keyed_hash
from .datagrams import NotHere
from .wire import DATA, ENCRYPTED, HEADER_BYTES, RESET_BYTES, TOKEN_BYTES, URGENT

RESET_KEY_BYTES: Final = 32

WORTH_IT_FOR: Final = 60.0
"""Seconds after the start of the server, and after the end of a connection, in which such packets are answered. Later
ones are not of honest clients: those notice the silence after their ``timeout``."""

ANSWERS: Final = 256
"""Answers to all sources at once, and per second in the long run."""

ANSWERS_PER_HOST: Final = 64
"""Answers to one host at once: a class behind one router, after a restart."""

ANSWERS_PER_HOST_AND_SECOND: Final = 16

_ANSWERED_HOSTS: Final = 1024
_PACKETS: Final = frozenset({DATA, ENCRYPTED, URGENT})


class Resets:
    """Makes reset tokens, and answers packets of unknown connections, within bounds.

    :param key: 32 secret bytes.
    """

    __slots__ = ("_all", "_hosts", "_key", "_worth_it_until")

    def __init__(self, key: bytes) -> None:
        self._key = key
        self._all = Bucket(ANSWERS, ANSWERS, -math.inf)
        self._hosts = Buckets(ANSWERS_PER_HOST, ANSWERS_PER_HOST_AND_SECOND, _ANSWERED_HOSTS)
        self._worth_it_until = -math.inf

    def token_for(self, token: bytes) -> bytes:
        """Return the reset token of the connection with this token."""
        return keyed_hash(self._key, token, RESET_BYTES)

    def answer_from(self, now: float) -> None:
        """Answer for some time: the server has started, or a connection has ended, and clients may not know it."""
        self._worth_it_until = now + WORTH_IT_FOR

    def answer(self, data: bytes, host: object, now: float) -> bytes | None:
        """Return the answer to a packet with an unknown token, or None.

        It is never longer than the packet.
        """
        if len(data) < HEADER_BYTES or data[0] not in _PACKETS or now > self._worth_it_until:
            return None
        if not self._hosts.take(host, now) or not self._all.take(now):
            return None
        token = data[1 : 1 + TOKEN_BYTES]
        return NotHere(token, self.token_for(token)).encode()
