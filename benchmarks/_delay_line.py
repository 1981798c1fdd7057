"""A long line between two network interfaces of a namespace: each Ethernet frame crosses it after a fixed time.

::

    python -m benchmarks._delay_line LEFT RIGHT SECONDS

Linux has ``tc … netem`` for this, but not every kernel is built with it. Needs Linux and root.
"""

from __future__ import annotations

import fcntl
import select
import socket
import struct
import sys
import time
from collections import deque
from typing import Final

_ALL_PROTOCOLS: Final = 0x0003  # ETH_P_ALL, <linux/if_ether.h>
_FRAME_BYTES: Final = 65_536
_SIOCETHTOOL: Final = 0x8946  # <linux/sockios.h>
_ETHTOOL_STXCSUM: Final = 0x17  # <linux/ethtool.h>


def fill_in_checksums(interface: str) -> None:
    """Have the kernel compute the checksums of the frames that leave by a virtual interface.

    By default it leaves them out, since a virtual cable damages nothing; behind this line they would count as wrong.
    """
    import ctypes

    value = ctypes.create_string_buffer(struct.pack("II", _ETHTOOL_STXCSUM, 0))
    request = struct.pack("16sP", interface.encode(), ctypes.addressof(value)).ljust(40, b"\0")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        fcntl.ioctl(sock, _SIOCETHTOOL, request)


def _open(interface: str) -> socket.socket:
    sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(_ALL_PROTOCOLS))
    sock.bind((interface, 0))
    sock.setblocking(False)
    return sock


def run(left: str, right: str, delay: float) -> None:
    """Carry frames between two interfaces, both ways, each after ``delay`` seconds. Does not return."""
    ends = [_open(left), _open(right)]
    other = {ends[0]: ends[1], ends[1]: ends[0]}
    waiting: deque[tuple[float, socket.socket, bytes]] = deque()
    print("ready", flush=True)
    while True:
        pause = max(waiting[0][0] - time.monotonic(), 0.0) if waiting else None
        for end in select.select(ends, [], [], pause)[0]:
            frame, sender = end.recvfrom(_FRAME_BYTES)
            if sender[2] != socket.PACKET_OUTGOING:
                waiting.append((time.monotonic() + delay, other[end], frame))
        while waiting and waiting[0][0] <= time.monotonic():
            _, end, frame = waiting.popleft()
            end.send(frame)


if __name__ == "__main__":
    run(sys.argv[1], sys.argv[2], float(sys.argv[3]))
