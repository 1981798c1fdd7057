"""Splitting and joining of large messages."""

import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pygase._protocol.fragments import Reassembler, split
from pygase._protocol.wire import (
    EVENT,
    FRAGMENT,
    FRAGMENT_BYTES,
    FRAGMENT_HEADER,
    MAX_BODY_BYTES,
    MAX_MESSAGE_ROOM,
    MESSAGE_HEADER,
)
from pygase.errors import MalformedPacket

LIMIT = 64 * 1024


def parts_of(framed: list[bytes]) -> list[tuple[int, int, int, bytes]]:
    """(group, index, count, part) of each fragment."""
    parts = []
    for piece in framed:
        kind, length = MESSAGE_HEADER.unpack_from(piece)
        assert kind == FRAGMENT
        assert length == len(piece) - MESSAGE_HEADER.size
        whole, group, index, count = FRAGMENT_HEADER.unpack_from(piece, MESSAGE_HEADER.size)
        assert whole == EVENT
        parts.append((group, index, count, piece[MESSAGE_HEADER.size + FRAGMENT_HEADER.size :]))
    return parts


def fragments(group: int, body: bytes) -> list[tuple[int, int, int, bytes]]:
    return parts_of(split(EVENT, group, body))


@pytest.mark.parametrize("size", [0, 1, MAX_BODY_BYTES])
def test_what_fits_travels_whole(size: int) -> None:
    (piece,) = split(EVENT, 7, bytes(size))
    assert MESSAGE_HEADER.unpack_from(piece) == (EVENT, size)


@pytest.mark.parametrize("size", [MAX_BODY_BYTES + 1, 2 * FRAGMENT_BYTES, 2 * FRAGMENT_BYTES + 1, LIMIT])
def test_every_fragment_fits_a_datagram_and_all_but_the_last_are_full(size: int) -> None:
    framed = split(EVENT, 7, bytes(size))
    assert all(len(piece) <= MAX_MESSAGE_ROOM for piece in framed)
    assert {len(part) for _, _, _, part in parts_of(framed)[:-1]} == {FRAGMENT_BYTES}


@given(st.integers(MAX_BODY_BYTES + 1, LIMIT), st.integers(0, 1 << 32))
def test_fragments_in_any_order_with_duplicates_make_the_message(size: int, seed: int) -> None:
    rng = random.Random(seed)  # a generator of hypothesis would draw more than it allows
    body = rng.randbytes(size)
    parts = fragments(65535, body) * 2
    rng.shuffle(parts)
    reassembler = Reassembler(LIMIT)
    whole = [result for part in parts if (result := reassembler.receive(*part)) is not None]
    assert whole == [body]
    assert reassembler.held_bytes == 0


def test_a_finished_message_is_not_begun_again_by_a_straggler() -> None:
    reassembler = Reassembler(LIMIT)
    parts = fragments(3, bytes(3000))
    for part in parts:
        reassembler.receive(*part)
    assert reassembler.receive(*parts[0]) is None
    assert reassembler.held_bytes == 0


def test_a_newer_message_pushes_out_the_oldest_and_is_not_pushed_out_by_its_rest() -> None:
    reassembler = Reassembler(LIMIT, max_groups=2)
    old, middle, new = (fragments(group, bytes([group]) * 3000) for group in (1, 2, 3))
    for message in (old, middle, new):
        reassembler.receive(*message[0])
    for part in old[1:]:
        assert reassembler.receive(*part) is None
    results = [reassembler.receive(*part) for part in middle[1:] + new[1:]]
    assert [result for result in results if result] == [b"\2" * 3000, b"\3" * 3000]


def test_groups_are_older_and_newer_across_the_wrap() -> None:
    reassembler = Reassembler(LIMIT)
    before, after = fragments(65535, bytes(3000)), fragments(0, b"x" * 3000)
    reassembler.receive(*before[0])
    assert [reassembler.receive(*part) for part in after][-1] == b"x" * 3000
    assert reassembler.receive(*before[1]) is None


@pytest.mark.parametrize(
    "fragment",
    [
        (0, 0, 0, b""),
        (0, 0, 1, b"alone"),
        (0, 2, 2, b"x"),
        (0, 5, 2, b"x"),
        (0, 0, 65535, bytes(FRAGMENT_BYTES)),
        (0, 0, 2, bytes(FRAGMENT_BYTES - 1)),
        (0, 0, 2, bytes(FRAGMENT_BYTES + 1)),
        (0, 1, 2, b""),
        (0, 1, 2, bytes(FRAGMENT_BYTES + 1)),
    ],
)
def test_fragments_that_contradict_themselves_are_refused_and_nothing_is_kept(fragment: Any) -> None:
    reassembler = Reassembler(LIMIT)
    with pytest.raises(MalformedPacket):
        reassembler.receive(*fragment)
    assert reassembler.held_bytes == 0


