"""A search for games on the local network."""

from __future__ import annotations

import logging
import math
import threading
from collections.abc import Callable

from .._lan.protocol import Listing
from . import clocks, lan

logger = logging.getLogger("pygase")


class LanSearch:
    """Asks everyone again and again, and lists the answers. The next search gets an object of its own.

    :param game: find only this game; ``""``: all.
    :param port: the discovery port.

    :ivar listing: the games that have answered lately.
    :ivar problem: a sentence for people if games on other machines cannot be found, else ``""``.
    """

    def __init__(self, game: str, port: int) -> None:
        self.listing = Listing(game, clocks.random_bytes)
        self.problem = ""
        self._port = port
        self._stopping = threading.Event()
        self._wake: Callable[[], None] = lambda: None

    def run(self, until: float = math.inf) -> None:
        """Search, and block until a time on the real clock, or until :meth:`stop`."""
        try:
            transport = lan.AskingTransport(self._port)
        except OSError as error:  # no file descriptors left, for example
            self._report(f"the system lets this program open no socket ({error})")
            return
        self._wake = transport.wake
        try:
            while not self._stopping.is_set() and clocks.monotonic() < until:
                self._turn(transport, until)
        finally:
            self._wake = lambda: None
            transport.close()

    def stop(self) -> None:
        """From any thread; the listing stays as it is."""
        self._stopping.set()
        self._wake()

    def _turn(self, transport: lan.AskingTransport, until: float) -> None:
        listing = self.listing
        if listing.is_query_due(now=clocks.monotonic()):
            transport.refresh()
            transport.ask(listing.query_to_send(now=clocks.monotonic()))
            self._report(transport.problem)
        datagrams = transport.wait(min(listing.next_timeout(), until) - clocks.monotonic())
        now = clocks.monotonic()
        for data, address in datagrams:
            listing.receive(data, address[0], now=now)
        listing.handle_timeout(now=now)

    def _report(self, problem: str) -> None:
        if problem and problem != self.problem:
            logger.warning("games on other machines cannot be found: %s", problem)
        self.problem = problem
