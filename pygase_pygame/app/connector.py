"""Makes the sessions of a game: at somebody's server, or at one that is opened here for it."""

import argparse
import threading

from pygase import Backend, Client, clean_name

from ..joining import OWN_PLAYER
from ..session import Session
from . import invite
from .game import Game, Hosting, announce, serve
from .game_screen import SessionOptions

EVERYONE = "0.0.0.0"


class Connector:
    """Connects to games of one kind, as the command line wants it.

    :param options: what the game's screen makes its sessions with.
    """

    def __init__(self, game: Game, args: argparse.Namespace, options: SessionOptions) -> None:
        self._game = game
        self._args = args
        self._options = options

    def join(self, hostname: str, port: int, password: str | None = None, *, hosted: Backend | None = None) -> Session:
        """Begin to connect, and return the session at once. A game that is `hosted` here ends with it."""
        client = Client(game=self._game.name, password=password, config=OWN_PLAYER if hosted else None)
        client.condition(self._args.link)

        def connect() -> threading.Thread:
            token = hosted.server.own_token if hosted else self._token_for(hostname, port)
            return client.connect_in_thread(port, hostname, host_token=token)

        address = invite.address_text(hostname, port, self._game.port)
        session = Session(client, connect=connect, backend=hosted, address=address, **self._options)
        session.connect()
        return session

    def _token_for(self, hostname: str, port: int) -> str:
        """Return the secret that the command line gives, for the server that it names: no other shall learn it."""
        meant = (hostname, port) == getattr(self._args, "address", None)
        return getattr(self._args, "host_token", "") if meant else ""

    def host(self, port: int, name: str) -> Session:
        """Open a game for everyone, announced under its host's name, begin to join it, and return the session.

        Raises `pygase.AddressInUse`.
        """
        backend = serve(self._game, Hosting(getattr(self._args, "bots", self._game.bots), self._args))
        backend.run_in_thread(EVERYONE, port, interval=self._game.tick)
        announce(backend, self._game, clean_name(name))
        return self.join(invite.joining_host(EVERYONE), port, hosted=backend)
