"""The fast path in C against wrong use: it raises, and never crashes. (That it does the right thing: test_endpoint.)"""

import copy
import gc
import importlib
import math
import os
import subprocess
import sys
import weakref
from collections import deque
from typing import Any

import pytest

from pygase._protocol import fast_path
from pygase._protocol.acks import SentPackets
from pygase._protocol.budget import TokenBucket
from pygase._protocol.sequence import ReceiveWindow
from pygase._protocol.server_peer import ServerProtocol
from pygase._protocol.snapshots import SnapshotRing, SnapshotSender
from pygase._protocol.wire import CLIENT_HEADER, DATA, EVENT, SERVER_HEADER, message
from pygase.config import ServerConfig
from pygase.utils import wants_compiled

_compiled = fast_path.compiled()
if _compiled is None:
    pytest.skip("pygase._protocol._fast_path was not built here: it takes a C compiler", allow_module_level=True)
receive, state_datagrams = _compiled

ADDRESS = ("127.0.0.1", 5)
TOKEN = b"12345678"


def make_peer(kind: type[ServerProtocol] = ServerProtocol) -> tuple[ServerProtocol, SnapshotRing, deque[Any]]:
    """A peer that has sent one packet and has the state of tick 1, of two."""
    ring, inbox = SnapshotRing(8), deque[Any]()
    peer = kind(ADDRESS, b"nonce678", TOKEN, ring, inbox, ServerConfig(), 10.0)
    ring.push(1, {"n": 1}, 10.0, 0.0)
    peer.receive_packet(CLIENT_HEADER.pack(DATA, TOKEN, 0, 0xFFFF, 0, 0, 1), 10.0)
    ring.push(2, {"n": 2}, 10.0, 0.0)
    return peer, ring, inbox


def event_packet(sequence: int = 1) -> bytes:
    return CLIENT_HEADER.pack(DATA, TOKEN, sequence, 0xFFFF, 0, 0, 1) + message(EVENT, b"\x91\xa1x")


def feed(peer: Any, inbox: Any, data: Any, address: Any = ADDRESS) -> list[Any]:
    """Let it take one datagram; return what it leaves to the long way."""
    left: list[Any] = []
    receive([(data, address)], {TOKEN: peer}, inbox, 10.5, 10.6, lambda *args: left.append(args))
    return left


def test_the_headers_are_laid_out_as_the_c_code_reads_and_writes_them() -> None:
    assert (CLIENT_HEADER.format, SERVER_HEADER.format) == ("!B8sHHIHI", "!B8sHHIHI")
    assert fast_path._HEADERS.format == "!B8sHHIHIBH"


def test_an_event_is_delivered_and_a_state_is_sent() -> None:
    peer, ring, inbox = make_peer()
    assert feed(peer, inbox, event_packet()) == []
    assert list(inbox) == [(peer, b"\x91\xa1x")]
    ((datagram, address),) = state_datagrams([peer], others := [], ring, 10.5, 10.7, 105_000)
    assert (others, address, datagram[:9]) == ([], ADDRESS, bytes([DATA]) + TOKEN)


@pytest.mark.parametrize("size", range(len(event_packet())))
def test_a_packet_that_is_cut_off_goes_the_long_way(size: int) -> None:
    peer, _, inbox = make_peer()
    data = event_packet()[:size]
    assert feed(peer, inbox, data) == [(data, ADDRESS, 10.5)]
    assert not inbox


@pytest.mark.parametrize("data", [None, "text", bytearray(event_packet()), memoryview(event_packet()), 5, b""])
def test_what_is_not_bytes_goes_the_long_way(data: Any) -> None:
    peer, _, inbox = make_peer()
    assert feed(peer, inbox, data) == [(data, ADDRESS, 10.5)]


@pytest.mark.parametrize("datagram", [None, b"bare", (b"alone",), [b"a", "list"], (1, 2, 3)])
def test_what_is_no_datagram_is_a_type_error(datagram: Any) -> None:
    with pytest.raises(TypeError, match="tuples"):
        receive([datagram], {}, deque(), 1.0, 1.0, print)


