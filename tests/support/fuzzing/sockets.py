"""Sends changed samples through real sockets of this machine, many with one system call, and compares what arrives."""

from __future__ import annotations

import random
import socket
from collections import Counter
from typing import Any, Final

from pygase._io import udp
from pygase._io.udp import receive_batches, receive_each, send_batches
from tests.support.fuzzing.corpus import load
from tests.support.fuzzing.mutations import Mutator
from tests.support.fuzzing.shapes import sample

MOST_AT_ONCE: Final = 40
"""Two batches and a half. They fit any receive buffer."""

SIZES: Final = (0, 1, 1_199, 1_200, 2_047, 2_048, 2_049, 4_000)
_ODD_ADDRESSES: Final[list[Any]] = [
    (),
    ("127.0.0.1",),
    ("127.0.0.1", -1),
    ("127.0.0.1", 0x10000),
    ("127.0.0.1", 2**80),
    ("127.0.0.1", "80"),
    ("127.0.0.1\0", 80),
    ("localhost", 80),
    ("::1", 80),
    ("::1", 80, 2**20, 0),
    ("::1", 80, 0, 2**33),
    ("\udcff", 80),
    (b"127.0.0.1", 80),
    ["127.0.0.1", 80],
    None,
    "127.0.0.1",
]


class SocketFuzzer:
    """Two receivers get the same datagrams: one reads them many at a time, the other one by one.

    :param host: whose sockets: ``"127.0.0.1"`` or ``"::1"``.
    """

    def __init__(self, seed: int, host: str = "127.0.0.1") -> None:
        self.rng = random.Random(f"sockets {seed}")
        self.refused: Counter[str] = Counter()
        self._mutator = Mutator(self.rng)
        self._samples = [sample(data, "*") for samples in load().values() for data in samples]
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._sockets = [udp.open_socket(family) for _ in range(3)]
        for made in self._sockets:
            made.bind((host, 0))
        self._sender, self._in_batches, self._one_by_one = self._sockets

    def close(self) -> None:
        for made in self._sockets:
            made.close()

    def run(self, count: int) -> None:
        """Send that many datagrams."""
        while count > 0:
            batch = [self._datagram() for _ in range(min(count, self.rng.randint(1, MOST_AT_ONCE)))]
            count -= len(batch)
            self._compare(batch)
            if self.rng.random() < 0.1:
                self._send_oddly(batch)

    def _datagram(self) -> bytes:
        if self.rng.random() < 0.2:
            return self.rng.randbytes(self.rng.choice(SIZES))
        return self._mutator.mutated(self.rng.choice(self._samples), self._samples)

    def _compare(self, batch: list[bytes]) -> None:
        """Both receivers get the same, in order, from the same address."""
        for receiver in (self._in_batches, self._one_by_one):
            send_batches(self._sender, [(data, receiver.getsockname()) for data in batch], self._refuse)
        found: list[Any] = []
        expected: list[Any] = []
        for _ in range(1_000):
            receive_batches(self._in_batches, len(batch) - len(found), found, 9.0, 0.0)
            receive_each(self._one_by_one, len(batch) - len(expected), expected, 9.0, 0.0)
            if len(found) == len(expected) == len(batch):
                break
        assert all(0.0 <= at <= 9.0 for _, _, at in found)
        pairs = [(data, address) for data, address, _ in found]
        assert pairs == [(data, address) for data, address, _ in expected], "the two ways of reading a socket differ"
        cut = [data[: udp.RECEIVE_BYTES] for data in batch]
        assert [data for data, _ in pairs] == cut
        assert {address for _, address in pairs} == {self._sender.getsockname()}

    def _refuse(self, data: bytes, address: Any) -> None:
        raise AssertionError(f"{len(data)} bytes to {address!r} were not sent")

    def _send_oddly(self, batch: list[bytes]) -> None:
        """Send to addresses that are none. Each is passed on, and none is read as another one."""

        def note(data: bytes, address: Any) -> None:
            self.refused[repr(address)] += 1

        odd = [(data, self.rng.choice(_ODD_ADDRESSES)) for data in batch]
        family = self._sender.family
        own = {"::1"} if family == socket.AF_INET6 else {"127.0.0.1"}
        sent = [pair for pair in odd if _is_usable(pair[1], own, family)]
        before = sum(self.refused.values())
        send_batches(self._sender, odd, note)
        assert sum(self.refused.values()) - before >= len(odd) - len(sent)


def _is_usable(address: Any, hosts: set[str], family: int) -> bool:
    size = 4 if family == socket.AF_INET6 else 2
    return type(address) is tuple and len(address) == size and address[0] in hosts
