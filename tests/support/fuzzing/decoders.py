"""Every decoder of the library as a target: bytes in, a result or one of its own errors out."""

from __future__ import annotations

import hashlib
import logging
import os
import re
import zlib
from collections.abc import Callable
from pathlib import Path
from struct import Struct
from tempfile import gettempdir
from typing import Any, Final, NamedTuple

from pygase._client.seat_file import SeatFile
from pygase._lan.protocol import MAX_ANSWERS, MAX_GAMES, Answer, Listing, Query, Responder
from pygase._protocol.datagrams import (
    Accepted,
    Challenge,
    ChallengeResponse,
    ConnectRequest,
    Goodbye,
    NotHere,
    PathChallenge,
    PathResponse,
    Refused,
    ResponseBody,
    Welcome,
)
from pygase._protocol.event_receiver import EventReceiver, WindowOverrun
from pygase._protocol.fragments import TooLarge
from pygase._protocol.handshake import decode_address, decode_profile
from pygase._protocol.identity import identity_of_file
from pygase._protocol.inputs import InputState, decode_inputs
from pygase._protocol.snapshot_receiver import SnapshotReceiver
from pygase._protocol.wire import (
    COMPRESSED,
    DELTA,
    EVENT_ONCE,
    EVENT_ORDERED,
    FRAGMENT,
    FRAGMENT_HEADER,
    MESSAGE_HEADER,
    SNAPSHOT,
    SNAPSHOT_HEADER,
    decode_acks,
    decode_close,
)
from pygase._relay.codes import parse_code, shown_code
from pygase._relay.relay_datagrams import (
    JoinRoom,
    LeaveRoom,
    OpenRoom,
    RelayCookie,
    RelayRefused,
    RoomJoined,
    RoomOpened,
    RoomPeer,
)
from pygase._server.checkpoint import FILE_VERSION, MAGIC, Unreadable
from pygase._server.checkpoint import decode as decode_checkpoint
from pygase._state.codec import pack, unpack
from pygase._state.delta import apply
from pygase._state.event_codec import decode_event, decode_input, event_type_of
from pygase._state.packed_layout import Orders
from pygase._state.packed_reader import apply_packed
from pygase._state.precision import Precision
from pygase._state.tree import too_deep
from pygase.errors import InvalidInvite, MalformedPacket
from pygase.invites import parse_invite
from tests.support.relaying import RelayBed

OWN_ERRORS: Final = (MalformedPacket, TooLarge, WindowOverrun, Unreadable, InvalidInvite)
"""What a decoder may raise. Everything else is a fault."""

BASE: Final[dict[Any, Any]] = {"players": {1: {"x": 1.0, "y": 2.0}, 2: {"x": 0, "name": "Bo"}}, "score": [0, 0]}
BASE_TICK: Final = 900
NEAR: Final = Precision.parse({"players.*.x": 0.01})
SEAT_OF: Final = ("localhost", 8080)
FILE_HEADER: Final = Struct("!8sHI")
HASH_BYTES: Final = 32
MAX_STATE_BYTES: Final = 64 * 1024
MAX_STATE_VALUES: Final = 20_000
MAX_MESSAGE_BYTES: Final = 32 * 1024
LIFE: Final = 500
"""Inputs after which a target with a memory begins anew."""


class Target(NamedTuple):
    """A decoder, and the shape of its bytes (see shapes)."""

    name: str
    shape: str
    read: Callable[[bytes], object]


def signature(read: Callable[[bytes], object], data: bytes) -> str:
    """Read the bytes. Return what kind of end that had: the type of the result, or the error without its numbers.

    :raises Exception: any error that is not one of the decoder's own.
    """
    try:
        result = read(data)
    except OWN_ERRORS as error:
        return type(error).__name__ + re.sub(r"[\d,]+|'.*'|\".*\"|b'.*", "#", str(error), flags=re.DOTALL)[:60]
    return type(result).__name__ + (str(sorted(map(str, map(type, result)))) if type(result) is list else "")


def _stable(decode: Callable[[bytes], Any]) -> Callable[[bytes], Any]:
    """Return a reader that checks: what a datagram says does not change when it is written and read again."""

    def read(data: bytes) -> Any:
        once = decode(decode(data).encode())
        assert decode(once.encode()) == once, once
        return once

    return read


def _read_response(data: bytes) -> object:
    response = _stable(ChallengeResponse.decode)(data)
    if response.key:
        return response
    body = _stable(ResponseBody.decode)(response.body)
    return decode_profile(body.profile), body.room, body.options


def _read_accepted(data: bytes) -> object:
    welcome = _stable(Welcome.decode)(_stable(Accepted.decode)(data).body)
    return decode_address(welcome.address)


def _read_event(data: bytes) -> object:
    event_type, args, kwargs = decode_event(data)
    assert isinstance(args, list), args
    assert all(isinstance(key, str) for key in kwargs), kwargs
    try:
        assert event_type_of(data) == event_type
    except MalformedPacket:
        pass  # a container with a longer head than it needs
    return args


