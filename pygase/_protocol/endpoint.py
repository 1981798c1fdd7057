"""The server's end, pure: the datagrams of one socket, and many peers. No datagram of any content does harm here."""

from __future__ import annotations

import math
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator
from itertools import chain
from typing import Final

from .._state.precision import NO_PRECISION, Precision
from .._state.priorities import Priorities
from .._state.tree import Tree
from ..config import ServerConfig
from ..errors import DisconnectReason, MalformedPacket
from .challenges import Opened
from .datagrams import ChallengeResponse, ConnectRequest, Goodbye, PathResponse
from .endings import Endings
from .entrance import Entrance, Keys
from .handshake import Address, RandomBytes
from .held import HeldBytes
from .house import Arrival, House, HousePlace
from .identity import ServerIdentity
from .peer import NEVER_SENT
from .peer_events import Connected, Moved, ProtocolEvent, Resumed
from .peer_table import PeerTable
from .sequence import unwrap
from .server_peer import SERVER_SKIPS_WITHIN, ServerProtocol, Shared
from .snapshots import SnapshotRing
from .view_rings import ViewRings
from .wire import (
    CHALLENGE_RESPONSE,
    CONNECT_REQUEST,
    DATA,
    ENCRYPTED,
    GOODBYE,
    HEADER_BYTES,
    PATH_RESPONSE,
    URGENT,
    sequence_of,
)

Outgoing = tuple[bytes, Address]

_LOOK_INTERVAL: Final = 0.1
"""Seconds between two looks for silent peers, and at their acked ticks, while each tick sends states."""


def _nowhere(address: Address) -> bool:
    return False


