"""The form of a checkpoint: what is written is read again, and nothing else is."""

import random
from typing import Any

import msgpack
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pygase._protocol.saved_peers import SavedPeer
from pygase._server import checkpoint
from pygase._server.bots import BotRecord
from pygase._server.checkpoint import MAGIC, Checkpoint, ClientRecord, Unreadable, decode, encode
from pygase._state.tree import Tree, as_lists
from pygase.errors import DisconnectReason
from tests.support.trees import exact, trees, values

IDS = st.integers(0, 2**32 - 1)
SECONDS = st.floats(0, 1e9, allow_nan=False)


ADDRESSES = st.sampled_from([("127.0.0.1", 50_000), ("::1", 50_000, 0, 2)])
BYTES = st.binary(max_size=30)


@st.composite
def peers(draw: st.DrawFn) -> SavedPeer:
    sent = draw(st.integers(0, 10_000))
    return SavedPeer(
        draw(IDS),
        draw(ADDRESSES),
        draw(trees),
        draw(st.booleans()),
        draw(st.booleans()),
        tuple(draw(st.lists(BYTES, max_size=2))),
        sent,
        draw(st.integers(0, 2**40)),
        tuple(draw(st.lists(BYTES, max_size=min(sent, 4)))),
    )


CLIENTS = st.builds(
    ClientRecord,
    peer=peers(),
    is_new=st.booleans(),
    is_lost=st.booleans(),
    left=st.none() | st.sampled_from(DisconnectReason),
    unhandled=st.lists(BYTES, max_size=3).map(tuple),
)
BOTS = st.builds(
    BotRecord,
    client_id=IDS,
    number=st.integers(0, 2**40),
    plan=st.lists(st.sampled_from([b"\x05", b"\xc0", b"\xa1x", b"\x91\x01"]), max_size=64).map(tuple),
)
CHECKPOINTS = st.builds(
    Checkpoint,
    game=st.text(max_size=10),
    tick=st.integers(0, 2**40),
    time=SECONDS,
    game_time=SECONDS,
    wall_time=SECONDS,
    interval=SECONDS,
    ids_below=IDS,
    reset_key=st.binary(max_size=32),
    identity=st.binary(max_size=48),
    bans=st.lists(IDS | st.sampled_from(["192.0.2.1", "::1", "198.51.100.0/24", "2001:db8::/32"])).map(tuple),
    state=trees,
    clients=st.lists(CLIENTS, max_size=3).map(tuple),
    bots=st.lists(BOTS, max_size=2).map(tuple),
)

EXAMPLE = Checkpoint(
    "pong",
    1_000,
    20.0,
    19.5,
    1.7e9,
    0.02,
    64,
    b"r" * 32,
    b"",
    (3, "192.0.2.1", "198.51.100.0/24"),
    {"score": {1: 3, "left": 2}, "ball": [0.5, 1.5]},
    (
        ClientRecord(
            SavedPeer(7, ("127.0.0.1", 5), {"name": "Ann"}, True, False, (b"s" * 16,), 3, 5, (b"event",)),
            left=DisconnectReason.CLOSED,
            unhandled=(b"jump",),
        ),
    ),
)
VALUES_ALLOWED = 10_000


@given(CHECKPOINTS)
def test_what_is_written_is_read_again(written: Checkpoint) -> None:
    read = decode(encode(written), VALUES_ALLOWED)
    assert exact(plain(read)) == exact(plain(written))


def plain(read: Checkpoint) -> list[object]:
    return [*read[:-2], read.bots, *[as_lists(list(client)) for client in read.clients]]


@pytest.mark.parametrize(
    "part",
    [{n: {"x": n} for n in range(3_000)}, [[n] for n in range(3_000)], list(range(3_000)), {"a": {"b": [0] * 3_000}}],
)
def test_a_large_state_is_packed_in_pieces_to_the_same_bytes(part: object) -> None:
    state: Tree = {"part": part}
    rests: list[None] = []
    data = encode(EXAMPLE._replace(state=state), lambda: rests.append(None))
    assert msgpack.packb(state) in data
    assert decode(data, 100_000).state == state
    assert len(rests) >= 3_000


# -- cut, flipped, foreign ---------------------------------------------------------------------------------------------


def test_a_file_that_is_cut_at_any_byte_is_refused() -> None:
    data = encode(EXAMPLE)
    for end in range(len(data)):
        with pytest.raises(Unreadable):
            decode(data[:end], VALUES_ALLOWED)


