"""The system's time of arrival of each datagram: how long it has lain in the socket."""

from __future__ import annotations

import contextlib
import socket
import sys
from struct import Struct, error
from typing import TYPE_CHECKING, Final

from .clocks import wall_clock
from .ports import Arrival

if TYPE_CHECKING:
    from collections.abc import Sequence

_SO_TIMESTAMPNS: Final = 35
"""Linux's option for stamps of seconds and nanoseconds since 1970. Python's socket module does not name it."""

_STAMP: Final = Struct("@ll")
_STAMP_SPACE: Final = 64
"""Bytes for the stamp and its head."""

RECEIVE_BYTES: Final = 2048
"""More than any datagram of PyGaSe. Longer ones are cut off, so they are malformed and dropped."""


def request_stamps(sock: socket.socket) -> None:
    """Ask the system to stamp the datagrams of a socket, where that is possible."""
    if sys.platform == "linux":
        with contextlib.suppress(OSError):
            sock.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)


def stamps(sock: object) -> bool:
    """Return whether the system stamps the datagrams of a socket."""
    if sys.platform != "linux" or type(sock) is not socket.socket:
        return False
    try:
        return sock.getsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS) != 0
    except OSError:
        return False


def receive_stamped(sock: socket.socket, limit: int, arrivals: list[Arrival], now: float, since: float) -> None:
    """Like ``udp.receive_each``, for sockets whose datagrams are stamped.

    The stamps are of the wall clock, which may be set. So only the age of a datagram counts, within the time since the
    socket was read before.
    """
    recvmsg, read_at = sock.recvmsg, wall_clock()
    try:
        for _ in range(limit):
            data, notes, _, address = recvmsg(RECEIVE_BYTES, _STAMP_SPACE)
            arrivals.append((data, address, min(max(now - _age(notes, read_at), since), now)))
    except (BlockingIOError, InterruptedError):
        return


def _age(notes: Sequence[tuple[int, int, bytes]], read_at: float) -> float:
    """Return for how long a datagram has lain in the socket, in seconds."""
    for level, kind, stamp in notes:
        if level == socket.SOL_SOCKET and kind == _SO_TIMESTAMPNS:
            try:
                seconds, nanoseconds = _STAMP.unpack(stamp)
            except error:  # a system with stamps of another size
                return 0.0
            return float(read_at - seconds - nanoseconds * 1e-9)
    return 0.0
