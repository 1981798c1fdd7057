"""Keys and encryption, pure: all secrets are made of handed-in random bytes.

X25519 (RFC 7748) agrees on a secret, HKDF-SHA256 (RFC 5869) makes the keys of a connection of it, ChaCha20-Poly1305
(RFC 8439) seals packets. The shared secret is that of Noise's pattern NK (revision 34): an ephemeral key of the client,
a short-lived key of the server, and the server's identity key if the client knows it from an invite.
``docs/security.md`` explains what this protects. The package ``cryptography`` is imported only when the first key is
made.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import lru_cache
from struct import Struct
from typing import Final, NamedTuple, Protocol

from ..errors import LocalError, MalformedPacket
from .wire import KEY_BYTES, PROOF_BYTES

RandomBytes = Callable[[int], bytes]
"""A source of unpredictable bytes: ``os.urandom``, or ``random.Random(seed).randbytes`` in tests."""

JOIN_SECRET_BYTES: Final = 16
"""Bytes of the secret that an invite holds beside the server's identity key."""

SCRYPT_COST: Final = 2**15
"""The parameter N of scrypt: 32 MiB and 0.1 to 0.2 s for each guess at a password. Percival's paper of 2009 has 2**14
for logins of people, on computers of 2002."""

_SCRYPT_BLOCK: Final = 8
"""The parameter r; p is 1. RFC 7914, section 2, recommends both."""

MOST_FORGERIES: Final = 2**36
"""Packets with a wrong tag after which a connection ends: the integrity limit of ChaCha20-Poly1305 in RFC 9001,
section 6.6."""

FROM_CLIENT: Final = 0
FROM_SERVER: Final = 1
"""The directions. They stand in the nonce, so no packet can be sent back to its sender."""

NONCE: Final = Struct("!IQ")
_PROTOCOL_NAME: Final = b"pygase 2: X25519, HKDF-SHA256, ChaCha20-Poly1305"
_SHA256_BYTES: Final = 32


class Aead(Protocol):
    """A cipher that also protects clear bytes: ChaCha20Poly1305 of the package ``cryptography``."""

    def encrypt(self, nonce: bytes, data: bytes, associated_data: bytes | None) -> bytes:
        """Return the ciphertext, with its tag behind it."""

    def decrypt(self, nonce: bytes, data: bytes, associated_data: bytes | None) -> bytes:
        """Return the plaintext. Raise InvalidTag if any bit is wrong."""


def same_secret(expected: bytes, given: bytes) -> bool:
    """Compare two secrets in a time that does not reveal how much of the given one is right."""
    from hmac import compare_digest

    return compare_digest(expected, given)


def keyed_hash(key: bytes, text: bytes, size_bytes: int) -> bytes:
    """BLAKE2b (RFC 7693) under a key of at most 64 bytes."""
    from hashlib import blake2b  # only on demand: the cryptography behind it takes long to import

    return blake2b(text, digest_size=size_bytes, key=key).digest()


@lru_cache(maxsize=1)
def why_not() -> str:
    """Return why this Python cannot encrypt, or ``""`` if it can. It computes a key, so all later keys are fast."""
    try:
        KeyPair(bytes(range(KEY_BYTES)))
        new_aead(bytes(KEY_BYTES))
    except ImportError:
        return "the package cryptography is not installed; install it with: pip install 'pygase[secure]'"
    except Exception as error:  # such as UnsupportedAlgorithm, with a library that allows only certain ciphers
        return f"the package cryptography cannot compute X25519 and ChaCha20-Poly1305 here ({error})"
    return ""


def new_aead(key: bytes) -> Aead:
    """Return the cipher with a key of 32 bytes."""
    from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

    cipher: Aead = ChaCha20Poly1305(key)
    return cipher


@lru_cache(maxsize=1)
def invalid_tag() -> type[Exception]:
    from cryptography.exceptions import InvalidTag

    invalid: type[Exception] = InvalidTag  # named for a mypy that does not find the package
    return invalid


