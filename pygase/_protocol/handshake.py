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

import math
from typing import Any, Final, NamedTuple

from .._state.codec import pack, unpack, unpack_plain
from .._state.precision import Precision
from ..errors import DisconnectReason, MalformedPacket
from .crypto import RandomBytes as RandomBytes
from .crypto import keyed_hash, password_proof, same_secret, stretched_password
from .datagrams import Accepted, Challenge, ChallengeResponse, Claim, ConnectRequest, Refused, ResponseBody, Welcome
from .secrecy import MUST_ENCRYPT, NO_TRUST, OPEN_ONLY, STRANGER, Agreement, ClientSecrecy
from .wire import (
    ACCEPTED,
    CHALLENGE,
    COOKIE_BYTES,
    MAX_OPTIONS_BYTES,
    MAX_PROFILE_BYTES,
    NONCE_BYTES,
    PROOF_BYTES,
    PROTOCOL_VERSION,
    REFUSED,
)
from .wishes import NO_WISH, Wish

Address = tuple[object, ...]
EMPTY_PROFILE: Final = b"\x80"
NO_CLAIM: Final = Claim()
MAX_PROFILE_LEVELS: Final = 8
"""Deepest nesting of lists and dicts in a profile."""


DOUBT_SECONDS: Final = 1.0
"""Seconds for which a client that knows better waits for the real server, after a refusal that anybody on the way could
have sent. The server answers within a round trip."""

KEPT_ANSWERS: Final = 32
"""Challenges whose answers are remembered. The server accepts the first answer that arrives, and on a slow path it has
sent a challenge for each repetition of the request by then: 20 within ``connect_timeout``."""


def tenths(now: float) -> int:
    """Return a time as a challenge has it, in tenths of a second."""
    return int(now * 10) & 0xFFFFFFFF


class CookieJar:
    """Makes and checks challenges, and remembers none of them.

    :param lifetime: seconds in which an answer is accepted.
    """

    __slots__ = ("_key", "_lifetime")

    def __init__(self, random_bytes: RandomBytes, lifetime: float) -> None:
        self._key = random_bytes(32)
        self._lifetime = lifetime
        same_secret(self._cookie(b"", 0, ()), b"")  # imports now, so that no import delays a game later

    def challenge(self, nonce: bytes, address: Address, now: float, key: bytes = b"", salt: bytes = b"") -> Challenge:
        issued_at = tenths(now)
        return Challenge(nonce, issued_at, self._cookie(nonce, issued_at, address), key, salt)

    def accepts(self, response: ChallengeResponse, address: Address, now: float) -> bool:
        return self.has_made(response.cookie, response.nonce, response.issued_at, address, now)

    def has_made(self, cookie: bytes, nonce: bytes, issued_at: int, address: Address, now: float) -> bool:
        """Return whether this cookie was made for the address within the lifetime."""
        age = (tenths(now) - issued_at) & 0xFFFFFFFF
        return age <= self._lifetime * 10 and same_secret(self._cookie(nonce, issued_at, address), cookie)

    def _cookie(self, nonce: bytes, issued_at: int, address: Address) -> bytes:
        text = repr(address).encode() + nonce + issued_at.to_bytes(4, "big")
        return keyed_hash(self._key, text, COOKIE_BYTES)


class KeyedAnswer(NamedTuple):
    """The answer to a challenge, and its keys; None for an open connection."""

    datagram: bytes
    agreement: Agreement | None


class DoubtfulRefusal:
    """A refusal that anybody on the way could have sent. It counts if the real server adds nothing to it.

    :ivar settled_at: when it counts; infinite without one.
    """

    __slots__ = ("_refused", "settled_at")

    def __init__(self) -> None:
        self._refused: Refused | None = None
        self.settled_at = math.inf

    def note(self, refused: Refused, now: float) -> None:
        if self._refused is None:
            self._refused, self.settled_at = refused, now + DOUBT_SECONDS

    def settled(self, now: float) -> Refused | None:
        return self._refused if now >= self.settled_at else None


class Introduction(NamedTuple):
    """What a client says in each of its handshakes."""

    game: str
    password: str | None
    host_token: str
    profile: bytes
    wish: Wish


