"""The entrance of a server for newcomers."""

from __future__ import annotations

import math
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import replace
from typing import Final

from ..config import ServerConfig
from ..errors import DisconnectReason
from .admission import Places, Visitors, host_of
from .bans import Bans
from .crypto import same_secret
from .datagrams import Accepted, ChallengeResponse, Claim, ConnectRequest, ResponseBody, Welcome
from .handshake import (
    Address,
    CookieJar,
    RandomBytes,
    decode_profile,
    encode_address,
    password_proof,
    refusal,
)
from .peer_events import Resumed
from .peer_table import ClientIds, PeerTable
from .resets import Resets
from .resumption import NEW_CLIENT, RESUME_TIME_UNIT, RESUMED, RESUMED_FROM_CHECKPOINT
from .server_peer import Identity, ServerProtocol, Shared
from .wire import PROTOCOL_VERSION, TOKEN_BYTES, to_whole_wire_time

Objection = tuple[DisconnectReason | None, str]
"""The reason for not admitting a newcomer, and words for it. Without a reason there is no answer: the newcomer tries
again and may be admitted later."""

_REMEMBERED_NONCES: Final = 1024


def _presents(token: str, body: ResponseBody) -> bool:
    return bool(token) and same_secret(token.encode(), body.host_token.encode())


class Keys:
    """A server's secrets and rules for recognising players.

    :param password: None to ask for none.
    :param host_token: the client that presents it is host.
    :param own_token: a secret of this process. The client that presents it is host, and never counts as lost.
    :param is_local: returns whether an address belongs to this machine.
    :param reset_key: makes the reset tokens; see :class:`Resets`, which is in ``resets``.
    """

    __slots__ = ("game", "host_token", "is_local", "own_token", "password", "resets")

    def __init__(
        self,
        game: str,
        password: str | None,
        host_token: str,
        own_token: str,
        is_local: Callable[[Address], bool],
        reset_key: bytes,
    ) -> None:
        self.resets = Resets(reset_key)
        self.game = game
        self.password = password
        self.host_token = host_token
        self.own_token = own_token
        self.is_local = is_local


