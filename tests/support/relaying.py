"""A relay with hosts and players around it, pure: each datagram arrives at once, and every byte is accounted for."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import dataclass, field
from typing import Protocol, TypeVar

from pygase._protocol.handshake import Address
from pygase._relay.limits import RelayLimits
from pygase._relay.relay import Relay, access_proof
from pygase._relay.relay_datagrams import (
    ALIVE,
    CHANNEL_GONE,
    MET,
    OWN_ROOM,
    RELAY_COOKIE,
    RELAY_REFUSED,
    RELAY_VERSION,
    RELAYED,
    RELAYED_BYTES,
    ROOM_JOINED,
    ROOM_OPENED,
    ROOM_PEER,
    JoinRoom,
    LeaveRoom,
    OpenRoom,
    RelayCookie,
    RelayRefused,
    RelayRequest,
    RoomJoined,
    RoomOpened,
    RoomPeer,
    channel_of,
    of_channel,
)

KEY = bytes(range(32))


class Carrier(Protocol):
    """Takes an end's datagrams to a relay."""

    def deliver(self, data: bytes, sender: Address) -> None:
        """Take one."""


@dataclass
class End:
    """A host or a player at an address. What it gets stands in its lists."""

    bed: Carrier
    address: Address
    nonce: bytes
    games: list[tuple[bytes, bytes]] = field(default_factory=list)
    refused: list[RelayRefused] = field(default_factory=list)
    gone: list[bytes] = field(default_factory=list)
    alive: list[bytes] = field(default_factory=list)
    cookie: RelayCookie | None = None

    def send(self, data: bytes) -> None:
        self.bed.deliver(data, self.address)

    def send_game(self, channel: bytes, payload: bytes) -> None:
        self.send(of_channel(RELAYED, channel) + payload)

    def request(self) -> RelayRequest:
        if self.cookie is None:
            return RelayRequest(RELAY_VERSION, self.nonce)
        return RelayRequest(RELAY_VERSION, self.nonce, self.cookie.issued_at, self.cookie.cookie)

    def receive(self, data: bytes) -> None:
        if data[0] == RELAY_COOKIE:
            cookie = RelayCookie.decode(data)
            self.cookie = cookie if cookie.nonce == self.nonce else self.cookie  # else: somebody has forged a request
        elif data[0] == RELAY_REFUSED:
            self.refused.append(RelayRefused.decode(data))
        elif data[0] == CHANNEL_GONE:
            self.gone.append(channel_of(data))
        elif data[0] == ALIVE:
            self.alive.append(channel_of(data))
        elif data[0] == RELAYED:
            self.games.append((channel_of(data), data[RELAYED_BYTES:]))
        else:
            self.receive_answer(data)

    def receive_answer(self, data: bytes) -> None:
        """Take an answer to a request. Those to requests that others have forged are ignored."""


@dataclass
class Host(End):
    """A hosting program.

    :ivar meets: whether it confirms its players.
    """

    secret: bytes = b"s" * 16
    access_key: bytes = b""
    candidates: bytes = b""
    meets: bool = True
    opened: RoomOpened | None = None
    peers: list[RoomPeer] = field(default_factory=list)

    def open(self) -> str:
        """Ask for a room, twice because of the cookie; return its code, or ``""``."""
        self.opened = None
        for _ in range(2):
            request = self.request()
            proof = access_proof(self.access_key, request, self.secret) if self.access_key else bytes(16)
            self.send(OpenRoom(request, self.secret, proof, self.candidates).encode())
        return self.opened.code if self.opened is not None else ""

    def close(self) -> None:
        self.send(LeaveRoom(OWN_ROOM, self.secret).encode())

    def receive_answer(self, data: bytes) -> None:
        if data[0] == ROOM_OPENED:
            self.opened = RoomOpened.decode(data)
        elif data[0] == ROOM_PEER:
            self.peers.append(RoomPeer.decode(data))
            if self.meets:
                self.send(of_channel(MET, self.peers[-1].channel))


@dataclass
class Player(End):
    """A player's program."""

    candidates: bytes = b""
    joined: RoomJoined | None = None

    def join(self, code: str) -> bytes:
        """Ask for a channel, twice because of the cookie; return its number, or ``b""``."""
        self.joined = None
        for _ in range(2):
            self.send(JoinRoom(self.request(), code, self.candidates).encode())
        return self.joined.channel if self.joined is not None else b""

    def receive_answer(self, data: bytes) -> None:
        if data[0] == ROOM_JOINED:
            self.joined = RoomJoined.decode(data)


AnyEnd = TypeVar("AnyEnd", bound=End)


class RelayBed:
    """A relay and everybody who sends to it.

    It checks each datagram that leaves the relay: the receiver has sent something, and unless it has returned a cookie,
    it has sent at least as many bytes as it gets.

    :ivar recorded: every datagram, to the relay and from it.
    :ivar relay: may be replaced by one that has been started anew, see :meth:`restart`.
    """

    def __init__(self, seed: int = 0, limits: RelayLimits | None = None, access_key: bytes = b"") -> None:
        self.rng = random.Random(seed)
        self.now = 1000.0
        self.limits = limits
        self.access_key = access_key
        self.ends: dict[Address, End] = {}
        self.sent: Counter[Address] = Counter()
        self.got: Counter[Address] = Counter()
        self.cookies: dict[Address, bytes] = {}
        self.proven: set[Address] = set()
        self.recorded: list[bytes] = []
        self.restart()

    def restart(self) -> None:
        self.relay = Relay(KEY, self.rng.randbytes, self.limits, self.access_key)

    def host(self, ip: str = "198.51.100.1", port: int = 4000) -> Host:
        return self._placed(Host(self, (ip, port), self.rng.randbytes(8), secret=self.rng.randbytes(16)))

    def player(self, ip: str = "203.0.113.1", port: int = 5000) -> Player:
        return self._placed(Player(self, (ip, port), self.rng.randbytes(8)))

    def _placed(self, end: AnyEnd) -> AnyEnd:
        self.ends[end.address] = end
        return end

    def move(self, end: End, ip: str, port: int) -> None:
        """Let an end have another address, as behind a router that has forgotten it."""
        del self.ends[end.address]
        end.address, end.cookie = (ip, port), None
        self.ends[end.address] = end

    def deliver(self, data: bytes, sender: Address) -> None:
        """Let the relay receive a datagram, and everybody get the answers."""
        self.recorded.append(data)
        self.sent[sender] += len(data)
        cookie = self.cookies.get(sender)
        if cookie is not None and cookie in data:
            self.proven.add(sender)
        self.relay.receive_datagram(data, sender, self.now)
        self.transmit()

    def transmit(self) -> None:
        for data, receiver in self.relay.datagrams_to_send():
            self.account(data, receiver)
            if receiver in self.ends:
                self.ends[receiver].receive(data)

    def account(self, data: bytes, receiver: Address) -> None:
        self.recorded.append(data)
        self.got[receiver] += len(data)
        assert self.sent[receiver], f"{receiver} has never asked, and gets {data!r}"
        if receiver not in self.proven:
            assert self.got[receiver] <= self.sent[receiver], f"{receiver} gets more than it sends: {data!r}"
        if data[0] == RELAY_COOKIE:
            self.cookies[receiver] = data[13:]

    def pass_time(self, seconds: float) -> None:
        end = self.now + seconds
        while self.now < end:
            self.now = min(self.now + 0.5, end)
            self.relay.handle_timeout(self.now)
            self.transmit()
