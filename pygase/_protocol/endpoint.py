"""The server's end, pure: one socket's worth of datagrams, many peers. No datagram of any content does any harm
here.
"""

from __future__ import annotations

import math
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from itertools import chain
from typing import Final

from .._state.tree import Tree
from ..config import ServerConfig
from ..errors import DisconnectReason, MalformedPacket
from . import fast_path
from .admission import Places, Visitors, host_of
from .handshake import Address, CookieJar, RandomBytes, encode_address, password_proof, plain_host, refusal, same_secret
from .peer import NEVER_SENT, Connected, ProtocolEvent
from .server_peer import ServerProtocol
from .snapshots import SnapshotRing
from .wire import (
    CHALLENGE_RESPONSE,
    CLIENT_HEADER,
    CONNECT_REQUEST,
    DATA,
    PROTOCOL_VERSION,
    TOKEN_BYTES,
    Accepted,
    ChallengeResponse,
    ConnectRequest,
    to_whole_wire_time,
    to_wire_time,
)

Outgoing = tuple[bytes, Address]

Objection = tuple[DisconnectReason | None, str]
"""Why somebody is not let in, and words for it. Without a reason there is no answer: it may be let in a little later,
and tries again until then."""

_REMEMBERED_NONCES: Final = 1024

_LOOK_INTERVAL: Final = 0.1
"""Seconds between two looks for silent peers, and at what they report, while states go out all the time."""

_PART_INTERVAL: Final = 1.0
"""Seconds between two looks at who takes part: often enough for ``ServerConfig.silent_after``."""


def _presents(token: str, response: ChallengeResponse) -> bool:
    """Tell whether a client has presented a secret of the server's."""
    return bool(token) and same_secret(token.encode(), response.host_token.encode())


