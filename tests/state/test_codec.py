"""msgpack, as PyGaSe uses it."""

from typing import Any

import msgpack
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pygase._state.codec import pack, unpack
from pygase._state.tree import TO_DELETE, Tree
from pygase.errors import MalformedPacket
from tests.support.trees import exact, trees


@given(trees)
def test_what_is_packed_comes_back_exactly(tree: Tree) -> None:
    assert exact(unpack(pack(tree))) == exact(tree)


def test_the_marker_for_deletion_comes_back_as_itself_where_it_may_occur() -> None:
    assert unpack(pack({"x": {"y": TO_DELETE}}), markers=True)["x"]["y"] is TO_DELETE
    with pytest.raises(MalformedPacket, match="extension"):
        unpack(pack({"x": TO_DELETE}))


@pytest.mark.parametrize("value", ["TO_DELETE", b"", b"\x01", 1, None, [1, b""], {"": 1}])
def test_no_value_of_a_game_is_taken_for_the_marker(value: Any) -> None:
    assert exact(unpack(pack({"x": value}), markers=True)) == exact({"x": value})


@given(st.binary(max_size=300))
def test_whatever_the_bytes_nothing_but_malformed_packet_is_raised(data: bytes) -> None:
    for markers in (False, True):
        try:
            unpack(data, markers=markers)
        except MalformedPacket:
            pass


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xc1",
        b"\xdd\xff\xff\xff\xff",  # an array of four thousand million items
        b"\xdf\xff\xff\xff\xff",  # a map of this size
        b"\xc6\xff\xff\xff\xff",  # a binary of this size
        b"\x91" * 5000,  # nested without end
        pack(1) + b"\0",
        b"\xa1\xff",  # a str that is not UTF-8
        b"\x81\x90\x01",  # a list as a key
        msgpack.packb(msgpack.ExtType(5, b"x")),
        msgpack.packb(msgpack.ExtType(1, b"x")),
        msgpack.packb(msgpack.Timestamp(5)),
        msgpack.packb([{"a": msgpack.Timestamp(5, 7)}]),
        msgpack.packb({msgpack.Timestamp(2**40, 7): 1}),
    ],
)
def test_bytes_that_are_no_value_of_ours_are_malformed(data: bytes) -> None:
    with pytest.raises(MalformedPacket):
        unpack(data, markers=True)


def test_what_cannot_be_packed_is_a_type_error() -> None:
    with pytest.raises(TypeError, match="object"):
        pack({"x": object()})


@pytest.mark.parametrize("size", [4, 8, 12])
@pytest.mark.parametrize("head", [b"\xc7", b"\xc8\0", b"\xc9\0\0\0"])
def test_a_timestamp_is_refused_however_its_size_is_told(head: bytes, size: int) -> None:
    with pytest.raises(MalformedPacket):
        unpack(b"\x91" + head + bytes([size, 255]) + bytes(size))