class KeyPair:
    """An X25519 key pair.

    :param private: 32 random bytes.
    :ivar public: the public key, 32 bytes.
    """

    __slots__ = ("_private", "public")

    def __init__(self, private: bytes) -> None:
        from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

        self._private = X25519PrivateKey.from_private_bytes(private)
        self.public: bytes = self._private.public_key().public_bytes_raw()

    def shared_with(self, public: bytes) -> bytes:
        """Return the secret that this pair shares with the owner of a public key, 32 bytes.

        :raises MalformedPacket: if it is no key, or one of the few with which the secret is always zero (RFC 7748,
            section 6.1).
        """
        from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PublicKey

        try:
            shared: bytes = self._private.exchange(X25519PublicKey.from_public_bytes(public))
        except ValueError:
            raise MalformedPacket("not a usable public key") from None
        return shared


# -- the key schedule ------------------------------------------------------------------------------------------------


def hkdf_extract(salt: bytes, secret: bytes) -> bytes:
    """Return the pseudorandom key of RFC 5869, section 2.2, with SHA-256."""
    from hmac import digest

    return digest(salt or bytes(_SHA256_BYTES), secret, "sha256")


def hkdf_expand(key: bytes, info: bytes, size_bytes: int) -> bytes:
    """Return that many bytes of keys, as RFC 5869, section 2.3, with SHA-256."""
    from hmac import digest

    block, keys, count = b"", b"", 0
    while len(keys) < size_bytes:
        count += 1
        block = digest(key, block + info + bytes([count]), "sha256")
        keys += block
    return keys[:size_bytes]


def transcript_hash(challenge: bytes, response_head: bytes) -> bytes:
    """Return the SHA-256 hash of what both sides have sent in clear: a whole CHALLENGE, and the part of the
    CHALLENGE_RESPONSE in front of its body."""
    from hashlib import sha256

    size = len(challenge).to_bytes(2, "big")
    return sha256(_PROTOCOL_NAME + size + challenge + response_head).digest()


class SessionKeys(NamedTuple):
    """The keys of one connection, 32 bytes each, made by its handshake and never saved.

    :ivar response: seals the body of the CHALLENGE_RESPONSE.
    :ivar accepted: seals the body of ACCEPTED.
    :ivar refused: proves that a REFUSED is the server's.
    :ivar from_client, from_server: seal the packets of a direction.
    """

    response: bytes
    accepted: bytes
    refused: bytes
    from_client: bytes
    from_server: bytes


def session_keys(transcript: bytes, shared: bytes) -> SessionKeys:
    """Return the keys of a connection.

    :param transcript: the hash of the handshake, see :func:`transcript_hash`.
    :param shared: the secrets that only the two sides have, one behind the other.
    """
    keys = hkdf_expand(hkdf_extract(transcript, shared), b"pygase session keys", 5 * KEY_BYTES)
    return SessionKeys(*[keys[at : at + KEY_BYTES] for at in range(0, len(keys), KEY_BYTES)])


# -- sealing ---------------------------------------------------------------------------------------------------------


class Sealer:
    """Seals what one side sends with one key.

    :param direction: FROM_CLIENT or FROM_SERVER.
    """

    __slots__ = ("_aead", "_direction")

    def __init__(self, key: bytes, direction: int) -> None:
        self._aead = new_aead(key)
        self._direction = direction

    def seal(self, number: int, plain: bytes, clear: bytes) -> bytes:
        """Return the ciphertext and its tag of 16 bytes.

        :param number: of 64 bits; a number seals one plaintext only.
        :param clear: bytes that stay readable, and that nobody can change either.
        """
        return self._aead.encrypt(NONCE.pack(self._direction, number), plain, clear)


