"""The server: connections to clients, the flow of events, and the state to everyone."""

from __future__ import annotations

import concurrent.futures
import logging
import math
import threading
from collections import Counter, deque
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final

from ._diagnostics.callbacks import call_back
from ._diagnostics.holdups import Holdups
from ._diagnostics.log_lines import LogLines
from ._diagnostics.tracebacks import program_lines_only
from ._io import clocks, runner
from ._io.calls import block_or_return
from ._io.interfaces import get_available_ip_addresses
from ._io.leaving import note_living, note_running
from ._io.loops import LoopDriver
from ._io.ports import Driver
from ._io.signals import ended_by_signals
from ._io.udp import ServerTransport
from ._protocol.acknowledged import AcknowledgedEvent
from ._protocol.channels import RELIABLE
from ._protocol.endpoint import ServerEndpoint
from ._protocol.handshake import plain_host
from ._protocol.peer_events import Connected, Disconnected, InputsReceived, MessageAcked, ProtocolEvent
from ._protocol.server_peer import ServerProtocol
from ._protocol.sleep import SleepWatch
from ._protocol.tickets import AckCallback
from ._server.event_queue import ClientEvents, EventQueue
from ._server.players import PlayerInputs
from ._state.codec import prepare_counting
from .checks import as_address, as_host, as_targets, check_address, check_dispatch, check_names
from .config import DISCOVERY_PORT, ServerConfig
from .connection import ServerConnection
from .errors import DisconnectReason, MalformedPacket
from .event import (
    CLIENT_CONNECTED,
    CLIENT_LEFT,
    RESERVED_PREFIX,
    SHUTDOWN_REQUEST,
    Event,
    Handler,
    UniversalEventHandler,
    decode_event,
    encode_event,
    event_type_of,
    handler_name,
)
from .machine import DEFAULT_INTERVAL, GameStateMachine
from .store import GameStateStore

if TYPE_CHECKING:
    from .discovery import Announcement, Announcer

logger = logging.getLogger("pygase")

Address = tuple[Any, ...]

FEW_EVENTS: Final = 1024
FEW_BYTES: Final = 1200
"""As long as no more events than these wait for the next tick, nobody's small ones are counted."""

_OWN_HEAD: Final = bytes([0xA0 + len(SHUTDOWN_REQUEST)])
"""How the type begins in events that ask for the shutdown (and in others with a type as long as that)."""


def is_own_address(address: Address) -> bool:
    """Tell whether an address is this very machine's: loopback, or one of its interfaces'."""
    import ipaddress  # only here: it takes its time to import

    host = str(address[0]).partition("%")[0]
    try:
        parsed = ipaddress.ip_address(host)
    except ValueError:
        return False
    mapped = getattr(parsed, "ipv4_mapped", None)
    parsed = mapped or parsed
    return parsed.is_loopback or str(parsed) in get_available_ip_addresses()


def _wants(wire: Any, event_type: str, handled: bool) -> bool:
    """Tell whether an event is repeated to a wire; ``handled``: the server has a handler for it.

    PyGaSe's own events go only to a wire whose ``has_event_type`` says that it knows them: one that was written before
    they existed would take them for events of the game.
    """
    knows = getattr(wire, "has_event_type", None)
    if event_type.startswith(RESERVED_PREFIX):
        return callable(knows) and bool(knows(event_type))
    return not handled or not callable(knows) or bool(knows(event_type))


class _Leaving:
    """One run of a server, as ``_io.leaving`` ends it with the program."""

    is_server = True

    def __init__(self, server: Server, ended: concurrent.futures.Future[Any]) -> None:
        self._server = server
        self.ended = ended

    def leave(self) -> None:
        self._server._leave()

    def pump(self) -> None:
        """There is nothing that would take time."""