class ServerEndpoint:
    """Finds the peer of each datagram, admits newcomers, and collects the datagrams to send.

    The secrets and ``is_local`` are those of :class:`Keys`; see :class:`Shared` for ``inbox`` and ``skip_within``.

    :param reset_key: 32 secret bytes that an earlier process may have had; b"" for new ones.
    :param first_client_id: the number of the first client. Each later client has the next number.
    :param precision: of the numbers in the states.
    :param priorities: what goes first to a client that is short, see :class:`Shared`.
    :param house: what it shares with other endpoints, with its password, identity and reset key; None: a new one.
    :param room: the place in a house, for the room of a host; None for a server without rooms.
    :param has_views: each client has a view of its own, see ``shared.views``. Nobody calls :meth:`push_state`.

    :ivar table: finds the connected peers.
    :ivar peers: the connected peers by client id; ``by_token``: the same by the token of their packets.
    :ivar dropped: count of dropped datagrams, by reason.
    :ivar outbox: answers to newcomers and CLOSE datagrams that wait to be sent.
    :ivar next_at: when some peer has something to send or to notice, or an earlier time.
    """

    __slots__ = (
        "_look_at",
        "_sent_tick",
        "by_token",
        "config",
        "dropped",
        "endings",
        "entrance",
        "held",
        "inbox",
        "next_at",
        "outbox",
        "peers",
        "ring",
        "shared",
        "table",
    )

    def __init__(
        self,
        *,
        random_bytes: RandomBytes,
        config: ServerConfig | None = None,
        game: str = "",
        password: str | None = None,
        host_token: str = "",
        own_token: str = "",
        is_local: Callable[[Address], bool] = _nowhere,
        identity: ServerIdentity | None = None,
        first_sequence: int = 0,
        skip_within: int = SERVER_SKIPS_WITHIN,
        reset_key: bytes = b"",
        first_client_id: int = 1,
        precision: Precision = NO_PRECISION,
        has_views: bool = False,
        priorities: Priorities | None = None,
        house: House | None = None,
        room: HousePlace | None = None,
    ) -> None:
        self.config = config or ServerConfig()
        self.ring = SnapshotRing(self.config.snapshot_ring, self.config.max_state_bytes)
        self.table = PeerTable() if room is None else PeerTable(room.house.homes, room.home)
        self.peers, self.by_token = self.table.by_id, self.table.by_token
        self.dropped: Counter[str] = Counter()
        self.outbox: list[Outgoing] = []
        self.shared = Shared(self.ring, random_bytes, first_sequence, skip_within)
        self.shared.precision = precision
        self.shared.priorities = priorities
        self.shared.views = ViewRings(self.ring) if has_views else None
        self.ring.packing.places = precision.root
        self.inbox: deque[tuple[ServerProtocol, bytes | ProtocolEvent]] = self.shared.inbox
        house = room.house if room is not None else house
        house = house or House(
            self.config, random_bytes=random_bytes, password=password, identity=identity, reset_key=reset_key
        )
        keys = Keys(game, host_token, own_token, is_local, house.resets, room.code if room is not None else "")
        self.entrance = Entrance(
            self.config, house, keys, self.table, self.shared, self.outbox, self.dropped, first_client_id
        )
        self.held = HeldBytes(self.peers, self.config.max_held_bytes)
        self.endings = Endings(self.config, self.entrance, self.table, self.held, self.shared, self.outbox)
        self.next_at = math.inf
        self._look_at = -math.inf
        self._sent_tick = 0

    # -- receiving -----------------------------------------------------------------------------------------------

    def receive_datagram(self, data: bytes, address: Address, *, now: float) -> None:
        self.receive_datagrams(((data, address, now),), now=now)

    def receive_datagrams(self, arrivals: Iterable[Arrival], *, now: float) -> None:
        """Take in datagrams, in the order in which they arrived: each as if it had been read when it arrived."""
        by_token = self.by_token
        for data, address, at in arrivals:
            kind = data[0] if len(data) >= HEADER_BYTES else -1
            if kind != DATA and kind != ENCRYPTED and kind != URGENT:
                self._receive_handshake(data, address, at)
                continue
            peer = by_token.get(data[1:9])
            if peer is None:
                self._receive_unknown(data, address, at)
                continue
            if peer.seals is not None or kind != DATA:
                data = peer.seals.open(data, peer.record.latest) if peer.seals is not None else b""
                if not data:
                    self._note_forgery(peer, at)
                    continue
            if peer.address != address:
                self._receive_from_elsewhere(peer, data, address, at)
            elif peer.path.is_watched:
                number = unwrap(sequence_of(data), peer.record.latest)
                self._receive_packet(peer, data, at)
                peer.path.note_here(number, at)
            else:
                self._receive_packet(peer, data, at)
        violators = self.shared.violators
        while violators:
            self.close_peer(violators.pop(), DisconnectReason.PROTOCOL_ERROR, NEVER_SENT, now=now)

    def _note_forgery(self, peer: ServerProtocol, now: float) -> None:
        self.dropped["not sealed by the client"] += 1
        peer.record.packets_dropped += 1
        if peer.seals is not None and peer.seals.is_worn_out:
            self.close_peer(peer, DisconnectReason.PROTOCOL_ERROR, now=now)

    def _receive_unknown(self, data: bytes, address: Address, now: float) -> None:
        """Answer a packet whose token is unknown, so that its client need not wait for a time-out."""
        self.dropped["unknown token"] += 1
        answer = self.entrance.keys.resets.answer(data, address[0], now)
        if answer is not None:
            self.outbox.append((answer, address))

    def _receive_packet(self, peer: ServerProtocol, data: bytes, now: float) -> None:
        is_usual = peer.receive_packet(data, now)
        if peer.record.next_at < self.next_at:
            self.next_at = peer.record.next_at
        if not is_usual:
            self._look_after(peer, now)

    def _receive_from_elsewhere(self, peer: ServerProtocol, data: bytes, address: Address, now: float) -> None:
        """Take a packet from another address than the client's. The newest one is a reason to ask whether it moved."""
        path, latest = peer.path, peer.record.latest
        number = unwrap(sequence_of(data), latest)
        if self.entrance.bans.refuses(address):
            self.dropped["packet from a banned address"] += 1
            return
        is_sealed = peer.seals is not None  # so nobody else can have made the packet
        if is_sealed:
            self._receive_packet(peer, data, now)
            is_newest = peer.record.latest > latest and peer.closed is None
        else:
            is_newest = number > latest
        if path.note_elsewhere(number, is_newest, address, now):
            self.outbox.append((self.shared.paths.challenge(peer.token, address, now), address))
        if not is_sealed:
            path.hold(data, address)

    def _look_after(self, peer: ServerProtocol, now: float) -> None:
        if peer.closed is not None:
            self.endings.on_closed(peer, now)
        elif peer.held_bytes != peer.counted_bytes:
            self.held.count(peer)
            while self.held.is_too_much:
                self._make_room(now)

    def _receive_handshake(self, data: bytes, address: Address, now: float) -> None:
        kind = data[0] if data else -1
        try:
            if kind == CONNECT_REQUEST:
                self.entrance.receive_request(ConnectRequest.decode(data), address, now)
            elif kind == CHALLENGE_RESPONSE:
                self._receive_response(ChallengeResponse.decode(data), address, now)
            elif kind == PATH_RESPONSE:
                self._receive_path_response(PathResponse.decode(data), address, now)
            elif kind == GOODBYE:
                if not self.endings.receive_goodbye(Goodbye.decode(data), now):
                    self.dropped["goodbye without a proof"] += 1
            else:
                self.dropped["unknown kind"] += 1
        except MalformedPacket:
            self.dropped["malformed"] += 1

    def _receive_response(self, response: ChallengeResponse, address: Address, now: float) -> None:
        opened = self.entrance.opened(response, address, now)
        if opened is not None:
            self.receive_opened(opened, address, now=now)

    def receive_opened(self, opened: Opened, address: Address, *, now: float) -> None:
        """Take a response whose sender may enter: admit the sender, or refuse it."""
        if not self.entrance.admits(opened, address, now):
            return
        claimed = self.entrance.claimed(opened)
        if claimed is None:
            for own in self.entrance.own_peers(opened.body):
                self.close_peer(own, DisconnectReason.REPLACED, now=now)
        known = self.table.by_address.get(address)
        if known is not None and known is not claimed:
            self.endings.displace(known, now)
        if claimed is not None:
            self._resume(claimed, opened, address, now)
            return
        giver = self.entrance.giver(address, now)
        if giver is not None:
            self.close_peer(giver[0], DisconnectReason.SERVER_FULL, giver[1], now=now)
        peer, welcome = self.entrance.new_peer(opened, address, now)
        self._begin(peer, Connected(welcome, address), now)

    def _begin(self, peer: ServerProtocol, event: Connected | Resumed, now: float) -> None:
        self.table.add(peer)
        self.entrance.places.changed()
        self.next_at = min(self.next_at, now)
        self.outbox.append((peer.identity.accepted, peer.address))
        self.inbox.append((peer, event))

    def _receive_path_response(self, response: PathResponse, address: Address, now: float) -> None:
        peer = self.by_token.get(response.token)
        if peer is None:
            self.dropped["unknown token"] += 1
        elif self.shared.paths.is_answered(response, address, peer.path, now) and not self.entrance.bans.refuses(
            address
        ):
            held = peer.path.move(peer.address, address, peer.record.latest, now)
            self.move_peer(peer, address)
            for sender in peer.tracked:
                sender.hasten(now)  # what has left in the meantime is probably lost
            peer.record.hasten(now)
            self.next_at = min(self.next_at, now)
            self.receive_datagrams([(packet, address, now) for packet in held], now=now)
        else:
            self.dropped["path response to no challenge"] += 1

    def _make_room(self, now: float) -> None:
        """Make the largest holder lose its unfinished unreliable messages, or else its connection."""
        largest = self.held.largest()
        if largest.incoming.drop_unreliable():
            self.dropped["unfinished messages, for want of room"] += 1
            self.held.count(largest)
        else:
            words = f"It held {largest.counted_bytes:,} bytes that wait for what did not arrive."
            self.close_peer(largest, DisconnectReason.OVERLOADED, words, now=now)

    @property
    def by_address(self) -> dict[Address, ServerProtocol]:
        """The connected peers by their present addresses."""
        return self.table.by_address

    # -- the end of a connection ---------------------------------------------------------------------------------

    def close_peer(self, peer: ServerProtocol, reason: DisconnectReason, detail: str = "", *, now: float) -> None:
        self.endings.close(peer, reason, detail, now)

    def _resume(self, peer: ServerProtocol, opened: Opened, address: Address, now: float) -> None:
        if not peer.is_lost:  # the client has noticed the loss first
            self.endings.keep(peer, now)
        self.table.remove(peer)
        self._begin(peer, self.entrance.resume(peer, opened, address, now), now)

    # -- another address of the same client --------------------------------------------------------------------------

    def move_peer(self, peer: ServerProtocol, address: Address) -> None:
        """Go on with a connection at another address of the same client. The caller has proof that it is the same."""
        if peer.closed is not None or peer.address == address:
            return
        former = peer.address
        self.table.move(peer, address)
        self.entrance.places.changed()
        self.inbox.append((peer, Moved(former)))

    # -- sending -------------------------------------------------------------------------------------------------

    def push_state(self, tick: int, tree: Tree, *, time: float, span: float, delta: Tree | None = None) -> bool:
        """Make ``tree`` (frozen) the current state. It leaves with the next ``datagrams_to_send``.

        :param tick: its number, higher than that of the previous state.
        :param time: the tick's time on the server's clock, seconds.
        :param span: seconds since the previous tick.
        :param delta: (frozen) leads from the previous state to this one. None if it is not known.
        :returns: False if the state has not changed.
        """
        return self.ring.push(tick, tree, time, span, delta)

    def datagrams_to_send(self, *, now: float, everyone: bool = False) -> list[Outgoing]:
        """Return the due datagrams: for all peers (after a tick), or for the peers whose time has passed."""
        return list(self.stream_to_send(now=now, everyone=everyone))

    def stream_to_send(self, *, now: float, everyone: bool = False) -> Iterator[Outgoing]:
        """Yield the datagrams of ``datagrams_to_send``, each made on demand. The caller exhausts the iterator at
        once."""
        outgoing = tuple(self.outbox)
        self.outbox.clear()
        if everyone and now >= self._look_at:  # (each tick postpones its peers, so nothing else looks at them)
            self._end_silent(now)
            self.entrance.challenges.secrecy.forget(now)
            for peer in self.peers.values():
                peer.settle_acked_tick()
                if self.shared.views is not None:
                    peer.snapshots.ring.forget_before(peer.record.baseline_tick)
        if everyone and self._sent_tick != self.ring.tick:
            self._sent_tick = self.ring.tick
            return chain(outgoing, self._state_datagrams(now))
        due: list[ServerProtocol] = []
        next_at = math.inf
        for peer in self.peers.values():
            if everyone or peer.record.next_at <= now:
                due.append(peer)
            elif peer.record.next_at < next_at:
                next_at = peer.record.next_at
        return chain(outgoing, self._other_datagrams(due, now, next_at))

    def _state_datagrams(self, now: float) -> Iterator[Outgoing]:
        """Yield the datagrams of a tick: first those with nothing but the new state, then all others."""
        ask_at = max(now + self.config.min_rto, self.shared.ride.leaves_by)
        others, ring = list[ServerProtocol](), self.ring
        framed: bytes | None = None
        acked_tick = -2  # no peer has this one
        self.shared.ticks.begin(now)
        for peer in tuple(self.peers.values()):
            if peer.record.acked_tick != acked_tick or peer.snapshots.ring is not ring:
                ring, acked_tick = peer.snapshots.ring, peer.record.acked_tick
                is_sent = ring is not self.ring and peer.record.sent_tick == ring.tick  # a view may rest
                framed = ring.frame_for(acked_tick, now) if not is_sent else None
            datagram = peer.state_datagram(framed, now, ask_at) if framed is not None else None
            if datagram is None:
                others.append(peer)
            else:
                yield datagram, peer.address
        yield from self._other_datagrams(others, now, ask_at)

    def _other_datagrams(self, due: list[ServerProtocol], now: float, next_at: float) -> Iterator[Outgoing]:
        for peer in due:
            for datagram in peer.datagrams_to_send(now):
                yield datagram, peer.address
            next_at = min(next_at, peer.record.next_at)
        self.next_at = next_at

    def is_idle(self, now: float) -> bool:
        due_at = min(self.next_at, self.table.lost_until, self.entrance.challenges.secrecy.forget_at)
        return now < due_at and not self.outbox and not self.inbox

    def next_timeout(self) -> float | None:
        """Return when to read the inbox and call :meth:`handle_timeout` and ``datagrams_to_send`` next, if no datagram
        arrives earlier; -math.inf for at once, None for never."""
        if self.inbox or self.outbox:
            return -math.inf
        due_at = min(self.table.lost_until, self.entrance.challenges.secrecy.forget_at)
        if self.peers:
            due_at = min(due_at, self.next_at)
        return due_at if due_at < math.inf else None

    def forgive(self, slept: float, *, now: float) -> None:
        for lost in self.table.lost.values():
            lost.part.lost_until += max(slept - self.config.heartbeat_interval, 0.0)
        for peer in self.peers.values():
            peer.forgive(slept, now)

    def handle_timeout(self, *, now: float) -> None:
        if now >= self.next_at or now >= self.table.lost_until:
            self._end_silent(now)
        self.entrance.challenges.secrecy.forget(now)

    def _end_silent(self, now: float) -> None:
        self._look_at = now + _LOOK_INTERVAL
        self.endings.end_silent(now)


def hurry_acks(endpoint: ServerEndpoint, due_by: float, now: float) -> None:
    """Let the acknowledgements that are due by then leave now, since a tick without a new state is a good moment for
    them."""
    if endpoint.next_at > due_by:
        return
    for peer in endpoint.peers.values():
        if peer.record.ack_due_at <= due_by:
            peer.record.ack_due_at = peer.record.next_at = endpoint.next_at = now
