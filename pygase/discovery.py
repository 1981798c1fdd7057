"""Games on the local network: a server announces its own, :func:`discover` and :class:`Browser` find them all."""

from __future__ import annotations

import logging
import threading
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any, Final

from ._io import clocks, lan, runner
from ._io.loops import LoopDriver
from ._io.search import Search
from ._lan.protocol import ID_BYTES, Answer, DiscoveredGame, Responder, encode_info
from ._protocol.wire import MAX_GAME_BYTES, PROTOCOL_VERSION
from .addresses import check_port, is_everywhere, is_loopback
from .config import DISCOVERY_PORT

__all__ = ["DISCOVERY_PORT", "Browser", "DiscoveredGame", "discover"]

logger = logging.getLogger("pygase")

_ABOUT_PORTS: Final = f" (leave it out for {DISCOVERY_PORT})"


def discover(game: str = "", timeout: float = 1.0, *, port: int = DISCOVERY_PORT) -> list[DiscoveredGame]:
    """Return the games that are announced on the local network, in the order in which they answered.

    Blocks for ``timeout``, since the number of games is not known. (In an asyncio program:
    ``await asyncio.to_thread(discover)``.) For a list that stays up to date see :class:`Browser`.

    :param game: find only this game, as in ``Server(game=...)``; ``""``: all.
    :param timeout: seconds. There are three tries, the last after 0.3 s.
    :param port: the port on which the servers announce their games.
    :raises ValueError: for an impossible argument. Problems of the network are logged.

    Next: ``Client.connect(found.port, found.address)``.
    """
    if isinstance(timeout, bool) or not isinstance(timeout, (int, float)) or not 0 < timeout <= 3600:
        raise ValueError(f"timeout must be a number of seconds above 0, at most 3600; got {timeout!r}")
    search = _search_of(game, port)
    search.run(clocks.monotonic() + timeout)
    return list(search.listing.games)


def _search_of(game: str, port: int) -> Search:
    if not isinstance(game, str) or len(game.encode(errors="replace")) > MAX_GAME_BYTES:
        raise ValueError(f"game must be a str of at most {MAX_GAME_BYTES} bytes, got {game!r:.100}")
    check_port(port, _ABOUT_PORTS)
    return Search(game, port)


class Browser:
    """The games on the local network, kept up to date by a thread: for a screen on which a player chooses.

    ::

        with Browser("pong") as browser:
            ...                             # in each frame:
            for found in browser.games:
                draw(found.name, found.players, found.ping)

    Without ``with``: :meth:`start` and :meth:`stop`, as often as you like.

    :param game: find only this game, as in ``Server(game=...)``; ``""``: all.
    :param port: the port on which the servers announce their games.
    """

    def __init__(self, game: str = "", *, port: int = DISCOVERY_PORT) -> None:
        self._game = game
        self._port = port
        self._search = _search_of(game, port)
        self._thread: threading.Thread | None = None

    @property
    def games(self) -> tuple[DiscoveredGame, ...]:
        """The games that have answered in the last 5 s, in the order in which they were found.

        The tuple never changes, so it can be kept: each change brings a new one. From any thread.
        """
        return self._search.listing.games

    @property
    def problem(self) -> str:
        """In plain words why games on other machines cannot be found, or ``""``. It passes when the cause does."""
        return self._search.problem

    @property
    def dropped(self) -> Counter[str]:
        """Number of useless datagrams, by reason."""
        return self._search.listing.dropped

    def start(self) -> Browser:
        """Begin to search, with an empty list, and return this browser. A search that runs already goes on."""
        if self._thread is None:
            self._search = _search_of(self._game, self._port)
            self._thread = runner.start_thread(self._search.run, "pygase-browser")
        return self

    def stop(self) -> None:
        """End the search; ``games`` stays as it is."""
        thread, self._thread = self._thread, None
        self._search.stop()
        if thread is not None:
            thread.join(1.0)

    def __enter__(self) -> Browser:
        return self.start()

    def __exit__(self, *args: object) -> None:
        self.stop()


class Announcement:
    """What a server tells about itself, and where. The arguments are those of ``Server.announce``."""

    def __init__(self, name: str, port: int, info: Mapping[str, Any] | None) -> None:
        if not isinstance(name, str):
            raise TypeError(f"name must be a str, what players shall read in the list; got {name!r}")
        check_port(port, _ABOUT_PORTS)
        self.name = name or lan.machine_name()
        self.port = port
        self.info = encode_info(info)


class Announcer:
    """Answers the questions of those who look for games, on the server's own loop.

    :param announcement: what to tell.
    :param address: where the server is bound.
    :param game, password: the game, and whether one needs a password.
    :param count_players: returns how many play and how many can.
    """

    def __init__(
        self,
        announcement: Announcement,
        address: tuple[Any, ...],
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
        self._transport: Any = None
        self._driver: Any = None

    @property
    def dropped(self) -> Counter[str]:
        """How many datagrams got no answer, by reason."""
        return self._responder.dropped

    def start(self) -> None:
        """Begin to answer; inside the loop that shall do it. What goes wrong is logged, not raised."""
        port = self.announcement.port
        try:
            self._transport = lan.AnsweringTransport(port)
        except OSError as error:
            logger.warning(
                "the game is not announced on the local network: UDP port %d cannot be used (%s); friends can join by "
                "its address, or announce it on another port, which discover() and Browser have to be told, too",
                port,
                error.strerror or error,
            )
            return
        import asyncio

        self._warn_of_limits()
        self._driver = LoopDriver(self, self._transport, asyncio.get_running_loop())

    def tell(self, announcement: Announcement) -> None:
        """Tell something else from now on; on the same port."""
        self.announcement = announcement
        if self._transport is not None:
            self._transport.join()

    def _warn_of_limits(self) -> None:
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
        elif not self._transport.in_network:
            logger.warning("the game is announced, but this machine is in no network at the moment")

    def stop(self) -> None:
        """Answer no longer."""
        if self._driver is not None:
            self._driver.stop()
        if self._transport is not None:
            self._transport.close()
        self._driver = self._transport = None

    def receive(self) -> int:
        """Answer what has come. (Called by the driver.)"""
        if self._transport is None:
            return 0
        datagrams = self._transport.take(lan.TAKEN_AT_ONCE)
        now = clocks.monotonic()
        for data, address in datagrams:
            answer = self._responder.answer(data, address[0], now=now, answer=self._answer)
            if answer is not None and self._is_reached_by(address[0]):
                self._transport.send(answer, address)
        return len(datagrams)

    def advance(self) -> None:
        """Nothing is ever due. (Called by the driver.)"""

    def _is_reached_by(self, host: str) -> bool:
        """Tell whether someone there would reach the server by the address that the answer comes from."""
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
