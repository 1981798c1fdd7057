"""One connection of a client, from the attempt to the end."""

from __future__ import annotations

import concurrent.futures
import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from .._diagnostics.holdups import Holdups
from .._diagnostics.log_lines import LogLines
from .._io import runner
from .._io.clocks import fine_clock, monotonic
from .._io.leaving import GRACE, LAST_WORDS, note_living
from .._io.loops import running_platform
from .._io.ports import Clock, Platform, TransportToServer
from .._io.pumping import pumped_platform
from .._io.udp import ClientTransport
from .._protocol.channels import RELIABLE
from .._protocol.client_peer import ClientProtocol
from .._protocol.handshake import Introduction
from .._protocol.peer_events import (
    Connected,
    Disconnected,
    EventReceived,
    InputStateReceived,
    Lost,
    MessageAcked,
    ProtocolEvent,
    Resumed,
    StateReceived,
)
from .._protocol.resumption import NO_SEAT
from .._protocol.secrecy import Trust
from .._state.event_codec import encode_event
from ..addresses import is_loopback
from ..config import ClientConfig
from ..connection import ClientConnection
from ..errors import AddressNotUsable, ConnectionFailed, DisconnectReason
from ..event import (
    CONNECTED,
    DISCONNECTED,
    EVENTS_LOST,
    RECONNECTED,
    RECONNECTING,
    SHUTDOWN_REQUEST,
    Event,
    UniversalEventHandler,
)
from .client_endpoint import ClientEndpoint
from .handlers import HandlerCalls
from .line import Line, OpenLine
from .outbox import Outbox, OutgoingEvent
from .seat_file import SeatFile
from .sent_inputs import SentInputs
from .states import ReceivedStates

if TYPE_CHECKING:
    from ..links import Link

logger = logging.getLogger("pygase")

SHUTDOWN_WORDS: Final = 1.0
"""Seconds that a request to shut the server down may take to arrive."""
PLAYING: Final = ("connected", "reconnecting")
"""The statuses in which the player is in the game."""
GIVE_UP_AFTER: Final = 2.0
"""Seconds after which ``disconnect`` gives up waiting, and the connection is closed at once."""


@dataclass(frozen=True)
class Request:
    """The arguments of ``Client.connect`` and of the client; ``config`` holds the connect timeout."""

    hostname: str
    port: int
    config: ClientConfig
    player: Introduction
    trust: Trust
    seat_file: SeatFile | None


@dataclass(frozen=True)
class Parts:
    registered: UniversalEventHandler
    log: LogLines
    states: ReceivedStates


@dataclass
class End:
    """The end of a session or of its attempt: its reason, and the error of a failed attempt."""

    error: Exception | None = None
    reason: DisconnectReason | None = None
    detail: str = ""
    failure: ConnectionFailed | None = None
    """The error if the server did not answer, or refused."""
    unreported: bool = False
    """Whether handlers of DISCONNECTED are still to be called."""


