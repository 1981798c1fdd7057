"""The client: exchanges events with a server, and has its game state."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

from ._client.client_plumbing import ClientPlumbing
from ._client.outbox import OutgoingEvent
from ._client.session import ClientSession
from ._client.states import NotYet, Snapshot, StateAccess
from ._diagnostics.tracebacks import program_lines_only
from ._io import runner
from ._io.calls import block_or_return
from ._io.leaving import note_living
from ._protocol.inputs import MAX_INPUT_BYTES
from ._protocol.tickets import AckCallback
from ._state.event_codec import encode_event, encode_input
from .checks import check_address, check_dispatch, check_names, check_view_time
from .config import ClientConfig
from .connection import ClientConnection, ConnectionStats
from .errors import DisconnectReason
from .event import Handler
from .gamestate import GameState

if TYPE_CHECKING:
    from .links import Link

__all__ = ["Client", "Snapshot"]

T = TypeVar("T")


class Client:
    """Exchange events with a PyGaSe server and access a synchronised game state.

    :param game: the game's name; the server's must be the same. ``""`` is a name like any other.
    :param password: the server's password, if it has one.
    :param config: tunables; see ClientConfig.

    Next: ``connect_in_thread(port, hostname)`` in a game, ``open`` and ``pump`` where there are no threads,
    ``connect`` in an asyncio program.
    """

    def __init__(self, *, game: str = "", password: str | None = None, config: ClientConfig | None = None) -> None:
        check_names(game, password)
        self.config = config or ClientConfig()
        self.plumbing = ClientPlumbing(game, password, self.config)
        """The client's insides: for simulated networks and tests, never for games."""

    @property
    def _session(self) -> ClientSession | None:
        return self.plumbing.current

    def _claim(self, port: int, hostname: str, connect_timeout: float | None, host_token: str) -> ClientSession:
        return self.plumbing.claim(
            port, hostname, config=self.config, connect_timeout=connect_timeout, host_token=host_token
        )

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

        Blocks until then. Inside an event loop it returns a coroutine: await it, or make it a task. While it runs, use
        the other methods from elsewhere.

        :param port: port number of the server.
        :param hostname: its host name, IPv4 or IPv6 address.
        :param connect_timeout: seconds to try for; ``config.connect_timeout`` (5 s) if None.
        :param host_token: the server's ``host_token``, which its owner knows, to be recognised as the host.
        :raises ConnectionFailed: if nobody answers in time, or the server refuses; says why, and what to do.
        :raises AddressNotUsable: if the host name is not known.
        :raises RuntimeError: if this client is connected already.
        :raises TypeError, ValueError: for an impossible port or host name; says how to write it.
        """

        with program_lines_only:
            check_address(port, hostname, "connect")

        async def connect() -> None:  # claims when it begins: a coroutine that never begins leaves nothing behind
            with program_lines_only:
                session = self._claim(port, hostname, connect_timeout, host_token)
                note_living(session)
                await session.run()

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

        The thread does not keep the program alive. When the program ends, the last events get half a second to
        arrive, and the client says goodbye.

        Parameters as in :meth:`connect`; mistakes in them are raised here. If the attempt fails, the thread
        ends, ``error`` says why, and the handler for DISCONNECTED is called.

        :returns: the thread; it ends when the connection does.
        """
        with program_lines_only:
            check_address(port, hostname, "connect_in_thread")
        return self._claim(port, hostname, connect_timeout, host_token).run_in_thread()

    def open(
        self,
        port: int,
        hostname: str = "localhost",
        *,
        connect_timeout: float | None = None,
        host_token: str = "",
    ) -> None:
        """Begin to connect without any thread or loop: from now on call :meth:`pump` once a frame.

        Parameters as in :meth:`connect`. ``status`` and ``error`` say whether it works.
        """
        with program_lines_only:
            check_address(port, hostname, "open")
        self._claim(port, hostname, connect_timeout, host_token).open()

    def pump(self) -> None:
        """Receive, handle events, send: once a frame, after :meth:`open`. Never blocks.

        :raises RuntimeError: if this client was not opened with :meth:`open`.
        """
        if self._session is None or not self._session.line.is_pumped:
            raise RuntimeError("pump() is for clients that were opened with open(); call open() first, and only once")
        self._session.line.driver.turn()

    def disconnect(self, shutdown_server: bool = False) -> Any:
        """Close the connection; events dispatched before are sent first, and get half a second to arrive.

        Events with retries are resent meanwhile. If the connection does not stand yet, events that wait for it get half
        a second for that as well; without any, the attempt is given up at once.

        Blocks until the connection is closed (two seconds at most). Inside an event loop it begins at once, and returns
        an awaitable. Does nothing if there is no connection.

        :param shutdown_server: also ask the server to shut down, which it does if this client is the host.
        """
        session = self._session
        if session is None or session.ended.done():
            return runner.Completion(runner.done_future(), 0.0).or_block()
        return session.disconnect(shutdown_server)

    # -- the connection ------------------------------------------------------------------------------------------

    @property
    def connection(self) -> ClientConnection | None:
        """Everything about the network; None before the first ``connect``."""
        return self._session.line.connection if self._session is not None else None

    @property
    def status(self) -> str:
        """``"disconnected"``, ``"connecting"`` or ``"connected"``."""
        return self._session.status if self._session is not None else "disconnected"

    @property
    def error(self) -> Exception | None:
        """Why ``connect_in_thread`` has failed (ConnectionFailed, or another exception), or None."""
        return self._session.end.error if self._session is not None else None

    @property
    def disconnect_reason(self) -> DisconnectReason | None:
        """Why the connection has ended, or None."""
        return self._session.end.reason if self._session is not None else None

    @property
    def disconnect_detail(self) -> str:
        """The server's own words about the end of the connection, or ``""``."""
        return self._session.end.detail if self._session is not None else ""

    @property
    def address(self) -> tuple[Any, ...] | None:
        """Our own address as the server sees it, its ``client_address``; None before the connection stands."""
        return self._session.own_address if self._session is not None else None

    @property
    def stats(self) -> ConnectionStats:
        """The measurements of the connection so far: round-trip time, jitter, loss, rates, delays."""
        session, connection = self._session, self.connection
        if session is None or connection is None:
            return ConnectionStats()
        age = self.plumbing.states.age(connection.server_time())
        return connection.stats.with_view(session.inputs.view_delay, age)

    def server_time(self) -> float | None:
        """Return the time on the server's clock, in seconds; None until it is known, a round trip after connecting.

        It is the clock of ``Snapshot.time``: the same for all clients of a server, right to a few milliseconds (half
        the difference between the ways there and back), never steps back, and runs evenly.
        """
        connection = self.connection
        return connection.server_time() if connection is not None else None

    def condition(self, link: Link | str | None, *, seed: int | None = None) -> None:
        """Lay a bad link over the connection, both ways, to test the game on it; None takes it away.

        At any time, from any thread: while connected it holds at once, else from the next connection on. Datagrams that
        are under way when the link changes still arrive (all at once if it is taken away). Costs nothing without a
        link.

        :param link: a text for ``pygase.links.parse_link``: ``"wifi"``, ``"mobile"``, ``"latency=80ms loss=5%"``,
            ``"off"``; or a Link. Each way: a latency of 80 ms makes a round trip of 160 ms.
        :param seed: of the losses and delays, from when there was no bad link; None: another each time.
        :raises ValueError, TypeError: if it describes no link; says how to write one.
        """
        from .links import as_link  # only here: few games need it, and its import takes time

        self.plumbing.lay_link(as_link(link), seed)

    @property
    def link(self) -> Link | None:
        """The bad link that :meth:`condition` has laid over the connection, or None."""
        return self.plumbing.link[0]

    # -- the state -----------------------------------------------------------------------------------------------

    @property
    def snapshots(self) -> tuple[Snapshot, ...]:
        """The last states received, newest last; at most ``config.kept_snapshots``.

        The tuple never changes: each state brings a new one.
        """
        return self.plumbing.states.snapshots

    def access_game_state(self) -> StateAccess:
        """Return a context manager that gives the newest game state: ``with client.access_game_state() as
        game_state:``.

        Inside the block the state does not change, and the network is not held up either. Before the first state has
        arrived it is an empty one.
        """
        return StateAccess(self.plumbing.states.newest)

    def wait_until(self, game_state_condition: Callable[[GameState], bool], timeout: float = 1.0) -> None:
        """Block until a condition on the game state is satisfied.

        A missing attribute or key counts as not satisfied yet.

        :param game_state_condition: takes a GameState, returns a bool.
        :param timeout: seconds.
        :raises TimeoutError: if it is not satisfied in time.
        """

        def check(state: GameState) -> None:
            if not game_state_condition(state):
                raise NotYet

        self._retry(check, timeout, "the condition was not met")

    def try_to(self, function: Callable[[GameState], T], timeout: float = 1.0) -> T:
        """Return ``function(game_state)``, trying again with newer states as long as an attribute or key is missing.

        :param function: takes a GameState, returns anything.
        :param timeout: seconds.
        :raises TimeoutError: if it does not work in time.
        """
        return self._retry(function, timeout, "the function did not run through")

    def _retry(self, function: Callable[[GameState], T], timeout: float, failed: str) -> T:
        states = self.plumbing.states

        def wait(seen: tuple[Snapshot, ...], seconds: float) -> None:
            session = self._session
            if session is None:
                states.wait(seen, seconds)
            else:
                session.line.wait(lambda: states.wait(seen, seconds), ended=session.status == "disconnected")

        return states.retry(
            function, timeout, wait, lambda: f"{failed} within {timeout} s (this client is {self.status})"
        )

    # -- events and inputs ---------------------------------------------------------------------------------------

    def dispatch_event(
        self,
        event_type: str,
        *args: Any,
        retries: int = 0,
        ack_callback: AckCallback | None = None,
        **kwargs: Any,
    ) -> None:
        """Send an event to the server; from any thread. An event waits until the connection stands; after the
        connection has ended, it is not sent.

        :param event_type: links to the server's handler.
        :param retries: 0: sent once. n: resent up to n times until it has arrived, handled at most once. RELIABLE:
            arrives exactly once, and all of these in order, as long as the connection lives.
        :param ack_callback: function or coroutine function without parameters, called when the server has the event. It
            must not block.
        :param args, kwargs: the event's data, passed to the handler.
        :raises InvalidValue: (a TypeError) if the data holds a value that cannot be sent.
        :raises MessageTooLarge: (a ValueError) if it is larger than ``config.max_message_bytes``.
        :raises BufferError: if ``config.max_queued_messages`` events with retries wait already.
        """
        with program_lines_only:
            check_dispatch(retries, ack_callback)
            config = self.config
            payload = encode_event(event_type, args, kwargs, config.max_message_bytes, config.max_event_values)
        self.plumbing.queue(OutgoingEvent(payload, retries, ack_callback), config.max_queued_messages)

    def send_input(self, input: Any, *, view_time: float | None = None) -> int:
        """Send the player's input of this tick: call it once for each tick of the server's length. Never blocks.

        Unlike an event, an input is sent with every packet until it has arrived, so that loss costs none; and the
        server's ``time_step`` gets exactly one a tick of each player, as its argument ``inputs``.

        :param input: any small value that can be sent: keys, directions. At most 254 bytes serialised.
        :param view_time: the server's time, in seconds, at which the player sees others at this moment
            (``SnapshotBuffer.playback_time``), so that the server can judge a shot by the shooter's picture.
        :returns: the input's number, one more than the last; 0 if there is no connection, and nothing was sent.
        :raises InvalidValue: (a TypeError) if it holds a value that cannot be sent.
        :raises MessageTooLarge: (a ValueError) if it is larger.
        :raises ValueError, TypeError: if ``view_time`` is not a finite number.
        """
        with program_lines_only:
            payload = encode_input(input, MAX_INPUT_BYTES)
            check_view_time(view_time)
        return self._session.send_input(payload, view_time) if self._session is not None else 0

    def input_applied(self, tick: int) -> int | None:
        """Return the number of the last of our inputs that the state of a snapshot with this tick includes (0: none).

        None if the server has not reported it: it reports on states from the first input on. While nothing in the
        state changes, the number for the newest one goes on growing, as the server goes on taking inputs.
        """
        return self._session.inputs.applied(tick) if self._session is not None else None

    @property
    def input_pace(self) -> float:
        """How fast to make inputs: 1.01 is one per cent faster than one a tick. For ``FixedTimestep.pace``.

        The server measures how early inputs arrive, and sets the pace so that they arrive just in time.
        """
        return self._session.inputs.pace if self._session is not None else 1.0

    def register_event_handler(self, event_type: str, event_handler_function: Handler) -> None:
        """Register a handler for events of a type. ANY_EVENT, CONNECTED and DISCONNECTED are types as well.

        It runs on the network's thread and must not block for long; a coroutine function is run as a task.

        :param event_type: event type to link the handler to. A type has one handler: a later one replaces an earlier
            one, and the log notes the first time.
        :param event_handler_function: function or coroutine function; gets the event's data.
        """
        self.plumbing.handlers.register_event_handler(event_type, event_handler_function)
