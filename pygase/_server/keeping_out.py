"""Bans and kicks of a server, from any thread, whether it runs or not."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING

from .._diagnostics.log_lines import LogLines
from .._protocol.bans import Bans
from .._protocol.handshake import plain_host
from ..checks import Target
from ..errors import DisconnectReason

if TYPE_CHECKING:
    from .remote_client import RemoteClient
    from .run import ServerRun


class KeepingOut:
    """Ends connections, and keeps clients out.

    :param open_run: returns the run whose clients are meant, or None.
    :ivar bans: outlive a run.
    """

    def __init__(self, log: LogLines, open_run: Callable[[], ServerRun | None]) -> None:
        self.bans = Bans()
        self._log = log
        self._open_run = open_run

    def kick(self, clients: list[Target], reason: str) -> None:
        run = self._open_run()
        if run is not None:
            run.close_clients(clients, DisconnectReason.KICKED, reason)

    # -- bans ------------------------------------------------------------------------------------------------------

    @property
    def banned(self) -> list[int | str]:
        return self.bans.listed()

    def ban(self, who: Target | str, reason: str) -> None:
        """Ban a client by its id or address, or an IP address or network given as text."""
        if isinstance(who, int):
            self._ban_client(who, reason)
        elif isinstance(who, str):
            self._ban_place(who, reason)
        else:
            self._ban_place(plain_host(who[0]), reason, only=who)

    def _ban_client(self, client_id: int, reason: str) -> None:
        self.bans.add(client_id)
        self._write(
            "client %d is banned by its id: it cannot resume its connection, and nobody else is meant. Its player can "
            "connect anew as another client; ban the IP address as well to prevent that",
            client_id,
        )
        self._close([client_id], reason)

    def _ban_place(self, place: str, reason: str, only: Target | None = None) -> None:
        """Ban an IP address or a network. ``only``: the client to be removed; None: every client from there."""
        self.bans.add(place)
        kind = "network" if "/" in place else "IP address"
        self._write("the %s %s is banned: everyone who connects from there is refused", kind, place)
        if only is not None:
            self._close([only], reason)
        else:
            self._close_all(lambda client: self.bans.covers(place, client.address), reason)

    def unban(self, who: Target | str) -> None:
        """Lift a ban, as :meth:`ban` takes it."""
        if isinstance(who, int):
            self.bans.discard(who)
            self._write("client %d is no longer banned", who)
        elif isinstance(who, str) and "/" in who:
            self.bans.discard(who)
            self._write("the network %s is no longer banned", who)
        else:
            self._unban_host(who if isinstance(who, str) else plain_host(who[0]))

    def _unban_host(self, host: str) -> None:
        self.bans.discard(host)
        network = self.bans.network_around(host)
        if network is None:
            self._write("the IP address %s is no longer banned", host)
        else:
            message = "the IP address %s stays out: the network %s around it is banned; unban(%r) lifts that"
            self._log.write(logging.WARNING, message, host, network, network)

    def _write(self, message: str, *args: object) -> None:
        self._log.write(logging.INFO, message, *args, kind=(message, *args))

    def _close(self, clients: list[Target], reason: str) -> None:
        run = self._open_run()
        if run is not None:
            run.close_clients(clients, DisconnectReason.BANNED, reason)

    def _close_all(self, is_meant: Callable[[RemoteClient], bool], reason: str) -> None:
        run = self._open_run()
        if run is not None:
            run.close_all(is_meant, DisconnectReason.BANNED, reason)
