"""Routers with network address translation (NAT), for ``pygase.testing``. Pure: their time is a clock that is given.

The four kinds are those of RFC 3489, section 5. RFC 4787 describes each by two behaviours:

=================== ================================ ==================================
kind                mapping (RFC 4787, section 4.1)  filtering (RFC 4787, section 5)
=================== ================================ ==================================
full cone           endpoint-independent             endpoint-independent
address-restricted  endpoint-independent             address-dependent
port-restricted     endpoint-independent             address- and port-dependent
symmetric           address- and port-dependent      address- and port-dependent
=================== ================================ ==================================
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable
from typing import Final, Literal, NamedTuple, get_args

from .ports import Address, Clock

NatKind = Literal["full cone", "address-restricted", "port-restricted", "symmetric"]
"""The kinds of routers, see :class:`Nat`."""

KINDS: Final[tuple[NatKind, ...]] = get_args(NatKind)

MAPPING_TIMEOUT: Final = 120.0
"""Seconds. RFC 4787, REQ-5: a mapping must live for two minutes. Many routers keep it for 30 s only, as Linux does."""

FIRST_PUBLIC_PORT: Final = 40000


class NatMapping(NamedTuple):
    """A mapping of a router.

    :ivar private: the host's own address.
    :ivar public: the address that others see.
    :ivar remote: the only address for which the mapping is used, with a symmetric router; else None.
    """

    private: Address
    public: Address
    remote: Address | None


class _Entry:
    """A mapping, and when the host last sent to each address through it."""

    __slots__ = ("mapping", "sent_at")

    def __init__(self, mapping: NatMapping) -> None:
        self.mapping = mapping
        self.sent_at: dict[Address, float] = {}

    def note_sent(self, receiver: Address, now: float) -> None:
        self.sent_at[receiver] = self.sent_at[receiver[:1]] = self.sent_at[()] = now

    def is_open_for(self, key: Address, since: float) -> bool:
        return self.sent_at.get(key, -math.inf) > since


class Nat:
    """A router between a home network and the others, in virtual time.

    Hosts are put behind it by ``SimulatedNetwork.connect(client, nat=nat)``, ``serve`` and ``open_socket``. Hosts
    behind one router reach each other by their private addresses. Other hosts see its public address, and reach a host
    only through a mapping: the host's first datagram makes it, each further one keeps it, and datagrams from outside do
    not. A datagram to the router's own public address from behind it is dropped (no hairpinning).

    :param kind: the kind, as in RFC 3489. ``"full cone"``: through a mapping everybody reaches the host.
        ``"address-restricted"``: only machines reach it to which it has sent. ``"port-restricted"``: only addresses
        (host and port) reach it to which it has sent. ``"symmetric"``: the same, and each address to which it sends
        sees another port.
    :param mapping_timeout: seconds without a datagram of the host, after which its mapping is forgotten; so is the
        permission of an address to which it has not sent for as long.
    :param public_host: the router's public address; a free one of 203.0.113.0/24 (RFC 5737) if None.
    :param ports: the public ports in the order in which they are given out; from 40000 on if None. A port that is
        in use is passed over.
    :raises ValueError: for an unknown kind, or a time-out that is not positive.

    :ivar kind, mapping_timeout: as given.
    :ivar public_host: as given; ``""`` before a first host is behind the router, unless given.
    """

    def __init__(
        self,
        kind: NatKind = "port-restricted",
        *,
        mapping_timeout: float = MAPPING_TIMEOUT,
        public_host: str | None = None,
        ports: Iterable[int] | None = None,
    ) -> None:
        if kind not in KINDS:
            raise ValueError(f"the kind of a Nat is one of {', '.join(map(repr, KINDS))}; got {kind!r}")
        if not mapping_timeout > 0.0:
            raise ValueError(f"Nat's mapping_timeout is a positive number of seconds; got {mapping_timeout!r}")
        self.kind = kind
        self.mapping_timeout = mapping_timeout
        self.public_host = public_host or ""
        self._ports = iter(itertools.count(FIRST_PUBLIC_PORT) if ports is None else ports)
        self._clock: Clock = lambda: 0.0
        self._rebind_at: list[float] = []
        self._entries: dict[tuple[Address, Address | None], _Entry] = {}

    def __repr__(self) -> str:
        return f"Nat({self.kind!r}, public_host={self.public_host!r})"

    def rebind(self, at: float | None = None) -> None:
        """Forget all mappings, as a router does that restarts. The next datagram of each host makes a new one.

        :param at: the virtual time, seconds; None: now. May be called for several times.
        """
        self._rebind_at.append(self._clock() if at is None else at)

    @property
    def mappings(self) -> list[NatMapping]:
        """The mappings that are in use now."""
        self._expire()
        return [entry.mapping for entry in self._entries.values()]

    # -- called by the network ---------------------------------------------------------------------------------------

    def use(self, clock: Clock, public_host: str) -> None:
        """Take the network's clock, and a public host unless there is one."""
        self._clock = clock
        self.public_host = self.public_host or public_host

    def outward(self, sender: Address, receiver: Address) -> Address:
        """Let a datagram of a host behind the router leave; return the public address that the receiver sees."""
        self._expire()
        key = (sender, receiver if self.kind == "symmetric" else None)
        entry = self._entries.get(key)
        if entry is None:
            entry = self._entries[key] = _Entry(NatMapping(sender, self._free_address(), key[1]))
        entry.note_sent(receiver, self._clock())
        return entry.mapping.public

    def inward(self, sender: Address, public: Address) -> Address | None:
        """Return the private address that a datagram reaches; None if the router drops it."""
        self._expire()
        since = self._clock() - self.mapping_timeout
        entry = self._entry_of(public)
        if entry is None or not entry.is_open_for(self._permission(sender), since):
            return None
        return entry.mapping.private

    def host_of(self, public: Address) -> Address | None:
        """Return the private address of a mapping, without filtering; None if there is no such mapping."""
        self._expire()
        entry = self._entry_of(public)
        return entry.mapping.private if entry is not None else None

    def _entry_of(self, public: Address) -> _Entry | None:
        return next((entry for entry in self._entries.values() if entry.mapping.public == public), None)

    def _permission(self, sender: Address) -> Address:
        """Return what a host must have sent to, so that a datagram of this sender passes: (), a host or an address."""
        if self.kind == "full cone":
            return ()
        return sender[:1] if self.kind == "address-restricted" else sender

    def _expire(self) -> None:
        now = self._clock()
        if any(at <= now for at in self._rebind_at):
            self._rebind_at = [at for at in self._rebind_at if at > now]
            self._entries.clear()
        since = now - self.mapping_timeout
        self._entries = {key: entry for key, entry in self._entries.items() if entry.is_open_for((), since)}

    def _free_address(self) -> Address:
        taken = {entry.mapping.public[1] for entry in self._entries.values()}
        for port in self._ports:
            if port not in taken:
                return (self.public_host, port)
        raise ValueError("the ports of this Nat are used up; give it more of them, or none to have them counted")


