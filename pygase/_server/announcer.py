"""Answers on the local network for a server."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from .._io import clocks, lan
from .._io.loops import LoopDriver
from .._io.ports import Address, Driver
from .._lan.protocol import ID_BYTES, Answer, Responder, encode_info
from .._protocol.wire import PROTOCOL_VERSION
from ..addresses import is_everywhere, is_loopback
from ..checks import check_discovery_port

if TYPE_CHECKING:
    from .._io.ports import Pump

logger = logging.getLogger("pygase")


class Announcement:
    """The words and the port of an announcement; see ``Server.announce``."""

    def __init__(self, name: str, port: int, info: Mapping[str, Any] | None) -> None:
        if not isinstance(name, str):
            raise TypeError(f"name must be a str, for players to read in the list; got {name!r}")
        check_discovery_port(port)
        self.name = name or lan.machine_name()
        self.port = port
        self.info = encode_info(info)


class Announcer:
    """Answers the queries of players who look for games, on the server's own loop. It is a Pump.

    :param address: the address that the server is bound to.
    :param password: whether players need one.
    :param count_players: returns the number of players, and the most that can play.
    """

    def __init__(
        self,
        announcement: Announcement,
        address: Address,
        game: str,
        password: bool,
        count_players: Callable[[], tuple[int, int]],
    ) -> None:
        self.announcement = announcement
        self._host, self._server_port = str(address[0]), int(address[1])
        self._game, self._password = game, password
        self._count_players = count_players
        self._server_id = clocks.random_bytes(ID_BYTES)
        self._responder = Responder(game)
        self._transport: lan.AnsweringTransport | None = None
        self._driver: Driver | None = None

    @property
    def dropped(self) -> Counter[str]:
        """Datagrams without an answer, by reason."""
        return self._responder.dropped

    def start(self) -> None:
        """Begin to answer, on the event loop that runs here. A failure is logged, not raised."""
        port = self.announcement.port
        try:
            transport = lan.AnsweringTransport(port)
        except OSError as error:
            logger.warning(
                "the game is not announced on the local network: UDP port %d cannot be used (%s); friends can join by "
                "its address; or announce it on another port, and give that port to discover() and Browser",
                port,
                error.strerror or error,
            )
            return
        import asyncio

        self._warn_of_limits(transport.in_network)
        self._transport = transport
        self._driver = LoopDriver(self, transport, asyncio.get_running_loop())

    def change(self, announcement: Announcement) -> None:
        """Answer with another announcement from now on, on the same port."""
        self.announcement = announcement
        if self._transport is not None:
            self._transport.join()

    def _warn_of_limits(self, in_network: bool) -> None:
        if is_loopback(self._host) and ":" not in self._host:
            logger.warning(
                "the game is announced to this machine only, since the server is bound to %s; run it with "
                "hostname='0.0.0.0' for everyone on the network",
                self._host,
            )
        elif ":" in self._host and not is_everywhere(self._host):
            logger.warning(
                "the game is not found on the local network, since the server is bound to %s and discovery speaks "
                "IPv4; run it with hostname='::' or '0.0.0.0'",
                self._host,
            )
        elif not in_network:
            logger.warning("the game is announced, but this machine is in no network at the moment")

    def stop(self) -> None:
        if self._driver is not None:
            self._driver.stop()
        if self._transport is not None:
            self._transport.close()
        self._driver = self._transport = None

    def receive(self) -> int:
        transport = self._transport
        if transport is None:
            return 0
        datagrams = transport.take(lan.TAKEN_AT_ONCE)
        now = clocks.monotonic()
        for data, address in datagrams:
            answer = self._responder.answer(data, address[0], now=now, answer=self._answer)
            if answer is not None and self._is_reached_by(address[0]):
                transport.send(answer, address)
        return len(datagrams)

    def advance(self) -> None:
        """Nothing is ever due."""

    def _is_reached_by(self, host: str) -> bool:
        """Return whether a player at that host reaches the server at the address from which the answer is sent."""
        return is_everywhere(self._host) or lan.own_address_towards(host) == self._host

    def _answer(self, nonce: bytes) -> Answer:
        players, max_players = self._count_players()
        return Answer(
            nonce=nonce,
            server_id=self._server_id,
            version=PROTOCOL_VERSION,
            password=self._password,
            port=self._server_port,
            players=players,
            max_players=max_players,
            game=self._game,
            name=self.announcement.name,
            info=self.announcement.info,
        )


if TYPE_CHECKING:

    def _pump(announcer: Announcer) -> Pump:
        """Let mypy check the port."""
        return announcer
