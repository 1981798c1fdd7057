"""The client: exchanges events with a server, and has its game state."""

from __future__ import annotations

import concurrent.futures
import logging
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, TypeVar

from ._diagnostics.holdups import Holdups
from ._diagnostics.log_lines import LogLines
from ._diagnostics.tracebacks import program_lines_only
from ._io import clocks, runner
from ._io.calls import block_or_return
from ._io.leaving import GRACE, LAST_WORDS, note_living
from ._io.loops import LoopDriver
from ._io.pumping import PumpDriver
from ._io.udp import ClientTransport
from ._protocol.channels import RELIABLE
from ._protocol.client_peer import ClientProtocol
from ._protocol.inputs import pace
from ._protocol.peer import (
    Connected,
    Disconnected,
    EventReceived,
    InputStateReceived,
    MessageAcked,
    ProtocolEvent,
    StateReceived,
)
from ._state.tree import Tree
from .checks import check_address, check_dispatch, check_names, check_view_time
from .config import ClientConfig
from .connection import AckCallback, ClientConnection, ConnectionStats, run_callback
from .errors import AddressNotUsable, ConnectionFailed, DisconnectReason, MalformedPacket
from .event import (
    ANY_EVENT,
    CONNECTED,
    DISCONNECTED,
    RESERVED_PREFIX,
    SHUTDOWN_REQUEST,
    Event,
    Handler,
    UniversalEventHandler,
    decode_event,
    encode_event,
    encode_input,
    event_type_of,
    handler_name,
)
from .gamestate import GameState
from .timeline.keeping import newest_of

if TYPE_CHECKING:
    from .links import Link

logger = logging.getLogger("pygase")

T = TypeVar("T")

_MAX_WAITING_EVENTS: Final = 1024
"""Events that may wait for the connection; the oldest unreliable ones make room."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A state as it was received. Snapshots share structure: never change anything in ``state``.

    :ivar tick: absolute number of the tick; counts up.
    :ivar time: the tick's time on the server's clock, seconds.
    :ivar received_at: when it came, on this side's monotonic clock, seconds.
    :ivar state: all attributes of the game state, by name.
    :ivar changed_after: up to this time (server's clock) the state was still that of ``previous_tick``.
    :ivar previous_tick: the last tick before this one that changed something, whether its snapshot arrived or not.
    :ivar resting: this tick changed nothing, and until the next snapshot nothing does. (The server tells it once, in
        the first such tick: so silence means that something was lost or is late, never that the world stands still.)
    :ivar own_values: how many values it holds, at most, that it does not share with earlier snapshots: what has
        changed, and all items of each dict in which something has changed.
    """

    tick: int
    time: float
    received_at: float
    state: Tree
    changed_after: float = 0.0
    previous_tick: int = 0
    resting: bool = False
    own_values: int = 0


class _StateAccess:
    """What ``Client.access_game_state`` returns: a context manager that gives the newest state."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def __enter__(self) -> GameState:
        return self._client._game_state()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        return None


class _Session:
    """One connection of a client, from the attempt to the end. The next one has an object of its own."""

    is_server = False

    def __init__(self, client: Client) -> None:
        self._client = client
        self.ended: concurrent.futures.Future[Any] = concurrent.futures.Future()
        self.connection: ClientConnection | None = None
        self.driver: Any = None
        self.on_start: Callable[[], Any] | None = None
        self.failure: ConnectionFailed | None = None
        self.untold: Event | None = None
        """An end of which the handlers have not been told yet."""
        self.on_failure: Callable[[Exception], Any] = lambda error: None
        """Told before anybody can see that the connection came to nothing: a program may end as soon as it does."""

    def finish(self) -> None:
        """Release everything; may be called again."""
        if self.driver is not None:
            self.driver.stop()
        if self.connection is not None:
            self.connection.release()
        if not self.ended.done():
            self.ended.set_result(None)

    def leave(self) -> None:
        """The program ends: say the last words and goodbye. (See ``_io.leaving.Living``.)"""
        self._client._leave(self)

    def pump(self) -> None:
        """Where no loop and no thread does the network's work, do it."""
        if self.driver is None or self.driver.is_driven:
            return
        self.driver.turn_by_hand()
        if self.connection is not None and self.connection.is_closed:
            self.finish()


