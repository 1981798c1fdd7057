"""Admission to a server: bounds on the tries of each host, and the connection that gives way in a full server.

A host is an IP address. Nothing is stored for an address until it has proved that it receives there. A new host
replaces the one of ``MAX_HOSTS`` whose last try is the oldest.
"""

from __future__ import annotations

import math
from collections import Counter, OrderedDict
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from ..config import ServerConfig
from .handshake import Address, plain_host
from .record import PeerRecord
from .snapshots import SnapshotRing
from .wire import HEADER_BYTES

if TYPE_CHECKING:
    from .server_peer import ServerProtocol

MAX_HOSTS: Final = 4096
"""Hosts whose tries are remembered. An entry takes about 300 bytes, all of them little more than a megabyte."""

MAX_GUESSES: Final = 4096
"""Challenges used up by a wrong password that are remembered. Hundreds of hosts are needed to fill this within the
lifetime of a challenge."""

FIRST_PAUSE: Final = 0.25
"""Seconds of the pause after the first wrong password that is not free: one retry of an honest client."""

FORGIVEN_AFTER: Final = 60.0
"""Seconds without a wrong password, after which earlier ones are forgotten. Waiting gains nothing: the longest pause
allows more guesses in this time than are free."""

_JUDGED_FOR: Final = 0.1
"""Seconds for which the choice of a giver holds, so that a flood of requests does not inspect all connections each
time."""


def host_of(address: Address) -> str:
    """Return the name of the machine (or its network) at an address.

    An IPv4 address is its own name, also in its IPv6 form (``::ffff:192.0.2.1``). An IPv6 host owns a whole /64 and can
    take a new address of it for each connection, so that network is the name. A link-local address is its own name,
    since all machines of a LAN share ``fe80::/64``.
    """
    host = plain_host(address[0]) if address else ""
    if ":" not in host:
        return host
    import ipaddress  # only on demand: it takes long to import

    try:
        parsed = ipaddress.IPv6Address(host)
    except ValueError:
        return host
    if parsed.is_link_local:
        return str(parsed)
    return str(ipaddress.IPv6Network((int(parsed) >> 64 << 64, 64)))


class _Tries:
    """A host's recent tries: a token bucket of connections, and wrong passwords in a row."""

    __slots__ = ("at", "free_at", "tokens", "wrong")

    def __init__(self, tokens: float, now: float) -> None:
        self.tokens = tokens
        self.at = now
        self.wrong = 0
        self.free_at = now


class Participation:
    """When a client last took part in the game.

    :ivar joined_at: when it joined, seconds.
    :ivar took_part_at: when it was last seen to have sent an event or an input, seconds.
    :ivar lost_until: when its place is given away, if it no longer answers; else math.inf.
    """

    __slots__ = ("_carried_bytes", "_record", "joined_at", "lost_until", "took_part_at")

    def __init__(self, record: PeerRecord, now: float) -> None:
        self._record = record
        self._carried_bytes = 0
        self.joined_at = self.took_part_at = now
        self.lost_until = math.inf

    def look(self, now: float) -> None:
        """Check whether packets brought more than their headers since the last look: events or inputs."""
        record = self._record
        carried = record.bytes_received - HEADER_BYTES * (record.count + record.packets_dropped)
        if carried > self._carried_bytes:
            self.took_part_at = now
        self._carried_bytes = carried

    def forgive(self, slept: float, now: float) -> None:
        self.joined_at = min(self.joined_at + slept, now)
        self.took_part_at = min(self.took_part_at + slept, now)


