"""Opens encrypted datagrams by "Encryption" in docs/protocol.md: a second implementation, from the page.

It knows each random text of 32 bytes that either side has drawn, so it finds the private key of any public one.
"""

from __future__ import annotations

from collections.abc import Callable
from hashlib import blake2b, sha256
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from tests.support.document_decoder import TO_CLIENT, TO_SERVER, Document, check, fields_of, named, nearest

NAMES = ["response", "accepted", "refused", TO_SERVER, TO_CLIENT]


class Secrets:
    """The keys of all connections of a server.

    :param identity: the server's private identity key (32 bytes) and join secret.
    :ivar keys: the five keys of each client, by name.
    """

    def __init__(self, document: Document, identity: bytes = b"") -> None:
        self.keys: dict[Any, dict[str, bytes]] = {}
        self._document = document
        self._identity = identity
        self._drawn: list[bytes] = []
        self._privates: dict[bytes, X25519PrivateKey] = {}
        self._challenges: dict[Any, bytes] = {}
        self._numbers: dict[tuple[Any, str], int] = {}

    def recorded(self, random_bytes: Callable[[int], bytes]) -> Callable[[int], bytes]:
        """Return a source of random bytes that notes what it gives."""

        def draw(size: int) -> bytes:
            drawn = random_bytes(size)
            if size == 32:
                self._drawn.append(drawn)
            return drawn

        return draw

    def opened(self, data: bytes, way: str, client: Any) -> bytes:
        """Return a datagram as it would be without encryption."""
        if data[0] == 2:
            self._challenges[client] = data
        elif data[0] == 3:
            return self._response(data, client)
        elif data[0] == 4 and client in self.keys:
            return self._body(data, "accepted", TO_CLIENT, client, data[9:])
        elif data[0] == 5 and client in self.keys:
            tag = named(self._document.decode(data, way))["tag"]
            key = self.keys[client]["refused"]
            check(tag == blake2b(data[:-16], digest_size=16, key=key).digest(), "a refusal with another tag")
        elif data[0] in (7, 0x87):
            return self._packet(data, way, client)
        return data

    def _response(self, data: bytes, client: Any) -> bytes:
        values = named(fields_of(self._document.datagrams[3, ""], data))
        self.keys.pop(client, None)
        if not values["key"]:
            return data
        sealed = values["body"]
        self.keys[client] = self._schedule(values, self._challenges[client], data[: len(data) - len(sealed)])
        for way in (TO_SERVER, TO_CLIENT):
            self._numbers[client, way] = -1
        return self._body(data, "response", TO_SERVER, client, sealed)

    def _schedule(self, response: dict[str, Any], challenge: bytes, clear: bytes) -> dict[str, bytes]:
        key = X25519PublicKey.from_public_bytes(response["key"])
        server_key = named(self._document.decode(challenge, TO_CLIENT))["key"]
        shared = self._private(server_key).exchange(key)
        if response["trust"]:
            shared += X25519PrivateKey.from_private_bytes(self._identity[:32]).exchange(key)
        if response["trust"] == 1:
            shared += self._identity[32:]
        name = b"pygase 2: X25519, HKDF-SHA256, ChaCha20-Poly1305"
        transcript = sha256(name + len(challenge).to_bytes(2, "big") + challenge + clear).digest()
        drawn = HKDF(SHA256(), 160, salt=transcript, info=b"pygase session keys").derive(shared)
        return {each: drawn[32 * i : 32 * i + 32] for i, each in enumerate(NAMES)}

    def _private(self, public: bytes) -> X25519PrivateKey:
        for drawn in self._drawn:
            private = X25519PrivateKey.from_private_bytes(drawn)
            self._privates[private.public_key().public_bytes_raw()] = private
        self._drawn.clear()
        check(public in self._privates, "a public key that neither side has made")
        return self._privates[public]

    def _body(self, data: bytes, name: str, way: str, client: Any, sealed: bytes) -> bytes:
        clear = data[: len(data) - len(sealed)]
        return clear + self._open(self.keys[client][name], way, 0, sealed, clear)

    def _packet(self, data: bytes, way: str, client: Any) -> bytes:
        number = nearest(int.from_bytes(data[9:11], "big"), self._numbers[client, way], 16)
        self._numbers[client, way] = max(self._numbers[client, way], number)
        return b"\x06" + data[1:11] + self._open(self.keys[client][way], way, number, data[11:], data[:11])

    def _open(self, key: bytes, way: str, number: int, sealed: bytes, clear: bytes) -> bytes:
        nonce = (0 if way == TO_SERVER else 1).to_bytes(4, "big") + number.to_bytes(8, "big")
        try:
            return ChaCha20Poly1305(key).decrypt(nonce, sealed, clear)
        except InvalidTag:
            check(False, f"a text that does not open, {way}, number {number}")
            raise
