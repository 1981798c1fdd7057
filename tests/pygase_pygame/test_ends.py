"""A program that ends without closing its session, as after Ctrl-C, leaves no side waiting."""

from __future__ import annotations

import subprocess
import sys
import time

import pytest

from pygase import Client, DisconnectReason

HOST = """
import pygase_pygame
from pygase import Backend, GameState
session = pygase_pygame.host(Backend(GameState(x=0), lambda game_state, dt: {}), 0, "127.0.0.1")
while session.status != "connected":
    session.poll()
print(session.backend.server.port, flush=True)
input()
raise KeyboardInterrupt
"""


@pytest.mark.integration
def test_guests_are_told_when_a_host_ends_by_an_exception() -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", HOST],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    with process:
        assert process.stdout is not None
        port = int(next(line for line in iter(process.stdout.readline, "") if line.strip().isdigit()))
        guest = Client()
        guest.connect_in_thread(port, "127.0.0.1")
        guest.wait_until(lambda game_state: game_state.x == 0, timeout=10.0)
        process.communicate("\n", timeout=10)
    for _ in range(200):
        if guest.disconnect_reason is not None:
            break
        time.sleep(0.01)
    assert guest.disconnect_reason is DisconnectReason.SERVER_SHUTDOWN
