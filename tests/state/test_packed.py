"""Packed deltas: they lead exactly to the states that plain ones lead to, and no bytes do harm."""

import math
import random
import tracemalloc
from typing import Any

import msgpack
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pygase._state.codec import pack
from pygase._state.delta import diff
from pygase._state.packed_layout import (
    MAX_PACKED_BYTES,
    Bits,
    Orders,
    add_golomb_codes,
    best_parameter,
    golomb,
)
from pygase._state.packed_reader import apply_packed
from pygase._state.packed_writer import NOT_PACKED, pack_delta
from pygase._state.precision import NO_PRECISION, Precision
from pygase._state.tree import MAX_INT, MIN_INT, Tree
from pygase.errors import MalformedPacket
from tests.support.document_packed import unpacked
from tests.support.packed_trees import Twins, check_chain, check_twins, damaged
from tests.support.trees import exact, trees

PAIRS = 2_000


def packed(old: Tree, new: Tree, precision: Precision = NO_PRECISION) -> bytes:
    return pack_delta(old, new, diff(old, new), precision.root, Orders())


def after(old: Tree, data: bytes, precision: Precision = NO_PRECISION) -> Tree:
    return apply_packed(data, old, precision.root, Orders()).tree


def test_it_leads_to_the_state_that_a_plain_delta_leads_to(rng: random.Random) -> None:
    for _ in range(PAIRS):
        seed = rng.getrandbits(48)
        try:
            check_twins(random.Random(seed))
        except Exception as error:
            raise AssertionError(f"check_twins(random.Random({seed}))") from error


def test_most_deltas_of_a_chain_are_packed(rng: random.Random) -> None:
    """The test of the chains in the test above."""
    assert sum(check_chain(rng) for _ in range(50)) > 150