class ClientSession:
    """One connection of a client. The next one gets a session of its own.

    :param outbox: the dispatched events, also those from before the session.

    :ivar ended: done when everything is released.
    :ivar status, own_address: see ``Client.status`` and ``Client.address``.
    :ivar link: the bad link laid over the connection, and its seed.
    :ivar on_failure: called before anybody can see that the attempt has failed: the program may end right after.
    """

    is_server = False

    def __init__(self, request: Request, parts: Parts, outbox: Outbox) -> None:
        self.ended: concurrent.futures.Future[None] = concurrent.futures.Future()
        self.status = "connecting"
        self.own_id: int | None = None
        self.own_address: tuple[Any, ...] | None = None
        self.end = End()
        self.line = Line()
        self.link: tuple[Link | None, int | None] = (None, None)
        self.inputs = SentInputs(2 * request.config.kept_snapshots)
        self.outbox = outbox
        self.on_failure: Callable[[Exception], None] = lambda error: None
        self._request = request
        self._parts = parts
        self._clock: Clock = monotonic
        self._calls = self._handler_calls()
        self._early_end: float | None = None
        """Seconds to linger, if the client has hung up. Remembered for a socket that opens later."""

    def _handler_calls(self) -> HandlerCalls:
        parts, config = self._parts, self._request.config
        holdups = Holdups(parts.log, config.slow_handler, lambda: fine_clock(self._clock))
        return HandlerCalls(
            parts.registered, parts.log, holdups, lambda coroutine: self.line.spawn(coroutine), config.max_event_values
        )

    # -- the ways to begin ---------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Connect on the running event loop, and return when the connection has ended.

        :raises ConnectionFailed, AddressNotUsable: if the attempt fails.
        """
        import asyncio

        request = self._request
        try:
            transport = await runner.in_background(ClientTransport, request.hostname, request.port)
            self.begin(transport, running_platform())
            try:
                # shielded, since cancelling a wrapped future cancels the inner one: the session would look ended
                await asyncio.shield(asyncio.wrap_future(self.ended))
            except asyncio.CancelledError:
                await self._hang_up_and_wait()
                raise
        except Exception as error:
            self._note_failure(error)
            raise
        finally:
            self.finish()
        if self.end.failure is not None:
            raise self.end.failure

    async def _hang_up_and_wait(self) -> None:
        """Send the last events, then the goodbye; at once if the task is cancelled meanwhile."""
        import asyncio

        self.line.hang_up(self._last_words(LAST_WORDS))
        try:
            await asyncio.wait([asyncio.wrap_future(self.ended)], timeout=LAST_WORDS + GRACE)
        except asyncio.CancelledError:
            pass  # the first one is raised
        self.line.hang_up(0.0)

    def run_in_thread(self) -> threading.Thread:
        """Connect in a daemon thread, and return it. A failure is logged, and noted in ``end``."""
        hostname, port = self._request.hostname, self._request.port
        note_living(self)
        self.on_failure = lambda error: self._parts.log.write(
            logging.WARNING, "no connection to %s:%s: %s", hostname, port, error
        )
        return runner.start_thread(self._run_to_end, f"pygase-client-{hostname}:{port}")

    def _run_to_end(self) -> None:
        try:
            runner.run_to_end(self.run())
        except Exception as error:
            # (end.failure has been logged, and an error that the end of the program causes is none)
            if error is not self.end.failure and not runner.program_ends():
                self.on_failure(error)
            self._report_failure()

    def open(self) -> None:
        """Begin to connect without a thread or loop; ``pump`` does the rest."""
        try:
            transport = ClientTransport(self._request.hostname, self._request.port)
            self.begin(transport, pumped_platform(self.ended))
        except BaseException:
            self.finish()
            raise
        note_living(self)

    def begin(self, transport: TransportToServer, platform: Platform) -> None:
        """On the network's thread."""
        request, self._clock = self._request, platform.clock
        player = request.player
        protocol = ClientProtocol(
            now=platform.clock(),
            random_bytes=platform.random_bytes,
            config=request.config,
            game=player.game,
            password=player.password,
            host_token=player.host_token,
            profile=player.profile,
            wish=player.wish,
            trust=request.trust,
            seat=request.seat_file.load() if request.seat_file is not None else NO_SEAT,
        )
        endpoint = ClientEndpoint(protocol, transport, platform.clock, self._on_protocol_event)
        connection = ClientConnection((request.hostname, request.port), endpoint)
        self.line = line = OpenLine(endpoint, platform.make_driver(endpoint, transport), connection, self.ended)
        self.outbox.on_put = lambda: line.call(self._send_waiting)
        line.begin(self._early_end, *self.link)

    def pump(self) -> None:
        if not self.line.work():
            return  # the network's thread finishes, and not before its goodbye has left
        connection = self.line.connection
        if connection is not None and connection.is_closed:
            self.finish()

    # -- the end -------------------------------------------------------------------------------------------------

    def disconnect(self, shutdown_server: bool) -> Any:
        """See ``Client.disconnect``."""
        if shutdown_server and self.status == "connected":
            max_bytes = self._request.config.max_message_bytes
            self.queue(OutgoingEvent(encode_event(SHUTDOWN_REQUEST, (), {}, max_bytes, own=True), RELIABLE, None))
        self._hang_up(self._last_words(SHUTDOWN_WORDS if shutdown_server else LAST_WORDS))
        completion = runner.Completion(self.ended, GIVE_UP_AFTER, lambda done: None if done else self._hang_up(0.0))
        return self.line.finish(completion)

    def leave(self) -> None:
        """An attempt lingers as well: the server may have let the player in already."""
        self._early_end = LAST_WORDS
        self.line.leave(LAST_WORDS)

    def _last_words(self, seconds: float) -> float:
        """Return the time to linger: ``seconds`` if an event may be waiting, else 0."""
        return seconds if self.status == "connected" or len(self.outbox) else 0.0

    def _hang_up(self, linger: float) -> None:
        self._early_end = linger  # before the line is asked, which may just be opened by another thread
        self.line.hang_up(linger)

    def finish(self) -> None:
        """Release everything; may be called again."""
        self.status = "disconnected"
        self.outbox.clear()
        self.line.release()
        if not self.ended.done():
            self.ended.set_result(None)
        self._parts.states.notify()

    def supersede(self) -> None:
        """Report no failure to the handlers any more; the client begins another session."""
        self.end.unreported = False

    def _note_failure(self, error: Exception) -> None:
        self.end.error = error
        if self.end.reason is None:
            unknown = isinstance(error, AddressNotUsable)
            self.end.detail = str(error)
            self.end.reason = DisconnectReason.UNKNOWN_HOST if unknown else DisconnectReason.NO_ANSWER
            self.end.unreported = True

    def _report_failure(self) -> None:
        if self.end.unreported:
            self.end.unreported = False
            self._calls.handle(Event(DISCONNECTED), reason=self.end.reason, detail=self.end.detail)

    def lay_link(self, link: Link | None, seed: int | None) -> None:
        """From any thread."""
        self.link = (link, seed)  # before the line is asked, which may just be opened by another thread
        self.line.condition(link, seed)

    # -- messages to the server ----------------------------------------------------------------------------------

    def queue(self, event: OutgoingEvent) -> None:
        """From any thread: send an event as soon as the connection stands.

        :raises BufferError: if it has retries, and too many such events wait.
        """
        if self.status == "disconnected" or (self.status == "reconnecting" and not event.retries):
            words = "the connection has ended" if self.status == "disconnected" else "the connection is lost"
            self._parts.log.write(logging.DEBUG, "an event was not sent: %s", words)
            return
        if event.retries:
            self.outbox.check_room(self.line.waiting_events, self._request.config.max_queued_messages)
        self.outbox.put(event, connected=self.status == "connected")

    def _send_waiting(self) -> None:
        """On the network's thread only."""
        if self.status != "connected":
            return
        endpoint = self.line.endpoint
        while (event := self.outbox.take()) is not None:
            try:
                endpoint.queue_event(*event)
            except BufferError as error:  # a gap among reliable events would be worse
                logger.error("the connection is given up: %s", error)
                endpoint.close(DisconnectReason.PROTOCOL_ERROR)
                break
        self.line.driver.wake()

    def send_input(self, payload: bytes, view_time: float | None) -> int:
        """From any thread; return the input's number, 0 without a connection."""
        with self.inputs.lock:
            if self.status not in PLAYING:
                return 0
            line = self.line
            number = self.inputs.next_number(view_time, line.endpoint.server_time())

            def queue() -> None:
                line.endpoint.queue_input(payload, view_time)
                line.driver.wake()

            line.call(queue)
        return number

    # -- events of the protocol ----------------------------------------------------------------------------------

    def _on_protocol_event(self, event: ProtocolEvent) -> None:
        if isinstance(event, StateReceived):
            self._parts.states.receive(event, self._clock())
        elif isinstance(event, EventReceived):
            self._calls.receive(event.payload, event.tick - 1 if event.tick else None)  # as in Snapshot.tick
        elif isinstance(event, InputStateReceived):
            self.inputs.receive(event)
        elif isinstance(event, MessageAcked):
            callback = self.line.endpoint.redeem(event.ticket)
            if callback is not None:
                self._calls.call_back(callback)
        elif isinstance(event, Disconnected):
            self._on_disconnected(event)
        elif isinstance(event, Connected):
            self.own_id = event.welcome.client_id
            self._on_connected(event.address)
            self._warn_of_eavesdroppers()
            self._calls.handle(Event(CONNECTED))
        else:
            self._on_interrupted(event)

    def _on_interrupted(self, event: ProtocolEvent) -> None:
        if isinstance(event, Lost):
            self.status = "reconnecting"
            self._calls.handle(Event(RECONNECTING), seconds_left=self.seconds_left)
        elif isinstance(event, Resumed):
            self._on_connected(event.address)
            self._calls.handle(Event(RECONNECTED))
            if event.events_lost:
                self._calls.handle(Event(EVENTS_LOST), count=event.events_lost)

    @property
    def seconds_left(self) -> float | None:
        """See ``Client.reconnecting_seconds_left``."""
        if self.status != "reconnecting":
            return None
        return max(self.line.endpoint.protocol.way_in.until - self._clock(), 0.0)

    def _on_connected(self, address: tuple[Any, ...]) -> None:
        if self._request.seat_file is not None:  # before the next packet, which makes the old one void
            self._request.seat_file.save(self.line.endpoint.protocol.way_in.seat)
        self.own_address = address
        self.status = "connected"
        self._send_waiting()

    def _warn_of_eavesdroppers(self) -> None:
        request, protocol = self._request, self.line.endpoint.protocol
        if request.player.password is None or protocol.seals is not None or is_loopback(request.hostname):
            return
        logger.warning(
            "the password's proof was sent to %s on a connection that is not encrypted: whoever can read the network's "
            "traffic can try out passwords against it, and sees the game. Install encryption on both sides with: "
            "pip install 'pygase[secure]'",
            request.hostname,
        )

    def _on_disconnected(self, event: Disconnected) -> None:
        if self.own_address is None and event.reason is not DisconnectReason.CLOSED:
            failure = self._failure(event)
            self.end.error = self.end.failure = failure
            self.on_failure(failure)
        file = self._request.seat_file
        if file is not None and self.own_address is not None and event.reason is not DisconnectReason.SERVER_SHUTDOWN:
            file.remove()
        self.end.detail = event.detail
        self.end.reason = event.reason
        self.status = "disconnected"  # not before there is a reason to show
        self.line.driver.defer(self.finish)  # after the goodbye has left
        self._calls.handle(Event(DISCONNECTED), reason=event.reason, detail=event.detail)

    def _failure(self, event: Disconnected) -> ConnectionFailed:
        words = f"(Tried {self._request.hostname}:{self._request.port}.)"
        hint = self.line.endpoint.transport.hint if event.reason is DisconnectReason.NO_ANSWER else ""
        return ConnectionFailed(event.reason, event.detail, f"{words} {hint}" if hint else words)
