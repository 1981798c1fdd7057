"""The addresses of this machine, which a host sends to friends who want to join.

No call of the standard library finds them on every system. So several ways are combined, and a way that fails is left
out.
"""

from __future__ import annotations

import array
import socket
import struct
import sys
from collections.abc import Callable, Iterable, Iterator

_LOOPBACK = "127.0.0.1"

_ROUTE_PROBE = ("192.0.2.1", 9)
"""An address that belongs to nobody (TEST-NET-1, RFC 5737). Nothing is sent to it."""

_SIOCGIFCONF = 0x8912
"""Linux: "list the interfaces that have an IPv4 address" (netdevice(7))."""

_NAME_BYTES = 16
ENTRY_BYTES = 40 if struct.calcsize("P") == 8 else 32
"""Linux: size of `struct ifreq`: a name, and a union whose largest member holds pointers."""

_MAX_ENTRIES = 256


def get_available_ip_addresses() -> list[str]:
    """Return all IPv4 addresses of this machine, first the one that other machines most likely see.

    The list has no duplicates. Loopback addresses are last, and 127.0.0.1 is always among them. Never raises.
    """
    ways = (_address_of_default_route, _addresses_of_all_interfaces)
    found = [address for way in ways for address in _ask(way)]
    return _in_order([*found, _LOOPBACK])


def _ask(way: Callable[[], Iterable[str]]) -> list[str]:
    """Return the addresses that `way` finds; none if the system refuses."""
    try:
        return list(way())
    except (OSError, UnicodeError):  # UnicodeError: a machine's name that is no valid domain name
        return []


def _address_of_default_route() -> Iterator[str]:
    """Yield the address from which this machine would send to the Internet.

    Connecting a UDP socket sends nothing: the system only chooses the route, and with it the address.
    """
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect(_ROUTE_PROBE)
        yield probe.getsockname()[0]


if sys.platform == "linux":
    import fcntl

    def _addresses_of_all_interfaces() -> Iterator[str]:
        """Yield the addresses in the kernel's list. (The machine's own name might be looked up over the network.)"""
        entries = array.array("B", bytes(_MAX_ENTRIES * ENTRY_BYTES))
        question = bytearray(struct.pack("iP", len(entries), entries.buffer_info()[0]))
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
            fcntl.ioctl(any_socket, _SIOCGIFCONF, question)
        used_bytes, _ = struct.unpack("iP", question)
        return addresses_in(entries.tobytes()[:used_bytes])

else:

    def _addresses_of_all_interfaces() -> Iterator[str]:
        """Yield the addresses of the machine's own name: all of them on Windows, often one on macOS."""
        return addresses_of_name(socket.gethostname())


def addresses_in(entries: bytes) -> Iterator[str]:
    """Yield the addresses in Linux' list of interfaces, entries of `ENTRY_BYTES` each."""
    for start in range(0, len(entries), ENTRY_BYTES):
        at = start + _NAME_BYTES + 4  # a sockaddr_in: family and port, 2 bytes each, then the address
        yield socket.inet_ntoa(entries[at : at + 4])


def addresses_of_name(host_name: str) -> Iterator[str]:
    for *_, address in socket.getaddrinfo(host_name, None, socket.AF_INET, socket.SOCK_DGRAM):
        yield str(address[0])


def _in_order(addresses: Iterable[str]) -> list[str]:
    """Remove duplicates and 0.0.0.0, and put those of the loopback last."""
    import ipaddress  # only here: it takes its time to import

    known = (ipaddress.IPv4Address(address) for address in dict.fromkeys(addresses))
    usable = [address for address in known if not address.is_unspecified]
    return [str(address) for address in sorted(usable, key=lambda address: address.is_loopback)]
