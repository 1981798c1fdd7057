"""Makes sessions: at a given server, or at one that is opened here."""

from __future__ import annotations

import argparse
import threading
from pathlib import Path

from pygase import Backend, Client, clean_name, own_address

from ..connect.address import shown_place
from ..joining import OWN_PLAYER, SessionOptions, destination
from ..session import Session
from .game import Game, Hosting, announce, serve
from .invite import EVERYONE
from .settings import Settings


class GameConnector:
    """Connects to games of one kind.

    :param args: the command line: ``link``, and if given ``address``, ``host_token``, ``bots``, ``checkpoint`` and
        ``resume``.
    :param options: for the sessions; see :class:`GameScreen`.
    :param settings: have the player's wanted colour.
    """

    def __init__(
        self, game: Game, args: argparse.Namespace, options: SessionOptions, settings: Settings | None = None
    ) -> None:
        self._game = game
        self._args = args
        self._options = options
        self._settings = settings or Settings()

    def join(
        self, hostname: str, port: int, password: str | None = None, *, name: str, hosted: Backend | None = None
    ) -> Session:
        """Begin to connect, and return the session at once.

        :param name: the player's name, which the server receives in the client's profile.
        :param hosted: the game that is served here; it ends with the session.
        """
        client = Client(game=self._game.name, password=password, config=OWN_PLAYER if hosted else None)
        client.condition(self._args.link)
        profile, resume = {"name": clean_name(name)}, self._file_of_place(is_host=hosted is not None)
        if self._settings.colour:
            profile["colour"] = self._settings.colour

        def connect() -> threading.Thread:
            token = hosted.server.own_token if hosted else self.token_for(hostname, port)
            place = destination(hostname, port)
            return client.connect_in_thread(**place, host_token=token, profile=profile, resume=resume)

        address = shown_place(hostname, port, self._game.port)
        session = Session(client, connect=connect, backend=hosted, address=address, **self._options)
        session.connect()
        return session

    def token_for(self, hostname: str, port: int) -> str:
        """Return the secret from the command line. Only the server named there receives it."""
        meant = (hostname, port) == getattr(self._args, "address", None)
        return getattr(self._args, "host_token", "") if meant else ""

    def _file_of_place(self, *, is_host: bool) -> Path | None:
        """Return the file that keeps the player's place: for the host of a game that is kept, one beside its own."""
        if not is_host:
            return getattr(self._args, "resume", None)
        kept: Path | None = getattr(self._args, "checkpoint", None)
        return None if kept is None else kept.with_name(f"{kept.name}.host")

    def host(self, port: int, name: str) -> Session:
        """Open a game for everyone, announce it, begin to join it, and return the session.

        :raises pygase.AddressInUse: another program has the port.
        """
        backend = serve(self._game, Hosting(getattr(self._args, "bots", self._game.bots), self._args))
        backend.run_in_thread(EVERYONE, port, interval=self._game.tick)
        announce(backend, self._game, clean_name(name))
        return self.join(own_address(EVERYONE), port, name=name, hosted=backend)
