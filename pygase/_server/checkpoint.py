"""The content of a checkpoint, and its form in a file. Pure.

A file is ``magic (8), version (2), length of the body (4), body, BLAKE2b of all that (32)``, numbers big-endian. The
body is msgpack: a list of the fields of :class:`Checkpoint` in their order. The state in it is packed by itself.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sized
from hashlib import blake2b
from struct import Struct
from typing import Any, Final, NamedTuple, TypeVar

import msgpack

from .._protocol.bans import network_text
from .._protocol.saved_peers import SavedPeer
from .._state.codec import unpack
from .._state.event_codec import decode_input
from .._state.tree import Tree, too_deep
from ..errors import DisconnectReason, MalformedPacket
from .bots import MOST_AHEAD, BotRecord

MAGIC: Final = b"PyGaSe\x1a\n"
"""The control characters show a transfer that took the file for a text."""

FILE_VERSION: Final = 1
"""Of the form of the file."""

MAX_CHECKPOINT_BYTES: Final = 256 * 1024 * 1024
"""Largest checkpoint, and most bytes that are read of a file."""

_FILE_HEADER: Final = Struct("!8sHI")
_HASH_BYTES: Final = 32
_MAX_CLIENT_ID: Final = 2**32 - 1
_MAX_SECRETS: Final = 2
_CLIENT_FIELDS: Final = 13
_BOT_FIELDS: Final = 3
_PLAIN_FIELDS: Final = 10
"""Fields in front of the state and the clients."""
_IN_ONE_CALL: Final = 64
"""Most plain values that are packed in one call. msgpack holds Python's global lock during a call, and the
game waits for it meanwhile."""
_CONTAINERS: Final = frozenset({dict, list})


class Unreadable(Exception):
    """A file has no checkpoint that this PyGaSe can read. The message is a sentence about it without its subject."""


class ClientRecord(NamedTuple):
    """A client of a checkpoint.

    :ivar is_new: whether the game has not handled its CLIENT_CONNECTED yet.
    :ivar is_lost: whether it is lost, as far as the game knows.
    :ivar left: the reason of a CLIENT_LEFT that the game has not handled yet; None while the client stays.
    :ivar unhandled: its events that it knows to have arrived, and that the game has not handled yet; each serialised.
    """

    peer: SavedPeer
    is_new: bool = False
    is_lost: bool = False
    left: DisconnectReason | None = None
    unhandled: tuple[bytes, ...] = ()


class Checkpoint(NamedTuple):
    """The part of a server that outlives its process.

    :ivar game: the name of the game.
    :ivar tick: the number of the state; ``time``: when it was settled, in seconds of the server's clock.
    :ivar game_time: seconds that the game had run.
    :ivar wall_time: when the checkpoint was made, in seconds since 1970.
    :ivar interval: seconds between two ticks.
    :ivar ids_below: the ids from here on have not been given to a client.
    :ivar reset_key: makes the reset tokens; ``identity``: the server's identity key and join secret, or ``b""``.
    :ivar bans: the banned clients' ids, IP addresses and networks.
    :ivar state: a frozen tree; ``clients``: the table of clients.
    :ivar bots: the bots and their plans. A checkpoint without any has no such field in its file.
    """

    game: str
    tick: int
    time: float
    game_time: float
    wall_time: float
    interval: float
    ids_below: int
    reset_key: bytes
    identity: bytes
    bans: tuple[int | str, ...]
    state: Tree
    clients: tuple[ClientRecord, ...]
    bots: tuple[BotRecord, ...] = ()


# -- writing -----------------------------------------------------------------------------------------------------------


def encode(checkpoint: Checkpoint, rest: Callable[[], None] = lambda: None) -> bytes:
    """Return the content of the file.

    :param rest: called between two short pieces of the work, to let other threads run.
    :raises ValueError: it is larger than MAX_CHECKPOINT_BYTES.
    """
    pieces = []
    for piece in _packed(checkpoint.state, msgpack.Packer()):
        pieces.append(piece)
        rest()
    state, clients = b"".join(pieces), [_fields_of(client) for client in checkpoint.clients]
    bots = [list(checkpoint.bots)] if checkpoint.bots else []
    body: bytes = msgpack.packb([*checkpoint[:_PLAIN_FIELDS], state, clients, *bots])
    if len(body) > MAX_CHECKPOINT_BYTES:
        raise ValueError(f"a checkpoint has at most {MAX_CHECKPOINT_BYTES:,} bytes, this one has {len(body):,}")
    content = _FILE_HEADER.pack(MAGIC, FILE_VERSION, len(body)) + body
    return content + _hash(content)


def _fields_of(client: ClientRecord) -> list[Any]:
    left = None if client.left is None else client.left.value
    return [*client.peer, client.is_new, client.is_lost, left, client.unhandled]


def _packed(value: Any, packer: msgpack.Packer) -> Iterator[bytes]:
    """Pack a frozen tree in many short calls."""
    if type(value) is dict and _is_long(value, value.values()):
        yield packer.pack_map_header(len(value))
        for key, item in value.items():
            yield packer.pack(key)
            yield from _packed(item, packer)
    elif type(value) is list and _is_long(value, value):
        yield packer.pack_array_header(len(value))
        for item in value:
            yield from _packed(item, packer)
    else:
        yield packer.pack(value)


def _is_long(value: Sized, items: Iterable[Any]) -> bool:
    """Return whether one call would pack more than a few plain values."""
    return len(value) > _IN_ONE_CALL or not _CONTAINERS.isdisjoint(map(type, items))


def _hash(content: bytes) -> bytes:
    return blake2b(content, digest_size=_HASH_BYTES).digest()


# -- reading -----------------------------------------------------------------------------------------------------------


def decode(data: bytes, max_state_values: int) -> Checkpoint:
    """Read the content of a file.

    :raises Unreadable: it is no checkpoint, it is damaged, or it has another version.
    """
    if data[: len(MAGIC)] != MAGIC[: len(data)] or not data:
        raise Unreadable(f"is no checkpoint of PyGaSe: it begins with {data[:12]!r}, a checkpoint with {MAGIC!r}")
    if len(data) < _FILE_HEADER.size + _HASH_BYTES:
        raise Unreadable(f"is cut off: it has {len(data)} bytes")
    _, version, size = _FILE_HEADER.unpack_from(data)
    if version != FILE_VERSION:
        raise Unreadable(
            f"has the version {version} of the form of checkpoints, and this PyGaSe reads version {FILE_VERSION}: run "
            "it with the PyGaSe that has written it"
        )
    expected = _FILE_HEADER.size + size + _HASH_BYTES
    if len(data) != expected:
        raise Unreadable(f"is cut off or mixed with another file: it has {len(data):,} bytes, not {expected:,}")
    if _hash(data[:-_HASH_BYTES]) != data[-_HASH_BYTES:]:
        raise Unreadable("is damaged: its bytes do not match their checksum")
    try:
        return _read_body(data[_FILE_HEADER.size : -_HASH_BYTES], max_state_values)
    except (MalformedPacket, TypeError, ValueError, OverflowError) as error:
        raise Unreadable(f"has a content that PyGaSe does not write: {error}") from None


def _read_body(body: bytes, max_state_values: int) -> Checkpoint:
    fields = _checked(unpack(body), list)
    bots = fields.pop() if len(fields) > _PLAIN_FIELDS + 2 else []
    *plain, state, clients = _list_of(fields, _PLAIN_FIELDS + 2)
    game, tick, time, game_time, wall_time, interval, ids_below, reset_key, identity, bans = plain
    return Checkpoint(
        _checked(game, str),
        _number(tick),
        _seconds(time),
        _seconds(game_time),
        _seconds(wall_time),
        _seconds(interval),
        _number(ids_below, _MAX_CLIENT_ID + 1),
        _checked(reset_key, bytes),
        _checked(identity, bytes),
        tuple(map(_ban, _checked(bans, list))),
        _tree(unpack(_checked(state, bytes), max_values=max_state_values)),
        tuple(_read_client(_list_of(client, _CLIENT_FIELDS)) for client in _checked(clients, list)),
        tuple(_read_bot(_list_of(bot, _BOT_FIELDS)) for bot in _checked(bots, list)),
    )


def _read_bot(fields: list[Any]) -> BotRecord:
    client_id, number, plan = fields
    record = BotRecord(_number(client_id, _MAX_CLIENT_ID), _number(number), _all_bytes(plan, MOST_AHEAD + 1))
    for payload in record.plan:
        decode_input(payload)
    return record


def _read_client(fields: list[Any]) -> ClientRecord:
    *peer, is_new, is_lost, left, unhandled = fields
    return ClientRecord(
        _read_peer(peer),
        _checked(is_new, bool),
        _checked(is_lost, bool),
        None if left is None else DisconnectReason(_checked(left, int)),
        _all_bytes(unhandled),
    )


def _read_peer(fields: list[Any]) -> SavedPeer:
    client_id, address, profile, is_host, is_sealed, secrets, sent, received, waiting = fields
    if len(_checked(waiting, list)) > _number(sent):
        raise ValueError(f"{len(waiting)} events of {sent}")
    return SavedPeer(
        _number(client_id, _MAX_CLIENT_ID),
        _address(address),
        _tree(profile),
        _checked(is_host, bool),
        _checked(is_sealed, bool),
        _all_bytes(secrets, _MAX_SECRETS),
        _number(sent),
        _number(received),
        _all_bytes(waiting),
    )


def _shown(value: Any) -> str:
    """Return a value as an error shows it. A list or dict may be nested too deep to be written."""
    return f"a {type(value).__name__}" if isinstance(value, (list, dict)) else f"{value!r:.40}"


T = TypeVar("T")


def _checked(value: Any, kind: type[T]) -> T:
    if type(value) is not kind:
        raise TypeError(f"{_shown(value)} where a {kind.__name__} was expected")
    return value


def _list_of(value: Any, length: int) -> list[Any]:
    if len(_checked(value, list)) != length:
        raise ValueError(f"{len(value)} fields where {length} were expected")
    return _checked(value, list)


def _number(value: Any, most: int = 2**63) -> int:
    if not 0 <= _checked(value, int) <= most:
        raise ValueError(f"the number {value} where one of 0 to {most} was expected")
    return int(value)


def _seconds(value: Any) -> float:
    if not math.isfinite(_checked(value, float)):
        raise ValueError(f"the time {value}")
    return float(value)


def _tree(value: Any) -> Tree:
    if too_deep(_checked(value, dict)):
        raise ValueError("values that are nested too deep")
    return _checked(value, dict)


def _ban(value: Any) -> int | str:
    if type(value) is int:
        return _number(value, _MAX_CLIENT_ID)
    text = _checked(value, str)
    return network_text(text) if "/" in text else text


def _all_bytes(value: Any, most: int = MAX_CHECKPOINT_BYTES) -> tuple[bytes, ...]:
    if len(_checked(value, list)) > most:
        raise ValueError(f"{len(value)} items where at most {most} were expected")
    return tuple(_checked(item, bytes) for item in value)


def _address(value: Any) -> tuple[Any, ...]:
    if len(_checked(value, list)) not in (2, 4) or not {int, str}.issuperset(map(type, value)):
        raise ValueError(f"the address {value!r:.80}")
    return tuple(value)
