"""Call a driver when datagrams have arrived: by its event loop, or by a thread if the loop cannot watch sockets."""

from __future__ import annotations

import select
import threading
from collections.abc import Callable, Sequence
from typing import Any, Protocol

from .ports import Listened, Loop, Socket


class Listener(Protocol):
    """Calls back on the loop's thread while sockets are readable."""

    @property
    def reports_once(self) -> bool:
        """Whether it pauses by itself after each call back."""

    def resume(self) -> None:
        """Watch the sockets."""

    def pause(self) -> None:
        """Leave the sockets alone until :meth:`resume`."""

    @property
    def rests(self) -> bool:
        """Whether only the urgent sockets are watched."""

    def rest(self, wanted: bool) -> None:
        """Watch only the urgent sockets, if there are any, or all of them."""

    def close(self) -> None:
        """Stop for good."""


def listener_for(transport: Listened, loop: Loop, on_readable: Callable[[], None]) -> Listener:
    """Next: ``resume``."""
    kind = LoopListener if _has_readers(loop) else ThreadListener
    return kind(transport, loop, on_readable)


def _has_readers(loop: Loop) -> bool:
    import asyncio

    # Windows' default loop has no add_reader, and its own UDP goes deaf (CPython issue 127057)
    return type(loop).add_reader is not asyncio.AbstractEventLoop.add_reader and "Proactor" not in type(loop).__name__


class LoopListener:
    reports_once = False

    def __init__(self, transport: Listened, loop: Loop, on_readable: Callable[[], None]) -> None:
        self._transport = transport
        self._loop = loop
        self._on_readable = on_readable
        self._watched: list[Socket] = []
        self.rests = False

    def resume(self) -> None:
        self._watch(self._transport.urgent_sockets if self.rests else self._transport.sockets)

    def pause(self) -> None:
        self._watch(())

    def rest(self, wanted: bool) -> None:
        """Also resumes, if that changes anything."""
        if wanted != self.rests and self._transport.urgent_sockets:
            self.rests = wanted
            self.resume()

    def _watch(self, wanted: Sequence[Socket]) -> None:
        for sock in [each for each in self._watched if each not in wanted and each.fileno() >= 0]:
            self._loop.remove_reader(sock)
        for sock in [each for each in wanted if each not in self._watched]:
            self._loop.add_reader(sock, self._on_readable)
        self._watched = list(wanted)

    close = pause


class ThreadListener:
    """Watches the sockets in a thread; waits for :meth:`resume` after each call back."""

    reports_once = True
    rests = False

    def __init__(self, transport: Listened, loop: Loop, on_readable: Callable[[], None]) -> None:
        self._sockets = transport.sockets
        self._loop = loop
        self._on_readable = on_readable
        self._go = threading.Event()
        self._closed = False
        self._thread = threading.Thread(target=self._run, daemon=True, name="pygase-listener")
        self._thread.start()

    def resume(self) -> None:
        self._go.set()

    def pause(self) -> None:
        """Nothing to do: it pauses after each call back."""

    def rest(self, wanted: bool) -> None:
        """Nothing to do: it watches all sockets."""

    def close(self) -> None:
        self._closed = True
        self._go.set()
        self._thread.join(1.0)  # it looks up every 0.2 s; the sockets are closed after this

    def _run(self) -> None:
        while True:
            self._go.wait()
            self._go.clear()
            if not self._wait_for_datagrams():
                return
            try:
                self._loop.call_soon_threadsafe(self._on_readable)
            except RuntimeError:  # the loop has ended
                return

    def _wait_for_datagrams(self) -> bool:
        """Return False if the listener has been closed."""
        readable: list[Socket] | list[Any] = []
        while not readable and not self._closed:
            readable, _, _ = select.select(self._sockets, [], [], 0.2)
        return not self._closed
