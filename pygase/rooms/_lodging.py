"""A room's part of the host's loop and socket. A room's Backend uses them as if they were its own."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Coroutine, Iterable, Sequence
from typing import TYPE_CHECKING, Any

from .._io.ports import Address, Arrival, Clock, Datagram, Loop, Socket, Timer, Transport
from .._protocol.wire import can_wait


class Account:
    """Sees all work of a room.

    :param clock: measures work, in seconds.
    :param on_worked: called with the seconds of each piece of work, after it.
    :param on_error: called with an exception that the work has raised.
    """

    def __init__(self, clock: Clock, on_worked: Callable[[float], None], on_error: Callable[[Exception], None]) -> None:
        self._clock = clock
        self._on_worked = on_worked
        self._on_error = on_error
        self._of_others = 0.0

    def run(self, work: Callable[[], Any]) -> None:
        """Let the room work."""
        self._of_others = 0.0
        began = self._clock()
        try:
            work()
        except Exception as error:
            self._on_error(error)
        self._on_worked(self._clock() - began - self._of_others)

    def work_for_others(self, work: Callable[[], Any]) -> None:
        """Let the host work for all rooms, in the middle of the room's own work."""
        began = self._clock()
        work()
        self._of_others += self._clock() - began


class RoomLoop:
    """A Loop for one room on the host's loop: it keeps an account of the room's work."""

    def __init__(self, loop: Loop, account: Account) -> None:
        self._loop = loop
        self._account = account
        self._readers: dict[RoomSocket, Callable[[], Any]] = {}

    def time(self) -> float:
        return self._loop.time()

    def _accounted(self, callback: Callable[[], Any]) -> Callable[[], None]:
        return lambda: self._account.run(callback)

    def call_soon(self, callback: Callable[[], Any]) -> Timer:
        return self._loop.call_soon(self._accounted(callback))

    def call_soon_threadsafe(self, callback: Callable[[], Any]) -> Timer:
        return self._loop.call_soon_threadsafe(self._accounted(callback))

    def call_later(self, delay: float, callback: Callable[[], Any]) -> Timer:
        return self._loop.call_later(delay, self._accounted(callback))

    def call_at(self, when: float, callback: Callable[[], Any]) -> Timer:
        return self._loop.call_at(when, self._accounted(callback))

    def add_reader(self, sock: RoomSocket, callback: Callable[[], Any]) -> None:
        self._readers[sock] = callback
        if sock.waiting:
            self.on_datagram(sock)

    def remove_reader(self, sock: RoomSocket) -> None:
        self._readers.pop(sock, None)

    def on_datagram(self, sock: RoomSocket) -> None:
        """Have a socket read soon: never at once, since another room may be at work."""
        if sock in self._readers and not sock.is_announced:
            sock.is_announced = True
            self.call_soon(lambda: self._read(sock))

    def _read(self, sock: RoomSocket) -> None:
        sock.is_announced = False
        if sock.waiting and sock in self._readers:
            self._readers[sock]()

    def create_task(self, coroutine: Coroutine[Any, Any, Any]) -> Any:
        return self._loop.create_task(coroutine)

    def is_running(self) -> bool:
        return self._loop.is_running()


class RoomSocket:
    """One of the two sockets that a room seems to have.

    :ivar waiting: the number of its datagrams that have not been read.
    :ivar is_announced: whether the room's loop reads it soon.
    """

    __slots__ = ("_is_closed", "is_announced", "waiting")

    def __init__(self) -> None:
        self.waiting = 0
        self.is_announced = False
        self._is_closed = False

    def close(self) -> None:
        self._is_closed = True

    def fileno(self) -> int:
        return -1 if self._is_closed else 0


class RoomTransport:
    """A Transport: a room's datagrams, of all that arrive at the host's socket.

    :param outer: the host's own; ``pull``: lets the host read it, before a tick of the room.
    """

    def __init__(self, loop: RoomLoop, outer: Transport, pull: Callable[[], None]) -> None:
        self.loop = loop
        self._own_sockets = [RoomSocket(), RoomSocket()]
        self._outer = outer
        self._pull = pull
        self._inbox: deque[Arrival] = deque()

    @property
    def sockets(self) -> Sequence[Socket]:
        return self._own_sockets

    @property
    def urgent_sockets(self) -> Sequence[Socket]:
        return self._own_sockets[1:]

    @property
    def address(self) -> Address:
        return self._outer.address

    def take(self, arrival: Arrival) -> None:
        """Take a datagram from the host."""
        self._inbox.append(arrival)
        sock = self._own_sockets[0 if can_wait(arrival[0]) else 1]
        sock.waiting += 1
        self.loop.on_datagram(sock)

    def take_timed(self, now: float) -> list[Arrival]:
        self._pull()
        arrivals = list(self._inbox)
        self._inbox.clear()
        for sock in self._own_sockets:
            sock.waiting = 0
        return arrivals

    def fullness(self) -> float:
        return self._outer.fullness()

    def send(self, data: bytes, address: Address) -> None:
        self._outer.send(data, address)

    def send_all(self, datagrams: Iterable[Datagram]) -> None:
        self._outer.send_all(datagrams)

    def close(self) -> None:
        """The host's socket stays open."""
        for sock in self._own_sockets:
            sock.close()


if TYPE_CHECKING:

    def _implementations(loop: RoomLoop, transport: RoomTransport) -> tuple[Loop, Transport]:
        """Let mypy check the ports."""
        return loop, transport