def test_a_fragment_that_changes_its_groups_count_is_refused() -> None:
    reassembler = Reassembler(LIMIT)
    reassembler.receive(0, 0, 3, bytes(FRAGMENT_BYTES))
    with pytest.raises(MalformedPacket):
        reassembler.receive(0, 1, 4, bytes(FRAGMENT_BYTES))


def test_a_message_just_within_the_bound_passes_and_one_far_beyond_does_not() -> None:
    reassembler = Reassembler(LIMIT)
    assert [reassembler.receive(*part) for part in fragments(0, bytes(LIMIT))][-1] == bytes(LIMIT)
    with pytest.raises(MalformedPacket):
        reassembler.receive(*fragments(1, bytes(LIMIT + 2 * FRAGMENT_BYTES))[0])


def test_what_can_be_held_is_bounded_whatever_is_announced(rng: random.Random) -> None:
    reassembler = Reassembler(LIMIT, max_groups=4)
    most = LIMIT // FRAGMENT_BYTES
    highest = 0
    for _ in range(20_000):
        try:
            reassembler.receive(rng.randrange(8), rng.randrange(most - 1), most, bytes(FRAGMENT_BYTES))
        except MalformedPacket:
            pass
        highest = max(highest, reassembler.held_bytes)
    assert 0 < highest <= 4 * LIMIT


# -- messages that are never finished --------------------------------------------------------------------------------


@pytest.mark.parametrize("lifetime", [0.5, 2.0])
def test_an_unfinished_message_expires_after_its_lifetime_without_progress_and_its_rest_is_ignored(
    lifetime: float,
) -> None:
    reassembler = Reassembler(LIMIT, max_groups=4, lifetime=lifetime)
    parts = fragments(1, bytes(4 * FRAGMENT_BYTES))
    reassembler.receive(*parts[0], now=10.0)
    reassembler.receive(*parts[1], now=10.0 + 0.9 * lifetime)  # progress
    reassembler.receive(*parts[1], now=10.0 + 1.8 * lifetime)  # a duplicate is none
    reassembler.expire(10.0 + 1.89 * lifetime)
    assert reassembler.held_bytes == 2 * FRAGMENT_BYTES
    reassembler.expire(10.0 + 1.9 * lifetime)
    assert reassembler.held_bytes == 0
    assert [reassembler.receive(*part, now=10.0 + 2 * lifetime) for part in parts] == [None] * 4
    assert reassembler.held_bytes == 0


def test_a_message_that_expired_is_not_finished_by_its_last_fragment_though_nobody_has_looked_meanwhile() -> None:
    reassembler = Reassembler(LIMIT, lifetime=2.0)
    first, second = fragments(1, bytes(2 * FRAGMENT_BYTES))
    reassembler.receive(*first, now=10.0)
    assert reassembler.receive(*second, now=12.0) is None
    assert reassembler.held_bytes == 0


def test_a_message_that_arrives_slowly_does_not_expire_while_it_makes_progress() -> None:
    reassembler = Reassembler(LIMIT, lifetime=2.0)
    parts = fragments(1, bytes(20 * FRAGMENT_BYTES))
    results = [reassembler.receive(*part, now=10.0 + 1.9 * number) for number, part in enumerate(parts)]
    assert results[-1] == bytes(20 * FRAGMENT_BYTES)


def test_without_a_lifetime_nothing_expires() -> None:
    """A resent packet's fragments were acknowledged one by one: none arrives again."""
    reassembler = Reassembler(LIMIT)
    first, second = fragments(1, bytes(2 * FRAGMENT_BYTES))
    reassembler.receive(*first, now=10.0)
    reassembler.expire(1e9)
    assert reassembler.receive(*second, now=1e9) == bytes(2 * FRAGMENT_BYTES)


def test_what_is_held_is_counted_exactly(rng: random.Random) -> None:
    reassembler = Reassembler(LIMIT, max_groups=3, lifetime=1.0)
    now = 0.0
    for _ in range(5_000):
        now += rng.random() * 0.1
        group = rng.randrange(12)
        part = rng.choice(fragments(group, bytes(3 * FRAGMENT_BYTES + group)))
        reassembler.receive(*part, now=now)
        if rng.random() < 0.05:
            reassembler.expire(now)
        held = sum(len(part) for group in reassembler.groups.values() for part in group.parts.values())
        assert reassembler.held_bytes == held