def test_wrong_arguments_are_type_errors() -> None:
    peer, ring, inbox = make_peer()
    for arguments in [
        ([], [], inbox, 1.0, 1.0, print),
        (None, {}, inbox, 1.0, 1.0, print),
        ([], {}, inbox, "now", 1.0, print),
        ([],),
    ]:
        with pytest.raises(TypeError):
            receive(*arguments)
    for arguments in [
        ([peer], (), ring, 1.0, 1.0, 0),
        (None, [], ring, 1.0, 1.0, 0),
        ([peer], [], ring, "now", 1.0, 0),
        (),
    ]:
        with pytest.raises(TypeError):
            state_datagrams(*arguments)
    with pytest.raises(AttributeError):
        state_datagrams([peer], [], object(), 1.0, 1.0, 0)
    with pytest.raises(TypeError):
        type(state_datagrams([], [], ring, 1.0, 1.0, 0))()


SLOTS_READ = ["_window", "_acks_at", "_ack_due_at", "_busy", "_reported_tick", "_unacknowledged", "address"]


@pytest.mark.parametrize("name", [*SLOTS_READ, "bytes_received"])
def test_an_empty_slot_is_an_attribute_error_when_receiving(name: str) -> None:
    peer, _, inbox = make_peer()
    delattr(peer, name)
    with pytest.raises(AttributeError, match=name):
        feed(peer, inbox, event_packet())


@pytest.mark.parametrize(
    "name",
    ["_window", "_sent", "_bucket", "_busy", "_reported_tick", "_latest_received_at", "address", "note", "token"],
)
def test_an_empty_slot_is_an_attribute_error_when_sending(name: str) -> None:
    peer, ring, _ = make_peer()
    delattr(peer, name)
    with pytest.raises(AttributeError, match=name):
        list(state_datagrams([peer], [], ring, 10.5, 10.7, 0))


@pytest.mark.parametrize("value", [None, "text", [], object()])
@pytest.mark.parametrize("name", ["_window", "_sent", "_bucket", "_latest_received_at", "note", "token", "snapshots"])
def test_a_slot_of_another_type_is_an_error_when_sending(name: str, value: Any) -> None:
    peer, ring, _ = make_peer()
    setattr(peer, name, value)
    with pytest.raises((TypeError, AttributeError)):
        list(state_datagrams([peer], [], ring, 10.5, 10.7, 0))


@pytest.mark.parametrize("value", [None, "text", 1.5, object()])
@pytest.mark.parametrize("place", ["_sent.next_sequence", "_sent.outstanding", "_sent.times", "_bucket.spent"])
def test_a_number_of_another_type_is_an_error_when_sending(place: str, value: Any) -> None:
    peer, ring, _ = make_peer()
    name, _, inner = place.partition(".")
    setattr(getattr(peer, name), inner, value)
    with pytest.raises((TypeError, SystemError)):
        list(state_datagrams([peer], [], ring, 10.5, 10.7, 0))


def test_objects_that_are_no_peers_are_type_errors() -> None:
    _, ring, inbox = make_peer()
    for other in (None, "peer", object(), 5):
        with pytest.raises((TypeError, AttributeError)):
            list(state_datagrams([other], [], ring, 10.5, 10.7, 0))
        with pytest.raises((TypeError, AttributeError)):
            feed(other, inbox, event_packet())


def test_subclasses_of_peers_are_peers() -> None:
    class Larger(ServerProtocol):
        __slots__ = ("aaa", "zzz")

    peer, ring, inbox = make_peer(Larger)
    assert feed(peer, inbox, event_packet()) == []
    assert len(list(state_datagrams([peer], [], ring, 10.5, 10.7, 0))) == 1


class Odd:
    """Passes for a number, and pulls the rug away meanwhile."""

    def __init__(self, peer: ServerProtocol) -> None:
        self.peer = peer

    def __index__(self) -> int:
        self.peer._window = self.peer._sent = None  # type: ignore[assignment]
        return 0

    def __float__(self) -> float:
        return float(self.__index__())


@pytest.mark.parametrize("name", ["_unacknowledged", "bytes_received", "_reported_tick", "_acks_at", "_ack_due_at"])
def test_what_only_passes_for_a_number_is_a_type_error(name: str) -> None:
    peer, ring, inbox = make_peer()
    setattr(peer, name, Odd(peer))
    with pytest.raises(TypeError, match=f"{name} must be a plain number, got Odd"):
        feed(peer, inbox, event_packet())
    peer, ring, inbox = make_peer()
    peer._reported_tick = Odd(peer)  # type: ignore[assignment]
    with pytest.raises(TypeError, match="_reported_tick must be a plain number"):
        list(state_datagrams([peer], [], ring, 10.5, 10.7, 0))


