"""A display without a screen, and a client without a network."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pygame
import pytest

from pygase import ANY_EVENT, CONNECTED, DISCONNECTED, ConnectionStats, DisconnectReason, Snapshot


@pytest.fixture
def display() -> Iterator[pygame.Surface]:
    """A window of 640 × 360, with an empty event queue."""
    pygame.display.init()
    surface = pygame.display.set_mode((640, 360))
    pygame.event.clear()
    yield surface
    pygame.quit()


class FakeClient:
    """A Client as a session sees it. Tests set its events."""

    def __init__(self) -> None:
        self.status = "disconnected"
        self.disconnect_reason: DisconnectReason | None = None
        self.disconnect_detail = ""
        self.error: Exception | None = None
        self.snapshots: tuple[Snapshot, ...] = ()
        self.dispatched: list[tuple[Any, ...]] = []
        self.closed = 0
        self.stats = ConnectionStats()
        self._handler: Callable[..., None] = lambda *args, **kwargs: None

    def register_event_handler(self, event_type: str, handler: Callable[..., None]) -> None:
        assert event_type == ANY_EVENT
        self._handler = handler

    def dispatch_event(self, event_type: str, *args: Any, retries: int = 0, **kwargs: Any) -> None:
        self.dispatched.append((event_type, args, retries))

    def disconnect(self, shutdown_server: bool = False) -> None:
        self.closed += 1
        self.end(DisconnectReason.CLOSED)

    def say(self, event_type: str, /, *args: Any, **kwargs: Any) -> None:
        self._handler(event_type, *args, **kwargs)

    def begin(self) -> None:
        self.status, self.disconnect_reason, self.error, self.snapshots = "connecting", None, None, ()

    def come_up(self) -> None:
        self.status = "connected"
        self.say(CONNECTED)

    def end(self, reason: DisconnectReason, detail: str = "", *, told: bool = True) -> None:
        self.status, self.disconnect_reason, self.disconnect_detail = "disconnected", reason, detail
        if told:
            self.say(DISCONNECTED, reason, detail)

    def receive(self, tick: int, received_at: float, interval: float = 0.0625, **state: Any) -> None:
        time = tick * interval
        self.snapshots = (
            *self.snapshots, Snapshot(tick, time, received_at, state, time - interval, tick - 1)
        )[-64:]  # fmt: skip


@pytest.fixture
def client() -> FakeClient:
    return FakeClient()
