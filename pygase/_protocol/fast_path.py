"""What nearly every client does in nearly every tick, in as few steps as can be: one event comes, one state goes.

Both functions reach into ServerProtocol and do what its methods do, for the usual case only, with no call for each step
(all of this happens for every client in every tick). Whatever is unusual is left, untouched, to the methods. A test
plays the same to an endpoint that knows only the long way, and compares.

``_fast_path.c`` is the same in C. Where it was built (see pyproject.toml; it takes a compiler), it is what is used:
a change here is one there, too (then ``pip install -e .`` builds it again), and the test holds both.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from struct import Struct
from struct import error as StructError  # it is an exception, whatever its name
from typing import Any, Final, NamedTuple

from ..utils import fits, wants_compiled
from .acks import FEW, TIMES_MASK, SentPackets
from .budget import TokenBucket
from .peer import ACK_AT_ONCE
from .sequence import ACK_BITS_MASK, FULL_MASK, ReceiveWindow
from .server_peer import ServerProtocol
from .snapshots import SnapshotRing, SnapshotSender
from .wire import (
    CLIENT_HEADER,
    DATA,
    EVENT,
    MAX_MESSAGE_ROOM,
    MESSAGE_HEADER,
    NO_ACK_DELAY,
    SERVER_HEADER,
    TIME_UNIT,
)

Address = tuple[Any, ...]

_HEADERS: Final = Struct(CLIENT_HEADER.format + MESSAGE_HEADER.format.lstrip("!"))
"""A client's header, and that of its first message."""

_FIRST_BODY: Final = _HEADERS.size

_ACK_SOON: Final = ACK_AT_ONCE - 1
"""Packets up to which an acknowledgement may wait."""

_REVISION: Final = 2
"""Of this file and those whose slots it uses, as _fast_path.c has it too: raise both when one no longer fits the
other, as with a slot renamed. (A checkout may be newer than what was built in it.)"""


def receive(  # see above
    datagrams: Iterable[tuple[bytes, Address]],
    by_token: Mapping[bytes, ServerProtocol],
    inbox: deque[Any],
    now: float,
    ack_due_at: float,
    otherwise: Callable[[bytes, Address, float], None],
) -> float:
    """Take in the next packet in order of a peer whose only message is an unreliable event; the rest goes, in its turn,
    to ``otherwise``.

    :param ack_due_at: ``now`` plus the time for which an acknowledgement may wait.
    :returns: the earliest time at which one of these peers wants to be called, if that may be news; else math.inf.
    """
    unpack, deliver, next_at = _HEADERS.unpack_from, inbox.append, math.inf
    for data, address in datagrams:
        try:
            kind, token, sequence, ack, ack_bits, delay, reported, message, length = unpack(data)
            peer = by_token[token]
        except (StructError, KeyError):
            otherwise(data, address, now)
            continue
        window = peer._window
        latest = window.latest
        if (
            (sequence - latest) & 0xFFFF != 1
            or message != EVENT
            or length != len(data) - _FIRST_BODY
            or kind != DATA
            or peer._busy
            or not reported
            or latest < 0
            or peer._unacknowledged >= _ACK_SOON
            or peer.address != address
        ):
            otherwise(data, address, now)
            continue
        peer.bytes_received += length + _FIRST_BODY
        if window.mask is FULL_MASK:
            window.latest = latest + 1
        else:
            window.advance()
        peer._latest_received_at = peer.last_received_at = now
        if now >= peer._acks_at:
            peer.take_acks(ack, ack_bits, delay, now)
            next_at = min(next_at, peer.next_at)
        peer._reported_tick = reported
        deliver((peer, data[_FIRST_BODY:]))
        peer._unacknowledged += 1
        if ack_due_at < peer._ack_due_at:
            peer._ack_due_at = ack_due_at
            if ack_due_at < peer.next_at:
                peer.next_at = ack_due_at
                next_at = min(next_at, ack_due_at)
    return next_at


