"""Plays programs that have a window in virtual time, on a simulated network."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pygame
import pytest

import pygase_pygame
from pygase import Backend, Client
from pygase.testing import Link, SimulatedNetwork
from pygase_pygame import sprite_world

FRAME_RATE = 60


class HeldKeys:
    """Takes the place of `pygame.key.get_pressed`, which sees no events under SDL's dummy driver."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.keys: set[int] = set()
        monkeypatch.setattr(pygame.key, "get_pressed", lambda: self)

    def __getitem__(self, key: int) -> bool:
        return key in self.keys


class Staged:
    """Takes the place of `pygase_pygame.host`, `pygase_pygame.join` and `pygame.time.Clock` for a program.

    A frame of the program lets a frame of virtual time pass. The window is invisible, and keys are events.
    """

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.network = SimulatedNetwork(seed=1, link=Link(latency=0.03, jitter=0.01))
        self.joined: list[str] = []
        self.held = HeldKeys(monkeypatch)
        self._names: dict[str, Any] = {}
        self._each_frame: Callable[[int], object] = lambda frame: None
        self._frame = 0
        for place in (pygase_pygame, sprite_world):
            monkeypatch.setattr(place, "host", self.host)
            monkeypatch.setattr(place, "join", self.join)
        monkeypatch.setattr(pygame.time, "Clock", lambda: self)
        self._monkeypatch = monkeypatch

    session: Any
    """The program's session, once it has one."""

    def play(self, code: str, *arguments: str, seconds: float, each_frame: Callable[[int], object]) -> dict[str, Any]:
        """Run a program with arguments until its window is closed after `seconds`; return its global names.

        `each_frame` is called with the number of each frame, after it was drawn.
        """
        self._monkeypatch.setattr("sys.argv", ["program.py", *arguments])
        self._each_frame, self._frame, self._last = each_frame, 0, round(seconds * FRAME_RATE)
        self._names = {"__name__": "__main__"}
        try:
            exec(compile(code, "program.py", "exec"), self._names)
        finally:
            pygame.quit()
        assert self._frame > self._last, "the window stays open until then"
        return self._names

    def watch(self, name: str, look: Callable[..., object]) -> None:
        """Call `look` after each call of the program's function `name`, with the same arguments."""
        function = self._names[name]

        def watched(*arguments: Any) -> Any:
            result = function(*arguments)
            look(*arguments)
            return result

        self._names[name] = watched

    def __getitem__(self, name: str) -> Any:
        """Return what the running program calls so."""
        return self._names[name]

    # -- the player

    def press(self, key: int) -> None:
        """Press a key, and hold it."""
        self.held.keys.add(key)
        pygame.event.post(pygame.event.Event(pygame.KEYDOWN, key=key, mod=0, unicode=""))

    def release(self, key: int) -> None:
        """Release a key."""
        self.held.keys.discard(key)
        pygame.event.post(pygame.event.Event(pygame.KEYUP, key=key, mod=0, unicode=""))

    def guest(self, **options: Any) -> Client:
        """Let one more client connect, without a window."""
        client = Client()
        self.network.connect(client, **options)
        return client

    # -- in the place of the real ones

    def host(
        self, backend: Backend, port: int = 0, hostname: str = "", *, interval: float | None = None, **options: Any
    ) -> Any:
        """Serve the game on the simulated network, and join it."""
        self.network.serve(backend, interval=interval or options["tick"], port=port)
        return self._session(port, backend=backend, **options)

    def join(self, address: str, port: int = 8080, **options: Any) -> Any:
        """Join the game on the simulated network."""
        self.joined.append(address)
        return self._session(port, **options)

    def _session(self, port: int, *, profile: Any = None, backend: Backend | None = None, **options: Any) -> Any:
        client = Client()
        self.session = pygase_pygame.Session(client, clock=self.network.clock, backend=backend, **options)
        self.network.connect(client, port, profile=profile)
        return self.session

    def tick(self, rate: int) -> None:
        """Let a frame pass."""
        assert rate == FRAME_RATE
        self._frame += 1
        assert self._frame <= self._last + 10, "the window was closed, and the program goes on"
        self._each_frame(self._frame)
        if self._frame >= self._last:
            pygame.event.post(pygame.event.Event(pygame.QUIT))
        self.network.run(1 / FRAME_RATE)