class Server:
    """Listen to clients and orchestrate the flow of events and state updates.

    Contains no game logic or state: the state is provided by a GameStateStore, the logic by a GameStateMachine.

    :param game_state_store: part of the backend that holds the state.
    :param game: the game's name; clients of another are refused.
    :param password: if given, clients must know it.
    :param config: tunables; see ServerConfig.

    :ivar connections: client address → ServerConnection.
    :ivar config: the tunables, as given.
    :ivar host_client: address of the host client, who may shut down the server, or None. That is a client that presents
        ``host_token``; where ``config.local_host`` is on, also the first client from this machine. (It is on by default
        for servers bound to a loopback address, and for those that ``pygase_pygame.host()`` starts.)
    :ivar host_token: a secret; who knows it may be host from anywhere.
    :ivar own_token: a secret for the player in this very process, to be presented as ``host_token``, as
        ``pygase_pygame.host`` does. That player is host, and never counts as lost, however long a thread is held up.
    :ivar game_state_store: the store.
    :ivar player_inputs: what the players do; a GameStateMachine as event wire takes it once a tick.
    """

    def __init__(
        self,
        game_state_store: GameStateStore,
        *,
        game: str = "",
        password: str | None = None,
        config: ServerConfig | None = None,
    ) -> None:
        if not isinstance(game_state_store, GameStateStore):
            raise TypeError(f"game_state_store must be a GameStateStore, got {game_state_store!r}")
        check_names(game, password)
        self.config = config or ServerConfig()
        self.game_state_store = game_state_store
        self.connections: dict[Address, ServerConnection] = {}
        self.host_token = clocks.random_bytes(16).hex()
        self.own_token = clocks.random_bytes(16).hex()
        self._game = game
        self._password = password
        self._banned: set[str] = set()
        self.player_inputs = PlayerInputs(self._interval, self.config)
        self._log = LogLines()
        self._holdups = Holdups(self._log, self.config.slow_handler, lambda: clocks.fine_clock(self._clock))
        self._universal_event_handler = UniversalEventHandler(self._log)
        self._own_events = EventQueue()
        """Events for our own handlers, and for wires that take none serialised."""
        self._clock: Callable[[], float] = clocks.monotonic
        self._endpoint: ServerEndpoint | None = None
        self._transport: Any = None
        self._driver: Any = None
        self._event_wire: Any = None
        self._waiting: deque[Any] | None = None
        self._hostname: str | None = None
        self._ended: concurrent.futures.Future[Any] = runner.done_future()
        self._bound: concurrent.futures.Future[Any] = concurrent.futures.Future()
        self._on_bound: Callable[[Server], Any] | None = None
        self._stop_now: Callable[[], Any] = lambda: None
        self._stop_requested = False
        self._was_used = False
        self._next_push_at = 0.0
        self._everyone = False
        self._sleep = SleepWatch()
        self._taken_tick = -1
        """The tick of the newest state that the endpoint has."""
        self._held_events: deque[tuple[int, Callable[[], None]]] = deque()
        """Events whose tick has not ended yet, each with that tick: its state leaves before them."""
        self._claim_lock = threading.Lock()
        self._announcement: Announcement | None = None
        self._announcer: Announcer | None = None

    # -- how it stands -------------------------------------------------------------------------------------------

    @property
    def hostname(self) -> str | None:
        """Hostname or IP address on which the server listens, as given to ``run``; None when it is not running."""
        return self._hostname if self._transport is not None else None

    @property
    def port(self) -> int | None:
        """Port number on which the server listens; None when it is not running."""
        return int(self._transport.address[1]) if self._transport is not None else None

    @property
    def host_client(self) -> Address | None:
        """Address of the client that may shut down the server, if there is any."""
        peers = self._endpoint.peers.values() if self._endpoint is not None else ()
        return next((peer.address for peer in tuple(peers) if peer.is_host), None)

    @property
    def dropped(self) -> Counter[str]:
        """How many datagrams were dropped, by reason: strangers, forgeries, noise."""
        return self._endpoint.dropped if self._endpoint is not None else Counter()

    # -- running -------------------------------------------------------------------------------------------------

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
        SIGHUP end it as Ctrl-C does, unless the program handles or ignores them: every client is told goodbye, and then
        it raises an exception that is a KeyboardInterrupt, and a SystemExit with the status 128 + the signal's number.

        :param port: port number to be bound to; 0 lets the system choose a free one (see :attr:`port`).
        :param hostname: hostname or IP address to be bound to: ``"localhost"`` serves this machine alone, ``"0.0.0.0"``
            everyone in the network (``"::"`` with IPv6, too).
        :param event_wire: object to which events are repeated: has a ``_push_event(event)`` method; typically a
            GameStateMachine. A wire with a ``_push_event`` of its own finds the sender in
            ``event.handler_kwargs["client_address"]``; it gets PyGaSe's own events (CLIENT_CONNECTED and so on) only
            if it has a method ``has_event_type(event_type)`` that returns True for them.
        :param on_bound: called with the Server as soon as it is bound, before the first client gets in: the moment to
            print ``server.port``. What it raises ends the run.
        :raises AddressInUse, AddressNotUsable: (both OSError) if it cannot be bound; says what to do.
        :raises RuntimeError: if it runs already.
        :raises TypeError, ValueError: for a port or host name that can be none; says how to write it.
        """
        with program_lines_only:
            check_address(port, hostname, "run", least_port=0)

        async def run() -> None:  # claims when it begins, so that one which never does leaves nothing behind
            with program_lines_only:
                self._claim(event_wire, on_bound)
                await ended_by_signals(self._run(port, hostname, event_wire))

        with program_lines_only:
            return block_or_return(run, "server.run(...)", "server.run_in_thread(...)")

    def run_in_thread(
        self, port: int = 0, hostname: str = "localhost", event_wire: Any = None, daemon: bool = True
    ) -> threading.Thread:
        """Start the server in a separate thread, and return it as soon as the server is bound. See :meth:`run`."""
        with program_lines_only:
            check_address(port, hostname, "run_in_thread", least_port=0)
        self._claim(event_wire)
        bound = self._bound
        if daemon:
            note_running(self._ended, "server.run_in_thread(...)", "server.run(...)", self.was_used)

        def run() -> None:
            try:
                runner.run_to_end(self._run(port, hostname, event_wire))
            except Exception as error:
                if not bound.done():
                    bound.set_exception(error)
                else:
                    logger.exception("the server has ended")

        thread = runner.start_thread(run, "pygase-server", daemon=daemon)
        with program_lines_only:
            bound.result()
        return thread

    def was_used(self) -> bool:
        """Tell whether any client has been connected since the server was started last."""
        return self._was_used

    def _claim(self, event_wire: Any, on_bound: Callable[[Server], Any] | None = None) -> None:
        if event_wire is not None and not callable(getattr(event_wire, "_push_event", None)):
            raise TypeError(
                f"event_wire must have a method _push_event(event), as a GameStateMachine has; got {event_wire!r}"
            )
        with self._claim_lock:
            if not self._ended.done():
                raise RuntimeError("this server is running already; shutdown() it first, or make another Server")
            self._ended = concurrent.futures.Future()
            self._bound = concurrent.futures.Future()
            self._on_bound = on_bound
            self._driver, self._stop_requested, self._was_used = None, False, False

    async def _run(self, port: int, hostname: str, event_wire: Any) -> None:
        import asyncio

        try:
            loop = asyncio.get_running_loop()
            stop: asyncio.Future[None] = loop.create_future()
            self._stop_now = lambda: None if stop.done() else stop.set_result(None)
            transport = ServerTransport(hostname, port)
            self._begin(transport, hostname, event_wire)
            self._driver = LoopDriver(self, transport, loop)
            leaving = _Leaving(self, self._ended)
            note_living(leaving)
            self._announce()
            self._bound.set_result(None)
            if self._on_bound is not None:
                self._on_bound(self)
            self._driver.turn()
            if self._stop_requested:
                self._request_stop()
            try:
                await stop
            finally:
                self._say_goodbye()
        finally:
            self._finish()

    def _begin(
        self,
        transport: Any,
        hostname: str,
        event_wire: Any,
        random_bytes: Callable[[int], bytes] = clocks.random_bytes,
    ) -> None:
        self._endpoint = ServerEndpoint(
            random_bytes=random_bytes,
            config=self.config,
            game=self._game,
            password=self._password,
            host_token=self.host_token,
            own_token=self.own_token,
            is_local=is_own_address if self._trusts_locality(transport.address) else lambda address: False,
        )
        self._endpoint.banned_hosts = self._banned
        self._transport, self._hostname, self._event_wire = transport, hostname, event_wire
        self._waiting = None
        prepare_counting()
        if isinstance(event_wire, GameStateMachine):
            event_wire.player_inputs = self.player_inputs
            self.player_inputs.has_machine = True
            event_wire._has_players = lambda: bool(self.connections)
            if event_wire.takes_serialised:
                self._waiting, event_wire.refused = event_wire.waiting_events, self._endpoint.dropped
            event_wire.event_share, event_wire.max_event_values = self.config.event_share, self.config.max_event_values
        self._next_push_at = 0.0
        self._sleep = SleepWatch()
        self._held_events.clear()
        self.game_state_store.plumbing.begin(has_loop=not isinstance(event_wire, GameStateMachine))
        self._take_over_state()
        self.game_state_store.plumbing.subscribe(self._on_commit)

    def _trusts_locality(self, bound: Address) -> bool:
        """Tell whether the first client from this machine is the host."""
        chosen, host = self.config.local_host, plain_host(bound[0])
        return chosen if chosen is not None else host == "::1" or host.startswith("127.")

    def _say_goodbye(self) -> None:
        """Tell every client that it is over."""
        endpoint = self._endpoint
        assert endpoint is not None
        now = self._clock()
        self._release_events(math.inf)
        endpoint.refuse_all = DisconnectReason.SERVER_SHUTDOWN
        for peer in tuple(endpoint.peers.values()):
            endpoint.close_peer(peer, DisconnectReason.SERVER_SHUTDOWN, now=now)
        self._flush(now)
        self._handle_inbox()
        self._handle_own_events(math.inf)

    def _finish(self) -> None:
        self.game_state_store.plumbing.unsubscribe(self._on_commit)
        self._end_announcing()
        if self._driver is not None:
            self._driver.stop()
        if self._transport is not None:
            self._transport.close()
        self._transport = None
        if not self._ended.done():
            self._ended.set_result(None)

    def shutdown(self) -> Any:
        """Shut down the server: every client is told, and the port is free again.

        Blocks until it is done; inside an event loop it begins at once, and what it returns can be awaited. The
        server can be restarted with :meth:`run`; ``connections`` still holds those that there were.
        """
        driver = self.begin_shutdown()
        completion = runner.Completion(self._ended, 5.0)
        return driver.finish(completion) if driver is not None else completion.or_block()

    def begin_shutdown(self) -> Driver | None:
        """Ask the server to shut down, and do not wait; return who drives it, if anybody does."""
        self._stop_requested = True  # before the look at the driver: a server that is just starting looks at this after
        driver: Driver | None = self._driver
        if driver is None or self._ended.done():
            return None
        driver.call(self._request_stop)
        return driver

    def _request_stop(self) -> None:
        self._stop_requested = True
        self._stop_now()

    def _leave(self) -> None:
        """At the program's end: begin to shut down, or where no loop does it any more, do it here."""
        driver = self.begin_shutdown()
        if driver is not None and not driver.is_driven:
            self._say_goodbye()
            self._finish()

    # -- being found -----------------------------------------------------------------------------------------------

    def announce(self, name: str = "", *, port: int = DISCOVERY_PORT, info: Mapping[str, Any] | None = None) -> None:
        """Let others on the local network find this server, by ``discover`` or a ``Browser``, whenever it runs.

        Before or while it runs, from any thread, and again when something changes. They learn name, game, port, how
        many play and can, and whether there is a password. Run with ``hostname="localhost"`` it is found on this
        machine only. If the network does not let it be found, that is a warning in the log, and the game goes on.

        :param name: what players read in the list; ``""``: this machine's name. Cut after 64 bytes of UTF-8.
        :param port: UDP port for the questions, not the game's own; who searches has to use the same.
        :param info: what else a player wants to know before joining, such as ``{"map": "castle"}``; 200 bytes at most.
        :raises TypeError, ValueError: for a name, port or info that cannot be told.
        """
        from .discovery import Announcement  # only here: few servers need it, and it takes its time to import

        self._announcement = Announcement(name, port, info)
        driver = self._driver
        if driver is not None and self._transport is not None:
            driver.call(lambda: driver.defer(self._announce))  # deferred, it runs inside the loop

    def stop_announcing(self) -> None:
        """Let nobody find this server any more; who plays goes on playing. From any thread."""
        self._announcement = None
        if self._driver is not None:
            self._driver.call(self._end_announcing)

    def _announce(self) -> None:
        announcement, announcer = self._announcement, self._announcer
        if announcement is None or self._transport is None or not getattr(self._driver, "can_be_found", False):
            return
        if announcer is not None and announcer.announcement.port == announcement.port:
            announcer.tell(announcement)
            return
        self._end_announcing()
        address, password = self._transport.address, self._password is not None
        from .discovery import Announcer

        self._announcer = Announcer(announcement, address, self._game, password, self._count_players)
        self._announcer.start()

    def _end_announcing(self) -> None:
        announcer, self._announcer = self._announcer, None
        if announcer is not None:
            announcer.stop()

    def _count_players(self) -> tuple[int, int]:
        return len(self._endpoint.peers) if self._endpoint is not None else 0, self.config.max_clients

    # -- the pump: what a driver calls -----------------------------------------------------------------------------

    def receive(self) -> int:
        """Take in all datagrams that have come. (Called by whoever drives the server.)"""
        if self._transport is None or self._endpoint is None:
            return 0
        now = self._clock()
        self._notice_sleep(now)
        datagrams = self._transport.take()
        if datagrams:
            self._endpoint.receive_datagrams(datagrams, now=now)
        if self._endpoint.inbox or self._own_events:
            self._handle_inbox()
        return len(datagrams)

    @property
    def has_slept(self) -> bool:
        """True if this process has not run for a while, so that datagrams lie in the socket. (For whoever drives the
        server.)
        """
        return self._endpoint is not None and self._sleep.overslept(self._clock(), self._endpoint.next_timeout()) > 0.0

    def _notice_sleep(self, now: float) -> bool:
        """Forgive the clients' silence while we slept; return whether we did."""
        assert self._endpoint is not None
        slept = self._sleep.ran(now, self._endpoint.next_timeout())
        if slept:
            logger.info("this process has not run for %.1f s; the clients' silence of that time is forgiven", slept)
            self._endpoint.forgive(slept, now=now)
        return slept > 0.0

    def advance(self) -> float | None:
        """Do what is due, send what is to be sent; return when to be called next. (Called by whoever drives the
        server.)
        """
        endpoint = self._endpoint
        if self._transport is None or endpoint is None:
            return None
        now = self._clock()
        if self._notice_sleep(now):  # what lies in the socket comes before any judgement
            self.receive()
        if endpoint.is_idle(now) and not self._everyone and not self._own_events:
            return endpoint.next_timeout()
        endpoint.handle_timeout(now=now)
        if endpoint.inbox or self._own_events:
            self._handle_inbox()
        changed = self._everyone and now >= self._next_push_at and self._take_over_state()
        self._flush(now, everyone=changed)
        due_at = endpoint.next_timeout()
        if self._everyone:
            due_at = min(due_at, self._next_push_at) if due_at is not None else self._next_push_at
        return due_at

    def _flush(self, now: float, everyone: bool = False) -> None:
        assert self._endpoint is not None
        self._transport.send_all(self._endpoint.stream_to_send(now=now, everyone=everyone))

    def _on_commit(self) -> None:
        """The store has settled a new state: on a tick of our own loop it leaves at once."""
        self.player_inputs.settle(self.game_state_store.plumbing.committed.tick)
        driver = self._driver
        if driver is None:
            return
        if driver.on_own_thread and self._ticking:
            self._send_state()
        else:
            self._everyone = True
            driver.wake()

    _ticking = False
    """True while a game loop on our own thread is in a tick, so that the end of the tick is the moment to send."""

    def _send_state(self) -> None:
        if self._transport is not None:
            changed = self._take_over_state()
            now = self._clock()
            self._notice_sleep(now)
            assert self._endpoint is not None
            if changed or not self._endpoint.is_idle(now):
                self._flush(now, everyone=changed)
                due_at = self._endpoint.next_timeout()  # at once, if somebody has been found to be gone
                if due_at is not None:
                    self._driver.arm(due_at)

    def _take_over_state(self) -> bool:
        assert self._endpoint is not None
        self._everyone = False  # first: a commit from another thread after this line is taken over next time
        commit = self.game_state_store.plumbing.committed
        self._next_push_at = self._clock() + self.config.push_interval
        # on the wire ticks begin with 1, since 0 says "no state"
        changed = self._endpoint.push_state(commit.tick + 1, commit.tree, time=commit.time, span=commit.span)
        self.player_inputs.tell(commit.tick)
        self._taken_tick = commit.tick
        self._release_events(commit.tick)
        return changed

    def _release_events(self, tick: float) -> None:
        """Queue the events of this tick and of earlier ones."""
        while self._held_events and self._held_events[0][0] <= tick:
            try:
                self._held_events.popleft()[1]()
            except BufferError as error:
                self._log.write(logging.ERROR, "an event was not sent: %s", error)

    def _after_state(self, queue: Callable[[], None], tick: int | None = None) -> None:
        """Queue events: at once if the endpoint has the state of their tick (None: of what goes on), else when it gets
        that.
        """
        if tick is None:
            tick = self.game_state_store.plumbing.tick_of_caller
        if tick > self._taken_tick:
            self._held_events.append((tick, queue))
        else:
            queue()

    # -- what comes in -------------------------------------------------------------------------------------------

    def _handle_inbox(self) -> None:
        assert self._endpoint is not None
        inbox = self._endpoint.inbox
        tick = self.game_state_store.plumbing.committed.tick
        waiting = self._waiting if self._universal_event_handler.is_empty else None
        while inbox:
            peer, event = inbox.popleft()
            if type(event) is not bytes and type(event) is not AcknowledgedEvent:
                self._handle_protocol_event(peer, event)
            elif waiting is None or event[1:2] == _OWN_HEAD:
                self._receive_event(peer, event, tick)
            elif len(waiting) < FEW_EVENTS and len(event) < FEW_BYTES and not peer.user.events.waiting:
                waiting.append((peer.user.events, event))  # the common case: to the game loop, as it is
            elif self._admits(peer, peer.user.events, event, tick):
                waiting.append((peer.user.events, event))
        if self._own_events:
            self._handle_own_events()

    def _admits(self, peer: ServerProtocol, client: ClientEvents, event: bytes, tick: int) -> bool:
        """Count an event; False if too many of this client wait. Then it is dropped, or the connection ends, if the
        client relies on it.
        """
        assert self._endpoint is not None
        if client.admits(event, tick):
            return True
        self._endpoint.dropped["too many events between two ticks"] += 1
        if type(event) is AcknowledgedEvent:
            peer.user.close(DisconnectReason.PROTOCOL_ERROR, "more of your events wait for the server than may")
        return False

    def _receive_event(self, peer: ServerProtocol, payload: bytes, tick: int) -> None:
        """Find out for whom an event is: for us, for our own handlers or a wire, or for the game loop. Data that nobody
        wants is not looked at, as that may take long.
        """
        assert self._endpoint is not None
        try:
            event_type = event_type_of(payload)
        except MalformedPacket:
            self._endpoint.dropped["malformed event"] += 1
            return
        wire, handled = self._event_wire, self._universal_event_handler.has_event_type(event_type)
        if event_type.startswith(RESERVED_PREFIX):
            self._receive_reserved(peer, event_type)
        elif handled or (wire is not None and self._waiting is None and _wants(wire, event_type, handled)):
            client = peer.user.own_events
            if self._admits(peer, client, payload, tick):
                self._own_events.arrived.append((client, payload))
        elif self._waiting is not None:
            if self._admits(peer, peer.user.events, payload, tick):
                self._waiting.append((peer.user.events, payload))
        else:
            self._universal_event_handler.warn_of_unknown(event_type, peer.address)

    def _handle_own_events(self, share: float | None = None) -> None:
        """Call our own handlers, and wires: as long as each client's share of this interval lasts."""
        interval = self._interval()
        turn = int(self._clock() / interval)
        budget = (self.config.event_share if share is None else share) * interval
        for client, content in self._own_events.due(turn, budget, clocks.fine_clock(self._clock)):
            event = content if type(content) is Event else self._read(client, content)
            if event is not None:
                self._distribute(event)
        if self._own_events:
            self._driver.arm((turn + 1) * interval)

    def _read(self, client: ClientEvents, payload: bytes) -> Event | None:
        assert self._endpoint is not None
        try:
            event_type, args, kwargs = decode_event(payload, self.config.max_event_values)
        except MalformedPacket:
            self._endpoint.dropped["malformed event"] += 1
            self._own_events.refuse(client)
            return None
        event = Event(event_type, *args)
        event.handler_kwargs, event.client_address, event.sender = kwargs, client.address, client.in_game
        return event

    def _interval(self) -> float:
        return self._event_wire.interval if isinstance(self._event_wire, GameStateMachine) else DEFAULT_INTERVAL

    def _handle_protocol_event(self, peer: ServerProtocol, event: bytes | ProtocolEvent) -> None:
        assert self._endpoint is not None
        if isinstance(event, MessageAcked):
            connection = peer.user
            callback = connection.redeem(event.ticket) if connection is not None else None
            if callback is not None:
                call_back(self._driver.spawn, self._log, self._holdups, callback, connection)
        elif isinstance(event, InputsReceived):
            self.player_inputs.receive(peer, event, now=self._clock())
        elif isinstance(event, Connected):
            connection = ServerConnection(peer, self._endpoint, self._clock, self.player_inputs, self._after_state)
            peer.user = self.connections[peer.address] = connection
            self._was_used = True
            self._log.write(logging.INFO, "client %s has connected", peer.address)
            self._distribute_own(CLIENT_CONNECTED, connection)
        elif isinstance(event, Disconnected):
            self._on_left(peer, event)

    def _on_left(self, peer: ServerProtocol, event: Disconnected) -> None:
        self._log.write(logging.INFO, "client %s has left: %s", peer.address, event.reason.sentence)
        self.player_inputs.forget(peer)
        # after our own shutdown they are remembered; a client that gives this reason is gone all the same
        remembered = event.reason is DisconnectReason.SERVER_SHUTDOWN and not event.remote
        if not remembered and self.connections.get(peer.address) is peer.user:
            self.connections.pop(peer.address, None)
        self._distribute_own(CLIENT_LEFT, peer.user, reason=event.reason)

    def _receive_reserved(self, peer: ServerProtocol, event_type: str) -> None:
        assert self._endpoint is not None
        if event_type == SHUTDOWN_REQUEST and peer.is_host:
            self._log.write(logging.INFO, "the host %s has asked for the shutdown", peer.address)
            self._driver.defer(self._request_stop)
        else:
            self._endpoint.dropped["reserved event type"] += 1

    def _distribute_own(self, event_type: str, connection: ServerConnection, **details: Any) -> None:
        event = Event(event_type)
        event.details, event.client_address, event.sender = details, connection.remote_address, connection.events
        if connection.own_events.waiting:  # it is not told of before what has happened before
            self._own_events.arrived.append((connection.own_events, event))
        else:
            self._distribute(event)

    def _distribute(self, event: Event) -> None:
        """Hand an event to our own handler and to the wire, whoever knows it."""
        handled = self._universal_event_handler.has_event_type(event.type)
        if handled:
            self._call_handler(event)
        wire = self._event_wire
        if wire is None:
            if not handled and not event.type.startswith(RESERVED_PREFIX):
                self._call_handler(event)  # warns, and counts it
            return
        try:
            if _wants(wire, event.type, handled):
                self._push(wire, event)
        except Exception as error:
            message = "the event wire raised %r at %r; the server goes on"
            self._log.write(logging.ERROR, message, error, event.type, error=error)

    def _push(self, wire: Any, event: Event) -> None:
        if not (isinstance(wire, GameStateMachine) and wire.takes_serialised):
            # as PyGaSe 0.x did; what a client sends under that name never counts
            event.handler_kwargs = {**event.handler_kwargs, "client_address": event.client_address}
        result = wire._push_event(event)
        if hasattr(result, "__await__"):
            self._driver.spawn(self._log.watch(result, f"the event wire, at {event.type!r},"))

    def _call_handler(self, event: Event) -> None:
        name = handler_name(event.type)
        context = {
            "client_address": event.client_address,
            "game_state": self.game_state_store.get_game_state(),
            "dt": 0.0,
        }
        try:
            function = self._universal_event_handler.function_for(event.type)
            result = self._holdups.call(name, function, lambda: self._universal_event_handler.handle(event, **context))
            if hasattr(result, "__await__"):
                self._driver.spawn(self._log.watch(result, name))
        except Exception as error:
            self._log.write(
                logging.ERROR, "%s raised %r; the server goes on", name, error, kind=event.type, error=error
            )

    # -- what goes out -------------------------------------------------------------------------------------------

    def dispatch_event(
        self,
        event_type: str,
        *args: Any,
        target_client: Any = "all",
        retries: int = 0,
        ack_callback: AckCallback | None = None,
        **kwargs: Any,
    ) -> None:
        """Send an event to one or all clients; from any thread. From a handler of the game loop it leaves with that
        tick.

        :param event_type: links to the client's handler.
        :param target_client: ``"all"``, a client's address, or a list of addresses (any collection of them).
        :param retries: 0: sent once. n: resent up to n times until it has arrived, handled at most once. RELIABLE:
            arrives exactly once, and all of these in order, as long as the connection lives.
        :param ack_callback: function or coroutine function, called with the client's ServerConnection when the
            client has the event (for several clients: for each). It must not block.
        :param args, kwargs: the event's data, passed to the handler.
        :raises InvalidValue: (a TypeError) if the data holds what cannot be sent.
        :raises MessageTooLarge: (a ValueError) if it is larger than ``config.max_message_bytes``.
        """
        with program_lines_only:
            check_dispatch(retries, ack_callback)
            targets = as_targets(target_client)
            config = self.config
            payload = encode_event(event_type, args, kwargs, config.max_message_bytes, config.max_event_values)
        driver = self._driver
        if driver is None or self._transport is None:
            self._log.write(logging.WARNING, "event %r was not sent: the server is not running", event_type)
        else:
            tick = self.game_state_store.plumbing.tick_of_caller

            def queue() -> None:
                self._queue(event_type, payload, targets, retries, ack_callback)

            driver.call(lambda: self._after_state(queue, tick))

    def _queue(
        self,
        event_type: str,
        payload: bytes,
        targets: list[Address] | None,
        retries: int,
        ack_callback: AckCallback | None,
    ) -> None:
        assert self._endpoint is not None
        peers = self._endpoint.peers
        for address in [address for address in targets or () if address not in peers]:
            message = "event %r was not sent: no client is connected from %s (any more)"
            self._log.write(logging.WARNING, message, event_type, address)
        for peer in [peers[address] for address in (peers if targets is None else targets) if address in peers]:
            try:
                if peer.user is not None:
                    peer.user.queue_event(payload, retries, ack_callback)
            except BufferError as error:
                message = "event %r to %s was not sent: %s"
                self._log.write(logging.ERROR, message, event_type, peer.address, error)
                if retries == RELIABLE:  # a gap among reliable events would be worse than the end
                    peer.user.close(DisconnectReason.PROTOCOL_ERROR, "too many events wait for this client")
        if not self._ticking:
            self._driver.wake()

    def register_event_handler(self, event_type: str, event_handler_function: Handler) -> None:
        """Register an event handler for a specific event type.

        It is called on the network's thread, as soon as the event arrives, and must not block. What it returns is not
        used: for changes to the state, register the handler with a GameStateMachine.

        :param event_type: event type to link the handler function to. A type has one handler: a later one replaces an
            earlier one, and that is logged once. (A GameStateMachine's handlers are apart from these: both are called.)
        :param event_handler_function: function or coroutine function; gets the event's data, and by name
            ``client_address``.
        """
        self._universal_event_handler.register_event_handler(event_type, event_handler_function)

    def kick(self, client_address: Address, reason: str = "") -> None:
        """End a client's connection; it is told so, with ``reason`` in your words. From any thread."""
        self._throw_out(client_address, DisconnectReason.KICKED, reason)

    def ban(self, client_address: Address | str, reason: str = "") -> None:
        """Kick a client, and refuse everyone from its IP address until :meth:`unban`. From any thread.

        At any time: a ban from before :meth:`run` holds, and it outlasts a restart of this server by :meth:`run`.

        :param client_address: a client's address; or an IP address as text, such as ``"192.168.0.7"``: then every
            client from there is kicked.
        :param reason: your words, which the client is told with it.
        :raises TypeError, ValueError: if it is neither; says how to write it.
        """
        host = as_host(client_address)
        self._banned.add(host)
        if isinstance(client_address, str):
            self._close_all(lambda address: plain_host(address[0]) == host, DisconnectReason.BANNED, reason)
        else:
            self._throw_out(client_address, DisconnectReason.BANNED, reason)

    def unban(self, client_address: Address | str) -> None:
        """Let clients from an IP address in again, if it was banned. From any thread, at any time.

        :param client_address: the address of a client (with whatever port), or an IP address as text, as in
            :attr:`banned`.
        :raises TypeError, ValueError: if it is neither; says how to write it.
        """
        self._banned.discard(as_host(client_address))

    @property
    def banned(self) -> list[str]:
        """The IP addresses from which everyone is refused, in alphabetical order; :meth:`ban` adds to them."""
        return sorted(self._banned.copy())

    def _throw_out(self, client_address: Address, reason: DisconnectReason, detail: str) -> None:
        wanted = as_address(client_address)
        self._close_all(lambda address: address == wanted, reason, detail)

    def _close_all(self, is_meant: Callable[[Address], bool], reason: DisconnectReason, detail: str) -> None:
        """End the connections of all clients with such an address."""

        def close() -> None:
            peers = self._endpoint.peers if self._endpoint is not None else {}
            for address, peer in tuple(peers.items()):
                if is_meant(address) and peer.user is not None:
                    peer.user.close(reason, detail)
            self._driver.wake()

        if self._driver is not None:
            self._driver.call(close)