class ServerEndpoint:
    """Finds the peer of each datagram, admits new ones, and collects what is to be sent.

    :param random_bytes: a source of unpredictable bytes.
    :param own_token: a secret of this process; the client that presents it is host, and never counts as lost.
    :param is_local: tells of an address whether it is this very machine's.
    :ivar peers: the connections by address.
    :ivar dropped: how many datagrams were dropped, by reason.
    :ivar refuse_all: if set, everybody new is refused with this reason.
    """

    def __init__(
        self,
        *,
        random_bytes: RandomBytes,
        config: ServerConfig | None = None,
        game: str = "",
        password: str | None = None,
        host_token: str = "",
        own_token: str = "",
        is_local: Callable[[Address], bool] = lambda address: False,
        first_sequence: int = 0,
    ) -> None:
        self.config = config or ServerConfig()
        self.ring = SnapshotRing(self.config.snapshot_ring, self.config.max_state_bytes)
        self.peers: dict[Address, ServerProtocol] = {}
        self.dropped: Counter[str] = Counter()
        self.next_at = math.inf
        """Not later than the time at which some peer has something to send or to notice."""
        self._look_at = -math.inf
        self._told_tick = 0
        self.refuse_all: DisconnectReason | None = None
        self.banned_hosts: set[str] = set()
        """IP addresses, as ``plain_host`` spells them, from which everybody is refused."""
        self.inbox: deque[tuple[ServerProtocol, bytes | ProtocolEvent]] = deque()
        """What has happened, with the peer; bare bytes are an event of the peer's, serialised."""
        self._by_token: dict[bytes, ServerProtocol] = {}
        self._ended_nonces: deque[bytes] = deque(maxlen=_REMEMBERED_NONCES)
        self._outbox: list[Outgoing] = []
        self._random_bytes = random_bytes
        self._cookies = CookieJar(random_bytes, self.config.cookie_lifetime)
        self._visitors = Visitors(self.config)
        self._places = Places(self.config, self.peers, lambda: self.ring.tick > 0)
        self._part_at = -math.inf
        self._violators: list[ServerProtocol] = []
        self.held_bytes = 0
        """What is held of all peers together: see ``ServerConfig.max_held_bytes``."""
        self._game = game
        self._password = password
        self._host_token = host_token
        self._own_token = own_token
        self._patient = replace(self.config, timeout=math.inf)
        self._is_local = is_local
        self._first_sequence = first_sequence

    # -- receiving -----------------------------------------------------------------------------------------------

    def receive_datagram(self, data: bytes, address: Address, *, now: float) -> None:
        """Take whatever came from wherever."""
        self.receive_datagrams(((data, address),), now=now)

    def receive_datagrams(self, datagrams: Iterable[Outgoing], *, now: float) -> None:
        """Take whatever came, each with its sender."""
        ack_due_at = now + self.config.ack_delay
        receive = fast_path.fastest.receive
        next_at = receive(datagrams, self._by_token, self.inbox, now, ack_due_at, self._receive_any)
        self.next_at = min(self.next_at, next_at)
        if self._violators:
            self._close_violators(now)

    def _close_violators(self, now: float) -> None:
        while self._violators:
            self.close_peer(self._violators.pop(), DisconnectReason.PROTOCOL_ERROR, NEVER_SENT, now=now)

    def _receive_any(self, data: bytes, address: Address, now: float) -> None:
        if len(data) < CLIENT_HEADER.size or data[0] != DATA:
            try:
                self._receive_handshake(data, address, now)
            except MalformedPacket:
                self.dropped["malformed"] += 1
            return
        peer = self._by_token.get(data[1:9])
        if peer is None:
            self.dropped["unknown token"] += 1
        elif peer.address != address:
            self.dropped["token from another address"] += 1
        else:
            peer.receive_packet(data, now)
            self.next_at = min(self.next_at, peer.next_at)
            if peer.closed is not None:
                self._on_closed(peer, now)
            elif peer.held_bytes != peer.counted_bytes:
                self._count_held(peer)
                if self.held_bytes > self.config.max_held_bytes:
                    self._make_room(now)

    def _receive_handshake(self, data: bytes, address: Address, now: float) -> None:
        kind = data[0] if data else -1
        if kind == CONNECT_REQUEST:
            self._receive_request(ConnectRequest.decode(data), address, now)
        elif kind == CHALLENGE_RESPONSE:
            self._receive_response(ChallengeResponse.decode(data), address, now)
        else:
            self.dropped["unknown kind"] += 1

    def _receive_request(self, request: ConnectRequest, address: Address, now: float) -> None:
        objection = self._objection(request.version, request.game, address, now)
        if objection is not None:
            self._object(request.nonce, objection, address)
        else:
            self._outbox.append((self._cookies.challenge(request.nonce, address, now).encode(), address))

    def _object(self, nonce: bytes, objection: Objection, address: Address) -> None:
        reason, words = objection
        if reason is None:
            self.dropped[words] += 1
        else:
            self._outbox.append((refusal(nonce, reason, words), address))

    def _objection(self, version: int, game: str, address: Address, now: float) -> Objection | None:
        if version != PROTOCOL_VERSION:
            words = f"It speaks protocol version {PROTOCOL_VERSION}, this client version {version}."
            return DisconnectReason.WRONG_VERSION, words
        if self.refuse_all is not None:
            return self.refuse_all, ""
        if game != self._game:
            return (
                DisconnectReason.WRONG_GAME,
                f"It hosts {self._game!r}." if self._game else "It hosts a game without a name.",
            )
        if self.banned_hosts and plain_host(address[0]) in self.banned_hosts:
            return DisconnectReason.BANNED, ""
        return self._no_place(address, now) if self._is_full_for(address) else None

    def _is_full_for(self, address: Address) -> bool:
        return len(self.peers) >= self.config.max_clients and address not in self.peers

    def _no_place(self, address: Address, now: float) -> Objection | None:
        """Return None if somebody will give way to a newcomer from this address."""
        host = host_of(address)
        if self._places.giver(host, now) is not None:
            return None
        if self._places.undecided(host, now):
            return None, "full, and not yet decided who gives way"
        most = self.config.max_clients
        return DisconnectReason.SERVER_FULL, f"It takes {most} player{'s' * (most > 1)}."

    def _receive_response(self, response: ChallengeResponse, address: Address, now: float) -> None:
        if response.version != PROTOCOL_VERSION or not self._cookies.accepts(response, address, now):
            self.dropped["wrong cookie"] += 1
            return
        known = self.peers.get(address)
        if known is not None and known.nonce == response.nonce:
            self._outbox.append((known.accepted, address))  # our answer was lost; say it again
            return
        if response.nonce in self._ended_nonces:
            self.dropped["connection already over"] += 1
            return
        host = host_of(address)
        objection = (
            self._objection(response.version, response.game, address, now)
            or self._password_objection(response, host, now)
            or self._haste(host, now)
        )
        if objection is not None:
            self._object(response.nonce, objection, address)
            return
        if known is not None:
            self.close_peer(known, DisconnectReason.REPLACED, now=now)
        self._make_place(address, host, now)
        self._admit(response, address, now)

    def _password_objection(self, response: ChallengeResponse, host: str, now: float) -> Objection | None:
        """Return None if the password fits, or there is none. Each challenge is good for one guess."""
        proof = response.password_proof
        if self._password is None:
            return None
        if not any(proof):
            return DisconnectReason.WRONG_PASSWORD, "It asks for one, and none was given."
        guessed = self._visitors.guessed(response.cookie)
        if guessed is not None:
            repeated = guessed == proof  # our answer was lost; say it again
            return DisconnectReason.WRONG_PASSWORD if repeated else None, "" if repeated else "second guess"
        if not self._visitors.may_guess(host, now):
            return None, "guess too soon after a wrong one"
        if not same_secret(password_proof(self._password, response.cookie, response.nonce), proof):
            self._visitors.on_wrong(host, response.cookie, proof, now)
            return DisconnectReason.WRONG_PASSWORD, ""
        self._visitors.on_right(host, now)
        return None

    def _haste(self, host: str, now: float) -> Objection | None:
        return None if self._visitors.may_join(host, now) else (None, "too many new connections from a host")

    def _make_place(self, address: Address, host: str, now: float) -> None:
        """Let somebody give way if all places are taken (there is somebody who does: see _no_place)."""
        found = self._places.giver(host, now) if self._is_full_for(address) else None
        if found is not None:
            peer, words = found
            self.close_peer(peer, DisconnectReason.SERVER_FULL, words, now=now)

    def _admit(self, response: ChallengeResponse, address: Address, now: float) -> None:
        token = self._random_bytes(TOKEN_BYTES)
        is_own = _presents(self._own_token, response)
        config = self._patient if is_own else self.config
        if is_own:
            self._replace_own(now)
        peer = ServerProtocol(
            address,
            response.nonce,
            token,
            self.ring,
            self.inbox,
            config,
            now,
            self._first_sequence,
            self._random_bytes,
        )
        peer.violators = self._violators
        has_host = any(other.is_host for other in self.peers.values())
        peer.is_host = is_own or _presents(self._host_token, response) or (not has_host and self._is_local(address))
        accepted = Accepted(response.nonce, token, peer.is_host, to_whole_wire_time(now), encode_address(address))
        peer.accepted = accepted.encode()
        self.peers[address] = self._by_token[token] = peer
        self._places.changed()
        self.next_at = min(self.next_at, now)
        self._outbox.append((peer.accepted, address))
        self.inbox.append((peer, Connected(accepted, address)))

    # -- what is held --------------------------------------------------------------------------------------------

    def _count_held(self, peer: ServerProtocol) -> None:
        self.held_bytes += peer.held_bytes - peer.counted_bytes
        peer.counted_bytes = peer.held_bytes

    def _give_up_fragments(self, now: float) -> None:
        for peer in self.peers.values():
            peer.give_up_fragments(now)
            self._count_held(peer)

    def _make_room(self, now: float) -> None:
        """Let the largest holder of the host that holds most give way, until all that is held is within bounds."""
        while self.held_bytes > self.config.max_held_bytes:
            by_host = Counter[str]()
            for peer in self.peers.values():
                by_host[peer.host] += peer.counted_bytes
            ((host, _),) = by_host.most_common(1)
            largest = max((p for p in self.peers.values() if p.host == host), key=lambda p: p.counted_bytes)
            if largest.drop_unreliable():
                self.dropped["unfinished messages, for want of room"] += 1
                self._count_held(largest)
            else:
                words = f"It held {largest.counted_bytes:,} bytes that wait for what did not arrive."
                self.close_peer(largest, DisconnectReason.OVERLOADED, words, now=now)

    def _replace_own(self, now: float) -> None:
        """The player of this very process is back; nothing else would notice that the connection before is over."""
        for peer in [peer for peer in self.peers.values() if peer.config is self._patient]:
            self.close_peer(peer, DisconnectReason.REPLACED, now=now)

    # -- the end of a connection ---------------------------------------------------------------------------------

    def close_peer(self, peer: ServerProtocol, reason: DisconnectReason, detail: str = "", *, now: float) -> None:
        """End a connection and tell the peer why."""
        if peer.closed is None:
            self._outbox.extend((data, peer.address) for data in peer.close_datagrams(reason, detail, now))
            peer._end(reason, detail, remote=False)
            self._forget(peer)

    def _on_closed(self, peer: ServerProtocol, now: float) -> None:
        """The peer has said goodbye, or broken the protocol; in that case tell it so."""
        closed = peer.closed
        if closed is not None and not closed.remote:
            farewell = peer.close_datagrams(closed.reason, closed.detail, now)
            self._outbox.extend((data, peer.address) for data in farewell)
        self._forget(peer)

    def _forget(self, peer: ServerProtocol) -> None:
        self._by_token.pop(peer.token, None)
        self.held_bytes -= peer.counted_bytes
        peer.counted_bytes = 0
        self._places.changed()
        self._ended_nonces.append(peer.nonce)
        if self.peers.get(peer.address) is peer:
            del self.peers[peer.address]

    # -- sending -------------------------------------------------------------------------------------------------

    def push_state(self, tick: int, tree: Tree, *, time: float, span: float) -> bool:
        """Make ``tree`` (frozen) the current state; it goes out with the next ``datagrams_to_send``.

        :param tick: its number, higher than the one before.
        :param time: the tick's time on the server's clock, seconds; ``span``: seconds since the tick before.
        :returns: False if it is the very state that is current already.
        """
        return self.ring.push(tick, tree, time, span)

    def datagrams_to_send(self, *, now: float, everyone: bool = False) -> list[Outgoing]:
        """Return what is due: for all peers (after a tick), or for those whose time has come."""
        return list(self.stream_to_send(now=now, everyone=everyone))

    def stream_to_send(self, *, now: float, everyone: bool = False) -> Iterator[Outgoing]:
        """The same as ``datagrams_to_send``, each made when it is asked for. To be taken to the end at once."""
        outgoing, self._outbox = self._outbox, []
        if everyone and now >= self._look_at:  # (each tick puts off what it has sent to, so nobody else would look)
            self._end_silent(now)
            for peer in self.peers.values():
                peer.settle_report()
        due: list[ServerProtocol] = []
        if everyone and self._told_tick != self.ring.tick:
            self._told_tick = self.ring.tick
            soon = now + self.config.min_rto
            states = self._state_datagrams(due, now, soon)
            return chain(outgoing, states, self._other_datagrams(due, now, soon))
        next_at = math.inf
        for peer in self.peers.values():
            if everyone or peer.next_at <= now:
                due.append(peer)
            elif peer.next_at < next_at:
                next_at = peer.next_at
        return chain(outgoing, self._other_datagrams(due, now, next_at))

    def _other_datagrams(self, due: list[ServerProtocol], now: float, next_at: float) -> Iterator[Outgoing]:
        """Yield all that is due for these peers (who may be found only when this is begun), and note who is next."""
        for peer in due:
            for datagram in peer.datagrams_to_send(now):
                yield datagram, peer.address
            next_at = min(next_at, peer.next_at)
        self.next_at = next_at

    def _state_datagrams(self, others: list[ServerProtocol], now: float, soon: float) -> Iterator[Outgoing]:
        """Yield what there is for peers which want the new state and nothing else; add the other peers to a list."""
        peers, state_datagrams = tuple(self.peers.values()), fast_path.fastest.state_datagrams
        return state_datagrams(peers, others, self.ring, now, soon, to_wire_time(now))

    def is_idle(self, now: float) -> bool:
        """True if at this time nothing is to be sent or noticed, and nothing waits in the inbox."""
        return now < self.next_at and not self._outbox and not self.inbox

    def next_timeout(self) -> float | None:
        """When to read the inbox and call :meth:`handle_timeout` and ``datagrams_to_send`` next, if nothing is received
        until then; -math.inf for at once, None for never.
        """
        if self.inbox or self._outbox:
            return -math.inf
        return self.next_at if self.peers else None

    def forgive(self, slept: float, *, now: float) -> None:
        """Do not count the peers' silence of ``slept`` seconds in which this side itself did not run."""
        for peer in self.peers.values():
            peer.forgive(slept, now)

    def handle_timeout(self, *, now: float) -> None:
        """Notice peers that have been silent for too long."""
        if now >= self.next_at:
            self._end_silent(now)

    def _end_silent(self, now: float) -> None:
        self._look_at = now + _LOOK_INTERVAL
        for peer in [p for p in self.peers.values() if p.timed_out(now)]:
            peer._end(DisconnectReason.TIMED_OUT, "", remote=False)
            self._forget(peer)
        if self.held_bytes:
            self._give_up_fragments(now)
        if now >= self._part_at:
            self._part_at = now + _PART_INTERVAL
            for peer in self.peers.values():
                peer.note_part(now)