def _read_event_type(data: bytes) -> object:
    return event_type_of(data)


_FULL: Final = SNAPSHOT_HEADER.pack(0, BASE_TICK, 0, 0, 1_000, 200) + pack(BASE)


def _read_snapshot(data: bytes, kind: int = SNAPSHOT) -> object:
    """Receive it after the state BASE. A refused one leaves everything as it was."""
    receiver = SnapshotReceiver(MAX_STATE_BYTES, MAX_STATE_VALUES)
    before = receiver.receive(_FULL)
    assert before is not None
    was = repr(before.tree)
    state = receiver.receive(data, kind)
    assert repr(before.tree) == was, "a frozen state has changed"
    assert len(receiver.states) <= SnapshotReceiver.MAX_STATES
    if state is not None:
        assert len(pack(state.tree)) <= MAX_STATE_BYTES
    return state


def _read_delta(data: bytes) -> object:
    """The same for a DELTA."""
    return _read_snapshot(data, DELTA)


def _read_packed(data: bytes) -> object:
    """Apply a packed delta to the state BASE. The result is well-formed, and no larger than it says."""
    was = pack(BASE)
    applied = apply_packed(data, BASE, NEAR.root, Orders())
    assert pack(BASE) == was, "a frozen state has changed"
    assert not too_deep(applied.tree)
    assert len(pack(applied.tree)) <= len(was) + applied.growth_bytes
    return applied.tree


def _read_compressed(data: bytes) -> object:
    """The same, with the payload compressed after it was changed."""
    head, payload = data[: SNAPSHOT_HEADER.size], data[SNAPSHOT_HEADER.size :]
    return _read_snapshot(bytes([head[0] | COMPRESSED if head else COMPRESSED]) + head[1:] + zlib.compress(payload, 1))


def _read_state(data: bytes) -> object:
    value = unpack(data, markers=True, max_values=MAX_STATE_VALUES)
    return apply(BASE, value) if type(value) is dict else value


def checkpoint_file(body: bytes) -> bytes:
    """Return the file of a checkpoint with a right header and checksum."""
    content = FILE_HEADER.pack(MAGIC, FILE_VERSION, len(body)) + body
    return content + hashlib.blake2b(content, digest_size=HASH_BYTES).digest()


def _read_checkpoint(data: bytes) -> object:
    return decode_checkpoint(checkpoint_file(data), MAX_STATE_VALUES)


def _read_raw_checkpoint(data: bytes) -> object:
    return decode_checkpoint(data, MAX_STATE_VALUES)


def _read_invite(data: bytes) -> object:
    invite = parse_invite(data.decode(errors="replace"))
    assert parse_invite(str(invite)) == invite
    return invite


def _read_seat(data: bytes) -> object:
    """Read the file of a client's place, which another program may have written."""
    path = Path(gettempdir(), f"pygase-fuzzed-seat-{os.getpid()}")
    path.write_bytes(data)
    logging.disable(logging.WARNING)
    try:
        return SeatFile(path, SEAT_OF, "pong").load()
    finally:
        logging.disable(logging.NOTSET)
        path.unlink()


class Messages:
    """Receives framed messages of events and fragments, as both ends do, and stays within bounds."""

    def __init__(self) -> None:
        self._left = 0
        self._receiver = self._new()

    def _new(self) -> EventReceiver:
        self._left = LIFE
        return EventReceiver(lambda payload: None, MAX_MESSAGE_BYTES, 2.0)

    def read(self, data: bytes) -> object:
        self._left -= 1
        if not self._left:
            self._receiver = self._new()
        try:
            return self._receive(data)
        except WindowOverrun:
            self._receiver = self._new()  # this would have ended the connection
            raise

    def _receive(self, data: bytes) -> object:
        at = 0
        while at + MESSAGE_HEADER.size <= len(data):
            kind, size = MESSAGE_HEADER.unpack_from(data, at)
            body = data[at + MESSAGE_HEADER.size : at + MESSAGE_HEADER.size + size]
            if kind == FRAGMENT and len(body) >= FRAGMENT_HEADER.size:
                parts = FRAGMENT_HEADER.unpack_from(body)
                self._receiver.receive_fragment(*parts, body[FRAGMENT_HEADER.size :], 0.0)
            elif kind in (EVENT_ONCE, EVENT_ORDERED):
                self._receiver.receive(kind, body)
            at += MESSAGE_HEADER.size + size
        assert self._receiver.held_bytes <= 4 * 1024 * 1024, self._receiver.held_bytes
        return kind if at else None


class Lan:
    """Both sides of the search for games. They remember a bounded number of strangers."""

    def __init__(self) -> None:
        self._now = 0.0
        self._responder = Responder("pong")
        self._listing = Listing("", bytes)
        self._listing.query_to_send(now=0.0)

    def read_query(self, data: bytes) -> object:
        self._now += 0.001
        answer = self._responder.answer(data, f"192.0.2.{len(data) % 256}", now=self._now, answer=self._answer)
        assert answer is None or len(answer) <= len(data), "an answer is longer than its query"
        assert self._responder.remembered <= MAX_ANSWERS
        return answer

    @staticmethod
    def _answer(nonce: bytes) -> Answer:
        return Answer(nonce, b"12345678", 2, False, 8080, 1, 4, "pong", "Ann", b"\x80")

    def read_answer(self, data: bytes) -> object:
        self._now += 0.001
        self._listing.receive(data, f"192.0.2.{len(data) % 256}", now=self._now)
        assert len(self._listing.games) <= MAX_GAMES
        self._listing.handle_timeout(now=self._now)
        return len(self._listing.games)