class Client:
    """Exchange events with a PyGaSe server and access a synchronised game state.

    :param game: the game's name; the server's must be the same. ``""`` is a name, too.
    :param password: if the server asks for one.
    :param config: tunables; see ClientConfig.

    :ivar connection: the ClientConnection with everything about the network; None before the first ``connect``.
    :ivar error: why ``connect_in_thread`` came to nothing (ConnectionFailed, or another exception), or None.
    :ivar disconnect_reason: why the connection ended (DisconnectReason), or None; ``disconnect_detail``: words of
        the server.

    Next: ``connect_in_thread(port, hostname)`` in a game, ``open`` and ``pump`` where there are no threads,
    ``connect`` in
    an asyncio program.
    """

    def __init__(self, *, game: str = "", password: str | None = None, config: ClientConfig | None = None) -> None:
        check_names(game, password)
        self.config = config or ClientConfig()
        self.connection: ClientConnection | None = None
        self.error: Exception | None = None
        self.disconnect_reason: DisconnectReason | None = None
        self.disconnect_detail = ""
        self._game = game
        self._password = password
        self._address: tuple[Any, ...] | None = None
        self._log = LogLines()
        self._holdups = Holdups(self._log, self.config.slow_handler, lambda: clocks.fine_clock(self._clock))
        self._handler = UniversalEventHandler(self._log)
        self._session: _Session | None = None
        self._clock: Callable[[], float] = clocks.monotonic
        self._waiting: deque[tuple[bytes, int, AckCallback | None]] = deque()
        self._snapshots: tuple[Snapshot, ...] = ()
        self._handed_out: tuple[Snapshot | None, GameState] = (None, GameState())
        self._news = threading.Condition()
        self._status = "disconnected"
        self._input_lock = threading.RLock()  # a pump may call handlers while it sends, and they may send, too
        self._link: tuple[Link | None, int | None] = (None, None)
        self._forget_inputs()

    def _forget_inputs(self) -> None:
        self._inputs_sent = 0
        self._applied: dict[int, int] = {}
        """Tick → the last of our inputs that its state includes."""
        self._input_pace = 1.0
        self._view_delay = 0.0

    @property
    def _driver(self) -> Any:
        return self._session.driver if self._session is not None else None

    # -- connecting ----------------------------------------------------------------------------------------------

    def connect(
        self,
        port: int,
        hostname: str = "localhost",
        *,
        connect_timeout: float | None = None,
        host_token: str = "",
    ) -> Any:
        """Open a connection to a PyGaSe server, and keep it up until it ends.

        Blocks until then; inside an event loop it returns a coroutine to be awaited or made a task. While it runs, use
        the other methods from elsewhere.

        :param port: port number of the server.
        :param hostname: its host name, IPv4 or IPv6 address.
        :param connect_timeout: seconds to try for; ``config.connect_timeout`` (5 s) if None.
        :param host_token: what the server's owner knows (``server.host_token``) to be recognised as the host.
        :raises ConnectionFailed: if nobody answers in time, or the server refuses; says why, and what to do.
        :raises AddressNotUsable: if the host name is not known.
        :raises RuntimeError: if this client is connected already.
        :raises TypeError, ValueError: for a port or host name that can be none; says how to write it.
        """

        with program_lines_only:
            check_address(port, hostname, "connect")

        async def connect() -> None:  # claims when it begins, so that one which never does leaves nothing behind
            with program_lines_only:
                session = self._claim()
                note_living(session)
                await self._run(session, port, hostname, connect_timeout, host_token)

        with program_lines_only:
            return block_or_return(connect, "client.connect(...)", "client.connect_in_thread(...)")

    def connect_in_thread(
        self,
        port: int,
        hostname: str = "localhost",
        *,
        connect_timeout: float | None = None,
        host_token: str = "",
    ) -> threading.Thread:
        """Open a connection in a separate (daemon) thread, and return at once.

        It does not keep the program alive. When the program ends, what it has dispatched last gets half a second to
        arrive, and goodbye is said.

        Parameters as in :meth:`connect`; mistakes in them are raised here. If no connection comes about, the thread
        ends, and ``error`` says why; a handler for DISCONNECTED is told as well.

        :returns: the thread; it ends when the connection does.
        """
        with program_lines_only:
            check_address(port, hostname, "connect_in_thread")
        session = self._claim()
        note_living(session)
        session.on_failure = lambda error: self._log.write(
            logging.WARNING, "no connection to %s:%s: %s", hostname, port, error
        )

        def run() -> None:
            try:
                runner.run_to_end(self._run(session, port, hostname, connect_timeout, host_token))
            except Exception as error:
                # (session.failure has been told, and what fails since the program ends need not be)
                if error is not session.failure and not runner.program_ends():
                    session.on_failure(error)
                self._tell_failure(session)

        return runner.start_thread(run, f"pygase-client-{hostname}:{port}")

    def open(
        self,
        port: int,
        hostname: str = "localhost",
        *,
        connect_timeout: float | None = None,
        host_token: str = "",
    ) -> None:
        """Begin to connect without any thread or loop: from now on call :meth:`pump` once a frame.

        Parameters as in :meth:`connect`. Whether it works is told by ``status`` and ``error``.
        """
        with program_lines_only:
            check_address(port, hostname, "open")
        session = self._claim()
        try:
            self._begin(session, port, hostname, ClientTransport(hostname, port), connect_timeout, host_token)
        except BaseException:
            self._finish(session)
            raise
        assert session.connection is not None
        session.driver = PumpDriver(session.connection, session.ended)
        note_living(session)
        self._start(session)

    def _start(self, session: _Session) -> None:
        if session.on_start is not None:  # disconnected before it began
            session.on_start()
        if session.connection is not None:
            session.connection.condition(*self._link)
        session.driver.turn()

    def pump(self) -> None:
        """Receive, handle events, send: once a frame, after :meth:`open`. Never blocks."""
        if not isinstance(self._driver, PumpDriver):
            raise RuntimeError("pump() is for clients that were opened with open(); call open() first, and only once")
        self._driver.turn()

    def _claim(self) -> _Session:
        """Make a new session the current one."""
        with self._news:
            if self._status != "disconnected":
                raise RuntimeError(
                    "this client is connected, or connecting, already; disconnect() it first, or make another Client"
                )
            self._status = "connecting"
            if self._session is not None:  # what was dispatched since the last one ended was meant for that
                self._waiting.clear()
        self.error = self.disconnect_reason = self._address = self.connection = None
        self.disconnect_detail = ""
        self._snapshots = ()
        self._handed_out = (None, GameState())
        self._forget_inputs()
        session = self._session = _Session(self)
        return session

    async def _run(
        self, session: _Session, port: int, hostname: str, connect_timeout: float | None, host_token: str
    ) -> None:
        import asyncio

        failure: Exception | None = None
        try:
            transport = await runner.in_background(ClientTransport, hostname, port)
            self._begin(session, port, hostname, transport, connect_timeout, host_token)
            assert session.connection is not None
            session.driver = LoopDriver(session.connection, transport, asyncio.get_running_loop())
            self._start(session)
            try:
                # shielded, since cancelling a wrapped future cancels what it wraps: it would look as if all was over
                await asyncio.shield(asyncio.wrap_future(session.ended))
            except asyncio.CancelledError:
                await self._hang_up_and_wait(session)
                raise
            failure = session.failure
        except Exception as error:
            self._note_failure(session, error)
            raise
        finally:
            self._finish(session)
        if failure is not None:
            raise failure

    async def _hang_up_and_wait(self, session: _Session) -> None:
        """Say the last words and goodbye when the task is cancelled. If it is cancelled once more, do so at once."""
        import asyncio

        self._hang_up(session, self._last_words(LAST_WORDS))
        try:
            await asyncio.wait([asyncio.wrap_future(session.ended)], timeout=LAST_WORDS + GRACE)
        except asyncio.CancelledError:
            pass  # the one before is raised
        self._hang_up(session)

    def _note_failure(self, session: _Session, error: Exception) -> None:
        """Note why a session came to nothing, unless that has been noted, or there is a newer one already."""
        if self._session is not session:
            return
        self.error = error
        if self.disconnect_reason is None:
            unknown = isinstance(error, AddressNotUsable)
            self.disconnect_detail = str(error)
            self.disconnect_reason = DisconnectReason.UNKNOWN_HOST if unknown else DisconnectReason.NO_ANSWER
            session.untold = Event(DISCONNECTED)

    def _tell_failure(self, session: _Session) -> None:
        """Call the handlers of a failure that only has been noted."""
        event, session.untold = session.untold, None
        if event is not None and self._session is session:
            self._handle(event, reason=self.disconnect_reason, detail=self.disconnect_detail)

    def _begin(
        self,
        session: _Session,
        port: int,
        hostname: str,
        transport: Any,
        connect_timeout: float | None,
        host_token: str,
        random_bytes: Callable[[int], bytes] = clocks.random_bytes,
    ) -> None:
        config = self.config
        if connect_timeout is not None:
            config = replace(config, connect_timeout=connect_timeout)
        protocol = ClientProtocol(
            now=self._clock(),
            random_bytes=random_bytes,
            config=config,
            game=self._game,
            password=self._password,
            host_token=host_token,
        )
        connection = ClientConnection(
            (hostname, port), protocol, transport, self._clock, lambda event: self._on_protocol_event(session, event)
        )
        self.connection = session.connection = connection

    def _finish(self, session: _Session) -> None:
        """Release what a session holds; it is over, or never came about."""
        if self._session is session:
            self._status = "disconnected"
            self._waiting.clear()
        session.finish()
        with self._news:
            self._news.notify_all()

    # -- a bad link, on purpose ------------------------------------------------------------------------------------

    def condition(self, link: Link | str | None, *, seed: int | None = None) -> None:
        """Lay a bad link over the connection, both ways, to see what becomes of the game; None takes it away.

        At any time, from any thread: while connected it holds at once, else from the next connection on. What is under
        way when the link changes still arrives (all at once if it is taken away). Costs nothing while there is none.

        :param link: a text for ``pygase.links.parse_link``: ``"wifi"``, ``"mobile"``, ``"latency=80ms loss=5%"``,
            ``"off"``; or a Link. Each way: a latency of 80 ms makes a round trip of 160 ms.
        :param seed: of what is lost and delayed, from when there was no bad link; None: another each time.
        :raises ValueError, TypeError: if it describes no link; says what would.
        """
        from .links import as_link  # only here: few games need it, and it takes its time to import

        self._link = (as_link(link), seed)
        session = self._session
        if session is not None and session.driver is not None and not session.ended.done():
            session.driver.call(lambda: self._lay_link(session))

    @property
    def link(self) -> Link | None:
        """The bad link that :meth:`condition` has laid over the connection, or None."""
        return self._link[0]

    def _lay_link(self, session: _Session) -> None:
        """On the network's thread."""
        if session.connection is not None and not session.ended.done():
            session.connection.condition(*self._link)
            session.driver.wake()

    # -- the end -------------------------------------------------------------------------------------------------

    def disconnect(self, shutdown_server: bool = False) -> Any:
        """Close the connection; what has been dispatched before is sent first, and gets half a second to arrive.

        Events with retries are resent meanwhile. If the connection does not stand yet, events that wait for it get half
        a second for that as well; without any, it is given up at once.

        Blocks until it is closed (two seconds at most); inside an event loop it begins at once, and what it returns
        can be awaited. Does nothing if there is no connection.

        :param shutdown_server: also ask the server to shut down, which it does if this client is the host.
        """
        session = self._session
        if session is None or session.ended.done():
            return runner.Completion(runner.done_future(), 0.0).or_block()
        if shutdown_server and self._status == "connected":
            payload = encode_event(SHUTDOWN_REQUEST, (), {}, self.config.max_message_bytes, own=True)
            self._queue(payload, RELIABLE, None)
        seconds = 1.0 if shutdown_server else LAST_WORDS
        self._call(session, lambda: self._hang_up(session, self._last_words(seconds)))
        completion = runner.Completion(session.ended, 2.0, lambda done: None if done else self._give_up(session))
        return completion.or_block() if session.driver is None else session.driver.finish(completion)

    def _last_words(self, seconds: float) -> float:
        """Return for how long to wait with the goodbye: so long if there may be something to be sent, else 0."""
        return seconds if self._status == "connected" or self._waiting else 0.0

    def _leave(self, session: _Session) -> None:
        """At the program's end: hang up. What still connects may be a server's player already, so it is waited for."""
        driver = session.driver
        if driver is not None and not driver.is_driven:
            self._hang_up(session, LAST_WORDS)
        else:
            self._call(session, lambda: self._hang_up(session, LAST_WORDS))

    def _give_up(self, session: _Session) -> None:
        self._call(session, lambda: self._hang_up(session))

    def _call(self, session: _Session, function: Callable[[], Any]) -> None:
        """Run a function on the network's thread; if that has not begun yet, as the first thing there."""
        session.on_start = function
        if session.driver is not None:
            session.driver.call(function)

    def _hang_up(self, session: _Session, linger: float = 0.0) -> None:
        """On the network's thread: say goodbye, and end; wait for what is not acknowledged for ``linger`` seconds."""
        if session.connection is None or session.ended.done():
            return
        session.connection.close(linger=linger)
        due_at = session.connection.advance()  # the goodbye leaves, and Disconnected is handled
        if due_at is not None:
            session.driver.arm(due_at)

    # -- what happens --------------------------------------------------------------------------------------------

    def _on_protocol_event(self, session: _Session, event: ProtocolEvent) -> None:
        if isinstance(event, Disconnected):
            self._on_disconnected(session, event)
        elif isinstance(event, StateReceived):
            self._receive_state(event)
        elif isinstance(event, EventReceived):
            self._receive_event(event.payload)
        elif isinstance(event, InputStateReceived):
            self._receive_input_state(event)
        elif isinstance(event, MessageAcked):
            callback = session.connection.redeem(event.ticket) if session.connection else None
            if callback is not None:
                run_callback(session.driver, self._log, self._holdups, callback)
        elif isinstance(event, Connected):
            self._address = event.address
            self._status = "connected"
            self._send_waiting()
            self._handle(Event(CONNECTED))

    def _receive_state(self, event: StateReceived) -> None:
        state = event.state
        # on the wire ticks begin with 1, since 0 says "no state"
        snapshot = Snapshot(
            state.tick - 1,
            state.time,
            self._clock(),
            state.tree,
            state.changed_after,
            state.previous_tick - 1,
            state.resting,
            state.own_values,
        )
        with self._news:
            config = self.config
            self._snapshots = newest_of((*self._snapshots, snapshot), config.kept_snapshots, config.max_state_values)
            self._news.notify_all()

    def _receive_input_state(self, event: InputStateReceived) -> None:
        applied = self._applied
        applied.pop(event.tick - 1, None)  # to the end
        applied[event.tick - 1] = event.applied
        if len(applied) > 2 * self.config.kept_snapshots:
            del applied[next(iter(applied))]
        self._input_pace = pace(event.margin)

    def _receive_event(self, payload: bytes) -> None:
        try:
            event_type = event_type_of(payload)
            if event_type.startswith(RESERVED_PREFIX):
                return
            if not self._handler.has_event_type(event_type) and not self._handler.has_event_type(ANY_EVENT):
                self._handler.warn_of_unknown(event_type, None)  # unread: its data may take long to read
                return
            _, args, kwargs = decode_event(payload, self.config.max_event_values)
        except MalformedPacket as error:
            self._log.write(logging.DEBUG, "dropped an event: %s", error)
            return
        event = Event(event_type, *args)
        event.handler_kwargs = kwargs
        self._handle(event)

    def _handle(self, event: Event, **details: Any) -> None:
        event.details = details
        own = event.type.startswith(RESERVED_PREFIX)
        catch_all = self._handler.has_event_type(ANY_EVENT)
        if catch_all:
            everything = Event(ANY_EVENT, event.type, *event.handler_args, *details.values())
            everything.handler_kwargs = event.handler_kwargs
            self._call_handler(everything)
        if self._handler.has_event_type(event.type) or not (own or catch_all):
            self._call_handler(event)

    def _call_handler(self, event: Event) -> None:
        name = handler_name(event.type)
        try:
            result = self._holdups.call(name, self._handler.function_for(event.type), self._handler.handle, event)
            if hasattr(result, "__await__"):
                driver = self._driver  # None if it came to nothing before there was any
                watched = self._log.watch(result, name)
                (driver.spawn if driver is not None else runner.run_logged)(watched)
        except Exception as error:
            self._log.write(logging.ERROR, "%s raised %r", name, error, kind=event.type, error=error)

    def _on_disconnected(self, session: _Session, event: Disconnected) -> None:
        connection = session.connection
        if self._address is None and event.reason is not DisconnectReason.CLOSED and connection is not None:
            hint = connection.hint if event.reason is DisconnectReason.NO_ANSWER else ""
            where = "(Tried {}:{}.)".format(*connection.remote_address)
            words = " ".join(filter(None, [where, hint]))
            self.error = session.failure = ConnectionFailed(event.reason, event.detail, words)
            session.on_failure(session.failure)
        self.disconnect_detail = event.detail
        self.disconnect_reason = event.reason
        self._status = "disconnected"  # not before there is a reason to show
        session.driver.defer(lambda: self._finish(session))  # after the goodbye has left
        self._handle(Event(DISCONNECTED), reason=event.reason, detail=event.detail)

    # -- the state -----------------------------------------------------------------------------------------------

    @property
    def snapshots(self) -> tuple[Snapshot, ...]:
        """The last states received, newest last; at most ``config.kept_snapshots``. Never changes: there is a new
        one.
        """
        return self._snapshots

    def _game_state(self) -> GameState:
        snapshots = self._snapshots
        newest = snapshots[-1] if snapshots else None
        source, state = self._handed_out
        if source is not newest or newest is None:
            state = GameState._of_tree(newest.state, newest.tick) if newest is not None else GameState()
            self._handed_out = (newest, state)
        return state

    def access_game_state(self) -> _StateAccess:
        """Return a context manager that gives the newest game state: ``with client.access_game_state() as
        game_state:``.

        Inside the block the state does not change, and the network is not held up either. Before the first state has
        arrived it is an empty one.
        """
        return _StateAccess(self)

    def wait_until(self, game_state_condition: Callable[[GameState], bool], timeout: float = 1.0) -> None:
        """Block until a condition on the game state is satisfied. Where it asks for what is missing yet, it is not.

        :param game_state_condition: takes a GameState, returns a bool.
        :param timeout: seconds.
        :raises TimeoutError: if it is not satisfied in time.
        """
        self._retry(
            lambda state: None if game_state_condition(state) else _NOT_YET,
            timeout,
            "the condition was not met",
        )

    def try_to(self, function: Callable[[GameState], T], timeout: float = 1.0) -> T:
        """Return ``function(game_state)``, trying again with newer states as long as an attribute or key is missing.

        :param function: takes a GameState, returns anything.
        :param timeout: seconds.
        :raises TimeoutError: if it does not work in time.
        """
        result: T = self._retry(function, timeout, "the function did not run through")
        return result

    def _retry(self, function: Callable[[GameState], Any], timeout: float, what: str) -> Any:
        end = clocks.monotonic() + timeout
        missing: Exception | None = None
        while True:
            seen = self._snapshots
            state = self._game_state()
            try:
                result = function(state)
            except (KeyError, AttributeError) as error:
                if isinstance(error, AttributeError) and error.obj is not state:
                    raise
                missing, result = error, _NOT_YET
            if result is not _NOT_YET:
                return result
            if clocks.monotonic() >= end:
                reason = f"; last missing: {missing}" if missing else ""
                raise TimeoutError(f"{what} within {timeout} s (this client is {self.status}){reason}") from missing
            self._wait_for_news(seen, end)

    def _wait_for_news(self, seen: tuple[Snapshot, ...], end: float) -> None:
        """Wait for a newer state than those seen, or for a short while."""
        driver, session = self._driver, self._session
        if isinstance(driver, PumpDriver) and session is not None:
            driver.turn()
            concurrent.futures.wait([session.ended], 0.002)
            return
        if isinstance(driver, LoopDriver) and driver.on_own_thread and self._status != "disconnected":
            raise RuntimeError(
                "wait_until and try_to block, so they cannot be used on the thread that receives the states "
                "(in an event handler, or beside `await client.connect()`); look at access_game_state() there"
            )
        with self._news:
            if self._snapshots is seen:
                # states that never change again still get a second look, for conditions on other things
                self._news.wait(min(max(end - clocks.monotonic(), 0.0), 0.05))

    # -- events --------------------------------------------------------------------------------------------------

    def dispatch_event(
        self,
        event_type: str,
        *args: Any,
        retries: int = 0,
        ack_callback: AckCallback | None = None,
        **kwargs: Any,
    ) -> None:
        """Send an event to the server; from any thread. Before the connection stands, it waits for it; after it has
        ended, it is not sent.

        :param event_type: links to the server's handler.
        :param retries: 0: sent once. n: resent up to n times until it has arrived, handled at most once. RELIABLE:
            arrives exactly once, and all of these in order, as long as the connection lives.
        :param ack_callback: function or coroutine function without parameters, called when the server has the event. It
            must not block.
        :param args, kwargs: the event's data, passed to the handler.
        :raises InvalidValue: (a TypeError) if the data holds what cannot be sent.
        :raises MessageTooLarge: (a ValueError) if it is larger than ``config.max_message_bytes``.
        :raises BufferError: if ``config.max_queued_messages`` events with retries wait already.
        """
        with program_lines_only:
            check_dispatch(retries, ack_callback)
            config = self.config
            payload = encode_event(event_type, args, kwargs, config.max_message_bytes, config.max_event_values)
        self._queue(payload, retries, ack_callback)

    def _queue(self, payload: bytes, retries: int, ack_callback: AckCallback | None) -> None:
        if self._session is not None and self._status == "disconnected":
            self._log.write(logging.DEBUG, "an event was not sent: the connection has ended")
            return
        if retries:
            self._check_room()
        with self._news:
            self._waiting.append((payload, retries, ack_callback))
            if len(self._waiting) > _MAX_WAITING_EVENTS and self._status != "connected":
                self._drop_oldest_unreliable()
        driver = self._driver
        if driver is not None:
            driver.call(self._send_waiting)

    def _check_room(self) -> None:
        """Refuse an event that must not get lost when too many such wait already."""
        connection = self.connection
        waiting = len(self._waiting) + (connection.waiting_events if connection is not None else 0)
        if waiting >= self.config.max_queued_messages:
            raise BufferError(
                f"{waiting} events wait to be sent already; send fewer, or those that may get lost with retries=0"
            )

    def _drop_oldest_unreliable(self) -> None:
        for index, (_, retries, _) in enumerate(self._waiting):
            if retries == 0:
                del self._waiting[index]
                return

    def _send_waiting(self) -> None:
        """On the network's thread: hand what waits to the connection, if it stands."""
        connection = self.connection
        if connection is None or self._status != "connected":
            return
        while self._waiting:
            try:
                connection.queue_event(*self._waiting.popleft())
            except BufferError as error:  # a gap among reliable events would be worse
                logger.error("the connection is given up: %s", error)
                connection.close(DisconnectReason.PROTOCOL_ERROR)
                break
        self._driver.wake()

    # -- inputs --------------------------------------------------------------------------------------------------

    def send_input(self, input: Any, *, view_time: float | None = None) -> int:
        """Send what the player does in this tick: call it once for each tick of the server's length. Never blocks.

        Unlike an event, an input is sent with every packet until it has arrived, so that loss costs none; and the
        server's ``time_step`` gets exactly one a tick of each player, as its argument ``inputs``.

        :param input: whatever can be sent, small: keys, directions. At most 254 bytes serialised.
        :param view_time: the server's time, in seconds, of what the player sees of others at this moment
            (``SnapshotBuffer.playback_time``), so that the server can judge a shot by what the shooter saw.
        :returns: the input's number, one more than that before; 0 if there is no connection, and nothing was sent.
        :raises InvalidValue: (a TypeError) if it holds what cannot be sent.
        :raises MessageTooLarge: (a ValueError) if it is larger.
        :raises ValueError, TypeError: if ``view_time`` is not a finite number.
        """
        with program_lines_only:
            payload = encode_input(input)
            check_view_time(view_time)
        with self._input_lock:  # so that numbers are in the order in which they leave
            session = self._session
            if session is None or session.connection is None or self._status != "connected":
                return 0
            if view_time is not None:
                self._view_delay = (self.server_time() or view_time) - view_time
            self._inputs_sent += 1
            number = self._inputs_sent
            session.driver.call(lambda: self._queue_input(session, payload, view_time))
        return number

    def _queue_input(self, session: _Session, payload: bytes, view_time: float | None) -> None:
        assert session.connection is not None
        session.connection.queue_input(payload, view_time)
        session.driver.wake()

    def input_applied(self, tick: int) -> int | None:
        """Return the number of the last of our inputs that the state of a snapshot with this tick includes (0: none).

        None if the server has not told: it tells of states from the first input on. While nothing in the state changes
        the answer for the newest one goes on growing, as the server goes on taking inputs.
        """
        return self._applied.get(tick)

    @property
    def input_pace(self) -> float:
        """How fast to make inputs: 1.01 is one per cent faster than one a tick. For ``FixedTimestep.pace``.

        Found by the server from how early they arrive, so that they come just in time.
        """
        return self._input_pace

    def register_event_handler(self, event_type: str, event_handler_function: Handler) -> None:
        """Register a handler for events of a type; ANY_EVENT, CONNECTED and DISCONNECTED are types, too.

        It runs on the network's thread and must not block for long; a coroutine function is run as a task.

        :param event_type: event type to link the handler to. A type has one handler: a later one replaces an earlier
            one, and that is logged once.
        :param event_handler_function: function or coroutine function; gets the event's data.
        """
        self._handler.register_event_handler(event_type, event_handler_function)

    # -- how it stands -------------------------------------------------------------------------------------------

    @property
    def status(self) -> str:
        """``"disconnected"``, ``"connecting"`` or ``"connected"``."""
        return self._status

    @property
    def address(self) -> tuple[Any, ...] | None:
        """Our own address as the server sees it, its ``client_address``; None before the connection stands."""
        return self._address

    @property
    def stats(self) -> ConnectionStats:
        """What has been measured of the connection so far: round-trip time, jitter, loss, rates, delays."""
        if self.connection is None:
            return ConnectionStats()
        now, snapshots = self.server_time(), self._snapshots
        age = max(now - snapshots[-1].time, 0.0) if now is not None and snapshots else 0.0
        return self.connection.stats._replace(interpolation_delay=self._view_delay, snapshot_age=age)

    def server_time(self) -> float | None:
        """Return what the server's clock shows now, in seconds; None until it is known, a round trip after connecting.

        It is the clock of ``Snapshot.time``: the same for all clients of a server, right to a few milliseconds (half
        the difference between the ways there and back), never steps back, and runs evenly.
        """
        return self.connection.server_time() if self.connection is not None else None


_NOT_YET: Final = object()


__all__ = ["Client", "Snapshot"]