class Opener:
    """Opens what the other side has sealed with one key.

    :param direction: of the sender: FROM_CLIENT or FROM_SERVER.
    :ivar forgeries: count of the texts that did not open.
    """

    __slots__ = ("_aead", "_direction", "_wrong", "forgeries")

    def __init__(self, key: bytes, direction: int) -> None:
        self._aead = new_aead(key)
        self._direction = direction
        self._wrong = invalid_tag()
        self.forgeries = 0

    def open(self, number: int, sealed: bytes, clear: bytes) -> bytes | None:
        """Return the plaintext; None if any bit of the three arguments is not the sender's."""
        try:
            return self._aead.decrypt(NONCE.pack(self._direction, number), sealed, clear)
        except self._wrong:
            self.forgeries += 1
            return None


# -- the server's keys -----------------------------------------------------------------------------------------------


class HandshakeKeys:
    """The server's short-lived key pairs. A thief of all its later keys cannot read the connections of an earlier pair.

    Time is divided into periods. Each period has a pair, made when the first client needs it. A pair is forgotten at
    the end of the next period, so a challenge can be answered for one period at least.

    :param random_bytes: a source of unpredictable bytes.
    :param period: seconds.
    """

    __slots__ = ("_pairs", "_period", "_random_bytes")

    def __init__(self, random_bytes: RandomBytes, period: float) -> None:
        self._random_bytes = random_bytes
        self._period = max(int(period * 10), 1)
        self._pairs: dict[int, KeyPair] = {}

    def make(self, issued_at: int) -> KeyPair:
        """Return the pair for a challenge that is issued now.

        :param issued_at: the time, in tenths of a second.
        """
        self.forget(issued_at)
        number = issued_at // self._period
        pair = self._pairs.get(number)
        if pair is None:
            pair = self._pairs[number] = KeyPair(self._random_bytes(KEY_BYTES))
        return pair

    def find(self, issued_at: int) -> KeyPair | None:
        """Return the pair of a challenge that was issued at that time; None if it is forgotten."""
        return self._pairs.get(issued_at // self._period)

    def forget(self, now: int) -> None:
        """Forget the pairs that are older than the previous period. ``now``: in tenths of a second."""
        oldest = now // self._period - 1
        for number in [number for number in self._pairs if number < oldest]:
            del self._pairs[number]

    def forget_at(self) -> float:
        """Return when :meth:`forget` has something to do, in seconds; infinite for never."""
        return (min(self._pairs) + 2) * self._period / 10 if self._pairs else math.inf


# -- passwords -------------------------------------------------------------------------------------------------------


def why_no_passwords() -> str:
    """Return why this Python cannot check passwords, or ``""`` if it can."""
    import hashlib

    if hasattr(hashlib, "scrypt"):
        return ""
    return (
        "this Python's hashlib has no scrypt, which passwords need: it was built without OpenSSL. Use a Python from "
        "python.org or from your system, or leave the password away"
    )


@lru_cache(maxsize=8)
def stretched_password(password: str, salt: bytes) -> bytes:
    """Return the key of a password, 32 bytes: scrypt (RFC 7914), so that each guess takes 0.1 s and 32 MiB.

    The latest are remembered: a player who hosts a game has computed the key for the server already.

    :raises LocalError: if this Python has no scrypt.
    """
    problem = why_no_passwords()
    if problem:
        raise LocalError(problem)
    return scrypt(password.encode(), salt, SCRYPT_COST, KEY_BYTES)


def scrypt(password: bytes, salt: bytes, cost: int, size_bytes: int) -> bytes:
    """Return that many bytes of a key, by scrypt with r = 8 and p = 1."""
    import hashlib

    memory = 2 * 128 * cost * _SCRYPT_BLOCK  # twice what it needs: the default limit is just too low
    return hashlib.scrypt(password, salt=salt, n=cost, r=_SCRYPT_BLOCK, p=1, maxmem=memory, dklen=size_bytes)


def password_proof(stretched: bytes, handshake: bytes) -> bytes:
    """Return the proof that a client knows the password, for this one handshake. The password itself never travels.

    :param stretched: from :func:`stretched_password`.
    :param handshake: the hash of an encrypted handshake; of an open one, cookie and nonce.
    """
    return keyed_hash(stretched, handshake, PROOF_BYTES)
