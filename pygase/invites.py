"""Invites: one line of text with which a friend finds a server, and recognises it.

``pygase://HOST:PORT/#`` and 64 letters: base64url of the server's identity key (32 bytes) and of its join secret (16
bytes), as RFC 4648, section 5. The part behind ``#`` is never sent to anybody.
"""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import Final, NamedTuple

from .addresses import format_address, parse_address
from .errors import InvalidInvite

SCHEME: Final = "pygase://"

_IDENTITY_BYTES: Final = 32
_SECRET_BYTES: Final = 16
_LETTERS: Final = (_IDENTITY_BYTES + _SECRET_BYTES) * 4 // 3
_ALPHABET: Final = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")
_HOW_IT_LOOKS: Final = f"{SCHEME}HOST:PORT/# and {_LETTERS} letters"


class Invite(NamedTuple):
    """An invite to a server.

    :ivar hostname, port: where the server is.
    :ivar identity: its public key, 32 bytes.
    :ivar join_secret: 16 bytes that all its invites share.
    """

    hostname: str
    port: int
    identity: bytes
    join_secret: bytes

    def __str__(self) -> str:
        secrets = urlsafe_b64encode(self.identity + self.join_secret).decode()
        return f"{SCHEME}{format_address(self.hostname, self.port)}/#{secrets}"

    def __repr__(self) -> str:
        return f"<Invite to {format_address(self.hostname, self.port)}>"  # a log or a traceback shows no secret


def is_invite(text: str) -> bool:
    """Return whether a text is meant as an invite, complete or not."""
    return text.strip().lower().startswith(SCHEME)


def parse_invite(text: str) -> Invite:
    """Return the invite that a text is.

    :raises InvalidInvite: (a ValueError) if it is none. The message is fit for a player, and shows no secret.
    :raises TypeError: if it is no str.
    """
    if not isinstance(text, str):
        raise TypeError(f"an invite must be a str such as Server.invite() returns, got {type(text).__name__}")
    if not is_invite(text):
        raise _no_invite(text.partition("#")[0], f"it does not begin with {SCHEME}")
    address, hash_sign, secrets = text.strip()[len(SCHEME) :].partition("#")
    shown = SCHEME + address
    if not hash_sign or not address.endswith("/"):
        raise _no_invite(shown, "it has no /# behind the address")
    if len(secrets) != _LETTERS or not _ALPHABET.issuperset(secrets):
        raise _no_invite(shown, f"{len(secrets)} characters stand behind the #, and not {_LETTERS} letters")
    try:
        hostname, port = parse_address(address[:-1])
    except ValueError as error:
        raise _no_invite(shown, str(error)) from None
    data = urlsafe_b64decode(secrets)
    return Invite(hostname, port, data[:_IDENTITY_BYTES], data[_IDENTITY_BYTES:])


def _no_invite(shown: str, reason: str) -> InvalidInvite:
    return InvalidInvite(
        f'"{shown:.80}" is no invite: {reason}. Expected {_HOW_IT_LOOKS}, in one line; copy it once more from the host.'
    )
