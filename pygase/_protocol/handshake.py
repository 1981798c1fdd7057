"""The handshake of a connection.

::

    client                                             server
    ConnectRequest (>= 1,000 bytes) ------------------>  remembers nothing
    <---------------------------------------- Challenge  a keyed hash over address, nonce and time
    ChallengeResponse (the hash, the game) ----------->  the address can receive: the connection begins
    <----------------------------------------- Accepted  a random token, which every later packet carries
                                          (or Refused, at either step, with the reason)

The client repeats each step until the server answers. The server answers repetitions alike. The cookie is the idea of
SYN cookies (Bernstein, 1996) and of DTLS (RFC 6347, section 4.2.1).
"""

from __future__ import annotations

from typing import Any, Final

from .._state.codec import pack, unpack, unpack_plain
from ..errors import DisconnectReason, MalformedPacket
from .crypto import RandomBytes as RandomBytes
from .crypto import keyed_hash, same_secret
from .datagrams import Accepted, Challenge, ChallengeResponse, Claim, ConnectRequest, Refused, ResponseBody, Welcome
from .wire import (
    ACCEPTED,
    CHALLENGE,
    COOKIE_BYTES,
    MAX_PROFILE_BYTES,
    NONCE_BYTES,
    PROOF_BYTES,
    PROTOCOL_VERSION,
    REFUSED,
)

Address = tuple[object, ...]
EMPTY_PROFILE: Final = b"\x80"
NO_CLAIM: Final = Claim()
MAX_PROFILE_LEVELS: Final = 8
"""Deepest nesting of lists and dicts in a profile."""


def password_proof(password: str, cookie: bytes, nonce: bytes) -> bytes:
    """Return the proof for this one challenge. The password itself never travels."""
    return keyed_hash(keyed_hash(b"", password.encode(), 32), cookie + nonce, PROOF_BYTES)


class CookieJar:
    """Makes and checks challenges, and remembers none of them.

    :param lifetime: seconds in which an answer is accepted.
    """

    __slots__ = ("_key", "_lifetime")

    def __init__(self, random_bytes: RandomBytes, lifetime: float) -> None:
        self._key = random_bytes(32)
        self._lifetime = lifetime
        same_secret(self._cookie(b"", 0, ()), b"")  # imports now, so that no import delays a game later

    def challenge(self, nonce: bytes, address: Address, now: float) -> Challenge:
        issued_at = int(now * 10) & 0xFFFFFFFF
        return Challenge(nonce, issued_at, self._cookie(nonce, issued_at, address))

    def accepts(self, response: ChallengeResponse, address: Address, now: float) -> bool:
        age = ((int(now * 10) & 0xFFFFFFFF) - response.issued_at) & 0xFFFFFFFF
        expected = self._cookie(response.nonce, response.issued_at, address)
        return age <= self._lifetime * 10 and same_secret(expected, response.cookie)

    def _cookie(self, nonce: bytes, issued_at: int, address: Address) -> bytes:
        text = repr(address).encode() + nonce + issued_at.to_bytes(4, "big")
        return keyed_hash(self._key, text, COOKIE_BYTES)


