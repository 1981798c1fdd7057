"""Sockets: the order of addresses, and the peculiarities of systems."""

import errno
import re
import socket
from dataclasses import replace
from typing import Any

import pytest

from pygase._io import udp
from pygase._io.pumping import pumped_platform
from pygase._io.udp import ClientTransport, ServerTransport, UdpTransport
from pygase.checks import Destination, check_address
from pygase.client import Client
from pygase.errors import AddressInUse, AddressNotUsable
from pygase.testing import ManualClock


class FakeSocket:
    """Returns the datagrams of a test, and records the sent ones."""

    def __init__(self, family: int = socket.AF_INET, script: Any = ()) -> None:
        self.family = socket.AddressFamily(family)
        self.script = list(script)
        self.sent: list[Any] = []
        self.fails_with: OSError | None = None
        self.closed = False

    def bind(self, address: Any) -> None:
        self.bound_to = address

    def recvfrom(self, size: int) -> Any:
        if not self.script:
            raise BlockingIOError
        item = self.script.pop(0)
        if isinstance(item, BaseException):
            raise item
        return item

    def sendto(self, data: bytes, address: Any) -> None:
        if self.fails_with is not None:
            raise self.fails_with
        self.sent.append((data, address))

    def fileno(self) -> int:
        return -1 if self.closed else 5

    def close(self) -> None:
        self.closed = True


IPV4, IPV6 = ("127.0.0.1", 80), ("::1", 80, 0, 0)


@pytest.fixture
def sockets(monkeypatch: pytest.MonkeyPatch) -> dict[int, FakeSocket]:
    """A host with an IPv6 and an IPv4 address, in that order, and the sockets opened for it by family."""
    opened: dict[int, FakeSocket] = {}

    def open_socket(family: int) -> FakeSocket:
        opened[family] = FakeSocket(family)
        return opened[family]

    found = [
        (socket.AF_INET6, socket.SOCK_DGRAM, 17, "", IPV6),
        (socket.AF_INET, socket.SOCK_DGRAM, 17, "", IPV4),
    ]
    monkeypatch.setattr(udp.socket, "getaddrinfo", lambda *args, **kwargs: found)
    monkeypatch.setattr(udp, "open_socket", open_socket)
    return opened


def test_ipv4_is_asked_first_and_then_the_others_in_turn(sockets: dict[int, FakeSocket]) -> None:
    client, clock = Client(), ManualClock(100.0)
    session = client.plumbing.claim(Destination(80, "den"), client.config)
    session.begin(ClientTransport("den", 80), replace(pumped_platform(session.ended), clock=clock))
    for _ in range(2):
        clock.advance(0.3)
        client.pump()
    assert [address for _, address in sockets[socket.AF_INET].sent] == [IPV4, IPV4]
    assert [address for _, address in sockets[socket.AF_INET6].sent] == [IPV6]


def test_the_address_that_answers_first_is_kept(sockets: dict[int, FakeSocket]) -> None:
    transport = ClientTransport("den", 80)
    sockets[socket.AF_INET6].script = [(b"hello", IPV6)]
    received = transport.take()
    for _ in range(3):
        transport.try_next()
        transport.send(b"x")
    assert received == [(b"hello", IPV6)]
    assert len(sockets[socket.AF_INET6].sent) == 3
    assert sockets[socket.AF_INET].sent == []


@pytest.mark.parametrize("code", [errno.ENETUNREACH, errno.EHOSTUNREACH, errno.ENETDOWN, errno.EADDRNOTAVAIL])
def test_without_a_way_to_the_address_in_use_the_others_take_turns_until_one_answers(
    sockets: dict[int, FakeSocket], code: int
) -> None:
    transport = ClientTransport("den", 80)
    ipv4, ipv6 = sockets[socket.AF_INET], sockets[socket.AF_INET6]
    ipv4.script = [(b"hello", IPV4)]
    transport.take()
    ipv4.fails_with = OSError(code, "no way")
    for _ in range(3):
        transport.send(b"x")
    assert len(ipv6.sent) == 2, "the first one found no way"
    ipv6.fails_with, ipv4.fails_with = ipv4.fails_with, None
    for _ in range(3):
        transport.send(b"y")
    assert [data for data, _ in ipv4.sent] == [b"y", b"y"]
    ipv4.script = [(b"hello", IPV4)]
    transport.take()
    transport.try_next()
    assert transport.address == IPV4


def test_while_connecting_an_address_without_a_way_is_passed_over_once(sockets: dict[int, FakeSocket]) -> None:
    transport = ClientTransport("den", 80)
    sockets[socket.AF_INET].fails_with = OSError(errno.ENETUNREACH, "no way")
    for _ in range(4):  # as an endpoint does that waits for the first answer
        transport.send(b"request")
        transport.try_next()
    assert len(sockets[socket.AF_INET6].sent) == 2


def test_what_comes_from_anybody_else_never_reaches_the_client(sockets: dict[int, FakeSocket]) -> None:
    transport = ClientTransport("den", 80)
    sockets[socket.AF_INET].script = [(b"forged", ("127.0.0.1", 81)), (b"forged", ("10.0.0.1", 80))]
    assert transport.take() == []


