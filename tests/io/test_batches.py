"""Many datagrams with one system call: the same as one by one, on real sockets."""

import errno
import socket
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from pygase._io import udp
from pygase._io.ports import Arrival
from pygase._io.stamps import receive_stamped
from pygase._io.udp import UdpTransport, receive_batches, receive_each, send_batches, send_each

pytestmark = [
    pytest.mark.integration,
    pytest.mark.skipif(not udp.in_batches(), reason="pygase._io._batches is for Linux, and takes a C compiler"),
]

MANY = 75
"""More than a few batches, and no multiple of one."""

Pair = tuple[socket.socket, socket.socket]


@pytest.fixture(params=["127.0.0.1", "::1"])
def pair(request: pytest.FixtureRequest) -> Iterator[Pair]:
    """Two bound sockets of this machine, of one family."""
    family = socket.AF_INET6 if ":" in request.param else socket.AF_INET
    sockets = []
    try:
        for _ in range(2):
            sockets.append(udp.open_socket(family))
            sockets[-1].bind((request.param, 0))
        yield sockets[0], sockets[1]
    except OSError:
        pytest.skip("no IPv6 here")
    finally:
        for sock in sockets:
            sock.close()


def refuse(data: bytes, address: Any) -> None:
    pytest.fail(f"{data!r} to {address!r} was not sent")


Receive = Callable[[socket.socket, int, list[Arrival], float, float], None]


def taken(receive: Receive, sock: socket.socket, count: int) -> list[tuple[bytes, Any]]:
    """Wait for ``count`` datagrams (loopback loses none that fit the buffer)."""
    arrivals: list[Arrival] = []
    for _ in range(100_000):
        receive(sock, count - len(arrivals), arrivals, 9.0, 0.0)
        if len(arrivals) == count:
            break
    return [(data, address) for data, address, _ in arrivals]


@pytest.mark.parametrize("receive", [receive_batches, receive_each, receive_stamped])
@pytest.mark.parametrize("send", [send_batches, send_each])
def test_all_arrive_in_order_and_with_their_sender(pair: Pair, send: Any, receive: Any) -> None:
    sender, receiver = pair
    sent = [bytes([n]) * (n % 3 * 600) for n in range(MANY)]
    send(sender, ((data, receiver.getsockname()) for data in sent), refuse)
    assert taken(receive, receiver, MANY) == [(data, sender.getsockname()) for data in sent]


def test_senders_are_told_apart(pair: Pair) -> None:
    receiver, first = pair
    with socket.socket(first.family, socket.SOCK_DGRAM) as second:
        second.bind((first.getsockname()[0], 0))
        for n in range(20):
            (first, second)[n % 2].sendto(b"%d" % n, receiver.getsockname())
        addresses = [address for _, address in taken(receive_batches, receiver, 20)]
        assert addresses == [first.getsockname(), second.getsockname()] * 10


def test_several_hosts_are_told_apart() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as receiver:
        receiver.bind(("127.0.0.1", 0))
        receiver.setblocking(False)
        hosts = ["127.0.0.2", "127.0.0.3", "127.0.0.3", "127.0.0.2"]
        for host in hosts:
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
                sender.bind((host, 0))
                sender.sendto(b"x", receiver.getsockname())
        assert [address[0] for _, address in taken(receive_batches, receiver, 4)] == hosts


def test_no_more_than_the_limit_is_taken_and_nothing_is_waited_for(pair: Pair) -> None:
    sender, receiver = pair
    datagrams: list[Any] = []
    receive_batches(receiver, 10, datagrams, 9.0, 0.0)
    assert datagrams == []
    send_batches(sender, [(b"%d" % n, receiver.getsockname()) for n in range(40)], refuse)
    for limit in (20, 0, -1, -(2**32) + 5, 1, 19):
        datagrams = []
        receive_batches(receiver, limit, datagrams, 9.0, 0.0)
        assert len(datagrams) == max(limit, 0)
    receive_batches(receiver, sys.maxsize, datagrams, 9.0, 0.0)
    assert len(datagrams) == 19


def test_what_is_longer_than_any_datagram_of_ours_is_cut_off(pair: Pair) -> None:
    sender, receiver = pair
    sender.sendto(bytes(5_000), receiver.getsockname())
    sender.sendto(b"next", receiver.getsockname())
    assert [len(data) for data, _ in taken(receive_batches, receiver, 2)] == [udp.RECEIVE_BYTES, 4]


@pytest.mark.parametrize(
    "address",
    [
        *[("localhost", 5), ("127.0.0.1", 65_536), ("127.0.0.1", -1), ("127.0.0.1", "5"), ("127.0.0.1", 2**70)],
        *[("127.0.0.1\0", 5), ("\ud800", 5), (None, 5), ("127.0.0.1",), (), None, ["127.0.0.1", 5]],
        *[("::1", 5), ("::1", 5, 0, 0), ("::1", 5, 2**20, 0), ("::1", 5, 0, 2**32), ("127.0.0.1", 5, 0, 0)],
    ],
)
def test_other_addresses_are_left_to_somebody_else_and_the_rest_is_sent(address: Any) -> None:
    with (
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender,
        UdpTransport([udp.open_socket(2)]).sockets[0] as receiver,
    ):
        receiver.bind(("127.0.0.1", 0))
        there, passed_on = receiver.getsockname(), list[Any]()
        datagrams = [(b"before", there), (b"odd", address), (b"after", there)]

        def pass_on(data: bytes, address: Any) -> None:
            passed_on.append((data, address))
            assert [each for each, _ in taken(receive_batches, receiver, 1)] == [b"before"]  # in their order
            sender.sendto(b"in between", there)

        send_batches(sender, datagrams, pass_on)
        assert passed_on == [(b"odd", address)]
        assert [data for data, _ in taken(receive_batches, receiver, 2)] == [b"in between", b"after"]