def state_datagrams(
    peers: Iterable[ServerProtocol],
    others: list[ServerProtocol],
    ring: SnapshotRing,
    now: float,
    soon: float,
    wire_now: int,
) -> Iterator[tuple[bytes, Address]]:
    """Yield, for each peer, the one datagram that takes the current state to it, if that is all there is to do for it.

    To be called once after each new state. One by one, so that whoever sends them need not hold them all.

    :param others: to this are added the peers for which there is more, or nothing, to do.
    :param soon: when to ask these peers again at the latest; ``wire_now``: the time in the wire's units.
    """
    tick, by_report, pack = ring.tick, ring.by_report, SERVER_HEADER.pack
    report, framed, room = None, None, 0
    received_at, held = -math.inf, 0
    for peer in peers:
        if peer._reported_tick != report:
            report = peer._reported_tick
            framed = by_report[report] if report in by_report else ring.frame_for(report)
            room = MAX_MESSAGE_ROOM - len(framed) if framed is not None else 0
        note, bucket = peer.note, peer._bucket
        if framed is None or peer._busy or bucket.spent >= bucket.limit or (note and len(note) > room):
            others.append(peer)
            continue
        window, sent, snapshots = peer._window, peer._sent, peer.snapshots
        latest, mask = window.latest, window.mask
        if peer._latest_received_at != received_at:  # (the same for all whose packets were found together)
            received_at = peer._latest_received_at
            held = min(int((now - received_at) / TIME_UNIT + 0.5), NO_ACK_DELAY)
        sequence, under_way = sent.next_sequence, sent.outstanding << 1 | 1
        if under_way > FEW:
            sent.sent(None, now)
            peer._acks_at = -math.inf
        else:
            sent.next_sequence = sequence + 1
            sent.times[sequence & TIMES_MASK] = now
            sent.outstanding = under_way
        header = pack(
            DATA,
            peer.token,
            sequence & 0xFFFF,
            latest & 0xFFFF,
            ACK_BITS_MASK if mask is FULL_MASK else mask >> 1 & ACK_BITS_MASK,
            held if latest >= 0 else NO_ACK_DELAY,
            wire_now,
        )
        if note:
            header += note
            peer.note = b""
        datagram = header + framed
        bucket.spent += len(datagram)
        snapshots.sent_tick, snapshots.sent_at = tick, now
        peer._last_sent_at = now
        peer._ack_due_at = math.inf
        peer._unacknowledged = 0
        peer.next_at = soon
        yield datagram, peer.address


class FastPath(NamedTuple):
    """The two functions, from here or compiled."""

    receive: Callable[
        [Iterable[tuple[bytes, Address]], Mapping[bytes, Any], deque[Any], float, float, Callable[..., None]], float
    ]
    state_datagrams: Callable[
        [Iterable[Any], list[Any], SnapshotRing, float, float, int], Iterator[tuple[bytes, Address]]
    ]


IN_PYTHON: Final = FastPath(receive, state_datagrams)


def compiled() -> FastPath | None:
    """Return the same functions in C, or None where they were not built."""
    try:
        from . import _fast_path
    except ImportError:
        return None
    if not fits(_fast_path, _REVISION):
        return None
    _fast_path.configure(
        classes=(ServerProtocol, ReceiveWindow, SentPackets, TokenBucket, SnapshotSender),
        full_mask=FULL_MASK,
        data=DATA,
        event=EVENT,
        ack_soon=_ACK_SOON,
        few=FEW,
        times_mask=TIMES_MASK,
        no_ack_delay=NO_ACK_DELAY,
        max_message_room=MAX_MESSAGE_ROOM,
        time_unit=TIME_UNIT,
    )
    return FastPath(_fast_path.receive, _fast_path.state_datagrams)


fastest: FastPath = (wants_compiled() and compiled()) or IN_PYTHON
"""What is used."""
