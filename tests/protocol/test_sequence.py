"""Sequence numbers: restoring them from 16 bits, and recording the received ones."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pygase._protocol.sequence import RECEIVE_WINDOW, ReceiveWindow, unwrap

HALF = 1 << 15


@given(st.integers(0, 1 << 40), st.integers(-HALF + 1, HALF - 1))
def test_a_number_less_than_half_the_circle_off_is_restored(expected: int, offset: int) -> None:
    sequence = expected + offset
    if sequence >= 0:
        assert unwrap(sequence & 0xFFFF, expected) == sequence


@given(st.integers(0, 1 << 50), st.integers(-(1 << 31) + 1, (1 << 31) - 1))
def test_a_tick_is_restored_from_32_bits(expected: int, offset: int) -> None:
    tick = expected + offset
    if tick >= 0:
        assert unwrap(tick & 0xFFFFFFFF, expected, 32) == tick


@given(st.integers(0, 0xFFFF), st.integers(0, 1 << 20))
def test_a_restored_number_keeps_its_low_bits_and_is_never_negative(wire: int, expected: int) -> None:
    full = unwrap(wire, expected)
    assert full >= 0
    assert full & 0xFFFF == wire


@pytest.mark.parametrize(
    ("wire", "expected", "full"),
    [(0, 65535, 65536), (65535, 65536, 65535), (3, 131071, 131075), (65535, 0, 65535), (5, 0, 5)],
)
def test_numbers_around_the_wrap(wire: int, expected: int, full: int) -> None:
    assert unwrap(wire, expected) == full


def test_a_window_is_empty_at_first() -> None:
    window = ReceiveWindow()
    assert (window.latest, window.mask, window.ack_bits) == (-1, 0, 0)


def test_each_number_is_new_once() -> None:
    window = ReceiveWindow()
    assert [window.receive(n) for n in (5, 5, 7, 6, 6, 7, 4)] == [True, False, True, True, False, False, True]
    assert window.latest == 7


def test_ack_bits_name_the_32_numbers_before_the_latest() -> None:
    window = ReceiveWindow()
    for number in (0, 67, 68, 98, 99, 100):
        window.receive(number)
    assert window.ack_bits == 1 | 1 << 1 | 1 << 31  # 99, 98, 68; 67 is the 33rd, 0 far away


def test_what_is_older_than_the_window_is_refused_even_if_it_never_came() -> None:
    window = ReceiveWindow()
    window.receive(1000)
    assert window.receive(1000 - RECEIVE_WINDOW + 1)
    assert not window.receive(1000 - RECEIVE_WINDOW)


def test_a_jump_beyond_the_window_forgets_what_was_before() -> None:
    window = ReceiveWindow()
    for number in range(10):
        window.receive(number)
    window.receive(9 + RECEIVE_WINDOW)
    assert window.mask == 1
    assert not window.receive(9)


@given(st.lists(st.integers(0, 600), max_size=200))
def test_the_window_agrees_with_a_plain_set(numbers: list[int]) -> None:
    window = ReceiveWindow(64)
    seen: set[int] = set()
    for number in numbers:
        latest = max(seen, default=-1)
        new = number not in seen and number > latest - 64
        assert window.receive(number) is new
        if new:
            seen.add(number)
        expected = sum(1 << (window.latest - n) for n in seen if window.latest - n < 64)
        assert window.mask == expected
