"""UDP sockets: non-blocking, with large buffers. The peculiarities of each operating system end here."""

from __future__ import annotations

import contextlib
import errno
import logging
import math
import socket
import sys
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from itertools import islice
from types import ModuleType
from typing import TYPE_CHECKING, Any, Final

from .._diagnostics.log_lines import LogLines
from ..addresses import own_address, port_beside
from ..errors import AddressInUse, AddressNotUsable
from ..utils import fits, wants_compiled
from .interfaces import get_available_ip_addresses
from .linux_sockets import fullness, urgent_socket
from .ports import Address, Arrival, Datagram, Transport, TransportToServer
from .stamps import RECEIVE_BYTES, receive_stamped, request_stamps, stamps

BUFFER_BYTES: Final = 4 * 1024 * 1024
"""Requested for each direction: room for the datagrams that arrive during a tick. Linux grants at most
net.core.rmem_max, by default 208 KiB."""

DRAIN_LIMIT: Final = 1024
"""Most datagrams (2 MiB) that one turn takes from a socket, so that a flood cannot block the next tick."""

MAX_AGE: Final = 1.0
"""Seconds for which a datagram has lain in a socket at most. Its stamp may say more, since a wall clock may be set."""

SENT_AT_ONCE: Final = 32
"""Datagrams that are made and then sent together, so that code and datagrams stay in the processor's caches. (One by
one, or a hundred at once, a server took a twentieth more CPU time.)"""

MAX_ERRORS: Final = 64
"""Most errors in a row that one turn takes from a socket: Windows reports each refused datagram by an error."""

_NO_WAY: Final = frozenset(
    [errno.ENETUNREACH, errno.EHOSTUNREACH, errno.ENETDOWN, errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT]
)
"""Errors by which a system says that this machine has no way to an address, or has none any more."""

LOCAL_NETWORK_HINT: Final = (
    "this program may not reach other machines: on macOS 15 or later allow the terminal or editor you started it "
    "from under System Settings > Privacy & Security > Local Network"
)


def _resolve(hostname: str, port: int, *, passive: bool) -> list[tuple[int, Address]]:
    """Return (family, address) of every address of a host, IPv4 first, since most local networks use IPv4.

    :param passive: whether a server binds to it.
    :raises AddressNotUsable: if the host name is not known.
    """
    flags = socket.AI_PASSIVE if passive else 0
    try:
        found = socket.getaddrinfo(hostname or None, port, type=socket.SOCK_DGRAM, flags=flags)
    except (OSError, UnicodeError) as error:
        raise AddressNotUsable(
            f"the host name {hostname!r} is not known ({getattr(error, 'strerror', None) or error}); "
            "check the spelling, or use its IP address"
        ) from None
    addresses = [(family, address) for family, _, _, _, address in found if family in (socket.AF_INET, socket.AF_INET6)]
    return sorted(dict.fromkeys(addresses), key=lambda item: item[0] != socket.AF_INET)


def open_socket(family: int) -> socket.socket:
    sock = socket.socket(family, socket.SOCK_DGRAM)
    sock.setblocking(False)
    for option in (socket.SO_RCVBUF, socket.SO_SNDBUF):
        with contextlib.suppress(OSError):
            sock.setsockopt(socket.SOL_SOCKET, option, BUFFER_BYTES)
    request_stamps(sock)
    return sock


def receive_each(sock: socket.socket, limit: int, arrivals: list[Arrival], now: float, since: float) -> None:
    """Append the datagrams that have arrived to a list. One system call for each.

    :param limit: most datagrams.
    :param now: the time on the pump's clock. Datagrams without the system's stamp count as having arrived now.
    :param since: when the socket was read before. No datagram has arrived earlier.
    :raises OSError: an error of the socket. The datagrams before it are in the list.
    """
    recvfrom = sock.recvfrom
    try:
        for _ in range(limit):
            arrivals.append((*recvfrom(RECEIVE_BYTES), now))
    except (BlockingIOError, InterruptedError):
        return


def send_each(sock: socket.socket, datagrams: Iterable[Datagram], otherwise: Callable[[bytes, Address], None]) -> None:
    """Send many datagrams; the iterator makes each when it is needed. Refused ones are passed to ``otherwise``."""
    sendto, coming = sock.sendto, iter(datagrams)
    while batch := list(islice(coming, SENT_AT_ONCE)):
        for data, address in batch:
            try:
                sendto(data, address)
            except OSError:
                otherwise(data, address)


