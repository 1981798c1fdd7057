"""The network of a session: first nothing, then a socket's endpoint and its driver."""

from __future__ import annotations

import concurrent.futures
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any, Final

from .._io.ports import Driver
from .._io.pumping import PumpDriver
from .._io.runner import Completion, run_logged
from ..connection import ClientConnection
from .client_endpoint import ClientEndpoint

if TYPE_CHECKING:
    from ..links import Link

PUMPED_WAIT: Final = 0.002
"""Seconds between two turns of a pumped client that blocks for a state."""


class Line:
    """The line before the socket is open. Most methods do nothing; their docstrings describe :class:`OpenLine`."""

    is_pumped = False
    """True if the game calls ``Client.pump``."""

    @property
    def endpoint(self) -> ClientEndpoint:
        """RuntimeError if the socket is not open yet."""
        raise RuntimeError("the socket is not open yet")

    @property
    def driver(self) -> Driver:
        """RuntimeError if the socket is not open yet."""
        raise RuntimeError("the socket is not open yet")

    @property
    def connection(self) -> ClientConnection | None:
        """As the client shows it; None if the socket is not open yet."""
        return None

    @property
    def waiting_events(self) -> int:
        return 0

    def call(self, function: Callable[[], None]) -> None:
        """Run a function on the network's thread; from any thread."""

    def spawn(self, coroutine: Coroutine[Any, Any, Any]) -> None:
        run_logged(coroutine)

    def hang_up(self, linger: float) -> None:
        """Say goodbye after the last events, in ``linger`` seconds at most; from any thread."""

    def leave(self, linger: float) -> None:
        """Hang up when the program ends, even if no loop runs any more."""

    def condition(self, link: Link | None, seed: int | None) -> None:
        """From any thread."""

    def work(self) -> bool:
        """Do the network's work once, and return True, unless a thread or a loop does it."""
        return False

    def wait(self, block: Callable[[], None], *, ended: bool) -> None:
        """Wait a moment for a newer state.

        :param block: blocks until a newer state arrives, or for a moment.
        :raises RuntimeError: on the network's own thread, which would wait for itself.
        """
        block()

    def finish(self, completion: Completion) -> Any:
        return completion.or_block()

    def release(self) -> None:
        """May be called again."""


class OpenLine(Line):
    """The line of an open socket. After ``ended`` nothing is sent."""

    def __init__(
        self,
        endpoint: ClientEndpoint,
        driver: Driver,
        connection: ClientConnection,
        ended: concurrent.futures.Future[None],
    ) -> None:
        self.is_pumped = isinstance(driver, PumpDriver)
        self._endpoint = endpoint
        self._driver = driver
        self._connection = connection
        self._ended = ended

    def begin(self, early_end: float | None, link: Link | None, seed: int | None) -> None:
        """Send the first datagram.

        :param early_end: seconds to linger, if the client has hung up before; else None.
        """
        if early_end is not None:
            self._hang_up_here(early_end)
        self._endpoint.condition(link, seed)
        self._driver.turn()

    @property
    def endpoint(self) -> ClientEndpoint:
        return self._endpoint

    @property
    def driver(self) -> Driver:
        return self._driver

    @property
    def connection(self) -> ClientConnection:
        return self._connection

    @property
    def waiting_events(self) -> int:
        return self._endpoint.waiting_events

    def call(self, function: Callable[[], None]) -> None:
        self._driver.call(function)

    def spawn(self, coroutine: Coroutine[Any, Any, Any]) -> None:
        self._driver.spawn(coroutine)

    def hang_up(self, linger: float) -> None:
        self._driver.call(lambda: self._hang_up_here(linger))

    def leave(self, linger: float) -> None:
        if self._driver.is_driven:
            self.hang_up(linger)
        else:
            self._hang_up_here(linger)

    def _hang_up_here(self, linger: float) -> None:
        """On the network's thread."""
        if self._ended.done():
            return
        self._endpoint.close(linger=linger)
        due_at = self._endpoint.advance()  # the goodbye leaves, and Disconnected is handled
        if due_at is not None:
            self._driver.arm(due_at)

    def condition(self, link: Link | None, seed: int | None) -> None:
        self._driver.call(lambda: self._lay_link(link, seed))

    def _lay_link(self, link: Link | None, seed: int | None) -> None:
        if not self._ended.done():
            self._endpoint.condition(link, seed)
            self._driver.wake()

    def work(self) -> bool:
        if self._driver.is_driven:
            return False
        self._driver.turn_by_hand()
        return True

    def wait(self, block: Callable[[], None], *, ended: bool) -> None:
        driver = self._driver
        if isinstance(driver, PumpDriver):
            driver.turn()
            concurrent.futures.wait([self._ended], PUMPED_WAIT)
            return
        if driver.on_own_thread and not ended:
            raise RuntimeError(
                "wait_until and try_to block, so they cannot be used on the thread that receives the states "
                "(in an event handler, or beside `await client.connect()`); look at access_game_state() there"
            )
        block()

    def finish(self, completion: Completion) -> Any:
        return self._driver.finish(completion)

    def release(self) -> None:
        self._driver.stop()
        self._endpoint.release()
