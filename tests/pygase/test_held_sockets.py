"""The unfinished messages that a server holds, on real sockets."""

from __future__ import annotations

import os
import socket
import time
from contextlib import suppress

import pytest

from pygase import Backend, GameState, ServerConfig
from pygase._protocol.client_peer import ClientProtocol
from pygase._protocol.wire import DATA, FRAGMENT

pytestmark = pytest.mark.integration

LIMIT = 400_000


class Attacker:
    """Sends large unreliable events, each without its first fragment."""

    def __init__(self, port: int) -> None:
        self.protocol = ClientProtocol(now=time.monotonic(), random_bytes=os.urandom)
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.connect(("127.0.0.1", port))
        self.socket.setblocking(False)

    def turn(self) -> None:
        for data in self.protocol.datagrams_to_send(now=time.monotonic()):
            is_first = data[0] == DATA and data[23:24] == bytes([FRAGMENT]) and data[29:31] == bytes(2)
            if not is_first:
                self.socket.send(data)
        with suppress(BlockingIOError):
            while True:
                self.protocol.receive_datagram(self.socket.recv(2048), now=time.monotonic())

    def attack(self) -> None:
        if self.protocol.connected:
            self.protocol.queue_event(bytes(200_000), 0, None, now=time.monotonic())


def run(attackers: list[Attacker], seconds: float) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        for attacker in attackers:
            attacker.turn()
        time.sleep(0.005)


def test_unfinished_messages_share_a_budget_and_are_gone_when_nothing_arrives_of_them_any_more() -> None:
    backend = Backend(
        GameState(n=0), lambda game_state, dt: {}, config=ServerConfig(max_held_bytes=LIMIT, encryption="off")
    )
    backend.run_in_thread("127.0.0.1", 0)
    assert backend.server.port is not None
    attackers = [Attacker(backend.server.port) for _ in range(5)]
    endpoint = backend.server.plumbing.run.endpoint
    assert endpoint is not None
    try:
        run(attackers, 0.5)
        highest = 0
        for _ in range(10):
            for attacker in attackers:
                attacker.attack()
            run(attackers, 0.1)
            highest = max(highest, endpoint.held.total)
        assert LIMIT / 4 < highest <= LIMIT + 1_200
        deadline = time.monotonic() + 15.0
        while endpoint.held.total and time.monotonic() < deadline:
            run(attackers, 0.1)
        assert endpoint.held.total == 0
        assert all(attacker.protocol.closed is None for attacker in attackers)
    finally:
        for attacker in attackers:
            attacker.socket.close()
        backend.shutdown()