def test_a_file_with_any_flipped_bit_is_refused() -> None:
    data = encode(EXAMPLE)
    for at in range(len(data) * 8):
        damaged = bytearray(data)
        damaged[at // 8] ^= 1 << at % 8
        with pytest.raises(Unreadable):
            decode(bytes(damaged), VALUES_ALLOWED)


@given(st.binary(max_size=200))
def test_a_foreign_file_is_refused(data: bytes) -> None:
    for content in (data, MAGIC + data):
        with pytest.raises(Unreadable):
            decode(content, VALUES_ALLOWED)


def sealed(body: Any, version: int = checkpoint.FILE_VERSION) -> bytes:
    """Return a file with a right checksum around any body."""
    return sealed_bytes(msgpack.packb(body), version)


def sealed_bytes(packed: bytes, version: int = checkpoint.FILE_VERSION) -> bytes:
    content = MAGIC + version.to_bytes(2, "big") + len(packed).to_bytes(4, "big") + packed
    return content + checkpoint.blake2b(content, digest_size=32).digest()


@given(values)
def test_a_right_checksum_around_another_content_is_refused(body: Any) -> None:
    with pytest.raises(Unreadable, match="a content that PyGaSe does not write"):
        decode(sealed(body), VALUES_ALLOWED)


@pytest.mark.parametrize("at", range(12))
def test_a_field_that_is_nested_as_deep_as_can_be_read_is_refused(at: int) -> None:
    """The refusal shows no such value: Python cannot write it."""
    fields = [msgpack.packb(field) for field in plain_fields()]
    fields[at] = b"\x91" * 1_000 + b"\x90"
    with pytest.raises(Unreadable, match="a content that PyGaSe does not write"):
        decode(sealed_bytes(b"\x9c" + b"".join(fields)), VALUES_ALLOWED)


def plain_fields() -> list[Any]:
    packed = encode(EXAMPLE)
    return list(msgpack.unpackb(packed[14:-32], strict_map_key=False))


@given(st.integers(0, 11), values | st.just(float("nan")) | st.just(2**64 - 1))
def test_a_field_of_another_kind_is_refused_or_read_as_a_value(at: int, value: Any) -> None:
    fields = plain_fields()
    fields[at] = value
    try:
        read = decode(sealed(fields), VALUES_ALLOWED)
    except Unreadable:
        return
    assert type(read[at]) is type(EXAMPLE[at])


@given(st.integers(0, 12), values)
def test_a_clients_field_of_another_kind_is_refused_or_read_as_a_value(at: int, value: Any) -> None:
    fields = plain_fields()
    fields[11][0][at] = value
    try:
        read = decode(sealed(fields), VALUES_ALLOWED).clients[0]
    except Unreadable:
        return
    found, expected = [*read.peer, *read[1:]][at], [*EXAMPLE.clients[0].peer, *EXAMPLE.clients[0][1:]][at]
    assert isinstance(found, type(expected)) or (at == 11 and found is None)


@pytest.mark.parametrize("ban", [-1, 2**32, True, 1.5, None, b"192.0.2.1", "192.0.2.0/99", "nowhere/24", ["192.0.2.1"]])
def test_a_ban_that_no_server_writes_is_refused(ban: object) -> None:
    fields = plain_fields()
    fields[9] = [3, ban]
    with pytest.raises(Unreadable, match="a content that PyGaSe does not write"):
        decode(sealed(fields), VALUES_ALLOWED)


@pytest.mark.parametrize(
    "bot", [7, [1], [1, 2, 3], [-1, 0, []], [1, -1, []], [1, 0, [b"\xc1"]], [1, 0, [5]], [1, 0, [b"\x05"] * 65]]
)
def test_a_bot_that_no_server_writes_is_refused(bot: object) -> None:
    intact = [8, 3, [b"\x05"] * 64]
    assert decode(sealed([*plain_fields(), [intact]]), VALUES_ALLOWED).bots == (BotRecord(8, 3, (b"\x05",) * 64),)
    with pytest.raises(Unreadable, match="a content that PyGaSe does not write"):
        decode(sealed([*plain_fields(), [intact, bot]]), VALUES_ALLOWED)


def test_the_intact_fields_are_read() -> None:
    assert decode(sealed(plain_fields()), VALUES_ALLOWED) == EXAMPLE


def test_random_damage_of_every_kind_is_refused(rng: random.Random) -> None:
    data = encode(EXAMPLE)
    for _ in range(2_000):
        begin, end = sorted(rng.randrange(len(data) + 1) for _ in range(2))
        damaged = data[:begin] + rng.randbytes(rng.randrange(40)) + data[end:]
        if damaged != data:
            with pytest.raises(Unreadable):
                decode(damaged, VALUES_ALLOWED)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", r"is no checkpoint of PyGaSe: it begins with b''"),
        (b"<!DOCTYPE html>", r"is no checkpoint of PyGaSe: it begins with b'<!DOCTYPE ht'"),
        (encode(EXAMPLE)[:30], r"is cut off: it has 30 bytes"),
        (encode(EXAMPLE)[:-1], r"is cut off or mixed with another file"),
        (encode(EXAMPLE) + b"!", r"is cut off or mixed with another file"),
        (encode(EXAMPLE)[:-1] + b"!", r"is damaged: its bytes do not match their checksum"),
        (sealed([], 2), r"has the version 2 .* reads version 1: run it with the PyGaSe that has written it"),
        (sealed([], 0), r"has the version 0 .* reads version 1"),
    ],
)
def test_the_refusal_has_the_reason(data: bytes, words: str) -> None:
    with pytest.raises(Unreadable, match=words):
        decode(data, VALUES_ALLOWED)


def test_a_state_with_more_values_than_allowed_is_refused() -> None:
    data = encode(EXAMPLE._replace(state={"numbers": list(range(1_000))}))
    with pytest.raises(Unreadable, match="more than 500 values"):
        decode(data, 500)


def test_a_checkpoint_beyond_the_bound_is_not_written(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checkpoint, "MAX_CHECKPOINT_BYTES", 1_000)
    with pytest.raises(ValueError, match="has at most 1,000 bytes, this one has 5,"):
        encode(EXAMPLE._replace(state={"picture": bytes(5_000)}))
