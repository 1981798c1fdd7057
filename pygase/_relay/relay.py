"""The relay itself: it answers requests and forwards datagrams.

::

    host                          relay                          player
    OpenRoom  ------------------->       <-------------------  JoinRoom (code)
    <-----------------  RelayCookie      RelayCookie  ---------------->
    OpenRoom (cookie)  ---------->       <----------  JoinRoom (cookie)
    <------------  RoomOpened (code)     RoomJoined (channel)  ------->
    <------------------------------  RoomPeer (channel)
    <----------------------  datagrams of the game  ----------------------->   each behind the channel's number

It remembers nothing of an address that has not returned a cookie, and sends it no more bytes than it has sent. It
forwards only between the two addresses of a channel: the host has asked for the room, and the player for the host.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable
from typing import Final

from .._protocol.admission import host_of
from .._protocol.crypto import RandomBytes, keyed_hash, same_secret
from .._protocol.handshake import Address, CookieJar
from .._protocol.wire import MAX_DATAGRAM_BYTES
from ..errors import MalformedPacket
from .limits import RelayGuests, RelayLimits
from .meeting import EndedRoom, MeetingPlace, RelayChannel, RelayedRoom
from .relay_datagrams import (
    ACCESS_BYTES,
    ALIVE,
    CHANNEL_GONE,
    JOIN_ROOM,
    LEAVE,
    MET,
    NO_SUCH_CODE,
    OPEN_ROOM,
    OTHER_RELAY_VERSION,
    OWN_ROOM,
    RELAY_FULL,
    RELAY_VERSION,
    RELAYED,
    RELAYED_BYTES,
    TOO_MANY_TRIES,
    WRONG_ACCESS_KEY,
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
    wire_address,
)

RELAY_COOKIE_LIFETIME: Final = 10.0
"""Seconds in which a cookie may be returned."""

INTRODUCTION_INTERVAL: Final = 0.1
"""Seconds between two reports to a host about one player, until it confirms one."""

SWEEP_INTERVAL: Final = 1.0
"""Seconds between two searches for rooms and channels that have been silent for too long."""

FULL_WAIT: Final = 10
"""Seconds after which a program that met a full relay should try again."""


class RelayCounters:
    """What a relay has done so far.

    :ivar forwarded, forwarded_bytes: datagrams of games.
    :ivar answered: datagrams of its own, by kind.
    :ivar dropped: datagrams that had no effect, by reason.
    """

    def __init__(self) -> None:
        self.forwarded = self.forwarded_bytes = 0
        self.answered: Counter[int] = Counter()
        self.dropped: Counter[str] = Counter()


class Relay:
    """A rendezvous and relay server without a socket.

    :param key: the relay's own secret, 32 bytes. With the same one, rooms have their codes after a restart.
    :param access_key: the key that hosts must know, at most 64 bytes; ``b""``: everybody may open a room.
    """

    def __init__(
        self, key: bytes, random_bytes: RandomBytes, limits: RelayLimits | None = None, access_key: bytes = b""
    ) -> None:
        self.limits = limits or RelayLimits()
        self.counters = RelayCounters()
        self._access_key = access_key
        self._cookies = CookieJar(random_bytes, RELAY_COOKIE_LIFETIME)
        self._guests = RelayGuests(self.limits)
        self._place = MeetingPlace(key, self.limits)
        self._outgoing: list[tuple[bytes, Address]] = []
        self._swept_at = -math.inf

    @property
    def rooms(self) -> int:
        """The number of open rooms."""
        return len(self._place)

    @property
    def players(self) -> int:
        """The number of players in them."""
        return len(self._place.channels)

    def receive_datagrams(self, arrivals: Iterable[tuple[bytes, Address, float]], now: float) -> None:
        """Take datagrams as a transport has them. Next: :meth:`datagrams_to_send`."""
        for data, sender, _ in arrivals:
            self.receive_datagram(data, sender, now)

    def receive_datagram(self, data: bytes, sender: Address, now: float) -> None:
        if data and data[0] == RELAYED:  # the only kind that is frequent
            self._forward(data, sender, now)
            return
        try:
            self._receive(data, sender, now)
        except MalformedPacket:
            self.counters.dropped["malformed"] += 1

    def datagrams_to_send(self) -> list[tuple[bytes, Address]]:
        outgoing, self._outgoing = self._outgoing, []
        return outgoing

    def next_timeout(self) -> float:
        return self._swept_at + SWEEP_INTERVAL

    def handle_timeout(self, now: float) -> None:
        """End the rooms and channels that have been silent for too long."""
        if now < self.next_timeout():
            return
        self._swept_at = now
        since = now - self.limits.lifetime
        for room in self._place.rooms():
            if room.silent_since() < since:
                self._end_room(room, "silent", now)
        for channel in list(self._place.channels.values()):
            if channel.player_at < since:
                self._end_channel(channel)

    def take_ended(self) -> list[EndedRoom]:
        """Return the rooms that have ended since the last call."""
        return self._place.take_ended()

    def close(self, now: float) -> None:
        """Report to all hosts and players that the relay ends. Next: :meth:`datagrams_to_send`."""
        for room in self._place.rooms():
            self._answer(of_channel(CHANNEL_GONE, OWN_ROOM), room.address)
            self._end_room(room, "the relay ends", now)

    # -- datagrams of games ------------------------------------------------------------------------------------------

    def _forward(self, data: bytes, sender: Address, now: float) -> None:
        channel = self._place.channels.get(data[1:RELAYED_BYTES])
        if channel is None or not RELAYED_BYTES < len(data) <= MAX_DATAGRAM_BYTES:
            self._forward_nothing(data, sender, channel)
            return
        if sender == channel.address:
            channel.player_at = now
            budget, receiver = channel.from_player, channel.room.address
            if not channel.is_met:
                self._introduce(channel, now)
        elif sender == channel.room.address:
            channel.host_at = now
            budget, receiver = channel.from_host, channel.address
        else:
            self._forward_nothing(data, sender, None)
            return
        size = len(data)
        if not budget.take(size, now):
            self.counters.dropped["over the channel's rate"] += 1
            return
        counters = self.counters
        counters.forwarded += 1
        counters.forwarded_bytes += size
        channel.carried_bytes += size
        self._outgoing.append((data, receiver))

    def _forward_nothing(self, data: bytes, sender: Address, channel: RelayChannel | None) -> None:
        """Drop a datagram; report to its sender if it has no such channel."""
        if channel is not None or len(data) < RELAYED_BYTES:
            self.counters.dropped["malformed"] += 1
            return
        self.counters.dropped["unknown channel"] += 1
        self._answer(of_channel(CHANNEL_GONE, data[1:RELAYED_BYTES]), sender)

    def _introduce(self, channel: RelayChannel, now: float) -> None:
        """Report a player to its host."""
        if now >= channel.introduced_at + INTRODUCTION_INTERVAL:
            channel.introduced_at = now
            peer = RoomPeer(channel.number, channel.secret, wire_address(channel.address), channel.candidates)
            self._answer(peer.encode(), channel.room.address)

    # -- everything else ---------------------------------------------------------------------------------------------

    def _receive(self, data: bytes, sender: Address, now: float) -> None:
        kind = data[0] if data else 0
        if kind == OPEN_ROOM:
            opening = OpenRoom.decode(data)
            if self._is_proven(opening.request, sender, now):
                self._open(opening, sender, now)
        elif kind == JOIN_ROOM:
            joining = JoinRoom.decode(data)
            if self._is_proven(joining.request, sender, now):
                self._join(joining, sender, now)
        elif kind == ALIVE:
            self._keep(channel_of(data), sender, now)
        elif kind == MET:
            self._meet(channel_of(data), sender)
        elif kind == LEAVE:
            self._leave(LeaveRoom.decode(data), sender, now)
        else:
            self.counters.dropped["unknown kind"] += 1

    def _is_proven(self, request: RelayRequest, sender: Address, now: float) -> bool:
        """Return whether a request has a cookie of its sender. Otherwise the sender gets one."""
        if request.version != RELAY_VERSION:
            self._refuse(request, OTHER_RELAY_VERSION, sender)
            return False
        if self._cookies.has_made(request.cookie, request.nonce, request.issued_at, sender, now):
            return True
        challenge = self._cookies.challenge(request.nonce, sender, now)
        self._answer(RelayCookie(request.nonce, challenge.issued_at, challenge.cookie).encode(), sender)
        return False

    def _open(self, opening: OpenRoom, sender: Address, now: float) -> None:
        if not self._knows_access_key(opening):
            self._refuse(opening.request, WRONG_ACCESS_KEY, sender)
            return
        room = self._room_for(opening, sender, now)
        if room is None:
            self._refuse(opening.request, RELAY_FULL, sender, FULL_WAIT)
            return
        lifetime = int(self.limits.lifetime)
        opened = RoomOpened(opening.request.nonce, room.code, lifetime, wire_address(sender))
        self._answer(opened.encode(), sender)

    def _knows_access_key(self, opening: OpenRoom) -> bool:
        key = self._access_key
        return not key or same_secret(access_proof(key, opening.request, opening.secret), opening.access)

    def _room_for(self, opening: OpenRoom, sender: Address, now: float) -> RelayedRoom | None:
        """Return the room of a host, a new one if it has none yet; None if there is no space. A program has one room:
        another one at its address ends."""
        room, former = self._place.room_of(opening.secret), self._place.rooms_at.get(sender)
        if former is not None and former is not room:
            self._end_room(former, "replaced by another room of its host", now)
        if room is None:
            return self._new_room(opening, sender, now)
        self._place.reopen(room, opening, sender, now)
        return room

    def _new_room(self, opening: OpenRoom, sender: Address, now: float) -> RelayedRoom | None:
        host = host_of(sender)
        if not self._place.has_space_for_room_of(host) or not self._guests.may_enter(host, now):
            return None
        return self._place.open(opening, sender, now)

    def _join(self, joining: JoinRoom, sender: Address, now: float) -> None:
        host = host_of(sender)
        pause = self._guests.pause_of(host, now)
        if pause > 0.0:
            self._refuse(joining.request, TOO_MANY_TRIES, sender, math.ceil(pause))
            return
        room = self._place.room_with(joining.code)
        if room is None:
            self._guests.on_wrong_code(host, now)
            self._refuse(joining.request, NO_SUCH_CODE, sender)
            return
        channel = room.channels.get(joining.request.nonce) or self._new_channel(room, joining, host, now)
        if channel is None:
            self._refuse(joining.request, RELAY_FULL, sender, FULL_WAIT)
            return
        if sender != channel.address or joining.candidates != channel.candidates:
            self._place.place(channel, joining, sender, now)
        channel.player_at = now
        self._answer_joined(channel)
        if not channel.is_met:
            self._introduce(channel, now)

    def _new_channel(self, room: RelayedRoom, joining: JoinRoom, host: str, now: float) -> RelayChannel | None:
        if not self._place.has_space_for_player_of(host, room) or not self._guests.may_enter(host, now):
            return None
        return self._place.join(room, joining, now)

    def _answer_joined(self, channel: RelayChannel) -> None:
        room, seen = channel.room, wire_address(channel.address)
        fixed = channel.nonce, channel.number, channel.secret
        joined = RoomJoined(*fixed, seen, wire_address(room.address), room.candidates)
        self._answer(joined.encode(), channel.address)

    def _keep(self, number: bytes, sender: Address, now: float) -> None:
        """Answer a sign of life."""
        room, channel = self._place.rooms_at.get(sender), self._place.channels.get(number)
        if number == OWN_ROOM and room is not None:
            room.heard_at = now
        elif channel is not None and sender == channel.address:
            channel.player_at = now
        else:
            self._answer(of_channel(CHANNEL_GONE, number), sender)
            return
        self._answer(of_channel(ALIVE, number), sender)

    def _meet(self, number: bytes, sender: Address) -> None:
        channel = self._place.channels.get(number)
        if channel is not None and sender == channel.room.address:
            channel.is_met = True

    def _leave(self, leaving: LeaveRoom, sender: Address, now: float) -> None:
        """End a room or a channel for somebody who knows its secret. The sender's address can be forged."""
        room, channel = self._place.rooms_at.get(sender), self._place.channels.get(leaving.channel)
        if leaving.channel != OWN_ROOM and channel is not None:
            if same_secret(channel.secret, leaving.secret):
                self._end_channel(channel)
            return
        if leaving.channel == OWN_ROOM and room is not None:
            if not same_secret(room.secret, leaving.secret):
                return
            self._end_room(room, "closed by its host", now)
        self._answer(of_channel(CHANNEL_GONE, leaving.channel), sender)

    def _end_room(self, room: RelayedRoom, reason: str, now: float) -> None:
        """End a room, and report it to its players."""
        for channel in list(room.channels.values()):
            self._answer(of_channel(CHANNEL_GONE, channel.number), channel.address)
        self._place.end_room(room, reason, now)

    def _end_channel(self, channel: RelayChannel) -> None:
        """End a channel, and report it to both sides."""
        for receiver in (channel.address, channel.room.address):
            self._answer(of_channel(CHANNEL_GONE, channel.number), receiver)
        self._place.end_channel(channel)

    def _refuse(self, request: RelayRequest, reason: int, sender: Address, wait: int = 0) -> None:
        self._answer(RelayRefused(request.nonce, reason, wait).encode(), sender)

    def _answer(self, data: bytes, receiver: Address) -> None:
        self.counters.answered[data[0]] += 1
        self._outgoing.append((data, receiver))


def access_proof(access_key: bytes, request: RelayRequest, room_secret: bytes) -> bytes:
    """Return the proof that a host knows the key of a relay."""
    return keyed_hash(access_key, request.cookie + request.nonce + room_secret, ACCESS_BYTES)
