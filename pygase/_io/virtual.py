"""Event loop, transport and driver in virtual time, for ``pygase.testing``: no socket, no thread, no sleep."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Coroutine, Iterable
from typing import TYPE_CHECKING, Any, Final, Protocol

from .._protocol.wire import can_wait
from .loops import LoopDriver
from .ports import Address, Arrival, Clock, Datagram, Listened, Loop, Pump
from .runner import run_logged

if TYPE_CHECKING:
    from .ports import Driver, TransportToServer
    from .runner import Completion

TIMER_RESOLUTION: Final = 1e-4
"""Seconds. A timer never fires twice at one moment, so that virtual time always moves on."""

CallAt = Callable[[float, Callable[[], Any]], None]
"""Calls a function when virtual time reaches a moment, seconds."""


class ManualClock:
    """A clock that stands still until it is moved on; call it for the time in seconds.

    :param start: the time it shows first.
    """

    def __init__(self, start: float = 0.0) -> None:
        self._now = start

    def __call__(self) -> float:
        return self._now

    @property
    def now(self) -> float:
        return self._now

    def advance(self, seconds: float) -> None:
        """Let time pass.

        :raises ValueError: for a negative number of seconds.
        """
        if seconds < 0:
            raise ValueError(f"a clock cannot go back; got {seconds!r} seconds")
        self._now += seconds

    def advance_to(self, moment: float) -> None:
        """Let time pass until a moment, seconds. One that has passed changes nothing."""
        if moment > self._now:
            self._now = moment


class VirtualTimer:
    __slots__ = ("callback",)

    def __init__(self, callback: Callable[[], Any]) -> None:
        self.callback: Callable[[], Any] | None = callback

    def cancel(self) -> None:
        self.callback = None


class VirtualLoop:
    """A Loop in virtual time, of one process of a simulated network. Its sockets are simulated transports.

    :param clock: virtual time; ``call_at``: calls a function at a time.
    """

    def __init__(self, clock: Clock, call_at: CallAt) -> None:
        self.time = clock
        self._call_at = call_at
        self._asleep_until = -math.inf
        self._has_ended = False
        self._readers: dict[SimulatedSocket, Callable[[], Any]] = {}

    def call_soon(self, callback: Callable[[], Any]) -> VirtualTimer:
        return self._call(self.time(), callback)

    call_soon_threadsafe = call_soon

    def call_later(self, delay: float, callback: Callable[[], Any]) -> VirtualTimer:
        return self.call_at(self.time() + delay, callback)

    def call_at(self, when: float, callback: Callable[[], Any]) -> VirtualTimer:
        return self._call(max(when, self.time() + TIMER_RESOLUTION), callback)

    def _call(self, at: float, callback: Callable[[], Any]) -> VirtualTimer:
        timer = VirtualTimer(callback)
        self._call_at(at, lambda: self._fire(timer))
        return timer

    def _fire(self, timer: VirtualTimer) -> None:
        if timer.callback is None or self._has_ended:
            return
        if self.time() < self._asleep_until:
            self._call_at(self._asleep_until, lambda: self._fire(timer))
        else:
            timer.callback()

    def sleep(self, seconds: float) -> None:
        """Run nothing for some seconds. The calls that fall due meanwhile run afterwards, in order."""
        self._asleep_until = max(self._asleep_until, self.time() + seconds)

    def end(self) -> None:
        """Run nothing any more."""
        self._has_ended = True
        self._readers.clear()

    def add_reader(self, sock: SimulatedSocket, callback: Callable[[], Any]) -> None:
        self._readers[sock] = callback
        if sock.waiting:
            self.call_soon(lambda: self.on_datagram(sock))

    def remove_reader(self, sock: SimulatedSocket) -> None:
        self._readers.pop(sock, None)

    def on_datagram(self, sock: SimulatedSocket) -> None:
        """Have a socket read, now or after the sleep."""
        if self.time() < self._asleep_until:
            self.call_soon(lambda: self.on_datagram(sock))
        elif sock.waiting and sock in self._readers:
            self._readers[sock]()

    def create_task(self, coroutine: Coroutine[Any, Any, Any]) -> None:
        """The coroutine runs to its end."""
        run_logged(coroutine)

    def is_running(self) -> bool:
        return True


class SimulatedSocket:
    """One of the two sockets of a simulated transport.

    :ivar waiting: the number of its datagrams that have not been read.
    :ivar is_closed: whether its transport is closed.
    """

    __slots__ = ("is_closed", "waiting")

    def __init__(self) -> None:
        self.waiting = 0
        self.is_closed = False

    def fileno(self) -> int:
        return -1 if self.is_closed else 0


class SimulatedTransport:
    """Takes the place of UDP sockets: of two, as on Linux. The second one gets the datagrams that cannot wait.

    :param loop: the process that it belongs to.
    :param own: its address; ``shown``: the address that it is said to be bound to, or the server's, at a client;
        ``own`` if None.
    :param send: sends a datagram from one address to another; ``release``: called when the transport is closed.
    """

    hint = ""

    def __init__(
        self,
        loop: VirtualLoop,
        own: Address,
        shown: Address | None,
        send: Callable[[bytes, Address, Address], None],
        release: Callable[[SimulatedTransport], None],
    ) -> None:
        self.sockets = [SimulatedSocket(), SimulatedSocket()]
        self.urgent_sockets = self.sockets[1:]
        self.loop = loop
        self.own = own
        self.address = shown if shown is not None else own
        self.inbox: deque[Arrival] = deque()
        self._send = send
        self._release = release

    def receive(self, data: bytes, sender: Address) -> None:
        """Take in a datagram that arrives now."""
        self.inbox.append((data, sender, self.loop.time()))
        sock = self.sockets[0 if can_wait(data) else 1]
        sock.waiting += 1
        self.loop.on_datagram(sock)

    def take(self) -> list[Datagram]:
        return [(data, sender) for data, sender, _ in self.take_timed(self.loop.time())]

    def take_timed(self, now: float) -> list[Arrival]:
        ahead = now - self.loop.time()  # of the pump's clock
        arrivals = [(data, sender, at + ahead) for data, sender, at in self.inbox]
        self.inbox.clear()
        for sock in self.sockets:
            sock.waiting = 0
        return arrivals

    def fullness(self) -> float:
        return 0.0

    def send(self, data: bytes, address: Address) -> None:
        self._send(data, self.own, address)

    def send_all(self, datagrams: Iterable[Datagram]) -> None:
        for data, address in datagrams:
            self._send(data, self.own, address)

    def try_next(self) -> None:
        """There is one address only."""

    def close(self) -> None:
        for sock in self.sockets:
            sock.is_closed = True
        self._release(self)


class OnLoop(Listened, Protocol):
    """A transport of a process in virtual time."""

    @property
    def loop(self) -> Loop:
        """Of the process."""


class SimulatedDriver(LoopDriver):
    """The driver of real sockets, in virtual time."""

    can_be_found = False

    def __init__(self, pump: Pump, transport: OnLoop) -> None:
        super().__init__(pump, transport, transport.loop, transport.loop.time)

    @property
    def on_own_thread(self) -> bool:
        """There are no threads."""
        return True

    def spawn(self, coroutine: Coroutine[Any, Any, Any]) -> None:
        """The coroutine runs to its end."""
        run_logged(coroutine)

    def finish(self, completion: Completion) -> Any:
        """Returns the completion, as nothing may block in virtual time."""
        return completion


if TYPE_CHECKING:

    def _implementations(
        clock: ManualClock, loop: VirtualLoop, transport: SimulatedTransport, driver: SimulatedDriver
    ) -> tuple[Clock, Loop, TransportToServer, Driver]:
        """Let mypy check the ports."""
        return clock, loop, transport, driver
