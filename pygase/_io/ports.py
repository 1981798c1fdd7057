"""Ports: the methods of clocks, loops, sockets and drivers that the parts of PyGaSe call.

mypy checks each implementation against its port:

============================ ===========================================================================
:class:`Clock`               ``time.monotonic``; ``pygase.testing.ManualClock``
:class:`Loop`                asyncio's event loops; the virtual loop of ``pygase.testing``
:class:`Transport`           ``udp.ServerTransport``; the simulated transport of ``pygase.testing``
:class:`TransportToServer`   ``udp.ClientTransport``; the simulated transport of ``pygase.testing``
:class:`Pump`                a run of a server, a client's connection, an announcer
:class:`Driver`              ``loops.LoopDriver``, ``pumping.PumpDriver``
============================ ===========================================================================

A :class:`Platform` bundles the ports of a server's run or a client's session.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from .runner import Completion

Address = tuple[Any, ...]
"""Host and port, and two more numbers with IPv6."""

Datagram = tuple[bytes, Address]
"""The bytes, and the address at the other end."""

Arrival = tuple[bytes, Address, float]
"""A received datagram, its sender, and when it arrived, in seconds."""


class Clock(Protocol):
    """A clock that never goes back."""

    def __call__(self) -> float:
        """In seconds."""


class Timer(Protocol):
    def cancel(self) -> None:
        """Drop the call; after the call, do nothing. May be called again."""


class Loop(Protocol):
    """The part of an event loop that a driver uses. asyncio's loops have it."""

    def time(self) -> float:
        """In seconds."""

    def call_soon(self, callback: Callable[[], Any], /) -> Timer:
        """Call a function in the next turn. On the loop's thread only."""

    def call_soon_threadsafe(self, callback: Callable[[], Any], /) -> Timer:
        """Like ``call_soon``, from any thread.

        :raises RuntimeError: if the loop is closed.
        """

    def call_later(self, delay: float, callback: Callable[[], Any], /) -> Timer:
        """After ``delay`` seconds."""

    def call_at(self, when: float, callback: Callable[[], Any], /) -> Timer:
        """At the loop's time ``when``, seconds."""

    def add_reader(self, sock: Any, callback: Callable[[], Any], /) -> Any:
        """Call a function whenever a socket is readable."""

    def remove_reader(self, sock: Any, /) -> Any:
        """Stop watching a socket."""

    def create_task(self, coroutine: Coroutine[Any, Any, Any], /) -> Any:
        """Run a coroutine as a task."""

    def is_running(self) -> bool:
        """Return whether the loop makes its calls."""


class Socket(Protocol):
    """Something that a loop can watch."""

    def fileno(self) -> int:
        """Return the file descriptor; -1 once it is closed."""


class Listened(Protocol):
    @property
    def sockets(self) -> Sequence[Socket]:
        """The sockets to watch for datagrams."""

    @property
    def urgent_sockets(self) -> Sequence[Socket]:
        """Those of them that get the datagrams which cannot wait for a tick, and no others. Empty if the system cannot
        separate the two kinds."""


class Transport(Listened, Protocol):
    """Sends and receives datagrams without blocking. Used on one thread."""

    @property
    def address(self) -> Address:
        """At a server, the address that it is bound to; at a client, the server's."""

    def take_timed(self, now: float) -> list[Arrival]:
        """Return the datagrams that have arrived, in their order.

        :param now: the time on the pump's clock, on which the times of arrival are.
        """

    def fullness(self) -> float:
        """Return which share of the buffer the datagrams that wait to be read take, 0..1; 0.0 if that is unknown."""

    def send(self, data: bytes, address: Address) -> None:
        """Send a datagram. A datagram that the system refuses is lost."""

    def send_all(self, datagrams: Iterable[Datagram]) -> None:
        """Send many datagrams; each is made when it is asked for."""

    def close(self) -> None:
        """Close the sockets."""


class TransportToServer(Transport, Protocol):
    """A client's transport. Its server may have several addresses."""

    @property
    def hint(self) -> str:
        """A sentence for people about the system's last refusal to send; ``""`` without one."""

    def try_next(self) -> None:
        """Turn to the server's next address, unless one has answered."""


class Pump(Protocol):
    """Network work that a driver drives."""

    def receive(self) -> int:
        """Take in all datagrams that have arrived; return their number."""

    def advance(self) -> float | None:
        """Do the work that is due, and send.

        :returns: the time of the next call on the pump's clock, seconds; None: only a datagram makes new work.
        """


class Driver(Protocol):
    """Calls a :class:`Pump` when datagrams arrive and when its time has come."""

    @property
    def can_be_found(self) -> bool:
        """Whether there is a local network on which others can find the pump's server."""

    @property
    def on_own_thread(self) -> bool:
        """Whether the caller runs on the network's thread."""

    @property
    def is_driven(self) -> bool:
        """Whether a loop or another thread does the work. If not, ``turn_by_hand`` does it."""

    @property
    def rests(self) -> bool:
        """Whether datagrams that can wait for a tick lie in their socket until then."""

    def rest(self, wanted: bool) -> None:
        """Leave the datagrams that can wait for a tick to the one who calls ``receive`` at each tick, or no longer.
        Nothing changes where the system cannot separate them."""

    @property
    def looks_later(self) -> bool:
        """Whether datagrams may lie in the sockets, because the driver reads them later."""

    def turn(self) -> None:
        """Let the pump do the work that is due, now. On the network's thread only."""

    def turn_by_hand(self) -> None:
        """Receive, do the work that is due, send: once, at the program's end, when nothing drives the pump."""

    def wake(self) -> None:
        """Have ``advance`` called soon; from any thread."""

    def arm(self, due_at: float) -> None:
        """Have ``advance`` called at ``due_at`` on the pump's clock, seconds, or earlier."""

    def looked(self, count: int) -> None:
        """Somebody else has called ``receive``; ``count``: its datagrams."""

    def call(self, function: Callable[[], Any]) -> None:
        """Run a function on the network's thread: at once if the caller is on it, else soon; from any thread."""

    def defer(self, function: Callable[[], Any]) -> None:
        """Run a function after the current turn. On the network's thread only."""

    def spawn(self, coroutine: Coroutine[Any, Any, Any]) -> None:
        """Run a coroutine. An exception from it is logged."""

    def finish(self, completion: Completion) -> Any:
        """Wait for a completion as this driver can: block, return it, or turn until it is done."""

    def stop(self) -> None:
        """Stop driving. May be called again."""


@dataclass(frozen=True, slots=True)
class Platform:
    """The ground of a server's run or a client's session: the real machine, or a simulated network.

    :ivar clock: the clock of its protocol.
    :ivar random_bytes: returns a number of random bytes, for secrets and nonces.
    :ivar make_driver: makes the driver of a pump with a transport.
    :ivar wall_clock: returns seconds since 1970.
    """

    clock: Clock
    random_bytes: Callable[[int], bytes]
    make_driver: Callable[[Pump, Transport], Driver]
    wall_clock: Clock