@pytest.mark.parametrize("code", [errno.ECONNRESET, errno.ECONNREFUSED, errno.EMSGSIZE, errno.ENETDOWN, 10054, 10040])
def test_an_error_while_receiving_does_not_keep_later_datagrams_from_being_read(code: int) -> None:
    sock = FakeSocket(script=[OSError(code, "whatever"), (b"hello", IPV4), OSError(code, "again")])
    transport = UdpTransport([sock])  # type: ignore[list-item]
    assert [data for data, _ in transport.take()] == [b"hello"]


def test_a_socket_that_only_fails_does_not_hold_up_the_loop_for_ever() -> None:
    sock = FakeSocket()
    sock.recvfrom = lambda size: (_ for _ in ()).throw(OSError(errno.ENETDOWN, "down"))  # type: ignore[assignment]
    transport = UdpTransport([sock])  # type: ignore[list-item]
    assert len(transport.take(limit=50)) <= 50


def test_no_more_than_the_limit_is_taken_in_one_turn() -> None:
    sock = FakeSocket(script=[(b"%d" % n, IPV4) for n in range(100)])
    received = UdpTransport([sock]).take(limit=10)  # type: ignore[list-item]
    assert [data for data, _ in received] == [b"%d" % n for n in range(10)]


def test_what_the_system_will_not_send_is_lost_and_counted() -> None:
    sock = FakeSocket()
    transport = UdpTransport([sock])  # type: ignore[list-item]
    for error in (BlockingIOError(), OSError(errno.ENOBUFS, "full"), OSError(errno.EHOSTUNREACH, "no route")):
        sock.fails_with = error
        transport.send(b"x", IPV4)
    assert transport.send_errors == 3
    assert transport.last_error is not None
    assert transport.last_error.errno == errno.EHOSTUNREACH


@pytest.mark.parametrize(("platform", "words"), [("darwin", "Local Network"), ("linux", "The system says: no route")])
def test_a_host_that_cannot_be_reached_is_explained_in_words(
    platform: str, words: str, sockets: dict[int, FakeSocket], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(udp.sys, "platform", platform)
    transport = ClientTransport("den", 80)
    assert transport.hint == ""
    sockets[socket.AF_INET].fails_with = OSError(errno.EHOSTUNREACH, "no route")
    transport.send(b"x")
    assert words in transport.hint


@pytest.mark.parametrize(
    ("code", "kind", "words"),
    [
        (errno.EADDRINUSE, AddressInUse, "port 80 is already in use"),
        (10048, AddressInUse, "port 80 is already in use"),
        (errno.EACCES, AddressNotUsable, "may not use port 80; choose one from 1024"),
        (errno.EADDRNOTAVAIL, AddressNotUsable, "not an address of this machine"),
    ],
)
def test_a_port_that_cannot_be_bound_is_explained_in_words(code: int, kind: type[Exception], words: str) -> None:
    error = udp.bind_error(OSError(code, "whatever"), "den", 80)
    assert isinstance(error, kind)
    assert isinstance(error, OSError)
    assert words in str(error)


@pytest.mark.integration
def test_a_closed_port_on_this_machine_does_not_stop_the_servers_socket() -> None:
    server = ServerTransport("127.0.0.1", 0)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as peer:
        peer.bind(("127.0.0.1", 0))
        gone = peer.getsockname()
    server.send(b"to nobody", gone)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as peer:
        peer.sendto(b"hello", server.address)
        received: list[bytes] = []
        for _ in range(1000):
            received += [data for data, _ in server.take()]
            if received:
                break
    server.close()
    assert received == [b"hello"]


@pytest.mark.integration
def test_a_port_can_be_bound_again_as_soon_as_it_is_closed() -> None:
    first = ServerTransport("127.0.0.1", 0)
    port = first.address[1]
    with pytest.raises(AddressInUse):
        ServerTransport("127.0.0.1", port)
    first.close()
    second = ServerTransport("127.0.0.1", port)
    assert second.address[1] == port
    second.close()


@pytest.mark.parametrize("call", ["connect", "connect_in_thread", "open"])
@pytest.mark.parametrize(
    ("port", "hostname", "words"),
    [
        ("localhost", 8080, "got 'localhost'; name what you mean: {call}(port=8080, hostname='localhost')"),
        ("8080", "localhost", "port must be an int from 1 to 65535, got '8080'"),
        (70000, "localhost", "port must be an int from 1 to 65535, got 70000"),
        (0, "localhost", "got 0; read the real one from server.port"),
        (True, "localhost", "port must be an int"),
        (8080, 5, "hostname must be a str such as 'localhost' or '192.168.0.7', got 5"),
        (8080, "den:9000", "has a port in it; write {call}(port=9000, hostname='den')"),
    ],
)
def test_what_can_be_no_address_is_refused_at_once_and_nothing_is_begun(
    call: str, port: Any, hostname: Any, words: str
) -> None:
    client = Client()
    with pytest.raises((TypeError, ValueError), match=re.escape(words.format(call=call))):
        getattr(client, call)(port, hostname)
    assert (client.status, client.connection) == ("disconnected", None)


def test_an_address_of_ipv6_is_no_host_name_with_a_port() -> None:
    check_address(8080, "::1", "connect")
    check_address(8080, "fe80::1:8080", "connect")