class Visitors:
    """Bounds how often each host connects and guesses the password."""

    def __init__(self, config: ServerConfig) -> None:
        self._config = config
        self._hosts: OrderedDict[str, _Tries] = OrderedDict()
        self.guesses: OrderedDict[bytes, bytes] = OrderedDict()

    def __len__(self) -> int:
        return len(self._hosts)

    def _tries(self, host: str, now: float) -> _Tries:
        tries = self._hosts.get(host)
        if tries is None:
            tries = self._hosts[host] = _Tries(self._config.joins_per_host, now)
            if len(self._hosts) > MAX_HOSTS:
                self._hosts.popitem(last=False)
        self._hosts.move_to_end(host)
        return tries

    def may_join(self, host: str, now: float) -> bool:
        """Take a token for a new connection of this host; return False if none is left."""
        tries, config = self._tries(host, now), self._config
        earned = (now - tries.at) * config.joins_per_host_and_second
        tries.tokens, tries.at = min(tries.tokens + earned, config.joins_per_host), now
        if tries.tokens < 1.0:
            return False
        tries.tokens -= 1.0
        return True

    def may_guess(self, host: str, now: float) -> bool:
        """Return whether a password from this host is checked now; False in the pause after a wrong one."""
        tries = self._hosts.get(host)
        return tries is None or now >= tries.free_at

    def guessed(self, cookie: bytes) -> bytes | None:
        return self.guesses.get(cookie)

    def on_wrong(self, host: str, cookie: bytes, proof: bytes, now: float) -> None:
        """Note a wrong password. The challenge is used up, and the host's pause grows."""
        self.guesses[cookie] = proof
        if len(self.guesses) > MAX_GUESSES:
            self.guesses.popitem(last=False)
        tries, config = self._tries(host, now), self._config
        if now > tries.free_at + FORGIVEN_AFTER:
            tries.wrong = 0
        tries.wrong += 1
        tries.free_at = now
        beyond = tries.wrong - config.free_password_guesses
        if beyond > 0:
            tries.free_at += min(FIRST_PAUSE * 2.0 ** min(beyond - 1, 30), config.max_password_pause)

    def on_right(self, host: str, now: float) -> None:
        tries = self._hosts.get(host)
        if tries is not None:
            tries.wrong, tries.free_at = 0, now


class GivingWay:
    """Finds the connection that gives way to a newcomer when all places are taken.

    A connection may have to give way if it takes no part in the game:

    - It is *absent* if it has acknowledged no state ``absent_after`` seconds after joining. Every running client does.
    - It is *silent* if it sent no event and no input for ``silent_after`` seconds. An honest player may watch or
      listen, so a host always keeps ``silent_places_per_host`` connections.

    The host with the most connections gives up a place first, and only to a newcomer from another host; a silent
    connection, only to one whose host holds fewer. So nobody makes room for himself, and strangers cannot take all
    places of a class behind one router. The client that may end the server never gives way. While there is no state, no
    connection is absent.
    """

    def __init__(self, config: ServerConfig, peers: Mapping[int, ServerProtocol], ring: SnapshotRing) -> None:
        self._config = config
        self._peers = peers
        self._ring = ring
        self._judged_at: float | None = None
        self._held: Counter[str] = Counter()
        self._givers: list[tuple[ServerProtocol, bool]] = []
        self._new: set[str] = set()

    def changed(self) -> None:
        self._judged_at = None

    def giver(self, host: str, now: float) -> tuple[ServerProtocol, str] | None:
        """Return the connection that gives way to a newcomer from this host, and the words for it."""
        self._judge(now)
        held, config = self._held, self._config
        for peer, absent in self._givers:
            if peer.host != host and (absent or held[peer.host] > held[host]):
                seconds = config.absent_after if absent else config.silent_after
                done = "acknowledged no state" if absent else "sent no event and no input"
                return peer, f"Your program had {done} for {seconds:g} s, and somebody else wanted to play."
        return None

    def undecided(self, host: str, now: float) -> bool:
        """Return whether some connection of another host may turn out to be absent within ``absent_after`` seconds."""
        self._judge(now)
        return bool(self._new - {host})

    def _judge(self, now: float) -> None:
        if self._judged_at is not None and 0.0 <= now - self._judged_at < _JUDGED_FOR:
            return
        self._judged_at = now
        peers, config = self._peers.values(), self._config
        held = self._held = Counter(peer.host for peer in peers)
        kept = min(config.silent_places_per_host, config.max_clients // 2)
        self._new, givers = set(), []
        for peer in peers:
            peer.part.look(now)
            unseen = self._ring.tick > 0 and not peer.has_acknowledged_state
            absent = unseen and now >= peer.part.joined_at + config.absent_after
            silent = now >= peer.part.took_part_at + config.silent_after and held[peer.host] > kept
            if peer.is_host:
                continue
            if absent or silent:
                givers.append((peer, absent))
            elif unseen:
                self._new.add(peer.host)
        self._givers = sorted(givers, key=lambda each: (-held[each[0].host], not each[1], each[0].part.took_part_at))