class Connector:
    """The client's side of the handshake.

    :ivar claim: to a connection that the client had.
    :param secrecy: the keys; None for an open connection.
    :param wish: the room that the client wants to enter; with a claim, the room of the claimed connection.
    :ivar outcome: None while the handshake goes on, then Welcome or Refused.
    :ivar agreement: the keys of the connection, or None.
    :ivar doubtful: a refusal that may be a stranger's.
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
        secrecy: ClientSecrecy | None = None,
        wish: Wish = NO_WISH,
    ) -> None:
        self.claim = claim
        self._random_bytes = random_bytes
        self._pause = retry_interval
        self.nonce = random_bytes(NONCE_BYTES)
        self.outcome: Welcome | Refused | None = None
        self.agreement: Agreement | None = None
        self.doubtful = DoubtfulRefusal()
        self._player = Introduction(game, password, host_token, profile, wish)
        self._secrecy = secrecy or ClientSecrecy("off", NO_TRUST, random_bytes)
        self._retry_interval = retry_interval
        self._datagram = self._request()
        self._sent_at = self.NEVER
        self._responding_since = self.NEVER
        self._answers: dict[Challenge, KeyedAnswer] = {}

    def again(self, claim: Claim, identity: bytes, wish: Wish) -> Connector:
        """Return the connector of the same client's next handshake.

        :param identity: by which the client recognises the server; ``b""`` if it does not.
        """
        game, password, host_token, profile, _ = self._player
        pause, secrecy = self._retry_interval, self._secrecy.again(identity)
        return Connector(game, password, host_token, self._random_bytes, pause, profile, claim, secrecy, wish)

    def _request(self) -> bytes:
        return ConnectRequest(PROTOCOL_VERSION, self.nonce, self._player.game, self._secrecy.offer).encode()

    def rest(self, now: float) -> None:
        """Send the first datagram after the longest pause, since the server has just refused the client."""
        self._sent_at, self._pause = now, self.MAX_PAUSE

    def receive(self, kind: int, data: bytes, now: float) -> None:
        """Those for another client are ignored.

        :raises MalformedPacket: if the datagram does not parse.
        """
        if self.outcome is not None:
            return
        if kind == CHALLENGE:
            challenge = Challenge.decode(data)
            if challenge.nonce == self.nonce:
                self._receive_challenge(challenge, now)
        elif kind == ACCEPTED:
            accepted = Accepted.decode(data)
            if accepted.nonce == self.nonce:
                self._receive_acceptance(accepted)
        elif kind == REFUSED:
            refused = Refused.decode(data)
            if refused.nonce == self.nonce:
                self._receive_refusal(refused, now)

    def _receive_acceptance(self, accepted: Accepted) -> None:
        for answer in reversed(self._answers.values()):
            body: bytes | None = accepted.body
            if answer.agreement is not None:
                body = answer.agreement.open_accepted(accepted.body, accepted.clear())
            if body is not None:
                welcome = Welcome.decode(body)
                decode_address(welcome.address)
                Precision.decode(welcome.precision)
                self.outcome, self.agreement = welcome, answer.agreement
                return
        raise MalformedPacket("an acceptance that is not sealed with the keys of this handshake")

    def _receive_refusal(self, refused: Refused, now: float) -> None:
        agreements = [answer.agreement for answer in self._answers.values() if answer.agreement is not None]
        proven = any(agreement.proves(refused.clear(), refused.tag) for agreement in agreements)
        if proven or not (agreements or self._secrecy.trust.how):
            self.outcome = refused
        else:
            self.doubtful.note(Refused(self.nonce, refused.reason, ""), now)  # nobody knows whose words these are

    def settle(self, now: float) -> None:
        """Believe a refusal to which the real server has added nothing."""
        if self.outcome is None:
            self.outcome = self.doubtful.settled(now)

    def _receive_challenge(self, challenge: Challenge, now: float) -> None:
        secrecy, answers = self._secrecy, self._answers
        if not challenge.key and secrecy.offer == MUST_ENCRYPT:
            self.doubtful.note(Refused(self.nonce, DisconnectReason.NOT_ENCRYPTED.value, ""), now)
            return
        if not challenge.key and any(answer.agreement is not None for answer in answers.values()):
            return  # the server can encrypt; somebody else wants to prevent it
        answer = answers.get(challenge)
        if answer is None:
            answer = answers[challenge] = self._answer(challenge)
            if len(answers) > KEPT_ANSWERS:
                del answers[next(iter(answers))]
        if self._responding_since == self.NEVER:
            self._responding_since = now
        self._datagram, self._sent_at, self._pause = answer.datagram, self.NEVER, self._retry_interval

    def _answer(self, challenge: Challenge) -> KeyedAnswer:
        secrecy, encrypted = self._secrecy, bool(challenge.key) and self._secrecy.offer != OPEN_ONLY
        response = ChallengeResponse(
            PROTOCOL_VERSION,
            self.nonce,
            challenge.issued_at,
            challenge.cookie,
            self._player.game,
            secrecy.public if encrypted else b"",
            secrecy.trust.how if encrypted else STRANGER,
            b"",
        )
        clear = response.clear()
        agreement = secrecy.agree(challenge, clear) if encrypted else None
        player, proof = self._player, self._proof(challenge, agreement)
        body = ResponseBody(proof, player.host_token, self.claim, player.profile, *player.wish).encode()
        return KeyedAnswer(clear + (body if agreement is None else agreement.seal_response(body, clear)), agreement)

    def _proof(self, challenge: Challenge, agreement: Agreement | None) -> bytes:
        """Return the proof that this client knows the password; zeros if there is none."""
        if self._player.password is None or not challenge.salt or self.claim.client_id:  # a claim needs none
            return bytes(PROOF_BYTES)
        context = challenge.cookie + challenge.nonce if agreement is None else agreement.transcript
        return password_proof(stretched_password(self._player.password, challenge.salt), context)

    @property
    def is_answering(self) -> bool:
        """Whether the next datagram answers a challenge."""
        return self._responding_since != self.NEVER

    def datagram_to_send(self, now: float) -> bytes | None:
        if self.outcome is not None or now < self.next_timeout():
            return None
        if self.is_answering and now > self._responding_since + 8 * self._retry_interval:
            self._begin_again()
        if self.claim.client_id and self._sent_at != self.NEVER:
            self._pause = min(2 * self._pause, self.MAX_PAUSE)
        self._sent_at = now
        return self._datagram

    def _begin_again(self) -> None:
        """Send a request again, since the proof got no answer: the server may have been restarted and not know its
        challenge.

        A client that resumes takes another nonce. If its acceptance was lost, and then the connection again, the server
        keeps its place, has nothing to repeat, and does not accept that nonce again.
        """
        if self.claim.client_id:
            self.nonce = self._random_bytes(NONCE_BYTES)
            self._answers.clear()
        self._datagram, self._responding_since = self._request(), self.NEVER

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
    return _plain_dict(data, MAX_PROFILE_BYTES, "profile")


def decode_options(data: bytes) -> dict[Any, Any]:
    """Return the options of a new room that ``pack_plain`` serialised.

    :raises MalformedPacket: if it is not a dict of plain data.
    """
    return _plain_dict(data, MAX_OPTIONS_BYTES, "set of options")


def _plain_dict(data: bytes, limit: int, name: str) -> dict[Any, Any]:
    found = unpack_plain(data, limit, MAX_PROFILE_LEVELS)
    if type(found) is not dict:
        raise MalformedPacket(f"a {name} that is not a dict")
    return found


def decode_address(data: bytes) -> tuple[str | int, ...]:
    """Read what :func:`encode_address` wrote.

    :raises MalformedPacket: if it is no address.
    """
    parts = unpack(data)
    if type(parts) is not list or not 2 <= len(parts) <= 4 or not {int, str}.issuperset(map(type, parts)):
        raise MalformedPacket("not an address")
    return tuple(parts)


def reason_from_wire(value: int) -> DisconnectReason:
    """A reason of a future version reads as CLOSED."""
    try:
        return DisconnectReason(value)
    except ValueError:
        return DisconnectReason.CLOSED