class Routers:
    """The routers of a network, and which hosts stand behind which.

    :param clock: the network's.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._nats: list[Nat] = []
        self._nat_of: dict[Address, Nat] = {}

    def new_address(self, nat: Nat, port: int) -> Address:
        """Return a free private address behind a router."""
        number = self._nats.index(nat) if nat in self._nats else len(self._nats)
        hosts = sum(other is nat for other in self._nat_of.values())
        return (f"192.168.{number}.{hosts + 2}", port)

    def join(self, nat: Nat, address: Address) -> None:
        """Put a host behind a router."""
        if nat not in self._nats:
            self._nats.append(nat)
            nat.use(self._clock, f"203.0.113.{len(self._nats)}")
        self._nat_of[address] = nat

    def leaving(self, sender: Address, receiver: Address) -> Address:
        """Let a datagram leave the sender's home; return the sender as others see it."""
        nat = self._nat_of.get(sender)
        return sender if nat is None or self._nat_of.get(receiver) is nat else nat.outward(sender, receiver)

    def arriving(self, sender: Address, source: Address, receiver: Address) -> Address | None:
        """Return the address of the host that a datagram reaches; None if a router drops it.

        :param source: the sender as others see it.
        """
        nat = self._public(receiver)
        if nat is not None:
            return nat.inward(source, receiver) if self._nat_of.get(sender) is not nat else None
        home = self._nat_of.get(receiver)
        return receiver if home is None or self._nat_of.get(sender) is home else None

    def end_of(self, receiver: Address) -> Address:
        """Return the address at the other end of a path: a private one for a router's mapping."""
        nat = self._public(receiver)
        return (nat.host_of(receiver) if nat is not None else None) or receiver

    def _public(self, address: Address) -> Nat | None:
        return next((nat for nat in self._nats if nat.public_host == address[0]), None)
