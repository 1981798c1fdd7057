"""The rooms of a relay and the channels in them: who may send to whom."""

from __future__ import annotations

import math
from collections import Counter, deque
from collections.abc import Iterator
from typing import Final, NamedTuple

from .._protocol.admission import host_of
from .._protocol.crypto import keyed_hash
from .._protocol.handshake import Address
from .._protocol.wire import SECRET_BYTES
from .codes import code_of
from .limits import RelayBudget, RelayLimits
from .relay_datagrams import CHANNEL_BYTES, OWN_ROOM, JoinRoom, OpenRoom

MOST_REPORTED: Final = 1000
"""Ended rooms that are kept until somebody takes them."""

_MOST_ATTEMPTS: Final = 16
"""Codes, or numbers of channels, that are tried one after the other. Two equal ones in a row are rare already."""


class RelayedRoom:
    """A room: the program that hosts, and the players who have joined it.

    :ivar address: the host's; :ivar host: its machine or network.
    :ivar nonce: of the request that opened it last.
    :ivar heard_at: when the host last sent anything but a relayed datagram, seconds.
    :ivar channels: by the player's nonce.
    :ivar joined: number of players so far; :ivar carried_bytes: of the channels that have ended.
    """

    __slots__ = (
        "address",
        "candidates",
        "carried_bytes",
        "channels",
        "code",
        "heard_at",
        "host",
        "joined",
        "nonce",
        "opened_at",
        "secret",
    )

    def __init__(self, code: str, opening: OpenRoom, address: Address, now: float) -> None:
        self.code = code
        self.secret = opening.secret
        self.nonce = opening.request.nonce
        self.candidates = opening.candidates
        self.address = address
        self.host = host_of(address)
        self.opened_at = self.heard_at = now
        self.channels: dict[bytes, RelayChannel] = {}
        self.joined = self.carried_bytes = 0

    def silent_since(self) -> float:
        return max([self.heard_at, *(channel.host_at for channel in self.channels.values())])


class RelayChannel:
    """The way between a player and the host of its room.

    :ivar number, secret: as on the wire.
    :ivar address: the player's; :ivar host: its machine or network.
    :ivar is_met: whether the host has confirmed that it knows the player; :ivar introduced_at: when it was last told.
    :ivar player_at, host_at: when each side last sent, seconds.
    :ivar from_player, from_host: what each side may still send.
    """

    __slots__ = (
        "address",
        "candidates",
        "carried_bytes",
        "from_host",
        "from_player",
        "host",
        "host_at",
        "introduced_at",
        "is_met",
        "nonce",
        "number",
        "player_at",
        "room",
        "secret",
    )

    def __init__(
        self, room: RelayedRoom, joining: JoinRoom, number: bytes, secret: bytes, limits: RelayLimits, now: float
    ) -> None:
        self.room = room
        self.nonce = joining.request.nonce
        self.number = number
        self.secret = secret
        self.candidates = b""
        self.address: Address = ()
        self.host = ""
        self.is_met = False
        self.introduced_at = self.host_at = -math.inf
        self.player_at = now
        self.from_player, self.from_host = RelayBudget(limits, now), RelayBudget(limits, now)
        self.carried_bytes = 0

    def introduce_again(self) -> None:
        """Note that the host has to be told of this player."""
        self.is_met, self.introduced_at = False, -math.inf


class EndedRoom(NamedTuple):
    """What a relay reports about a room that has ended."""

    code: str
    host: str
    seconds: float
    joined: int
    carried_bytes: int
    reason: str