def test_what_the_system_refuses_is_counted_and_the_rest_is_sent(pair: Pair) -> None:
    sender, receiver = pair
    transport = UdpTransport([sender])
    there = receiver.getsockname()
    transport.send_all([(b"%d" % n if n % 10 else bytes(70_000), there) for n in range(1, MANY + 1)])
    assert len(taken(receive_batches, receiver, MANY - 7)) == MANY - 7
    assert transport.send_errors == 7
    assert transport.last_error is not None
    assert transport.last_error.errno == errno.EMSGSIZE


def test_a_closed_socket_is_an_error_and_no_crash(pair: Pair) -> None:
    sender, receiver = pair
    there = receiver.getsockname()
    sender.close()
    with pytest.raises(OSError, match="Bad file descriptor"):
        receive_batches(sender, 10, [], 9.0, 0.0)
    from pygase._io import _batches

    passed_on: list[bytes] = []
    _batches.send(sender.fileno(), receiver.family, [(b"x", there)] * 20, lambda data, _: passed_on.append(data))
    assert passed_on == [b"x"] * 20
    transport = UdpTransport([sender])
    assert transport.take() == []
    transport.send_all([(b"x", there)] * 3)
    assert transport.send_errors == 3


def test_what_cannot_be_made_is_raised_and_what_was_made_before_is_not_kept(pair: Pair) -> None:
    sender, receiver = pair

    def made() -> Iterator[tuple[bytes, Any]]:
        for n in range(20):
            yield b"%d" % n, receiver.getsockname()
        raise LookupError("that was all")

    with pytest.raises(LookupError):
        send_batches(sender, made(), refuse)
    for wrong in (b"bare bytes", (b"alone",), None):
        with pytest.raises(TypeError, match="tuples"):
            send_batches(sender, [wrong], refuse)  # type: ignore[list-item]
    from pygase._io import _batches

    with pytest.raises(ValueError, match="family"):
        _batches.send(sender.fileno(), socket.AF_UNIX, [], refuse)


def test_no_sockets_receive_nothing() -> None:
    """A search for games waits on many sockets, and takes from those that are ready: often there are none."""
    assert UdpTransport([]).take() == []


def test_sockets_of_other_makes_are_asked_one_by_one() -> None:
    class Recorded(socket.socket):
        def recvfrom(self, *args: Any) -> Any:
            raise BlockingIOError

    with Recorded(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        assert UdpTransport([sock]).take() == []
        assert not UdpTransport([sock]).in_batches


def stamped(pair: Pair) -> Pair:
    """Wait until the arrivals are stamped: Linux begins with that a moment after the first socket of the machine has
    asked for it, and on a busy machine that moment is long."""
    sender, receiver = pair
    for _ in range(100):
        arrivals: list[Arrival] = []
        sender.sendto(b"is this stamped?", receiver.getsockname())
        time.sleep(0.03)
        receive_stamped(receiver, 10, arrivals, 100.0, 0.0)
        if arrivals[0][2] < 99.99:
            return pair
    pytest.fail("no arrival is stamped")


@pytest.mark.parametrize("receive", [receive_batches, receive_stamped])
def test_a_datagram_has_the_time_at_which_it_arrived_and_not_that_of_the_reading(pair: Pair, receive: Receive) -> None:
    sender, receiver = stamped(pair)
    arrivals: list[Arrival] = []
    for data in (b"first", b"second"):
        sender.sendto(data, receiver.getsockname())
        time.sleep(0.03)
    receive(receiver, 10, arrivals, 100.0, 0.0)
    (_, _, first), (_, _, second) = arrivals
    assert 0.03 <= second - first < 1.0
    assert 0.03 <= 100.0 - second < 1.0


@pytest.mark.parametrize("receive", [receive_batches, receive_stamped])
def test_no_datagram_arrived_before_the_last_reading(pair: Pair, receive: Receive) -> None:
    """The wall clock of the stamps may be set, and then an age means nothing."""
    sender, receiver = stamped(pair)
    arrivals: list[Arrival] = []
    sender.sendto(b"x", receiver.getsockname())
    time.sleep(0.03)
    receive(receiver, 10, arrivals, 100.0, 99.99)
    assert [at for _, _, at in arrivals] == [99.99]


def test_without_stamps_a_datagram_counts_as_having_arrived_at_the_reading() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as plain:
        plain.bind(("127.0.0.1", 0))
        plain.setblocking(False)
        for receive in (receive_batches, receive_each, receive_stamped):
            arrivals: list[Arrival] = []
            plain.sendto(b"x", plain.getsockname())
            time.sleep(0.02)
            receive(plain, 10, arrivals, 100.0, 0.0)
            assert [at for _, _, at in arrivals] == [100.0]