def test_the_page_alone_decodes_it(rng: random.Random) -> None:
    """As ``docs/protocol.md`` describes it, read by a decoder that knows nothing else."""
    compared = 0
    for _ in range(PAIRS // 3):
        twins = Twins.random(rng)
        if twins.packed != NOT_PACKED:
            compared += 1
            assert exact(unpacked(twins.received, twins.packed, twins.declared.table())) == exact(twins.new)
    assert compared > PAIRS // 4


@given(trees, trees)
@example({"x": 1}, {"x": 1.0})
@example({"x": 1}, {"x": True})
@example({"x": 0.0}, {"x": -0.0})
@example({"x": math.nan}, {"x": math.nan})
@example({"x": -math.inf}, {"x": math.nan})
@example({"x": 0}, {"x": MAX_INT})
@example({"x": MIN_INT}, {"x": MAX_INT})
@example({"x": {"y": 1}}, {"x": {}})
@example({"x": {}}, {"x": []})
@example({"x": []}, {"x": {}})
@example({"x": None}, {})
@example({}, {"x": None})
@example({"x": {"y": {"a": 1}}}, {"x": {"y": 1}})
@example({"x": [1, 2]}, {"x": [1, True]})
@example({"x": [[1], 2]}, {"x": [[2], 2]})
@example({1: "int"}, {"1": "str"})
@example({n: n for n in range(40)}, {n: n + 1 for n in range(20, 60)})
def test_it_leads_exactly_from_any_state_to_any_other(old: Tree, new: Tree) -> None:
    assert exact(after(old, packed(old, new))) == exact(new)


@given(trees, st.binary(max_size=60))
def test_any_bytes_are_refused_or_lead_to_a_state(old: Tree, data: bytes) -> None:
    Twins(old, old, NO_PRECISION, random.Random(1)).check_damaged(data)


def test_damage_is_mostly_noticed_or_harmless(rng: random.Random) -> None:
    """The test of the test above: damaged deltas reach every depth, some are refused, and some are not."""
    refused = 0
    for _ in range(300):
        twins = Twins.random(rng)
        refused += twins.check_damaged(damaged(rng, twins.packed))
    assert 30 < refused < 290


def test_values_that_do_not_change_are_not_in_it() -> None:
    world: Tree = {"ents": {n: {"x": 1.5, "name": f"e{n}", "at": [1, 2]} for n in range(64)}}
    ents = {**world["ents"], 7: {**world["ents"][7], "x": 2.5}}
    assert len(packed(world, {"ents": ents})) <= 14
    precise = Precision.parse({"ents.*.x": 0.01})
    assert len(packed(world, {"ents": ents}, precise)) <= 6


@pytest.mark.parametrize(("old", "new"), [(0.3, 0.31), (-0.01, 0.01), (0.0, 1e9), (1e300, 5.0), (math.nan, 0.5)])
def test_a_declared_float_keeps_its_value(old: float, new: float) -> None:
    precise = Precision.parse({"x": 0.01})
    data = packed({"x": old}, {"x": new}, precise)
    assert exact(after({"x": old}, data, precise)) == exact({"x": new})


@pytest.mark.parametrize("value", [0.001, -0.0, math.nan, math.inf, 1e300, 2.0**44])
def test_a_float_that_is_no_whole_number_of_steps_makes_it_plain(value: float) -> None:
    assert packed({"x": 0.5, "n": 1}, {"x": value, "n": 2}, Precision.parse({"x": 0.01})) == NOT_PACKED


def test_what_would_be_too_large_is_plain() -> None:
    assert packed({"x": b""}, {"x": bytes(MAX_PACKED_BYTES)}) == NOT_PACKED
    with pytest.raises(MalformedPacket, match="65537 bytes"):
        after({}, bytes(MAX_PACKED_BYTES + 1))


@pytest.mark.parametrize(
    ("old", "bits", "listed"),
    [
        ({"x": MAX_INT}, "100000011", None),
        ({"x": MIN_INT}, "100000010", None),
        ({"x": 1}, "100000" + "0" * 67 + "1" + "1" * 67, None),
        ({"x": "a"}, "1", b"\x92\x01\x02"),
        ({"x": "a"}, "1", b"\x91\xc7\x00\x01"),
        ({"x": "a"}, "1", b"\x81\x01\x02"),
        ({"x": "a"}, "1", b""),
        ({}, "01010", b"\x92\xcb\x00\x00\x00\x00\x00\x00\x00\x00\x01"),
        ({}, "010000000001000000000", b"\x90"),
        ({"x": [[1]]}, "11", None),
        ({"x": True}, "11", None),
        ({"x": True}, "", None),
        ({"x": True}, "1", b"\x90"),
        (dict.fromkeys(range(20), True), "00000100000000011111", None),
        ({2.5: 1}, "1", None),
    ],
    ids=[
        "an int too large",
        "an int too small",
        "a number of too many bits",
        "a value too many",
        "a marker",
        "no list",
        "no values",
        "a key that is a float",
        "more values than bytes",
        "items with parts",
        "bits behind it",
        "no bits",
        "a list that nobody asks for",
        "a place beyond the last",
        "a baseline with an odd key",
    ],
)
def test_what_breaks_a_rule_is_refused(old: Any, bits: str, listed: bytes | None) -> None:
    size = -(-len(bits) // 8)
    data = int(bits.ljust(8 * size, "0") or "0", 2).to_bytes(size, "big") + (listed or b"")
    with pytest.raises(MalformedPacket):
        after(old, data)


def test_few_bits_do_not_ask_for_much_memory() -> None:
    """Claims of values that are not there are refused before anything is allocated for them."""
    old: Tree = {n: dict.fromkeys(range(8), 0) for n in range(16)}
    claims = "0" + "1" * 16 + "0" + ("0" + "0" * 8 + "1" + "0" * 8 + "0" * 15 + "1" * 16) * 16
    data = int(claims.ljust(8 * 200, "1"), 2).to_bytes(200, "big")
    tracemalloc.start()
    try:
        with pytest.raises(MalformedPacket):
            after(old, data)
        assert tracemalloc.get_traced_memory()[1] < 100_000
    finally:
        tracemalloc.stop()


def as_bytes(digits: str) -> bytes:
    size = (len(digits) + 7) // 8
    return int(digits.ljust(8 * size, "0") or "0", 2).to_bytes(size, "big")


@given(st.lists(st.integers(0, 2**66), min_size=1, max_size=40), st.integers(0, 63), st.integers(1, 60))
def test_codes_of_many_numbers_are_the_codes_of_each(numbers: list[int], k: int, repeated: int) -> None:
    bits, numbers = Bits(), numbers * repeated
    bits.add_text("101")
    add_golomb_codes(bits, numbers, k)
    assert bits.to_bytes() == as_bytes("101" + "".join(golomb(number, k) for number in numbers))


def test_no_bits_are_no_bytes() -> None:
    assert Bits().to_bytes() == b""


@given(st.lists(st.integers(0, 5000), min_size=1, max_size=60))
def test_the_parameter_is_nearly_the_best(numbers: list[int]) -> None:
    """The code is at most an eighth longer, or a few bits, than with the best parameter."""
    sizes = [sum(len(golomb(number, k)) for number in numbers) for k in range(32)]
    assert sizes[best_parameter(numbers, 31)] <= min(sizes) * 1.125 + 4


def test_large_dicts_keep_their_order_from_state_to_state(rng: random.Random) -> None:
    """Both sides remember the order of a large dict. A memory that is full does no harm."""
    writers, readers = Orders(), Orders()
    tree: Tree = {f"e{n}": n for n in range(5_000)}
    received = tree
    for step in range(120):
        key = f"e{rng.randrange(5_000)}"
        new = {**tree, key: tree.get(key, 0) + 1} if step % 10 else {k: v for k, v in tree.items() if k != key}
        data = pack_delta(tree, new, diff(tree, new), None, writers)
        received = apply_packed(data, received, None, readers).tree
        tree = new
        assert received == tree
    assert len(pack(received)) > 5_000


def test_a_delta_that_is_cut_off_among_the_keys_that_are_gone_is_malformed() -> None:
    """The last place is read from too few bits then, and may name a key that was removed already."""
    rng, old = random.Random(1), {"ents": {f"e{number}": {"x": number} for number in range(300)}}
    for _ in range(100):
        gone = set(rng.sample(sorted(old["ents"]), rng.randrange(1, 40)))
        new = {"ents": {key: value for key, value in old["ents"].items() if key not in gone}}
        data = pack_delta(old, new, diff(old, new), None, Orders())
        for cut in range(len(data)):
            with pytest.raises(MalformedPacket):
                apply_packed(data[:cut], old, None, Orders())


@pytest.mark.parametrize("seed", [5564024, 5585214])
def test_a_float_of_32_bits_in_the_list_counts_as_one_of_64(seed: int) -> None:
    """Nobody sends one, but a damaged delta may have it: five bytes become nine in the state."""
    check_twins(random.Random(seed))


def test_the_growth_of_a_state_counts_floats_of_32_bits_as_they_will_be_packed() -> None:
    old: Tree = {"x": None}
    data = bytes([0b10000000]) + msgpack.packb([1.5], use_single_float=True)
    applied = apply_packed(data, old, None, Orders())
    assert applied.tree == {"x": 1.5}
    assert len(pack(applied.tree)) <= len(pack(old)) + applied.growth_bytes