class MeetingPlace:
    """All rooms and channels of a relay, with their bounds.

    :param key: the relay's own; codes and channels follow from it, so they are the same after a restart.
    :ivar channels: by their number on the wire.
    :ivar rooms_at: by the address of the host.
    """

    def __init__(self, key: bytes, limits: RelayLimits) -> None:
        self._key = key
        self._limits = limits
        self._by_code: dict[str, RelayedRoom] = {}
        self._by_secret: dict[bytes, RelayedRoom] = {}
        self.rooms_at: dict[Address, RelayedRoom] = {}
        self.channels: dict[bytes, RelayChannel] = {}
        self._rooms_of: Counter[str] = Counter()
        self._channels_of: Counter[str] = Counter()
        self._ended: deque[EndedRoom] = deque(maxlen=MOST_REPORTED)

    def __len__(self) -> int:
        return len(self._by_code)

    def rooms(self) -> list[RelayedRoom]:
        return list(self._by_code.values())

    def room_with(self, code: str) -> RelayedRoom | None:
        return self._by_code.get(code)

    def room_of(self, secret: bytes) -> RelayedRoom | None:
        return self._by_secret.get(secret)

    def has_space_for_room_of(self, host: str) -> bool:
        return len(self._by_code) < self._limits.rooms and self._rooms_of[host] < self._limits.rooms_per_host

    def has_space_for_player_of(self, host: str, room: RelayedRoom) -> bool:
        limits = self._limits
        return len(room.channels) < limits.channels_per_room and self._channels_of[host] < limits.channels_per_host

    def open(self, opening: OpenRoom, address: Address, now: float) -> RelayedRoom | None:
        """Open a room; return None if there is no free code."""
        code = next((code for code in self._codes_of(opening.secret) if code not in self._by_code), None)
        if code is None:
            return None
        room = self._by_code[code] = self._by_secret[opening.secret] = RelayedRoom(code, opening, address, now)
        self._rooms_of[room.host] += 1
        self.rooms_at[address] = room
        return room

    def _codes_of(self, secret: bytes) -> Iterator[str]:
        return (code_of(self._key, secret, attempt) for attempt in range(_MOST_ATTEMPTS))

    def reopen(self, room: RelayedRoom, opening: OpenRoom, address: Address, now: float) -> None:
        """Note that the host of a room asks for it again, perhaps from another address, or as a new program."""
        if address != room.address:
            self._count_room(room, -1)
            del self.rooms_at[room.address]
            room.address, room.host = address, host_of(address)
            self.rooms_at[address] = room
            self._count_room(room, 1)
        if opening.request.nonce != room.nonce:
            for channel in room.channels.values():
                channel.introduce_again()
        room.nonce, room.candidates, room.heard_at = opening.request.nonce, opening.candidates, now

    def join(self, room: RelayedRoom, joining: JoinRoom, now: float) -> RelayChannel | None:
        """Make a channel to the host of a room; return None if there is no free number."""
        identity = room.secret + joining.request.nonce
        number = next((number for number in self._numbers_of(identity) if self._is_free(number)), None)
        if number is None:
            return None
        secret = keyed_hash(self._key, b"secret" + identity, SECRET_BYTES)
        channel = RelayChannel(room, joining, number, secret, self._limits, now)
        room.channels[channel.nonce] = self.channels[number] = channel
        room.joined += 1
        return channel

    def _numbers_of(self, identity: bytes) -> Iterator[bytes]:
        texts = (b"channel" + bytes([attempt]) + identity for attempt in range(_MOST_ATTEMPTS))
        return (keyed_hash(self._key, text, CHANNEL_BYTES) for text in texts)

    def _is_free(self, number: bytes) -> bool:
        return number != OWN_ROOM and number not in self.channels

    def place(self, channel: RelayChannel, joining: JoinRoom, address: Address, now: float) -> None:
        """Note where the player of a channel is now."""
        self._count_player(channel, -1)
        channel.address, channel.host = address, host_of(address)
        self._count_player(channel, 1)
        channel.candidates, channel.player_at = joining.candidates, now
        channel.introduce_again()

    def end_channel(self, channel: RelayChannel) -> None:
        del self.channels[channel.number], channel.room.channels[channel.nonce]
        channel.room.carried_bytes += channel.carried_bytes
        self._count_player(channel, -1)

    def end_room(self, room: RelayedRoom, reason: str, now: float) -> None:
        for channel in list(room.channels.values()):
            self.end_channel(channel)
        del self._by_code[room.code], self._by_secret[room.secret], self.rooms_at[room.address]
        self._count_room(room, -1)
        record = EndedRoom(room.code, room.host, now - room.opened_at, room.joined, room.carried_bytes, reason)
        self._ended.append(record)

    def take_ended(self) -> list[EndedRoom]:
        ended = list(self._ended)
        self._ended.clear()
        return ended

    def _count_room(self, room: RelayedRoom, by: int) -> None:
        _count(self._rooms_of, room.host, by)

    def _count_player(self, channel: RelayChannel, by: int) -> None:
        if channel.address:
            _count(self._channels_of, channel.host, by)


def _count(numbers: Counter[str], host: str, by: int) -> None:
    numbers[host] += by
    if not numbers[host]:
        del numbers[host]
