"""The entrance of a server for newcomers."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from typing import Final

from ..config import ServerConfig
from ..errors import DisconnectReason, MalformedPacket
from .admission import GivingWay, host_of
from .bans import Bans
from .challenges import Opened, refusal
from .crypto import FROM_SERVER, same_secret
from .datagrams import ChallengeResponse, ConnectRequest, Goodbye, ResponseBody, Welcome
from .handshake import Address, RandomBytes, decode_profile, encode_address
from .house import House
from .paths import path_key
from .peer import encrypt
from .peer_events import Resumed
from .peer_table import ClientIds, PeerTable
from .resets import Resets
from .resumption import NEW_CLIENT, RESUME_TIME_UNIT, RESUMED, RESUMED_FROM_CHECKPOINT, Identity
from .secrecy import BY_INVITE, BY_MEMORY, OPEN_ONLY, Agreement
from .server_peer import ServerProtocol, Shared
from .wire import PROTOCOL_VERSION, TOKEN_BYTES, to_whole_wire_time

Objection = tuple[DisconnectReason | None, str]
"""The reason for not admitting a newcomer, and words for it. Without a reason there is no answer: the newcomer tries
again and may be admitted later."""


_NOT_OPENED: Final[dict[int, Objection]] = {
    BY_INVITE: (DisconnectReason.NOT_INVITED, ""),
    BY_MEMORY: (DisconnectReason.NOT_RESUMABLE, ""),
}
"""The answers to a body that is sealed for another server, by what the client knows: its invite is too old, or its
connection was with an earlier process."""


_NO_ID: Final[Objection] = (None, "no client id is reserved yet")


def _presents(token: str, body: ResponseBody) -> bool:
    return bool(token) and same_secret(token.encode(), body.host_token.encode())


class Keys:
    """A server's secrets and rules for recognising players.

    :param host_token: the client that presents it is host.
    :param own_token: a secret of this process. The client that presents it is host, and never counts as lost.
    :param is_local: returns whether an address belongs to this machine.
    :param resets: makes the reset tokens.
    :param room: the code of the room; ``""`` for a server without rooms.
    """

    __slots__ = ("game", "host_token", "is_local", "own_token", "resets", "room")

    def __init__(
        self,
        game: str,
        host_token: str,
        own_token: str,
        is_local: Callable[[Address], bool],
        resets: Resets,
        room: str = "",
    ) -> None:
        self.room = room
        self.resets = resets
        self.game = game
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
    :ivar challenges: makes the challenges, and opens the responses.
    :ivar ids: the ids of the clients.
    """

    __slots__ = (
        "_config",
        "_outbox",
        "_patient",
        "_random_bytes",
        "_shared",
        "_table",
        "bans",
        "challenges",
        "dropped",
        "ids",
        "keys",
        "places",
        "refuse_all",
        "visitors",
    )

    def __init__(
        self,
        config: ServerConfig,
        house: House,
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
        self.ids = ClientIds(first_client_id, shared.random_bytes)
        self.visitors = house.visitors
        self.places = GivingWay(config, table.by_id, shared.ring)
        self._config = config
        self._patient = replace(config, timeout=math.inf)
        self._table = table
        self._shared = shared
        self._outbox = outbox
        self._random_bytes: RandomBytes = shared.random_bytes
        self.challenges = house.challenges

    def receive_request(self, request: ConnectRequest, address: Address, now: float) -> None:
        """Answer with a challenge or a refusal, and remember nothing."""
        objection = (
            self._objection(request.version, request.game, address)
            or self._no_place(address, now)
            or self._openness(request.encryption != OPEN_ONLY)
        )
        if objection is not None:
            self._object(request.nonce, objection, address)
        else:
            self._outbox.append((self.challenges.challenge(request, address, now).encode(), address))

    def _openness(self, encrypted: bool) -> Objection | None:
        if encrypted or not self.challenges.secrecy.is_required:
            return None
        return DisconnectReason.ENCRYPTION_REQUIRED, ""

    def opened(self, response: ChallengeResponse, address: Address, now: float) -> Opened | None:
        """Return the opened response if its sender may enter; None if not, and then it has its answer.

        :raises MalformedPacket: if the body or the profile in it does not parse.
        """
        if not self._is_new(response, address, now):
            return None
        host, haste = host_of(address), None
        if response.key:  # first, since keys cost more than all other answers
            can_be_given = self.ids.can_give or response.trust == BY_MEMORY
            haste = self._haste(host, now) if can_be_given else _NO_ID
        opened = self.challenges.open(response) if haste is None else None
        if opened is None:
            self._object(response.nonce, haste or self._not_opened(response), address)
            return None
        decode_profile(opened.body.profile)  # a malformed one is noticed before anybody gives way
        objection = self._objection(response.version, response.game, address) or self._openness(
            opened.agreement is not None
        )
        if objection is not None:
            self.object_to(opened, objection, address)
            return None
        return opened

    def admits(self, opened: Opened, address: Address, now: float) -> bool:
        """Return whether the sender of an opened response is admitted. If not, it has its answer."""
        objection = self._newcomers_objection(opened, address, now)
        if objection is not None:
            self.object_to(opened, objection, address)
            return False
        self.challenges.nonces.add(opened.response.nonce, address, now)
        return True

    def object_to(self, opened: Opened, objection: Objection, address: Address) -> None:
        """Refuse the sender of an opened response."""
        self._object(opened.response.nonce, objection, address, opened.agreement)

    def _not_opened(self, response: ChallengeResponse) -> Objection:
        if response.trust not in _NOT_OPENED:
            raise MalformedPacket("a body that is sealed with other keys")
        return _NOT_OPENED[response.trust]

    def _is_new(self, response: ChallengeResponse, address: Address, now: float) -> bool:
        """Return whether a response is to be opened: an old one has its answer."""
        if response.version != PROTOCOL_VERSION or not self.challenges.are_answered_by(response, address, now):
            self.dropped["wrong cookie"] += 1
            return False
        if self.repeats(response, address, now):
            return False
        if self.challenges.nonces.has(response, address, now):
            self.dropped["connection already over"] += 1
            return False
        return True

    def repeats(self, response: ChallengeResponse, address: Address, now: float) -> bool:
        """Repeat the answer to a response if its sender has been admitted; return whether it has. The answer was
        lost."""
        known = self._table.by_address.get(address)
        if known is None or known.identity.nonce != response.nonce:
            return False
        self._outbox.append((known.identity.accepted, address))
        known.record.note_repeated_handshake(now)
        return True

    def _invite_objection(self, opened: Opened) -> Objection | None:
        if not self._config.invited_only or opened.response.trust == BY_INVITE:
            return None
        if _presents(self.keys.own_token, opened.body) or _presents(self.keys.host_token, opened.body):
            return None
        return DisconnectReason.NOT_INVITED, ""

    def _newcomers_objection(self, opened: Opened, address: Address, now: float) -> Objection | None:
        """Return the objection to a newcomer, or to a claim that is not valid. A valid one has a place already."""
        host = host_of(address)
        if opened.body.claim.client_id:
            if self.claimed(opened) is None:
                return DisconnectReason.NOT_RESUMABLE, ""
            return self._haste(host, now) if opened.agreement is None else None
        if not self.ids.can_give:
            return _NO_ID
        return (
            self._no_place(address, now)
            or self.password_objection(opened, host, now)
            or self._room_objection(opened.body.room)
            or self._invite_objection(opened)
            or (self._haste(host, now) if opened.agreement is None else None)
        )

    def _room_objection(self, room: str) -> Objection | None:
        if room == self.keys.room:
            return None
        words = f"It has no room {room!r:.40}, since it is a single game. Connect without room=."
        return DisconnectReason.NO_SUCH_ROOM, words

    def claimed(self, opened: Opened) -> ServerProtocol | None:
        """Return the peer that a client may resume; None for a newcomer, or if the claim is not valid.

        An encrypted connection is resumed by an encrypted handshake only.
        """
        claim = opened.body.claim
        peer = self._table.find(claim.client_id) if opened.body.room == self.keys.room else None
        if not self._config.resume_seconds or peer is None or peer.client_id in self.bans.ids:
            return None
        if opened.agreement is None and (peer.seals is not None or peer.identity.was_sealed):
            return None
        return peer if peer.identity.secrets.accepts(claim.secret, has_answered=peer.record.latest >= 0) else None

    def leaver(self, goodbye: Goodbye) -> ServerProtocol | None:
        """Return the peer that a goodbye ends; None if it proves nothing."""
        peer = self._table.find(goodbye.client_id) if goodbye.room == self.keys.room else None
        if peer is None:
            return None
        return peer if peer.identity.secrets.prove(goodbye, has_answered=peer.record.latest >= 0) else None

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

    def new_peer(self, opened: Opened, address: Address, now: float) -> tuple[ServerProtocol, Welcome]:
        """Make the peer of an admitted newcomer, and the answer to it."""
        body = opened.body
        token = self._random_bytes(TOKEN_BYTES)
        is_own = _presents(self.keys.own_token, body)
        config = self._patient if is_own else self._config
        identity = Identity(self.ids.give(), opened.response.nonce, decode_profile(body.profile))
        peer = ServerProtocol(identity, address, token, self._shared, config, now)
        has_host = any(other.is_host for other in self._table.by_id.values())
        is_host = is_own or _presents(self.keys.host_token, body)
        peer.is_host = is_host or (not has_host and self.keys.is_local(address))
        return peer, self._answer(peer, opened, NEW_CLIENT, 0, now)

    def resume(self, peer: ServerProtocol, opened: Opened, address: Address, now: float) -> Resumed:
        """Let a peer go on with the client that has claimed it."""
        claim, identity = opened.body.claim, peer.identity
        resumed = RESUMED if peer.outgoing.remembered is None else RESUMED_FROM_CHECKPOINT
        peer.renew(self._random_bytes(TOKEN_BYTES), claim.received, now=now, peer_forgot=claim.is_fresh)
        received = peer.incoming.received
        peer.incoming.join(claim.acked)
        peer.move(address)
        identity.nonce, identity.profile = opened.response.nonce, decode_profile(opened.body.profile)
        welcome = self._answer(peer, opened, resumed, received, now)
        return Resumed(welcome, address, claim.is_fresh, max(claim.acked - received, 0))

    def _answer(self, peer: ServerProtocol, opened: Opened, resumed: int, received: int, now: float) -> Welcome:
        """Make the answer to a client that is let in, and use the keys of its handshake."""
        claim, keys = opened.body.claim, self.keys
        secret = peer.identity.secrets.issue(self._random_bytes, claim.secret if claim.client_id else b"")
        welcome = Welcome(
            peer.token,
            peer.client_id,
            peer.is_host,
            resumed,
            received,
            secret,
            int(self._config.resume_seconds / RESUME_TIME_UNIT),
            keys.resets.token_for(peer.token),
            to_whole_wire_time(now),
            encode_address(peer.address),
            self.challenges.secrecy.identity_key,
            self._shared.precision.encode(),
            keys.room,
        )
        peer.path.key = path_key(secret)
        peer.identity.accepted = opened.accepted(welcome.encode())
        encrypt(peer, opened.agreement.keys if opened.agreement is not None else None, FROM_SERVER)
        return welcome

    def _object(self, nonce: bytes, objection: Objection, address: Address, agreement: Agreement | None = None) -> None:
        reason, words = objection
        if reason is None:
            self.dropped[words] += 1
        else:
            self._outbox.append((refusal(nonce, reason.value, words, agreement), address))

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

    def password_objection(self, opened: Opened, host: str, now: float) -> Objection | None:
        """Return the objection to the password; None if it is right or not asked for. Each challenge allows one
        guess."""
        if not self.challenges.asks_for_password:
            return None
        proof, cookie = opened.body.password_proof, opened.response.cookie
        if not any(proof):
            return DisconnectReason.WRONG_PASSWORD, "It asks for one, and none was given."
        guessed = self.visitors.guessed(cookie)
        if guessed is not None:
            repeated = guessed == proof  # the answer was lost; repeat it
            return DisconnectReason.WRONG_PASSWORD if repeated else None, "" if repeated else "second guess"
        if not self.visitors.may_guess(host, now):
            return None, "guess too soon after a wrong one"
        if not self.challenges.is_right_password(opened):
            self.visitors.on_wrong(host, cookie, proof, now)
            return DisconnectReason.WRONG_PASSWORD, ""
        self.visitors.on_right(host, now)
        return None

    def _haste(self, host: str, now: float) -> Objection | None:
        return None if self.visitors.may_join(host, now) else (None, "too many new connections from a host")