def test_an_address_that_changes_the_peer_when_it_is_compared_does_no_harm() -> None:
    class Host:
        def __eq__(self, other: object) -> bool:
            peer.address = peer._window = None  # type: ignore[assignment]
            return True

        __hash__ = None  # type: ignore[assignment]

    peer, _, inbox = make_peer()
    peer.address = (Host(), *[object() for _ in range(40)])
    with pytest.raises(TypeError, match="ReceiveWindow expected, got NoneType"):
        feed(peer, inbox, event_packet(), ("127.0.0.1", *peer.address[1:]))


def test_a_value_that_changes_the_peer_when_it_is_let_go_of_does_no_harm() -> None:
    class Evil:
        def __del__(self) -> None:
            peer.snapshots = peer._sent = peer._bucket = peer.address = None  # type: ignore[assignment]

    peer, ring, _ = make_peer()
    peer.snapshots.sent_tick = Evil()  # type: ignore[assignment]
    assert len(list(state_datagrams([peer], [], ring, 10.5, 10.7, 0))) == 1
    peer, ring, _ = make_peer()
    peer._sent.times[peer._sent.next_sequence & 255] = Evil()  # type: ignore[call-overload]
    with pytest.raises(TypeError, match="SnapshotSender expected, got NoneType"):
        list(state_datagrams([peer], [], ring, 10.5, 10.7, 0))


def test_a_ring_that_changes_the_peer_meanwhile_does_no_harm() -> None:
    class Ring(SnapshotRing):
        def frame_for(self, reported: int) -> bytes | None:
            peer._reported_tick, peer.note = 10**15, b"note"
            self.by_report.clear()
            return b"framed"

    peer, _, _ = make_peer()
    peer._reported_tick = 10**15 + 1
    ((datagram, _),) = state_datagrams([peer], [], Ring(8), 10.5, 10.7, 0)
    assert datagram.endswith(b"noteframed")


def test_an_iterator_that_is_asked_while_it_answers_says_so() -> None:
    class Sent(SentPackets):
        def sent(self, contents: Any, now: float) -> int:
            next(datagrams)
            return super().sent(contents, now)

    peer, ring, _ = make_peer()
    peer._sent = Sent()
    peer._sent.outstanding = 1 << 40
    datagrams = state_datagrams([peer, peer], [], ring, 10.5, 10.7, 0)
    with pytest.raises(ValueError, match="asked already"):
        next(datagrams)


def test_an_iterator_in_a_circle_is_collected() -> None:
    class Others(list[Any]):
        """A list that can be watched."""

    others = Others()
    others.append(state_datagrams([], others, SnapshotRing(8), 1.0, 1.0, 0))
    watched = weakref.ref(others)
    del others
    gc.collect()
    assert watched() is None


def test_an_iterator_can_be_neither_copied_nor_inherited_from() -> None:
    datagrams = state_datagrams([], [], SnapshotRing(8), 1.0, 1.0, 0)
    with pytest.raises(TypeError):
        copy.copy(datagrams)
    with pytest.raises(TypeError):
        type("Mine", (type(datagrams),), {})


def test_numbers_beyond_all_reason_raise_and_do_not_wrap() -> None:
    peer, ring, inbox = make_peer()
    peer._sent.next_sequence = 2**63 - 1
    ((datagram, _),) = state_datagrams([peer], [], ring, 10.5, 10.7, 0)
    assert datagram[9:11] == b"\xff\xff"
    assert peer._sent.next_sequence == 2**63
    with pytest.raises(OverflowError):
        list(state_datagrams([peer], [], ring, 10.5, 10.7, 0))
    peer._window.latest = 2**63
    with pytest.raises(OverflowError):
        feed(peer, inbox, event_packet())


CONSTANTS: dict[str, Any] = {
    "data": DATA,
    "event": EVENT,
    "ack_soon": 1,
    "few": 1,
    "times_mask": 255,
    "no_ack_delay": 0xFFFF,
    "max_message_room": 1_000,
    "time_unit": 1e-4,
    "full_mask": 1,
}


