"""Bounds of a relay: what each host may ask of it, and how much each channel may carry."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from typing import Final

from .._protocol.admission import MAX_HOSTS

FREE_TRIES: Final = 20
"""Wrong codes of a host without a pause. Players mistype; 20 guesses a minute meet a room of 500 once in 60 days."""

TRIES_FORGOTTEN_AFTER: Final = 60.0
"""Seconds after the last pause, after which earlier wrong codes are forgotten."""

LONGEST_TRIES_PAUSE: Final = 60.0


@dataclass(frozen=True)
class RelayLimits:
    """The bounds of a relay. A *host* is an IPv4 address, or the /64 network of an IPv6 address.

    :ivar rooms, rooms_per_host: most rooms at a time.
    :ivar channels_per_room, channels_per_host: most players at a time.
    :ivar joins_per_host, joins_per_second: new rooms and players of a host at once, and on average.
    :ivar bytes_per_second: most bytes of a channel on average, for each direction.
    :ivar datagrams_per_second: most datagrams, likewise.
    :ivar burst_seconds: seconds of that traffic that a channel may carry at once.
    :ivar lifetime: seconds after which a silent host's room ends, and a silent player's channel.
    """

    rooms: int = 500
    rooms_per_host: int = 16
    channels_per_room: int = 64
    channels_per_host: int = 64
    joins_per_host: float = 64.0
    joins_per_second: float = 2.0
    bytes_per_second: float = 64_000.0
    datagrams_per_second: float = 250.0
    burst_seconds: float = 2.0
    lifetime: float = 60.0


class RelayBudget:
    """The bytes and datagrams that one direction of a channel may still carry: token buckets, filled on demand."""

    __slots__ = ("_bytes_left", "_datagrams_left", "_filled_at", "_limits")

    def __init__(self, limits: RelayLimits, now: float) -> None:
        self._limits = limits
        self._filled_at = now
        self._bytes_left = limits.bytes_per_second * limits.burst_seconds
        self._datagrams_left = limits.datagrams_per_second * limits.burst_seconds

    def take(self, size: int, now: float) -> bool:
        """Take a datagram of this size; return False if it would exceed the budget."""
        if self._bytes_left < size or self._datagrams_left < 1.0:
            self._fill(now)
            if self._bytes_left < size or self._datagrams_left < 1.0:
                return False
        self._bytes_left -= size
        self._datagrams_left -= 1.0
        return True

    def _fill(self, now: float) -> None:
        limits, elapsed = self._limits, max(now - self._filled_at, 0.0)
        self._filled_at = now
        self._bytes_left = _filled(self._bytes_left, limits.bytes_per_second, elapsed, limits.burst_seconds)
        self._datagrams_left = _filled(self._datagrams_left, limits.datagrams_per_second, elapsed, limits.burst_seconds)


def _filled(left: float, rate: float, elapsed: float, burst: float) -> float:
    return min(left + rate * elapsed, rate * burst)


class _Guest:
    """What a host has asked for: a token bucket of joins, and its wrong codes."""

    __slots__ = ("at", "free_at", "tokens", "wrong")

    def __init__(self, tokens: float, now: float) -> None:
        self.tokens = tokens
        self.at = self.free_at = now
        self.wrong = 0


class RelayGuests:
    """Bounds how often each host joins, opens rooms, and tries codes. It remembers ``MAX_HOSTS`` of them.

    A host is noted after one of its addresses has proved that it receives.
    """

    __slots__ = ("_guests", "_limits")

    def __init__(self, limits: RelayLimits) -> None:
        self._limits = limits
        self._guests: OrderedDict[str, _Guest] = OrderedDict()

    def __len__(self) -> int:
        return len(self._guests)

    def may_enter(self, host: str, now: float) -> bool:
        """Take a token for a new room or channel of this host; return False if none is left."""
        guest, limits = self._guest(host, now), self._limits
        earned = max(now - guest.at, 0.0) * limits.joins_per_second
        guest.tokens, guest.at = min(guest.tokens + earned, limits.joins_per_host), now
        if guest.tokens < 1.0:
            return False
        guest.tokens -= 1.0
        return True

    def pause_of(self, host: str, now: float) -> float:
        """Return the seconds for which no code of this host is looked up, after wrong ones; mostly 0."""
        guest = self._guests.get(host)
        return max(guest.free_at - now, 0.0) if guest is not None else 0.0

    def on_wrong_code(self, host: str, now: float) -> None:
        """Note a wrong code. After ``FREE_TRIES`` of them, each is followed by a pause of twice the length."""
        guest = self._guest(host, now)
        if now > guest.free_at + TRIES_FORGOTTEN_AFTER:
            guest.wrong = 0
        guest.wrong += 1
        excess = guest.wrong - FREE_TRIES
        guest.free_at = now + (min(2.0 ** min(excess, 8), LONGEST_TRIES_PAUSE) if excess >= 0 else 0.0)

    def _guest(self, host: str, now: float) -> _Guest:
        guest = self._guests.get(host)
        if guest is None:
            guest = self._guests[host] = _Guest(self._limits.joins_per_host, now)
            if len(self._guests) > MAX_HOSTS:
                self._guests.popitem(last=False)
        self._guests.move_to_end(host)
        return guest