_REVISION: Final = 2
"""Revision of the functions of ``_batches``; the same number stands in _batches.c."""


def _find_batches() -> ModuleType | None:
    if wants_compiled():
        try:
            from . import _batches
        except ImportError:  # not built here, or the system has no such calls
            return None
        return _batches if fits(_batches, _REVISION) else None
    return None


_batches: Final[Any] = _find_batches()


def in_batches() -> bool:
    """Whether one system call reads or writes many datagrams."""
    return _batches is not None


def receive_batches(sock: socket.socket, limit: int, arrivals: list[Arrival], now: float, since: float) -> None:
    """Like ``receive_stamped``, with one system call for many. Only if :func:`in_batches`."""
    _batches.receive(sock.fileno(), limit, arrivals, now, since)


def send_batches(
    sock: socket.socket, datagrams: Iterable[Datagram], otherwise: Callable[[bytes, Address], None], family: int = 0
) -> None:
    """Like ``send_each``, with one system call for many. Only if :func:`in_batches`.

    :param family: the socket's, if the caller knows it. (``sock.family`` looks it up in an enum each time.)
    """
    _batches.send(sock.fileno(), family or sock.family, datagrams, otherwise)


def _arrived_at(arrival: Arrival) -> float:
    return arrival[2]


class UdpTransport:
    """A Transport of non-blocking sockets.

    :ivar urgent_sockets: those that get the datagrams which cannot wait, if they are others.
    :ivar send_errors: number of datagrams that the system refused to send; ``last_error``: its last refusal, or None.
    """

    def __init__(self, sockets: Sequence[socket.socket]) -> None:
        self.sockets = list(sockets)
        self.urgent_sockets: Sequence[socket.socket] = ()
        self.send_errors = 0
        self.last_error: OSError | None = None
        self._log = LogLines()
        self.by_family = {sock.family: sock for sock in sockets}
        self.in_batches = bool(sockets) and in_batches() and all(type(sock) is socket.socket for sock in sockets)
        one_by_one = receive_stamped if all(map(stamps, sockets)) else receive_each
        self._receive = receive_batches if self.in_batches else one_by_one
        self._send = partial(send_batches, family=int(self.sockets[0].family)) if self.in_batches else send_each
        self._read_at = -math.inf

    def take(self, limit: int = DRAIN_LIMIT) -> list[Datagram]:
        return [(data, address) for data, address, _ in self.take_timed(0.0, limit)]

    def take_timed(self, now: float, limit: int = DRAIN_LIMIT) -> list[Arrival]:
        """All system calls precede all parsing, so that code stays in the processor's caches."""
        arrivals: list[Arrival] = []
        since, self._read_at = max(self._read_at, now - MAX_AGE), now
        for sock in self.sockets:
            before = len(arrivals)
            self._drain(sock, limit, arrivals, now, since)
            if 0 < before < len(arrivals):
                arrivals.sort(key=_arrived_at)
        return arrivals

    def _drain(self, sock: socket.socket, limit: int, arrivals: list[Arrival], now: float, since: float) -> None:
        full = len(arrivals) + limit
        for _ in range(MAX_ERRORS):
            try:
                self._receive(sock, full - len(arrivals), arrivals, now, since)
                break
            except OSError as error:
                # Windows reports here that an earlier datagram met a closed port (10054), or that one was too
                # long (10040); Linux that a network went away. The socket itself is fine.
                self.last_error = error
                if sock.fileno() < 0:
                    break

    def fullness(self) -> float:
        return fullness(self.sockets[0])

    def send(self, data: bytes, address: Address) -> None:
        try:
            self.sockets[0].sendto(data, address)
        except (BlockingIOError, InterruptedError):
            self.send_errors += 1
        except OSError as error:
            self._note(error)

    def send_all(self, datagrams: Iterable[Datagram]) -> None:
        self._send(self.sockets[0], datagrams, self.send)

    def _note(self, error: OSError) -> None:
        self.send_errors += 1
        self.last_error = error
        self._log.write(logging.DEBUG, "a datagram could not be sent: %s", error, kind=error.errno)

    def close(self) -> None:
        for sock in self.sockets:
            sock.close()


