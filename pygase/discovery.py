"""Games on the local network."""

from __future__ import annotations

import logging
import threading
from collections import Counter

from ._io import clocks, runner
from ._io.lan_search import LanSearch
from ._lan.protocol import DiscoveredGame
from ._protocol.wire import MAX_GAME_BYTES
from .checks import check_discovery_port
from .config import DISCOVERY_PORT

__all__ = ["DISCOVERY_PORT", "Browser", "DiscoveredGame", "discover"]

logger = logging.getLogger("pygase")


def discover(game: str = "", timeout: float = 1.0, *, port: int = DISCOVERY_PORT) -> list[DiscoveredGame]:
    """Return the games that are announced on the local network, in the order in which they answered.

    Blocks for ``timeout``. (In an asyncio program: ``await asyncio.to_thread(discover)``.) For a list that stays up to
    date see :class:`Browser`.

    :param game: find only this game, as in ``Server(game=...)``; ``""``: all.
    :param timeout: seconds.
    :param port: the port on which the servers announce their games.
    :raises ValueError: for an impossible argument. Problems of the network are logged.

    Next: ``Client.connect(found.port, found.address)``.
    """
    if isinstance(timeout, bool) or not isinstance(timeout, (int, float)) or not 0 < timeout <= 3600:
        raise ValueError(f"timeout must be a number of seconds above 0, at most 3600; got {timeout!r}")
    search = _search_of(game, port)
    search.run(clocks.monotonic() + timeout)
    return list(search.listing.games)


def _search_of(game: str, port: int) -> LanSearch:
    if not isinstance(game, str) or len(game.encode(errors="replace")) > MAX_GAME_BYTES:
        raise ValueError(f"game must be a str of at most {MAX_GAME_BYTES} bytes, got {game!r:.100}")
    check_discovery_port(port)
    return LanSearch(game, port)


class Browser:
    """The games on the local network, kept up to date by a thread: for a screen on which a player chooses.

    ::

        with Browser("pong") as browser:
            ...                             # in each frame:
            for found in browser.games:
                draw(found.name, found.players, found.ping)

    Without ``with``: :meth:`start` and :meth:`stop`, as often as you like.

    :param game, port: see :func:`discover`.
    """

    def __init__(self, game: str = "", *, port: int = DISCOVERY_PORT) -> None:
        self._game = game
        self._port = port
        self._search = _search_of(game, port)
        self._thread: threading.Thread | None = None

    @property
    def games(self) -> tuple[DiscoveredGame, ...]:
        """The games that have answered in the last 5 s, in the order in which they were found; from any thread.

        The tuple never changes: each change brings a new one.
        """
        return self._search.listing.games

    @property
    def problem(self) -> str:
        """A sentence for people while games on other machines cannot be found, else ``""``."""
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
