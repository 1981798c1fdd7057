"""The server's part of the handshake: makes challenges, remembers none of them, and opens the responses."""

from __future__ import annotations

from collections import OrderedDict
from typing import Final, NamedTuple

from ..config import ServerConfig
from .crypto import RandomBytes, password_proof, same_secret, stretched_password
from .datagrams import Accepted, Challenge, ChallengeResponse, ConnectRequest, Refused, ResponseBody
from .handshake import Address, CookieJar, tenths
from .identity import ServerIdentity
from .secrecy import Agreement, ServerSecrecy
from .wire import SALT_BYTES

_REMEMBERED_NONCES: Final = 4096


class Opened(NamedTuple):
    """A response to a challenge of this server, with its body.

    :ivar agreement: the keys of an encrypted connection, or None.
    """

    response: ChallengeResponse
    body: ResponseBody
    agreement: Agreement | None

    def proof_context(self) -> bytes:
        """Return what the proof of a password is bound to."""
        response, agreement = self.response, self.agreement
        return response.cookie + response.nonce if agreement is None else agreement.transcript

    def in_room(self, code: str) -> Opened:
        """Return the same, with the code of the room that was found for it."""
        body = self.body
        named = ResponseBody(body.password_proof, body.host_token, body.claim, body.profile, code, body.options)
        return Opened(self.response, named, self.agreement)

    def accepted(self, welcome: bytes) -> bytes:
        """Return the datagram with the answer, sealed if there are keys."""
        nonce = self.response.nonce
        if self.agreement is None:
            return Accepted(nonce, welcome).encode()
        return Accepted(nonce, self.agreement.seal_accepted(welcome, Accepted(nonce, b"").clear())).encode()


def refusal(nonce: bytes, reason: int, detail: str, agreement: Agreement | None = None) -> bytes:
    """Return the datagram that refuses. With keys it has a proof that it is the server's."""
    clear = Refused(nonce, reason, detail).clear()
    return clear if agreement is None else clear + agreement.refusal_tag(clear)


class Nonces:
    """The nonces of the handshakes that have been accepted, each with the address. No challenge leads to two
    acceptances: keys would be used twice, and a late or recorded datagram would make a connection without a client.

    From another address it is another handshake, with another cookie and so with other keys: a router has forgotten its
    mapping, and the acceptance never arrived. The same holds for a connection that has ended before its client got the
    acceptance: the client goes on with its nonce, and is accepted again once it answers a challenge that is newer than
    that end. When the memory is full, every challenge that is older than the oldest nonce in it counts as used.
    """

    __slots__ = ("_accepted_at", "_ended_at", "_forgotten_until")

    def __init__(self) -> None:  # all times are in whole tenths of a second, as challenges have them
        self._accepted_at: OrderedDict[tuple[bytes, Address], int] = OrderedDict()
        self._ended_at: dict[tuple[bytes, Address], int] = {}
        self._forgotten_until = -1

    def __len__(self) -> int:
        return len(self._accepted_at)

    def add(self, nonce: bytes, address: Address, now: float) -> None:
        known = nonce, address
        self._ended_at.pop(known, None)
        self._accepted_at[known] = int(now * 10)
        self._accepted_at.move_to_end(known)
        if len(self._accepted_at) > _REMEMBERED_NONCES:
            oldest, self._forgotten_until = self._accepted_at.popitem(last=False)
            self._ended_at.pop(oldest, None)

    def end(self, nonce: bytes, address: Address, now: float) -> None:
        """Note the end of a connection whose client has never got the acceptance."""
        if (nonce, address) in self._accepted_at:
            self._ended_at[nonce, address] = int(now * 10)

    def has(self, response: ChallengeResponse, address: Address, now: float) -> bool:
        """Return whether this response may have been accepted before, from this address."""
        known = response.nonce, address
        issued_at = int(now * 10) - ((tenths(now) - response.issued_at) & 0xFFFFFFFF)
        if known in self._accepted_at:
            return issued_at <= self._ended_at.get(known, issued_at)
        return issued_at <= self._forgotten_until


class Challenges:
    """Makes challenges, and opens the responses to them.

    :param password: None to ask for none.
    :ivar nonces: the handshakes that were accepted.
    :ivar secrecy: the keys.
    """

    __slots__ = ("_cookies", "_password_key", "_salt", "nonces", "secrecy")

    def __init__(
        self, config: ServerConfig, password: str | None, identity: ServerIdentity, random_bytes: RandomBytes
    ) -> None:
        self._cookies = CookieJar(random_bytes, config.cookie_lifetime)
        self.secrecy = ServerSecrecy(config.encryption, identity, random_bytes, config.cookie_lifetime)
        self.nonces = Nonces()
        self._salt = self._password_key = b""
        if password is not None:
            self._salt = random_bytes(SALT_BYTES)
            self._password_key = stretched_password(password, self._salt)

    @property
    def asks_for_password(self) -> bool:
        return bool(self._salt)

    def challenge(self, request: ConnectRequest, address: Address, now: float) -> Challenge:
        key = self.secrecy.key_for(request.encryption, tenths(now))
        return self._cookies.challenge(request.nonce, address, now, key, self._salt)

    def are_answered_by(self, response: ChallengeResponse, address: Address, now: float) -> bool:
        """Return whether a response answers a recent challenge to this address."""
        return self._cookies.accepts(response, address, now)

    def open(self, response: ChallengeResponse) -> Opened | None:
        """Return the response with its body; None if the body is not sealed with this server's keys.

        :raises MalformedPacket: if the key or the body does not parse.
        """
        if not response.key:
            return Opened(response, ResponseBody.decode(response.body), None)
        agreement = self._agreement(response)
        body = agreement.open_response(response.body, response.clear()) if agreement is not None else None
        return Opened(response, ResponseBody.decode(body), agreement) if body is not None else None

    def _agreement(self, response: ChallengeResponse) -> Agreement | None:
        issued_at, key = response.issued_at, self.secrecy.key_of(response.issued_at)
        if not key:
            return None
        challenge = Challenge(response.nonce, issued_at, response.cookie, key, self._salt)
        return self.secrecy.agree(response, challenge.encode())

    def is_right_password(self, opened: Opened) -> bool:
        expected = password_proof(self._password_key, opened.proof_context())
        return same_secret(expected, opened.body.password_proof)