class AttackedRelay:
    """A relay with a room and a player, and a stranger who sends it anything.

    The bed checks that nobody gets more than he has sent, see :meth:`RelayBed.account`.
    """

    def __init__(self) -> None:
        self._left = 0
        self._begin()

    def _begin(self) -> None:
        self._left = LIFE
        self._bed = RelayBed(seed=1)
        self._host = self._bed.host()
        self._player = self._bed.player()
        self._channel = self._player.join(self._host.open())

    def read(self, data: bytes) -> object:
        self._left -= 1
        if not self._left:
            self._begin()
        bed, counters = self._bed, self._bed.relay.counters
        bed.pass_time(0.01)
        bed.deliver(data, (f"192.0.2.{len(data) % 256}", 1 + self._left % 3))
        self._player.send_game(self._channel, b"x")
        assert self._host.games.pop() == (self._channel, b"x"), "the player cannot play on"
        assert not self._host.games
        assert bed.relay.rooms == 1
        return sorted(counters.dropped)


def _read_code(data: bytes) -> object:
    try:
        code = parse_code(data.decode(errors="replace"))
    except ValueError as error:
        return type(error)
    assert parse_code(shown_code(code)) == code
    return code


def targets() -> list[Target]:
    """Return all targets, those with a memory made anew."""
    lan = Lan()
    relay = AttackedRelay()
    return [
        Target("request", "1 2 8 1 s1", _stable(ConnectRequest.decode)),
        Target("challenge", "1 8 4 16 s1 s1", _stable(Challenge.decode)),
        Target("response", "1 2 8 4 16 s1 s1 1 16 s1 4 16 1 4 4 m2 s1 m2", _read_response),
        Target("accepted", "1 8 8 4 1 1 4 16 2 14 8 m1 s1 m2 s1", _read_accepted),
        Target("refused", "1 8 1 s1 16", _stable(Refused.decode)),
        Target("path challenge", "1 8 4 8", _stable(PathChallenge.decode)),
        Target("path response", "1 8 4 8", _stable(PathResponse.decode)),
        Target("not here", "1 8 14", _stable(NotHere.decode)),
        Target("goodbye", "1 4 16 s1", _stable(Goodbye.decode)),
        Target("messages", "messages", Messages().read),
        Target("snapshot", "1 4 2 2 4 2 m", _read_snapshot),
        Target("snapshot", "1 4 2 2 4 2 m", _read_compressed),
        Target("delta", "1 2 1 2 2 *", _read_delta),
        Target("packed", "*", _read_packed),
        Target("state", "m", _read_state),
        Target("inputs", "4 1 s1 s1 s1 s1", decode_inputs),
        Target("input state", "4 4 1", InputState.decode),
        Target("input", "m", decode_input),
        Target("event", "m", _read_event),
        Target("event", "m", _read_event_type),
        Target("acks", "2 32", decode_acks),
        Target("close", "1 s1", decode_close),
        Target("checkpoint", "m", _read_checkpoint),
        Target("checkpoint file", "8 2 4 *", _read_raw_checkpoint),
        Target("seat file", "*", _read_seat),
        Target("identity file", "*", identity_of_file),
        Target("invite", "*", _read_invite),
        Target("query", "4 8 s1", lan.read_query),
        Target("query", "4 8 s1", _stable(Query.decode)),
        Target("answer", "4 8 8 2 1 2 2 2 s1 s1 m1", lan.read_answer),
        Target("answer", "4 8 8 2 1 2 2 2 s1 s1 m1", _stable(Answer.decode)),
        Target("open room", "1 1 8 4 16 16 16 s1", _stable(OpenRoom.decode)),
        Target("join room", "1 1 8 4 16 6 s1", _stable(JoinRoom.decode)),
        Target("relay cookie", "1 8 4 16", _stable(RelayCookie.decode)),
        Target("room opened", "1 8 6 2 s1", _stable(RoomOpened.decode)),
        Target("room joined", "1 8 4 16 s1 s1 s1", _stable(RoomJoined.decode)),
        Target("room peer", "1 4 16 s1 s1", _stable(RoomPeer.decode)),
        Target("leave room", "1 4 16", _stable(LeaveRoom.decode)),
        Target("relay refused", "1 8 1 2", _stable(RelayRefused.decode)),
        Target("open room", "1 1 8 4 16 16 16 s1", relay.read),
        Target("join room", "1 1 8 4 16 6 s1", relay.read),
        Target("relayed", "1 4 *", relay.read),
        Target("room code", "*", _read_code),
    ]
