"""The client: exchanges events with a server, and has its game state."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from ._client.client_plumbing import ClientPlumbing
from ._client.outbox import OutgoingEvent
from ._client.session import ClientSession
from ._client.states import NotYet, Snapshot, StateAccess
from ._diagnostics.near_misses import OF_A_CLIENT
from ._diagnostics.tracebacks import program_lines_only
from ._io import runner
from ._io.calls import block_or_return
from ._io.leaving import note_living
from ._protocol.inputs import MAX_INPUT_BYTES
from ._protocol.tickets import AckCallback
from ._protocol.wishes import Wish
from ._state.event_codec import encode_event, encode_input
from .checks import Destination, as_destination, check_dispatch, check_names, check_view_time, encode_profile
from .config import ClientConfig
from .connection import ClientConnection, ConnectionStats
from .errors import DisconnectReason
from .event import Handler
from .gamestate import GameState
from .registering import TakesHandlers

if TYPE_CHECKING:
    from .links import Link

__all__ = ["Client", "Snapshot"]

T = TypeVar("T")


class Client(TakesHandlers):
    """Exchange events with a PyGaSe server and access a synchronised game state.

    :param game: the game's name, the same as the server's. ``""`` is a name like any other.
    :param password: the server's password, if it has one.
    :param config: tunables; see ClientConfig.

    Next: ``connect_in_thread(port, hostname)`` in a game, ``open`` and ``pump`` where there are no threads, ``connect``
    in an asyncio program.
    """

    _NEAR_MISSES: ClassVar = OF_A_CLIENT

    def __init__(self, *, game: str = "", password: str | None = None, config: ClientConfig | None = None) -> None:
        check_names(game, password)
        self.config = config or ClientConfig()
        self.plumbing: ClientPlumbing = ClientPlumbing(game, password, self.config)
        """PyGaSe's own, not for games; it may change at any time."""

    def _claim(
        self,
        target: Destination,
        connect_timeout: float | None,
        host_token: str,
        profile: bytes,
        resume: str | os.PathLike[str] | None,
    ) -> ClientSession:
        config = self.config
        return self.plumbing.claim(
            target, config, connect_timeout=connect_timeout, host_token=host_token, profile=profile, resume=resume
        )

    # -- connecting ----------------------------------------------------------------------------------------------

    def connect(
        self,
        port: int | None = None,
        hostname: str = "localhost",
        *,
        invite: str | None = None,
        room: str | Wish = "",
        connect_timeout: float | None = None,
        host_token: str = "",
        profile: Mapping[str, Any] | None = None,
        resume: str | os.PathLike[str] | None = None,
    ) -> Any:
        """Open a connection to a PyGaSe server, and block until it ends.

        Inside an event loop it returns a coroutine: await it, or make it a task.

        :param port: port number of the server; with an invite it may be left out.
        :param hostname: its host name, IPv4 or IPv6 address.
        :param invite: the text of the server's ``invite()``: nobody on the way can read or change anything. Its address
            is used unless there is a ``port``.
        :param room: the code of a room there, ``pygase.rooms.quick("duel")`` or ``new("duel")``; ``""``: the only game.
        :param connect_timeout: seconds to try; None: ``config.connect_timeout`` (5 s).
        :param host_token: the server's ``host_token``, to be recognised as the host.
        :param profile: what other players see of this one, such as ``{"name": "Ann", "colour": "red"}``: a dict of
            plain values, 400 bytes at most, serialised. The server has it from the first moment: as ``profile`` in its
            handler of CLIENT_CONNECTED, and as ``ServerConnection.profile``.
        :param resume: path of a file that keeps this player's place while connected. If the program is killed, and
            started again within the server's ``resume_seconds``, it is the same client. A goodbye removes the file.
        :raises ConnectionFailed: if nobody answers in time, or the server refuses; says what to do.
        :raises AddressNotUsable: if the host name is unknown.
        :raises RuntimeError: if this client is connected already.
        :raises InvalidValue: (a TypeError) if the profile is none.
        :raises CannotEncrypt: (a RuntimeError) with an invite or ``encryption="required"``, if it is not installed.
        :raises TypeError, ValueError: for an impossible port or host name; InvalidInvite for a text that is no invite.
        """

        with program_lines_only:
            target = as_destination(port, hostname, invite, room, self.config.encryption, "connect")
            encoded = encode_profile(profile)

        async def connect() -> None:  # claims when it begins: a coroutine that never begins leaves nothing behind
            with program_lines_only:
                session = self._claim(target, connect_timeout, host_token, encoded, resume)
                note_living(session)
                await session.run()

        with program_lines_only:
            return block_or_return(connect, "client.connect(...)", "client.connect_in_thread(...)")

    def connect_in_thread(
        self,
        port: int | None = None,
        hostname: str = "localhost",
        *,
        invite: str | None = None,
        room: str | Wish = "",
        connect_timeout: float | None = None,
        host_token: str = "",
        profile: Mapping[str, Any] | None = None,
        resume: str | os.PathLike[str] | None = None,
    ) -> threading.Thread:
        """Open a connection in a daemon thread, and return the thread at once. It ends with the connection.

        Parameters as in :meth:`connect`; mistakes in them are raised here. If the attempt fails, ``error`` says why,
        and the handler for DISCONNECTED is called. When the program ends, the last events get half a second to arrive.
        """
        with program_lines_only:
            target = as_destination(port, hostname, invite, room, self.config.encryption, "connect_in_thread")
            encoded = encode_profile(profile)
        return self._claim(target, connect_timeout, host_token, encoded, resume).run_in_thread()

    def open(
        self,
        port: int | None = None,
        hostname: str = "localhost",
        *,
        invite: str | None = None,
        room: str | Wish = "",
        connect_timeout: float | None = None,
        host_token: str = "",
        profile: Mapping[str, Any] | None = None,
        resume: str | os.PathLike[str] | None = None,
    ) -> None:
        """Begin to connect without any thread or loop: from now on call :meth:`pump` once a frame.

        Parameters as in :meth:`connect`. ``status`` and ``error`` show the result.
        """
        with program_lines_only:
            target = as_destination(port, hostname, invite, room, self.config.encryption, "open")
            encoded = encode_profile(profile)
        self._claim(target, connect_timeout, host_token, encoded, resume).open()

    def pump(self) -> None:
        """Receive, handle events, send: once a frame, after :meth:`open`. Never blocks.

        :raises RuntimeError: if this client was not opened with :meth:`open`.
        """
        if self.plumbing.current is None or not self.plumbing.current.line.is_pumped:
            raise RuntimeError("pump() is for clients that were opened with open(); call open() first, and only once")
        self.plumbing.current.line.driver.turn()

    def disconnect(self, shutdown_server: bool = False) -> Any:
        """Close the connection, after the events dispatched before, which get half a second to arrive.

        Blocks until the connection is closed, two seconds at most. Inside an event loop it begins at once, and returns
        an awaitable. An attempt to connect ends at once if no event waits for it, else after half a second.

        :param shutdown_server: also ask the server to shut down, which it does if this client is the host.
        """
        session = self.plumbing.current
        if session is None or session.ended.done():
            return runner.Completion(runner.done_future(), 0.0).or_block()
        return session.disconnect(shutdown_server)

    # -- the connection ------------------------------------------------------------------------------------------

    @property
    def connection(self) -> ClientConnection | None:
        """Everything about the network; None before the first ``connect``."""
        return self.plumbing.current.line.connection if self.plumbing.current is not None else None

    @property
    def status(self) -> str:
        """``"disconnected"``, ``"connecting"``, ``"connected"`` or ``"reconnecting"``.

        While it is "reconnecting", the server no longer answers, and the client tries to reach it again by itself.
        """
        return self.plumbing.current.status if self.plumbing.current is not None else "disconnected"

    @property
    def reconnecting_seconds_left(self) -> float | None:
        """For how long the client will still try to reach a server that no longer answers, in seconds; else None."""
        return self.plumbing.current.seconds_left if self.plumbing.current is not None else None

    @property
    def is_encrypted(self) -> bool:
        """Whether the connection is encrypted. Only with an invite it is also certain who is on the other side."""
        return self.connection is not None and self.connection.is_encrypted

    @property
    def error(self) -> Exception | None:
        """The exception with which the newest attempt has failed, such as ConnectionFailed, or None."""
        return self.plumbing.current.end.error if self.plumbing.current is not None else None

    @property
    def disconnect_reason(self) -> DisconnectReason | None:
        """The reason for which the connection has ended, or None."""
        return self.plumbing.current.end.reason if self.plumbing.current is not None else None

    @property
    def disconnect_detail(self) -> str:
        """The server's own words about the end of the connection, or ``""``."""
        return self.plumbing.current.end.detail if self.plumbing.current is not None else ""

    @property
    def id(self) -> int | None:
        """Our own id at the server, its ``client_id``: an int from 1; None before the connection stands."""
        return self.plumbing.current.own_id if self.plumbing.current is not None else None

    @property
    def address(self) -> tuple[Any, ...] | None:
        """Our own address as the server sees it, its ``client_address``; None before the connection stands."""
        return self.plumbing.current.own_address if self.plumbing.current is not None else None

    @property
    def stats(self) -> ConnectionStats:
        """The measurements of the connection so far: round-trip time, jitter, loss, rates, delays."""
        session, connection = self.plumbing.current, self.connection
        if session is None or connection is None:
            return ConnectionStats()
        age = self.plumbing.states.age(connection.server_time())
        return connection.stats.with_view(session.inputs.view_delay, age)

    def server_time(self) -> float | None:
        """Return the time on the server's clock, in seconds; None until it is known, a round trip after connecting.

        It is the clock of ``Snapshot.time``, the same for all clients of a server. It never steps back, and its error
        is half the difference between the ways there and back.
        """
        connection = self.connection
        return connection.server_time() if connection is not None else None

    def condition(self, link: Link | str | None, *, seed: int | None = None) -> None:
        """Lay a bad link over the connection, both ways, to test the game on it; None takes it away.

        From any thread, also before connecting. Datagrams under way still arrive (all at once if the link is taken
        away).

        :param link: a text for ``pygase.links.parse_link``: ``"wifi"``, ``"mobile"``, ``"latency=80ms loss=5%"``,
            ``"off"``; or a Link. Each way: a latency of 80 ms makes a round trip of 160 ms.
        :param seed: of the losses and delays, if there was no bad link; None: another each time.
        :raises ValueError, TypeError: if it describes no link.
        """
        from .links import as_link  # only here: few games need it, and its import takes time

        self.plumbing.lay_link(as_link(link), seed)

    @property
    def link(self) -> Link | None:
        """The bad link that :meth:`condition` has laid, or None."""
        return self.plumbing.link[0]

    # -- the state -----------------------------------------------------------------------------------------------

    @property
    def snapshots(self) -> tuple[Snapshot, ...]:
        """The last states received, newest last; at most ``config.kept_snapshots``. Each state brings a new tuple."""
        return self.plumbing.states.snapshots

    def access_game_state(self) -> StateAccess:
        """Return a context manager that gives the newest game state: ``with client.access_game_state() as state:``.

        The state never changes inside the block. Before the first one has arrived it is empty.
        """
        return StateAccess(self.plumbing.states.newest)

    def wait_until(self, game_state_condition: Callable[[GameState], bool], timeout: float = 1.0) -> None:
        """Block until a condition on the game state is satisfied.

        :param game_state_condition: takes a GameState, returns a bool. A missing attribute or key counts as not
            satisfied yet.
        :param timeout: seconds.
        :raises TimeoutError: if it is not satisfied in time.
        """

        def check(state: GameState) -> None:
            if not game_state_condition(state):
                raise NotYet

        self._retry(check, timeout, "the condition was not met")

    def try_to(self, function: Callable[[GameState], T], timeout: float = 1.0) -> T:
        """Return ``function(game_state)``, tried again with newer states while an attribute or key is missing.

        :param timeout: seconds.
        :raises TimeoutError: if it is still missing.
        """
        return self._retry(function, timeout, "the function did not run through")

    def _retry(self, function: Callable[[GameState], T], timeout: float, failed: str) -> T:
        states = self.plumbing.states

        def wait(seen: tuple[Snapshot, ...], seconds: float) -> None:
            session = self.plumbing.current
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
        """Send an event to the server as soon as the connection stands; from any thread. Not sent after its end.

        :param event_type: links to the server's handler.
        :param retries: 0: sent once. n: resent up to n times until it has arrived, handled at most once. RELIABLE:
            arrives exactly once, in order with the others of this kind, while the connection lives.
        :param ack_callback: function or coroutine function without parameters, called when the server has the event.
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

        An input is sent with every packet until it has arrived, so that a lost packet loses none. The server's
        ``time_step`` gets one input of each player a tick, in its argument ``inputs``.

        :param input: any small value that can be sent: keys, directions. At most 254 bytes serialised.
        :param view_time: the server's time, in seconds, at which the player sees others now
            (``SnapshotBuffer.playback_time``), so that the server can judge a shot by the shooter's picture.
        :returns: the input's number, one more than the last; 0 without a connection, when nothing is sent.
        :raises InvalidValue: (a TypeError) if it holds a value that cannot be sent.
        :raises MessageTooLarge: (a ValueError) if it is larger.
        :raises ValueError, TypeError: if ``view_time`` is not a finite number.
        """
        with program_lines_only:
            payload = encode_input(input, MAX_INPUT_BYTES)
            check_view_time(view_time)
        return self.plumbing.current.send_input(payload, view_time) if self.plumbing.current is not None else 0

    def input_applied(self, tick: int) -> int | None:
        """Return the number of the last of our inputs that the state of a snapshot with this tick includes (0: none).

        None if the server has not reported it: it reports from the first input on. The number for the newest state goes
        on growing while nothing in the state changes.
        """
        return self.plumbing.current.inputs.applied(tick) if self.plumbing.current is not None else None

    @property
    def input_pace(self) -> float:
        """The pace of inputs, so that they arrive just in time: 1.01 is one per cent faster than one a tick.

        For ``FixedTimestep.pace``.
        """
        return self.plumbing.current.inputs.pace if self.plumbing.current is not None else 1.0

    def register_event_handler(self, event_type: str, event_handler_function: Handler) -> None:
        """Register a handler for events of a type. ANY_EVENT, CONNECTED and DISCONNECTED are types as well.

        It runs on the network's thread and must not block for long.

        :param event_type: the event type. A later handler of the same type replaces an earlier one; the log notes it.
        :param event_handler_function: function or coroutine function; gets the event's data. If it has a parameter
            ``server_tick``, that is the ``Snapshot.tick`` of the state that precedes the event, or None if that is not
            known.
        """
        self.plumbing.handlers.register_event_handler(event_type, event_handler_function)
