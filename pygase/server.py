"""The server: connections to clients, the flow of events, and the state to all clients."""

from __future__ import annotations

import logging
import os
import threading
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from ._diagnostics.near_misses import OF_A_SERVER
from ._diagnostics.tracebacks import program_lines_only
from ._io import clocks, runner
from ._io.calls import block_or_return
from ._io.leaving import note_running
from ._io.ports import Address
from ._io.signals import ended_by_signals
from ._protocol.server_peer import ServerProtocol
from ._protocol.tickets import AckCallback
from ._server.encryption import check_encryption, invite_to
from ._server.identity_file import kept_identity
from ._server.players import PlayerInputs
from ._server.server_plumbing import ServerPlumbing
from ._server.start_line import after_bound
from ._state.event_codec import encode_event
from .checks import as_banned, as_clients, as_targets, check_address, check_dispatch, check_names
from .config import DISCOVERY_PORT, ServerConfig
from .connection import ServerConnection
from .event import Handler
from .registering import TakesHandlers
from .store import GameStateStore

logger = logging.getLogger("pygase")


class Server(TakesHandlers):
    """Exchange events with clients, and send them the state. See Backend for a server with a game.

    :param game_state_store: part of the backend that holds the state.
    :param game: the game's name; clients of another are refused.
    :param password: if given, clients must know it.
    :param config: tunables; see ServerConfig.
    :param identity: path of a file that keeps what :meth:`invite` is made of, so that invites outlive the process; it
        is made if it is missing. None: invites end with the process.
    :raises CannotEncrypt: if the config requires encryption, which is not possible here.
    :raises IdentityUnusable: (an OSError) if the file of the identity is another kind of file.

    :ivar clients: client id → ServerConnection. A client's id is an int from 1 that no other client of this server
        gets, whatever becomes of its connection.
    :ivar connections: the same by the clients' present addresses, for programs that know clients by these.
    :ivar config: the tunables, as given.
    :ivar host_token: a secret; a client that presents it is host.
    :ivar own_token: a secret for the player in this very process, to be presented as ``host_token``, as
        ``pygase_pygame.host`` does. That player is host, and never counts as lost, however long a thread is held up.
    :ivar game_state_store: the store.
    :ivar player_inputs: the players' inputs; a GameStateMachine as event wire takes them once a tick.
    :ivar plumbing: PyGaSe's own, not for games; it may change at any time.
    """

    _NEAR_MISSES: ClassVar = OF_A_SERVER

    def __init__(
        self,
        game_state_store: GameStateStore,
        *,
        game: str = "",
        password: str | None = None,
        config: ServerConfig | None = None,
        identity: str | os.PathLike[str] | None = None,
    ) -> None:
        if not isinstance(game_state_store, GameStateStore):
            raise TypeError(f"game_state_store must be a GameStateStore, got {game_state_store!r}")
        check_names(game, password)
        self.config = config or ServerConfig()
        check_encryption(self.config)
        self.game_state_store = game_state_store
        self.clients: dict[int, ServerConnection] = {}
        self.connections: dict[Address, ServerConnection] = {}
        self.host_token = clocks.random_bytes(16).hex()
        self.own_token = clocks.random_bytes(16).hex()
        self.player_inputs = PlayerInputs(lambda: self.plumbing.wire.interval, self.config)
        kept = kept_identity(identity, clocks.random_bytes)
        self.plumbing: ServerPlumbing = ServerPlumbing(self, game_state_store.plumbing, game, password, kept)

    # -- the run's present state -----------------------------------------------------------------------------------

    @property
    def hostname(self) -> str | None:
        """Hostname or IP address on which the server listens, as given to ``run``; None when it is not running."""
        run = self.plumbing.open_run
        return run.hostname if run is not None else None

    @property
    def port(self) -> int | None:
        """Port number on which the server listens; None when it is not running."""
        run = self.plumbing.open_run
        return int(run.transport.address[1]) if run is not None else None

    @property
    def host_id(self) -> int | None:
        """Id of the host, the client that may shut down the server, or None.

        A client that presents ``host_token`` is host, and so is the first one from this machine if
        ``config.local_host`` is on.
        """
        host = self._host()
        return host.client_id if host is not None else None

    @property
    def host_client(self) -> Address | None:
        """Present address of the host, or None; see :attr:`host_id`."""
        host = self._host()
        return host.address if host is not None else None

    def _host(self) -> ServerProtocol | None:
        run = self.plumbing.current
        peers = tuple(run.endpoint.peers.values()) if run is not None else ()
        return next((peer for peer in peers if peer.is_host), None)

    @property
    def dropped(self) -> Counter[str]:
        """The number of dropped datagrams and events by reason, such as ``"malformed"`` or ``"unknown token"``."""
        run = self.plumbing.current
        return run.endpoint.dropped if run is not None else Counter()

    # -- running -----------------------------------------------------------------------------------------------------

    def run(
        self,
        port: int = 0,
        hostname: str = "localhost",
        event_wire: Any = None,
        *,
        on_bound: Callable[[Server], Any] | None = None,
    ) -> Any:
        """Start the server under a specified address.

        Blocks until :meth:`shutdown`; inside an event loop it returns a coroutine. In the main thread, SIGTERM and
        SIGHUP end it as Ctrl-C does, unless the program handles or ignores them: every client gets a goodbye, and it
        raises an exception that is a KeyboardInterrupt, and a SystemExit with the status 128 + the signal's number.

        :param port: port number to be bound to; 0 lets the system choose a free one (see :attr:`port`).
        :param hostname: hostname or IP address to be bound to: ``"localhost"`` serves this machine alone, ``"0.0.0.0"``
            everyone in the network (``"::"``: with IPv6 as well).
        :param event_wire: object to which events are repeated by its method ``_push_event(event)``; typically a
            GameStateMachine. A wire with a ``_push_event`` of its own finds the sender in
            ``event.handler_kwargs["client_id"]`` and ``["client_address"]``. It gets PyGaSe's own events
            (CLIENT_CONNECTED and so on) only if its method ``has_event_type(event_type)`` returns True for them.
        :param on_bound: called with the Server as soon as it is bound, before the first client gets in: the moment to
            print ``server.port``. An exception from it ends the run.
        :raises AddressInUse, AddressNotUsable: (both OSError) if it cannot be bound.
        :raises RuntimeError: if it runs already.
        :raises TypeError, ValueError: for an impossible port or host name.
        """
        with program_lines_only:
            check_address(port, hostname, "run", least_port=0)

        async def run() -> None:  # it claims when it begins: a coroutine that is never awaited leaves nothing behind
            with program_lines_only:
                self.plumbing.claim(event_wire)
                await ended_by_signals(self.plumbing.serve(port, hostname, after_bound(self, on_bound)))

        with program_lines_only:
            return block_or_return(run, "server.run(...)", "server.run_in_thread(...)")

    def run_in_thread(
        self, port: int = 0, hostname: str = "localhost", event_wire: Any = None, daemon: bool = True
    ) -> threading.Thread:
        """Start the server in a separate thread, and return it as soon as the server is bound. See :meth:`run`."""
        plumbing = self.plumbing
        with program_lines_only:
            check_address(port, hostname, "run_in_thread", least_port=0)
        plumbing.claim(event_wire)
        bound = plumbing.bound
        if daemon:
            calls = "server.run_in_thread(...)", "server.run(...)"
            note_running(plumbing.life.ended, *calls, lambda: plumbing.was_used)

        def run() -> None:
            try:
                runner.run_to_end(plumbing.serve(port, hostname))
            except Exception as error:
                if not bound.done():
                    bound.set_exception(error)
                else:
                    logger.exception("the server has ended")

        thread = runner.start_thread(run, "pygase-server", daemon=daemon)
        with program_lines_only:
            bound.result()
        return thread

    def shutdown(self) -> Any:
        """Shut down the server: every client gets a goodbye, and the port is free again.

        Blocks until it is done; inside an event loop it begins at once, and its result can be awaited. The server can
        be restarted with :meth:`run`; ``connections`` still holds the former ones.
        """
        driver = self.plumbing.begin_shutdown()
        completion = runner.Completion(self.plumbing.life.ended, 5.0)
        return driver.finish(completion) if driver is not None else completion.or_block()

    def invite(self, hostname: str | None = None) -> str:
        """Return an invite: a line of text, ``pygase://HOST:PORT/#...``, for friends to join with. Keep it private.

        With it a client finds the server and recognises it, so nobody between them reads or changes anything. All
        invites of a server have the same secret; it is that of its ``identity``.

        :param hostname: the host name or address at which friends reach this machine, such as the router's from the
            Internet. None: where the server is bound; for ``"0.0.0.0"`` the address that other machines most likely
            see.
        :raises CannotEncrypt: (a RuntimeError) if encryption is off or not installed; says what to do.
        :raises RuntimeError: if the server is not running.
        """
        with program_lines_only:
            return invite_to(self.config, self.plumbing.credentials.identity, self.hostname, self.port, hostname)

    # -- being found -------------------------------------------------------------------------------------------------

    def announce(self, name: str = "", *, port: int = DISCOVERY_PORT, info: Mapping[str, Any] | None = None) -> None:
        """Let others on the local network find this server, by ``discover`` or a ``Browser``, whenever it runs.

        Call it at any time, from any thread, and again when something changes. Others learn name, game, port, number of
        players and places, and whether there is a password. A server bound to ``"localhost"`` is found on this machine
        only. A network that prevents it causes a warning in the log.

        :param name: the name in the list; ``""``: this machine's name. Cut after 64 bytes of UTF-8.
        :param port: UDP port for the queries, not the game's own; a search has to use the same.
        :param info: more for players before they join, such as ``{"map": "castle"}``; 200 bytes at most.
        :raises TypeError, ValueError: for a name, port or info that cannot be sent.
        """
        self.plumbing.announce(name, port, info)

    def stop_announcing(self) -> None:
        """Let nobody find this server any more; its players go on playing. From any thread."""
        self.plumbing.stop_announcing()

    # -- events ------------------------------------------------------------------------------------------------------

    def dispatch_event(
        self,
        event_type: str,
        *args: Any,
        target_client: Any = "all",
        retries: int = 0,
        ack_callback: AckCallback | None = None,
        **kwargs: Any,
    ) -> None:
        """Send an event to clients; from any thread. From a handler of the game loop it leaves with that tick.

        :param event_type: links to the client's handler.
        :param target_client: ``"all"``, a client's id, or a list of ids (any collection of them). A client's present
            address stands for its id.
        :param retries: 0: sent once. n: resent up to n times until it has arrived, handled at most once. RELIABLE:
            arrives exactly once, in order with the others of this kind, while the connection lives.
        :param ack_callback: function or coroutine function, called with the client's ServerConnection when the client
            has the event, for each client.
        :param args, kwargs: the event's data, passed to the handler.
        :raises InvalidValue: (a TypeError) if the data holds a value that cannot be sent.
        :raises MessageTooLarge: (a ValueError) if it is larger than ``config.max_message_bytes``.
        """
        with program_lines_only:
            check_dispatch(retries, ack_callback)
            targets = as_targets(target_client)
            config = self.config
            payload = encode_event(event_type, args, kwargs, config.max_message_bytes, config.max_event_values)
        plumbing = self.plumbing
        run = plumbing.open_run
        if run is None:
            plumbing.log.write(logging.WARNING, "event %r was not sent: the server is not running", event_type)
        else:
            run.dispatch(event_type, payload, targets, retries, ack_callback)

    def register_event_handler(self, event_type: str, event_handler_function: Handler) -> None:
        """Register an event handler for a specific event type.

        It is called on the network's thread, as soon as the event arrives, and must not block. Its return value is not
        used: for changes to the state, register a handler with a GameStateMachine, which is called as well.

        :param event_type: as in ``Client.register_event_handler``.
        :param event_handler_function: function or coroutine function; gets the event's data, and by name
            ``client_id`` and ``client_address``.
        """
        self.plumbing.handlers.register_event_handler(event_type, event_handler_function)

    # -- keeping clients out -----------------------------------------------------------------------------------------

    def kick(self, client: Any, reason: str = "") -> None:
        """End a client's connection; the client gets ``reason`` in your words. From any thread.

        :param client: a client's id, its present address, or a list of them (any collection). The log reports those
            who are not connected.
        :raises TypeError: if it is none of these.
        """
        self.plumbing.keeping_out.kick(as_clients(client), reason)

    def ban(self, client: Any, reason: str = "") -> None:
        """Kick clients, and keep them out until :meth:`unban`. From any thread, at any time.

        :param client: one of these, or a list of them. A client's **id** bans that player alone: its connection ends
            and is never resumed. The same person can connect anew as another client, with another id. An **IP
            address** as text, such as ``"192.168.0.7"``, removes every client from there and refuses all newcomers
            from there: all players behind one router have one address. A **network** as text, such as
            ``"192.168.0.0/24"``, does the same to all its addresses. A client's **address**,
            ``ServerConnection.client_address``, removes that client and refuses all newcomers from its IP address.
        :param reason: your words for the client.
        :raises TypeError, ValueError: if it is none of these.
        """
        for banned in as_banned(client):
            self.plumbing.keeping_out.ban(banned, reason)

    def unban(self, client: Any) -> None:
        """Lift bans. From any thread, at any time.

        :param client: an entry of :attr:`banned`, or a client's address, whose IP address is let in again; or a list
            of these. An IP address stays out while a network around it is banned; the log says so.
        :raises TypeError, ValueError: if it is none of these.
        """
        for banned in as_banned(client):
            self.plumbing.keeping_out.unban(banned)

    @property
    def banned(self) -> list[int | str]:
        """The bans: ids in their order, then IP addresses and networks in alphabetical order. :meth:`ban` adds to
        them."""
        return self.plumbing.keeping_out.banned
