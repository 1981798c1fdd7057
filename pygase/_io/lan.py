"""Sockets for queries to every machine on the local network.

IPv4 only. A query is sent on every interface, by broadcast and to a multicast group, since some access points drop the
one and some the other. All servers on a machine share one port: the system hands a broadcast or multicast to each of
them, and a datagram for one address to only one.
"""

from __future__ import annotations

import contextlib
import errno
import logging
import selectors
import socket
import sys
from collections.abc import Iterable
from typing import Final

from ..addresses import is_loopback
from .interfaces import get_available_ip_addresses
from .ports import Address
from .udp import LOCAL_NETWORK_HINT, UdpTransport

logger = logging.getLogger("pygase")

GROUP: Final = "239.255.80.71"
"""A multicast address for use within a site, which no router passes on to the Internet (RFC 2365, section 6.1)."""

BROADCAST: Final = "255.255.255.255"
"""All machines on the interface of the sending socket."""

LOOPBACK: Final = "127.0.0.1"
_LOOPBACK_BROADCAST: Final = "127.255.255.255"

MAX_INTERFACES: Final = 32
"""Most addresses of this machine from which a query is sent. A machine full of containers may have hundreds."""

TAKEN_AT_ONCE: Final = 64
"""Most datagrams that one turn takes, so that a flood of queries delays nothing else."""


class AnsweringTransport(UdpTransport):
    """A socket on the discovery port, which it shares with the other servers on this machine.

    :raises OSError: if the port is taken by a program that does not share it, or may not be used.

    :ivar in_network: whether this machine had an address that others can reach at the latest :meth:`join`.
    """

    def __init__(self, port: int) -> None:
        sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        try:
            sock.setblocking(False)
            _share_port(sock)
            sock.bind(("", port))
        except OSError:
            sock.close()
            raise
        super().__init__([sock])
        self.join()

    def join(self) -> None:
        """Join the multicast group on every interface that the machine has now."""
        addresses = own_addresses()
        self.in_network = not all(map(is_loopback, addresses))
        for address in addresses:
            _join(self.sockets[0], address)


def _share_port(sock: socket.socket) -> None:
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    # Linux and Windows want the one above; there SO_REUSEPORT would keep other users' servers out, or does not exist.
    # BSD and macOS want this one.
    if sys.platform not in ("linux", "win32"):
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)


def _join(sock: socket.socket, address: str) -> None:
    membership = socket.inet_aton(GROUP) + socket.inet_aton(address)
    with contextlib.suppress(OSError):  # joined already, or without multicast
        sock.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, membership)


def own_addresses() -> list[str]:
    """Return the addresses of this machine from which queries are sent; the loopback is last."""
    found = [address for address in get_available_ip_addresses() if address != LOOPBACK]
    return [*found[: MAX_INTERFACES - 1], LOOPBACK]


def own_address_towards(host: str) -> str | None:
    """Return the address of this machine that a host on the network sees; None if the host cannot be reached.

    Connecting a UDP socket sends nothing.
    """
    try:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            probe.connect((host, 9))
            return str(probe.getsockname()[0])
    except OSError:
        return None


def machine_name() -> str:
    """Without the domain."""
    return socket.gethostname().partition(".")[0]


class AskingTransport:
    """Sends queries to everyone, from each of this machine's addresses, and waits for answers.

    :ivar problem: a sentence for people if the last query has reached this machine alone, else ``""``.
    :ivar sockets: this machine's address → the socket that sends from it.
    """

    def __init__(self, port: int) -> None:
        self.problem = ""
        self._port = port
        self.sockets: dict[str, socket.socket] = {}
        self._selector = selectors.DefaultSelector()
        self._waker, self._woken = socket.socketpair()
        self._woken.setblocking(False)
        self._selector.register(self._woken, selectors.EVENT_READ)

    def refresh(self) -> None:
        """Open a socket for each new address of this machine, and close those of lost addresses."""
        addresses = own_addresses()
        for address in [address for address in self.sockets if address not in addresses]:
            sock = self.sockets.pop(address)
            self._selector.unregister(sock)
            sock.close()
        for address in addresses:
            if address not in self.sockets:
                self._open(address)

    def _open(self, address: str) -> None:
        try:
            sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        except OSError as error:  # no file descriptors left, for example; the next refresh tries again
            logger.debug("no socket to ask from %s: %s", address, error)
            return
        try:
            sock.setblocking(False)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
            sock.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_TTL, 1)
            sock.bind((address, 0))
            with contextlib.suppress(OSError):  # an interface without multicast
                sock.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton(address))
        except OSError as error:
            sock.close()
            logger.debug("%s cannot be asked from: %s", address, error)
            return
        self.sockets[address] = sock
        self._selector.register(sock, selectors.EVENT_READ)

    def ask(self, query: bytes) -> None:
        """Send a query to everyone, and set :attr:`problem`."""
        failed: list[OSError] = []
        reached = False
        for address, sock in self.sockets.items():
            for host in everyone_from(address):
                try:
                    sock.sendto(query, (host, self._port))
                    reached = reached or not is_loopback(address)
                except OSError as error:
                    failed += [] if is_loopback(address) else [error]
        self.problem = "" if reached else _problem(failed)

    def wait(self, timeout: float) -> list[tuple[bytes, Address]]:
        """Wait for datagrams, for ``timeout`` seconds at most or until :meth:`wake`; return them with their senders."""
        ready = [key.fileobj for key, _ in self._selector.select(max(timeout, 0.0))]
        if self._woken in ready:
            with contextlib.suppress(OSError):
                self._woken.recv(TAKEN_AT_ONCE)
        return UdpTransport([sock for sock in self.sockets.values() if sock in ready]).take(TAKEN_AT_ONCE)

    def wake(self) -> None:
        """End :meth:`wait`, from any thread."""
        with contextlib.suppress(OSError):  # closed in the meantime
            self._waker.send(b"\0")

    def close(self) -> None:
        self._selector.close()
        for sock in (*self.sockets.values(), self._waker, self._woken):
            sock.close()
        self.sockets.clear()


def everyone_from(address: str) -> Iterable[str]:
    # On a loopback without broadcast and multicast, at least one server on this machine is found.
    return (_LOOPBACK_BROADCAST, GROUP, LOOPBACK) if is_loopback(address) else (BROADCAST, GROUP)


def _problem(failed: list[OSError]) -> str:
    codes = {error.errno for error in failed}
    if sys.platform == "darwin" and errno.EHOSTUNREACH in codes:
        return LOCAL_NETWORK_HINT
    if codes & {errno.EACCES, errno.EPERM, 10013}:
        return "a firewall on this machine does not let this program search the local network"
    return "this machine is in no network; connect it to one to find games on other machines"