def test_classes_without_the_slots_are_refused_and_nothing_is_taken_over() -> None:
    module: Any = importlib.import_module("pygase._protocol._fast_path")
    ours = (ServerProtocol, ReceiveWindow, SentPackets, TokenBucket, SnapshotSender)

    class Borrowed:
        latest, mask = ReceiveWindow.latest, ReceiveWindow.mask

    class Plain:
        latest = mask = 0

    try:
        for classes, error in [
            ((*ours[:1], Borrowed, *ours[2:]), "Borrowed.latest must be a slot"),
            ((*ours[:1], Plain, *ours[2:]), "Plain.latest must be a slot"),
            ((*ours[:1], int, *ours[2:]), "latest"),
            (ours[:4], "5"),
        ]:
            with pytest.raises((TypeError, AttributeError), match=error):
                module.configure(classes=classes, **CONSTANTS)
            with pytest.raises(TypeError):
                module.configure(classes=ours, **{**CONSTANTS, "few": "few"})
    finally:
        assert fast_path.compiled() is not None


def test_what_is_called_may_raise_and_no_reference_is_lost() -> None:
    class Failing(ServerProtocol):
        __slots__ = ()

        def take_acks(self, *args: Any) -> None:
            if armed:
                raise LookupError("take_acks")

    armed: list[bool] = []
    peer, _, inbox = make_peer(Failing)
    armed.append(True)
    counts = [sys.getrefcount(item) for item in (peer, TOKEN, ADDRESS)]
    for n in range(1, 4):
        with pytest.raises(LookupError):
            feed(peer, inbox, event_packet(n))
    assert [sys.getrefcount(item) for item in (peer, TOKEN, ADDRESS)] == counts

    def otherwise(*args: Any) -> None:
        raise LookupError("otherwise")

    with pytest.raises(LookupError):
        receive([(b"", ADDRESS)], {}, inbox, 1.0, 1.0, otherwise)


def test_a_peer_that_is_forgotten_meanwhile_is_not_lost_under_our_hands() -> None:
    by_token: dict[bytes, ServerProtocol] = {}

    class Forgetful(ServerProtocol):
        __slots__ = ()

        def take_acks(self, *args: Any) -> None:
            if not by_token:  # while it is made
                return
            by_token.clear()
            self._window = None  # type: ignore[assignment]
            self._acks_at = -math.inf

    peer, _, inbox = make_peer(Forgetful)
    by_token[TOKEN] = peer
    del peer
    left: list[Any] = []
    receive(
        [(event_packet(1), ADDRESS), (event_packet(2), ADDRESS)],
        by_token,
        inbox,
        10.5,
        10.6,
        lambda *args: left.append(args),
    )
    assert len(inbox) == 1
    assert len(left) == 1


def test_thousands_of_packets_leave_no_memory_behind() -> None:
    peer, ring, inbox = make_peer()
    peer._bucket.limit = math.inf
    for n in range(1, 5_000):
        feed(peer, inbox, event_packet(n & 0xFFFF))
        inbox.clear()
        list(state_datagrams([peer], [], ring, 10.5, 10.7, 0))
    references = {name: sys.getrefcount(getattr(peer, name)) for name in ("address", "token", "_window", "_sent")}
    for n in range(5_000, 10_000):
        feed(peer, inbox, event_packet(n & 0xFFFF))
        inbox.clear()
        list(state_datagrams([peer], [], ring, 10.5, 10.7, 0))
    assert {name: sys.getrefcount(getattr(peer, name)) for name in references} == references


@pytest.mark.integration
@pytest.mark.parametrize("variable", ["", "1"])
def test_an_environment_variable_turns_what_is_compiled_off(variable: str) -> None:
    program = (
        "from pygase._protocol import fast_path; from pygase._io import udp; "
        "print(fast_path.fastest is not fast_path.IN_PYTHON, udp._batches is not None)"
    )
    environment = {**os.environ, "PYGASE_PUREPYTHON": variable}
    result = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True
    )
    assert result.stdout.split() == (["False", "False"] if variable else ["True", str(sys.platform == "linux")])


def test_what_was_built_of_other_sources_is_not_used(monkeypatch: pytest.MonkeyPatch, caplog: Any) -> None:
    monkeypatch.setattr(fast_path, "_REVISION", fast_path._REVISION + 1)
    assert fast_path.compiled() is None
    assert "install pygase again" in caplog.text


def test_a_python_without_its_lock_is_left_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "_is_gil_enabled", lambda: False, raising=False)
    assert not wants_compiled()
