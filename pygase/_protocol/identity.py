"""The long-lived secrets of a server, by which invited clients recognise it."""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import Final

from .crypto import JOIN_SECRET_BYTES, KeyPair, keyed_hash
from .wire import KEY_BYTES

SECRETS_BYTES: Final = KEY_BYTES + JOIN_SECRET_BYTES

MAX_FILE_BYTES: Final = 200
"""An identity's file is smaller."""

_FILE_TITLE: Final = b"pygase identity 1\n"
_CHECK_BYTES: Final = 12
_FILE_LETTERS: Final = (SECRETS_BYTES + _CHECK_BYTES) * 4 // 3


class ServerIdentity:
    """A server's identity.

    :param secrets: 48 random bytes: the private key, and the join secret, which all invites have.
    """

    __slots__ = ("_pair", "secrets")

    def __init__(self, secrets: bytes) -> None:
        self.secrets = secrets
        self._pair: KeyPair | None = None

    @property
    def pair(self) -> KeyPair:
        """The key pair. It needs the package ``cryptography``."""
        if self._pair is None:
            self._pair = KeyPair(self.secrets[:KEY_BYTES])
        return self._pair

    @property
    def join_secret(self) -> bytes:
        return self.secrets[KEY_BYTES:]

    def to_file(self) -> bytes:
        """Return the content of a file that keeps this identity: a title, then base64 with a check sum."""
        return _FILE_TITLE + urlsafe_b64encode(self.secrets + _check(self.secrets)) + b"\n"


def identity_of_file(data: bytes) -> ServerIdentity | None:
    """Return the identity that a file keeps; None if it is torn, or another kind of file."""
    lines = data.split(b"\n")
    if lines[0] + b"\n" != _FILE_TITLE or len(lines) != 3 or lines[2] or len(lines[1]) != _FILE_LETTERS:
        return None
    try:
        whole = urlsafe_b64decode(lines[1])
    except ValueError:
        return None
    secrets, check = whole[:SECRETS_BYTES], whole[SECRETS_BYTES:]
    return ServerIdentity(secrets) if check == _check(secrets) else None


def _check(secrets: bytes) -> bytes:
    return keyed_hash(b"", _FILE_TITLE + secrets, _CHECK_BYTES)
