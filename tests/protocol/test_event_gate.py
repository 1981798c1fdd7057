"""The gate at the client: an event waits a moment for the state that precedes it."""

import math
import random
import struct

import pytest

from pygase._protocol.event_gate import FIRST_STATE_PATIENCE, MAX_WAITING_BYTES, EventGate


def body(after: int, payload: bytes = b"event") -> bytes:
    return struct.pack("!H", after & 0xFFFF) + payload


def gate_with(*events: bytes, patience: float = 0.5) -> EventGate:
    gate = EventGate(patience)
    assert all(gate.add(event) for event in events)
    return gate


def payloads(released: list[tuple[bytes, int]]) -> list[bytes]:
    return [payload for payload, _ in released]


@pytest.mark.parametrize("newest", [1, 7, 0x7FFF, 0x8000, 0xFFFE, 0xFFFF, 0x10000, 0x10001, 123_456_789])
def test_an_event_is_released_with_its_state_or_a_later_one_however_numbers_wrap(newest: int) -> None:
    for ahead in (-0x7000, -300, -1, 0):
        assert payloads(gate_with(body(newest + ahead)).release(newest, 1.0)) == [b"event"], ahead
    for ahead in (1, 2, 300, 0x7FFF):
        gate = gate_with(body(newest + ahead))
        assert payloads(gate.release(newest, 1.0)) == [], ahead
        assert gate.next_at == 1.5
        assert payloads(gate.release(newest + ahead, 1.1)) == [b"event"]
        assert gate.next_at == math.inf
        assert gate.is_empty


def test_an_event_waits_no_longer_than_the_patience_lasts() -> None:
    gate = gate_with(body(5), patience=0.25)
    assert payloads(gate.release(3, 10.0)) == []
    assert payloads(gate.release(4, 10.2)) == []
    assert gate.next_at == 10.25
    assert payloads(gate.release(4, 10.25)) == [b"event"]


def test_before_the_first_state_it_waits_longer() -> None:
    gate = gate_with(body(0), body(1), patience=0.25)
    assert payloads(gate.release(0, 10.0)) == []
    assert gate.next_at == 10.0 + FIRST_STATE_PATIENCE
    assert payloads(gate.release(0, 14.9)) == []
    assert payloads(gate.release(1, 14.9)) == [b"event"] * 2


def test_no_event_waits_while_a_large_state_is_under_way() -> None:
    gate = gate_with(body(9, b"a"))
    assert payloads(gate.release(0, 1.0)) == []
    gate.hurried = True
    assert payloads(gate.release(0, 1.1)) == [b"a"]
    assert gate.add(body(9, b"b"))
    assert payloads(gate.release(7, 1.2)) == [b"b"]
    gate.hurried = False
    assert gate.add(body(9, b"c"))
    assert payloads(gate.release(7, 1.3)) == []


def test_events_that_need_not_wait_pass_those_that_do_and_keep_their_order() -> None:
    gate = gate_with(body(9, b"a"), body(7, b"b"), body(8, b"c"), body(9, b"d"))
    assert payloads(gate.release(7, 1.0)) == [b"b"]
    assert gate.add(body(7, b"e"))
    assert payloads(gate.release(8, 1.1)) == [b"c", b"e"]
    assert payloads(gate.release(9, 1.2)) == [b"a", b"d"]


@pytest.mark.parametrize("newest", [300, 0x8000, 0xFFFF, 0x10000, 0x10001, 123_456_789])
def test_each_event_is_released_with_the_whole_number_of_its_tick(newest: int) -> None:
    gate = gate_with(body(newest - 299), body(newest), body(newest + 1))
    assert [tick for _, tick in gate.release(newest, 1.0)] == [newest - 299, newest]
    assert [tick for _, tick in gate.release_all()] == [newest + 1]


def test_without_a_state_no_tick_is_known() -> None:
    gate = gate_with(body(5))
    assert gate.release_all() == [(b"event", 0)]


def test_at_the_end_nothing_waits_and_nothing_is_lost() -> None:
    gate = gate_with(body(9, b"a"), body(8, b"b"))
    assert payloads(gate.release(7, 1.0)) == []
    assert gate.add(body(100, b"c"))
    assert payloads(gate.release_all()) == [b"a", b"b", b"c"]
    assert gate.is_empty


def test_an_event_that_is_cut_off_is_refused() -> None:
    assert not EventGate(0.5).add(b"")
    assert not EventGate(0.5).add(b"\x00")
    assert EventGate(0.5).add(b"\x00\x01")


def test_a_server_cannot_fill_the_memory_with_events_that_wait() -> None:
    """Beyond the bound the oldest wait no longer; each is still handled once, in order."""
    gate, released = EventGate(1e9), list[bytes]()
    for number in range(20_000):
        assert gate.add(body(1000, b"%05d" % number))
        released += payloads(gate.release(1, 0.0))
        assert gate.held_bytes <= MAX_WAITING_BYTES
    assert 0 < len(released) < 20_000
    released += payloads(gate.release(1000, 0.0))
    assert released == [b"%05d" % number for number in range(20_000)]


def test_whatever_arrives_in_whatever_order_each_event_is_released_once_and_never_too_early() -> None:
    rng = random.Random(5)
    for _ in range(200):
        gate, now, newest = EventGate(0.5), 0.0, 0
        added: dict[bytes, tuple[int, float]] = {}
        seen: list[bytes] = []
        for number in range(60):
            now += rng.random() * 0.1
            newest += rng.choice([0, 0, 1, 3])
            payload = b"%d" % number
            added[payload] = max(newest + rng.randint(-3, 6), 0), now
            gate.add(body(added[payload][0], payload))
            for payload, tick in gate.release(newest, now):
                after, since = added[payload]
                assert tick == (after if newest else 0)
                assert (newest and after <= newest) or now >= since + 0.5
                seen.append(payload)
        seen += payloads(gate.release_all())
        assert sorted(seen) == sorted(added)
