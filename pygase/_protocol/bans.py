"""The clients that a server keeps out: by id, by IP address, by network."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

from .handshake import Address, plain_host

if TYPE_CHECKING:
    from ipaddress import IPv4Network, IPv6Network

_MAPPED_BITS: Final = 96
"""Bits in front of an IPv4 address in its IPv6 form (``::ffff:192.0.2.1``)."""


def network_text(text: str) -> str:
    """Return a network such as ``"192.0.2.0/24"`` in its usual spelling, without the bits of a host.

    :raises ValueError: it is no network.
    """
    return str(_network(text))


def _network(text: str) -> IPv4Network | IPv6Network:
    import ipaddress  # only on demand: it takes long to import

    network = ipaddress.ip_network(text, strict=False)
    inner = network.network_address.ipv4_mapped if isinstance(network, ipaddress.IPv6Network) else None
    if inner is None or network.prefixlen < _MAPPED_BITS:
        return network
    return ipaddress.IPv4Network((int(inner), network.prefixlen - _MAPPED_BITS))


class Bans:
    """What is banned. A program may change it while a server reads it, from any thread.

    :ivar ids: clients that may not return as what they were.
    :ivar hosts: IP addresses, as :func:`plain_host` spells them.
    :ivar changes: counts the calls that may have changed something.
    """

    __slots__ = ("_networks", "changes", "hosts", "ids")

    def __init__(self) -> None:
        self.ids: set[int] = set()
        self.hosts: set[str] = set()
        self._networks: dict[str, IPv4Network | IPv6Network] = {}
        self.changes = 0

    def listed(self) -> list[int | str]:
        """Return all bans: the ids, then addresses and networks, as :meth:`add` takes them."""
        return [*sorted(self.ids.copy()), *sorted([*self.hosts.copy(), *list(self._networks)])]

    def add(self, who: int | str) -> None:
        """Ban a client by its id, or an IP address or network given as text.

        :raises ValueError: if a text with a slash is no network.
        """
        if isinstance(who, int):
            self.ids.add(who)
        elif "/" in who:
            network = _network(who)
            self._networks[str(network)] = network
        else:
            self.hosts.add(who)
        self.changes += 1

    def add_all(self, bans: Iterable[int | str]) -> None:
        """Add bans that :meth:`listed` has returned."""
        for who in bans:
            self.add(who)

    def discard(self, who: int | str) -> None:
        """Lift a ban, as :meth:`listed` spells it."""
        if isinstance(who, int):
            self.ids.discard(who)
        elif "/" in who:
            self._networks.pop(who, None)
        else:
            self.hosts.discard(who)
        self.changes += 1

    def refuses(self, address: Address) -> bool:
        """Return whether nobody from this address is let in."""
        if not self.hosts and not self._networks:
            return False
        host = plain_host(address[0])
        return host in self.hosts or self.network_around(host) is not None

    def covers(self, place: str, address: Address) -> bool:
        """Return whether an address lies at an IP address, or in a network that is banned."""
        host = plain_host(address[0])
        return place == host or (place in self._networks and _holds(self._networks[place], host))

    def network_around(self, host: str) -> str | None:
        """Return a banned network that holds this IP address; None if there is none."""
        networks = tuple(self._networks.items())  # (another thread may add one meanwhile)
        return next((text for text, network in networks if _holds(network, host)), None)


def _holds(network: IPv4Network | IPv6Network, host: str) -> bool:
    import ipaddress

    try:
        return ipaddress.ip_address(host) in network
    except ValueError:
        return False
