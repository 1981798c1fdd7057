"""What only Linux can do with a socket: separate the datagrams that cannot wait, and say how full its buffer is."""

from __future__ import annotations

import contextlib
import socket
import struct
import sys
from typing import Final

from .._protocol.wire import DATA, ENCRYPTED, HEADER_BYTES, KIND_BITS, WAITING_KINDS

_SO_ATTACH_REUSEPORT_CBPF: Final = 51
_SO_MEMINFO: Final = 55
"""Options that Python's socket module does not name."""

_MEMINFO: Final = struct.Struct("=9I")

# classic BPF, see bpf(4) of any BSD and linux/filter.h
_LOAD_BYTE: Final = 0x30
_AND: Final = 0x54
_JUMP_IF_EQUAL: Final = 0x15
_RETURN: Final = 0x06
_INSTRUCTION: Final = struct.Struct("HBBI")
_PROGRAM: Final = struct.Struct("HL")


def _program() -> bytes:
    """Return the BPF program that answers 0 for a datagram that can wait, and 1 for any other.

    It does the same as ``wire.can_wait``. A load beyond the end of the datagram answers 0.
    """
    checks = [
        (_LOAD_BYTE, 0, 0, 0),
        (_JUMP_IF_EQUAL, 4 + len(WAITING_KINDS), 0, ENCRYPTED),  # to the last instruction
        (_JUMP_IF_EQUAL, 0, 2 + len(WAITING_KINDS), DATA),  # else to the last but one
        (_LOAD_BYTE, 0, 0, HEADER_BYTES),
        (_AND, 0, 0, KIND_BITS),
    ]
    left = len(WAITING_KINDS)
    for kind in WAITING_KINDS:
        checks.append((_JUMP_IF_EQUAL, left, 0, kind))
        left -= 1
    return b"".join(_INSTRUCTION.pack(*each) for each in [*checks, (_RETURN, 0, 0, 1), (_RETURN, 0, 0, 0)])


def urgent_socket(sock: socket.socket) -> socket.socket | None:
    """Return a second socket at the address of a bound one, which gets the datagrams that cannot wait from now on.

    Return None where the system does not do that; then the first socket goes on to get all datagrams.
    """
    if sys.platform != "linux":
        return None
    import ctypes  # only here: clients do not need it

    second = socket.socket(sock.family, socket.SOCK_DGRAM)
    try:
        _join(second, sock)
        code = ctypes.create_string_buffer(_program())
        program = _PROGRAM.pack(len(code) // _INSTRUCTION.size, ctypes.addressof(code))
        sock.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_REUSEPORT_CBPF, program)
    except OSError:
        second.close()
        return None
    return second


def _join(second: socket.socket, sock: socket.socket) -> None:
    """Bind a socket beside one that is bound already: so no other program's socket was there before."""
    second.setblocking(False)
    for option in (socket.SO_RCVBUF, socket.SO_SNDBUF):
        second.setsockopt(socket.SOL_SOCKET, option, sock.getsockopt(socket.SOL_SOCKET, option))
    if sock.family == socket.AF_INET6:
        only = sock.getsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY)
        second.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, only)
    for each in (sock, second):
        each.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    second.bind(sock.getsockname())


def fullness(sock: socket.socket) -> float:
    """Return which share of a socket's buffer is taken by the datagrams that wait to be read; 0.0 if unknown."""
    if sys.platform == "linux":
        with contextlib.suppress(OSError, struct.error):
            taken, room, *_ = _MEMINFO.unpack(sock.getsockopt(socket.SOL_SOCKET, _SO_MEMINFO, _MEMINFO.size))
            return float(taken / room)
    return 0.0