def bound_socket(hostname: str, port: int) -> socket.socket:
    """Return a socket at an own address; port 0: any free one.

    :raises AddressInUse, AddressNotUsable: if it cannot be bound; says why, and what to do.
    """
    family, wanted = _resolve(hostname, port, passive=True)[0]
    sock = open_socket(family)
    try:
        if family == socket.AF_INET6:
            with contextlib.suppress(OSError):
                sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        if sys.platform == "win32":  # without it, Windows lets a second program take the port over
            sock.setsockopt(socket.SOL_SOCKET, getattr(socket, "SO_EXCLUSIVEADDRUSE"), 1)  # noqa: B009
        sock.bind(wanted)
    except OSError as error:
        sock.close()
        raise bind_error(error, hostname, port) from None
    return sock


class ServerTransport(UdpTransport):
    """A server's socket.

    :param hostname: own address to bind to; ``port``: 0 for any free one.
    :raises AddressInUse, AddressNotUsable: if it cannot be bound; says why, and what to do.
    """

    def __init__(self, hostname: str, port: int) -> None:
        sock = bound_socket(hostname, port)
        urgent = urgent_socket(sock) if stamps(sock) else None
        super().__init__([sock] if urgent is None else [sock, urgent])
        self.urgent_sockets = self.sockets[1:]
        self.address: Address = sock.getsockname()


def bind_error(error: OSError, hostname: str, port: int) -> OSError:
    if error.errno in (errno.EADDRINUSE, 10048):
        return AddressInUse(
            f"port {port} is already in use, probably by another game server on this machine; "
            f"end that one, or choose another port (such as {port_beside(port)}), or 0 for any "
            "free one"
        )
    if error.errno in (errno.EACCES, errno.EPERM, 10013):
        return AddressNotUsable(f"this program may not use port {port}; choose one from 1024 to 65535")
    return AddressNotUsable(
        f"{hostname!r} is not an address of this machine ({error.strerror or error}); use 'localhost' for this machine "
        f"alone, '0.0.0.0' for everyone on the network, or one of its own: {', '.join(get_available_ip_addresses())}"
    )


class ClientTransport(UdpTransport):
    """A TransportToServer: a socket for each address family under which the server's host is known.

    Until the server has answered from one of its addresses, they take turns (:meth:`try_next`). They take turns again
    while this machine has no way to the one in use, since it may have lost one of its networks. The sockets stay: they
    are bound to no address of this machine, so the system sends each datagram by a network that exists.
    """

    def __init__(self, hostname: str, port: int) -> None:
        self._candidates = _resolve(own_address(hostname), port, passive=False)
        self._known = {address[:2] for _, address in self._candidates}
        self._families = {address: socket.AddressFamily(family) for family, address in self._candidates}
        self._current = 0
        self._settled = False
        self._turned = False
        """Whether the newest datagram found no way, so that the address has been changed already."""
        super().__init__([open_socket(family) for family in dict(self._candidates)])
        for sock in self.sockets:  # Windows cannot receive on a socket that is not bound
            with contextlib.suppress(OSError):
                sock.bind(("", 0))

    @property
    def address(self) -> Address:
        return self._candidates[self._current][1]

    def try_next(self) -> None:
        if not self._settled and not self._turned:
            self._turn()
        self._turned = False

    def _turn(self) -> None:
        self._current = (self._current + 1) % len(self._candidates)

    def take_timed(self, now: float, limit: int = DRAIN_LIMIT) -> list[Arrival]:
        """Datagrams from other senders are dropped."""
        arrivals = [arrival for arrival in super().take_timed(now, limit) if arrival[1][:2] in self._known]
        if arrivals:
            self._settle(arrivals[0][1])
        return arrivals

    def _settle(self, address: Address) -> None:
        if not self._settled:
            self._settled = True
            self._current = next(i for i, (_, known) in enumerate(self._candidates) if known[:2] == address[:2])

    def send(self, data: bytes, address: Address = ()) -> None:
        """Without ``address``, send to the server's address in use."""
        target = address or self.address
        try:
            self.by_family[self._families[target]].sendto(data, target)
            self._turned = False
        except (BlockingIOError, InterruptedError):
            self.send_errors += 1
        except OSError as error:
            self._note(error)
            if error.errno in _NO_WAY:
                self._settled = False
                self._turned = True
                self._turn()

    @property
    def hint(self) -> str:
        if self.last_error is None:
            return ""
        if self.last_error.errno == errno.EHOSTUNREACH and sys.platform == "darwin":
            return f"({LOCAL_NETWORK_HINT})"
        return f"(The system says: {self.last_error.strerror or self.last_error}.)"


if TYPE_CHECKING:

    def _transports(server: ServerTransport, client: ClientTransport) -> tuple[Transport, TransportToServer]:
        """Let mypy check the ports."""
        return server, client