class Connector:
    """The client's side of the handshake.

    :ivar claim: to a connection that the client had.
    :ivar outcome: None while the handshake goes on, then Welcome or Refused.
    """

    NEVER: Final = float("-inf")
    MAX_PAUSE: Final = 1.0
    """Longest pause between two datagrams of a client that reconnects."""

    def __init__(
        self,
        game: str,
        password: str | None,
        host_token: str,
        random_bytes: RandomBytes,
        retry_interval: float,
        profile: bytes = EMPTY_PROFILE,
        claim: Claim = NO_CLAIM,
    ) -> None:
        self.claim = claim
        self._random_bytes = random_bytes
        self._pause = retry_interval
        self._patience = (4 if claim.client_id else 8) * retry_interval
        self.nonce = random_bytes(NONCE_BYTES)
        self.outcome: Welcome | Refused | None = None
        self._game = game
        self._password = password
        self._host_token = host_token
        self._profile = profile
        self._retry_interval = retry_interval
        self._datagram = ConnectRequest(PROTOCOL_VERSION, self.nonce, game).encode()
        self._sent_at = self.NEVER
        self._first_request = self._datagram
        self._responding_since = self.NEVER

    def again(self, claim: Claim) -> Connector:
        """Return the connector of the same client's next handshake."""
        return Connector(
            self._game,
            self._password,
            self._host_token,
            self._random_bytes,
            self._retry_interval,
            self._profile,
            claim,
        )

    def rest(self, now: float) -> None:
        """Send the first datagram after the longest pause, since the server has just refused the client."""
        self._sent_at, self._pause = now, self.MAX_PAUSE

    def receive(self, kind: int, data: bytes, now: float) -> None:
        """Those for another client are ignored.

        :raises MalformedPacket: if the datagram does not parse.
        """
        if kind == CHALLENGE:
            challenge = Challenge.decode(data)
            if challenge.nonce == self.nonce and self.outcome is None:
                self._respond(challenge, now)
        elif kind == ACCEPTED:
            self._receive_acceptance(Accepted.decode(data))
        elif kind == REFUSED:
            refused = Refused.decode(data)
            if refused.nonce == self.nonce and self.outcome is None:
                self.outcome = refused

    def _receive_acceptance(self, accepted: Accepted) -> None:
        if accepted.nonce == self.nonce and self.outcome is None:
            welcome = Welcome.decode(accepted.body)
            decode_address(welcome.address)
            self.outcome = welcome

    def _respond(self, challenge: Challenge, now: float) -> None:
        proof = bytes(PROOF_BYTES)
        if self._password is not None:
            proof = password_proof(self._password, challenge.cookie, self.nonce)
        body = ResponseBody(proof, self._host_token, self.claim, self._profile).encode()
        response = ChallengeResponse(
            PROTOCOL_VERSION,
            self.nonce,
            challenge.issued_at,
            challenge.cookie,
            self._game,
            b"",
            False,
            body,
        ).encode()
        if self._responding_since == self.NEVER:
            self._responding_since = now
        self._datagram, self._sent_at, self._pause = response, self.NEVER, self._retry_interval

    def datagram_to_send(self, now: float) -> bytes | None:
        if self.outcome is not None or now < self.next_timeout():
            return None
        if self._responding_since != self.NEVER and now > self._responding_since + self._patience:
            # The proof got no answer. The server may have been restarted and not know its challenge any more.
            self._datagram, self._responding_since = self._first_request, self.NEVER
        if self.claim.client_id and self._sent_at != self.NEVER:
            self._pause = min(2 * self._pause, self.MAX_PAUSE)
        self._sent_at = now
        return self._datagram

    def next_timeout(self) -> float:
        return self._sent_at + self._pause


def encode_address(address: Address) -> bytes:
    return pack(list(address))


def plain_host(host: object) -> str:
    """Return the host of a socket's address without its network interface. An IPv4 address loses the IPv6 form that a
    socket for both kinds gives it, so one machine has one text."""
    text = str(host).partition("%")[0]
    inner = text.removeprefix("::ffff:")
    return inner if "." in inner else text


def decode_profile(data: bytes) -> dict[Any, Any]:
    """Return the profile that ``pack_plain`` serialised.

    :raises MalformedPacket: if it is not a dict of plain data.
    """
    profile = unpack_plain(data, MAX_PROFILE_BYTES, MAX_PROFILE_LEVELS)
    if type(profile) is not dict:
        raise MalformedPacket("a profile that is not a dict")
    return profile


def decode_address(data: bytes) -> tuple[str | int, ...]:
    """Read what :func:`encode_address` wrote.

    :raises MalformedPacket: if it is no address.
    """
    parts = unpack(data)
    if type(parts) is not list or not 2 <= len(parts) <= 4 or not {int, str}.issuperset(map(type, parts)):
        raise MalformedPacket("not an address")
    return tuple(parts)


def refusal(nonce: bytes, reason: DisconnectReason, detail: str = "") -> bytes:
    return Refused(nonce, reason.value, detail).encode()


def reason_from_wire(value: int) -> DisconnectReason:
    """A reason of a future version reads as CLOSED."""
    try:
        return DisconnectReason(value)
    except ValueError:
        return DisconnectReason.CLOSED