class Entrance:
    """Answers the handshakes of newcomers, and makes the peers of admitted ones.

    :ivar visitors: the recent tries of each host.
    :ivar places: finds the connection that gives way to a newcomer.
    :ivar refuse_all: if set, every newcomer is refused with this reason.
    :ivar bans: what is always refused.
    :ivar dropped: count of dropped datagrams, by reason.
    :ivar ended_nonces: of ended connections, whose handshakes are not repeated.
    :ivar ids: the ids of the clients.
    """

    __slots__ = (
        "_config",
        "_cookies",
        "_outbox",
        "_patient",
        "_random_bytes",
        "_shared",
        "_table",
        "bans",
        "dropped",
        "ended_nonces",
        "ids",
        "keys",
        "places",
        "refuse_all",
        "visitors",
    )

    def __init__(
        self,
        config: ServerConfig,
        keys: Keys,
        table: PeerTable,
        shared: Shared,
        outbox: list[tuple[bytes, Address]],
        dropped: Counter[str],
        first_client_id: int,
    ) -> None:
        self.keys = keys
        self.dropped = dropped
        self.refuse_all: DisconnectReason | None = None
        self.bans = Bans()
        self.ids = ClientIds(first_client_id)
        self.ended_nonces: deque[bytes] = deque(maxlen=_REMEMBERED_NONCES)
        self.visitors = Visitors(config)
        self.places = Places(config, table.by_id, shared.ring)
        self._config = config
        self._patient = replace(config, timeout=math.inf)
        self._table = table
        self._shared = shared
        self._outbox = outbox
        self._random_bytes: RandomBytes = shared.random_bytes
        self._cookies = CookieJar(shared.random_bytes, config.cookie_lifetime)

    def receive_request(self, request: ConnectRequest, address: Address, now: float) -> None:
        """Answer with a challenge or a refusal, and remember nothing."""
        objection = self._objection(request.version, request.game, address) or self._no_place(address, now)
        if objection is not None:
            self._object(request.nonce, objection, address)
        else:
            self._outbox.append((self._cookies.challenge(request.nonce, address, now).encode(), address))

    def admitted(self, response: ChallengeResponse, address: Address, now: float) -> ResponseBody | None:
        """Return the body of this response if its sender is admitted; None if not, and then it has its answer.

        :raises MalformedPacket: if the body or the profile in it does not parse.
        """
        if response.version != PROTOCOL_VERSION or not self._cookies.accepts(response, address, now):
            self.dropped["wrong cookie"] += 1
            return None
        known = self._table.by_address.get(address)
        if known is not None and known.identity.nonce == response.nonce:
            self._outbox.append((known.identity.accepted, address))  # the answer was lost; repeat it
            return None
        if response.nonce in self.ended_nonces:
            self.dropped["connection already over"] += 1
            return None
        body = ResponseBody.decode(response.body)
        decode_profile(body.profile)  # a malformed one is noticed before anybody gives way
        objection = self._objection(response.version, response.game, address)
        if objection is None:
            objection = self._newcomers_objection(response, body, address, now)
        if objection is not None:
            self._object(response.nonce, objection, address)
            return None
        return body

    def _newcomers_objection(
        self, response: ChallengeResponse, body: ResponseBody, address: Address, now: float
    ) -> Objection | None:
        """Return the objection to a newcomer, or to a claim that is not valid. A valid one has a place already."""
        if body.claim.client_id:
            return None if self.claimed(body.claim) is not None else (DisconnectReason.NOT_RESUMABLE, "")
        if not self.ids.can_give:
            return None, "no client id is reserved yet"
        host = host_of(address)
        return (
            self._no_place(address, now)
            or self._password_objection(response, body.password_proof, host, now)
            or self._haste(host, now)
        )

    def claimed(self, claim: Claim) -> ServerProtocol | None:
        """Return the peer that a client may resume; None for a newcomer, or if the claim is not valid."""
        peer = self._table.by_id.get(claim.client_id) or self._table.lost.get(claim.client_id)
        if not self._config.resume_seconds or peer is None:
            return None
        return peer if peer.identity.secrets.accepts(claim.secret, has_answered=peer.record.latest >= 0) else None

    def giver(self, address: Address, now: float) -> tuple[ServerProtocol, str] | None:
        """Return the peer that gives its place to a newcomer from this address, and the words for it; None if there is
        room."""
        if not self._is_full_for(address):
            return None
        for lost in self._table.lost.values():
            return lost, "It had not answered for a while, and somebody else wanted to play."
        return self.places.giver(host_of(address), now)

    def own_peers(self, body: ResponseBody) -> list[ServerProtocol]:
        """Return the connections that a newcomer replaces as the player of this process. Nothing else would notice
        their end."""
        if not _presents(self.keys.own_token, body):
            return []
        return [peer for peer in self._table.by_id.values() if peer.config is self._patient]

    def new_peer(
        self, response: ChallengeResponse, body: ResponseBody, address: Address, now: float
    ) -> tuple[ServerProtocol, Welcome]:
        """Make the peer of an admitted newcomer, and the answer to it."""
        token = self._random_bytes(TOKEN_BYTES)
        is_own = _presents(self.keys.own_token, body)
        config = self._patient if is_own else self._config
        identity = Identity(self.ids.give(), response.nonce, decode_profile(body.profile))
        peer = ServerProtocol(identity, address, token, self._shared, config, now)
        has_host = any(other.is_host for other in self._table.by_id.values())
        is_host = is_own or _presents(self.keys.host_token, body)
        peer.is_host = is_host or (not has_host and self.keys.is_local(address))
        return peer, self._welcome(peer, NEW_CLIENT, 0, identity.secrets.issue(self._random_bytes), now)

    def resume(
        self, peer: ServerProtocol, response: ChallengeResponse, body: ResponseBody, address: Address, now: float
    ) -> Resumed:
        """Let a peer go on with the client that has claimed it."""
        claim, identity = body.claim, peer.identity
        resumed = RESUMED if peer.outgoing.remembered is None else RESUMED_FROM_CHECKPOINT
        peer.renew(self._random_bytes(TOKEN_BYTES), claim.received, now=now, peer_forgot=claim.is_fresh)
        received = peer.incoming.received
        peer.incoming.join(claim.acked)
        peer.move(address)
        self.ended_nonces.append(identity.nonce)
        identity.nonce, identity.profile = response.nonce, decode_profile(body.profile)
        secret = identity.secrets.issue(self._random_bytes, claim.secret)
        welcome = self._welcome(peer, resumed, received, secret, now)
        return Resumed(welcome, address, claim.is_fresh, max(claim.acked - received, 0))

    def _welcome(self, peer: ServerProtocol, resumed: int, received: int, secret: bytes, now: float) -> Welcome:
        seconds, reset = int(self._config.resume_seconds / RESUME_TIME_UNIT), self.keys.resets.token_for(peer.token)
        time, address = to_whole_wire_time(now), encode_address(peer.address)
        welcome = Welcome(
            peer.token, peer.client_id, peer.is_host, resumed, received, secret, seconds, reset, time, address
        )
        peer.identity.accepted = Accepted(peer.identity.nonce, welcome.encode()).encode()
        return welcome

    def _object(self, nonce: bytes, objection: Objection, address: Address) -> None:
        reason, words = objection
        if reason is None:
            self.dropped[words] += 1
        else:
            self._outbox.append((refusal(nonce, reason, words), address))

    def _objection(self, version: int, game: str, address: Address) -> Objection | None:
        if version != PROTOCOL_VERSION:
            words = f"It speaks protocol version {PROTOCOL_VERSION}, this client version {version}."
            return DisconnectReason.WRONG_VERSION, words
        if self.refuse_all is not None:
            return self.refuse_all, ""
        if game != self.keys.game:
            hosted = f"It hosts {self.keys.game!r}." if self.keys.game else "It hosts a game without a name."
            return DisconnectReason.WRONG_GAME, hosted
        return (DisconnectReason.BANNED, "") if self.bans.refuses(address) else None

    def _is_full_for(self, address: Address) -> bool:
        return len(self._table) >= self._config.max_clients and address not in self._table.by_address

    def _no_place(self, address: Address, now: float) -> Objection | None:
        """Return the objection if all places are taken; None if a connection gives way to a newcomer from this
        address."""
        host = host_of(address)
        if self.giver(address, now) is not None or not self._is_full_for(address):
            return None
        if self.places.undecided(host, now):
            return None, "full, and not yet decided who gives way"
        most = self._config.max_clients
        return DisconnectReason.SERVER_FULL, f"It takes {most} player{'s' * (most > 1)}."

    def _password_objection(self, response: ChallengeResponse, proof: bytes, host: str, now: float) -> Objection | None:
        """Return the objection to the password; None if it is right or not asked for. Each challenge allows one
        guess."""
        password = self.keys.password
        if password is None:
            return None
        if not any(proof):
            return DisconnectReason.WRONG_PASSWORD, "It asks for one, and none was given."
        guessed = self.visitors.guessed(response.cookie)
        if guessed is not None:
            repeated = guessed == proof  # the answer was lost; repeat it
            return DisconnectReason.WRONG_PASSWORD if repeated else None, "" if repeated else "second guess"
        if not self.visitors.may_guess(host, now):
            return None, "guess too soon after a wrong one"
        if not same_secret(password_proof(password, response.cookie, response.nonce), proof):
            self.visitors.on_wrong(host, response.cookie, proof, now)
            return DisconnectReason.WRONG_PASSWORD, ""
        self.visitors.on_right(host, now)
        return None

    def _haste(self, host: str, now: float) -> Objection | None:
        return None if self.visitors.may_join(host, now) else (None, "too many new connections from a host")
