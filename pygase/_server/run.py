"""One run of a server, from its bound socket to its end. Nothing in it is optional."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable
from typing import TYPE_CHECKING

from .._io.interfaces import get_available_ip_addresses
from .._io.ports import Address, Platform, Transport
from .._protocol.endpoint import hurry_acks
from .._protocol.handshake import plain_host
from .._protocol.server_peer import ServerProtocol
from .._protocol.sleep import SleepWatch
from .._protocol.tickets import AckCallback
from .._state.codec import prepare_counting
from ..checks import Target
from ..config import ServerConfig
from ..errors import DisconnectReason
from .attendance import Attendance
from .between_ticks import BetweenTicks
from .incoming import Incoming
from .outgoing import Outgoing

if TYPE_CHECKING:
    from .._io.ports import Pump
    from .remote_client import RemoteClient
    from .server_plumbing import ServerPlumbing

logger = logging.getLogger("pygase")


def is_own_address(address: Address) -> bool:
    """True for loopback, and for the addresses of this machine's interfaces."""
    import ipaddress  # only here: its import takes time

    host = str(address[0]).partition("%")[0]
    try:
        parsed = ipaddress.ip_address(host)
    except ValueError:
        return False
    mapped = getattr(parsed, "ipv4_mapped", None)
    parsed = mapped or parsed
    return parsed.is_loopback or str(parsed) in get_available_ip_addresses()


class ServerRun:
    """Joins a server's endpoint to its transport, and sends the store's states. A Pump.

    :param hostname: as given to ``run``.
    :param transport: bound; the run closes it in the end.

    :ivar server: the parts that outlive the run.
    :ivar attendance: the connected clients.
    :ivar between_ticks: lets work wait for the next tick of a game loop on the network's thread.
    """

    def __init__(self, server: ServerPlumbing, transport: Transport, hostname: str, platform: Platform) -> None:
        self.server = server
        self.config = server.face.config
        self.transport = transport
        self.hostname = hostname
        self.clock = platform.clock
        self.endpoint = server.new_endpoint(platform.random_bytes, trusts_locality(transport.address, self.config))
        self.is_open = True
        self._next_push_at = 0.0
        self._state_waits = False
        self._sleep = SleepWatch()
        self.attendance = Attendance(server.face.clients, server.face.connections)
        self.outgoing = Outgoing(server.states, self.attendance, server.log)
        self.driver = platform.make_driver(self, transport)
        self.incoming = Incoming(self)
        self.between_ticks = BetweenTicks(self)

    def begin(self) -> None:
        """:raises InvalidValue, StateTooLarge: if the initial state cannot be sent."""
        prepare_counting()
        server, wire, face = self.server, self.server.wire, self.server.face
        wire.connect(face.player_inputs, lambda: bool(face.clients), self.endpoint.dropped, self.config)
        server.states.begin(has_loop=not wire.has_game_loop)
        self.endpoint.entrance.keys.resets.answer_from(self.clock())
        self._take_over_state()
        server.states.subscribe(self._on_commit)

    # -- the end ---------------------------------------------------------------------------------------------------

    def say_goodbye(self) -> None:
        now = self.clock()
        self.outgoing.release(math.inf)
        self.endpoint.entrance.refuse_all = DisconnectReason.SERVER_SHUTDOWN
        for peer in (*self.endpoint.peers.values(), *self.endpoint.table.lost.values()):
            self.endpoint.close_peer(peer, DisconnectReason.SERVER_SHUTDOWN, now=now)
        self._flush(now)
        self.incoming.handle_inbox()
        self.incoming.handle_own_events(math.inf)

    def close(self) -> None:
        """May be called again."""
        self.server.states.unsubscribe(self._on_commit)
        self.driver.stop()
        self.transport.close()
        self.is_open = False

    # -- calls from any thread -------------------------------------------------------------------------------------

    def dispatch(
        self,
        event_type: str,
        payload: bytes,
        targets: list[Target] | None,
        retries: int,
        ack_callback: AckCallback | None,
    ) -> None:
        """Send a serialised event to these clients, to all if None. From a tick it leaves with that tick's state."""
        tick = self.server.states.tick_of_caller

        def queue() -> None:
            self.outgoing.queue(event_type, payload, targets, retries, ack_callback)
            if not self.between_ticks.ticking:
                self.driver.wake()

        self.driver.call(lambda: self.after_state(queue, tick))

    def after_state(self, queue: Callable[[], None], tick: int | None = None) -> None:
        """Queue an event as soon as the endpoint has the state of a tick; None: of the caller's tick.

        If that one is settled and was not due, it leaves now. On the network's thread only.
        """
        self.outgoing.after_state(queue, tick)
        if self.outgoing.holds(self.server.states.committed.tick):
            self._state_waits = True
            self.driver.wake()

    def close_clients(self, targets: list[Target], reason: DisconnectReason, detail: str) -> None:
        self._close(lambda: self.outgoing.close(targets, reason, detail))

    def close_all(self, is_meant: Callable[[RemoteClient], bool], reason: DisconnectReason, detail: str) -> None:
        self._close(lambda: self.outgoing.close_all(is_meant, reason, detail))

    def _close(self, close: Callable[[], None]) -> None:
        def call() -> None:
            close()
            self.driver.wake()

        self.driver.call(call)

    # -- the pump: what the driver calls ---------------------------------------------------------------------------

    def receive(self) -> int:
        if not self.is_open:
            return 0
        now = self.clock()
        slept = self._forgive_sleep(now)
        arrivals = self.transport.take_timed(now)
        if slept:  # their age is part of the sleep
            arrivals = [(data, address, now) for data, address, _ in arrivals]
        if arrivals:
            self.endpoint.receive_datagrams(arrivals, now=now)
        if self.endpoint.inbox or self.incoming.has_work:
            self.incoming.handle_inbox()
        return len(arrivals)

    def advance(self) -> float | None:
        due_at = self.between_ticks.alarm(self._advance())
        look_at = self.server.memory.look_between_ticks(self) if self.is_open else math.inf
        if look_at == math.inf:
            return due_at
        return look_at if due_at is None else min(due_at, look_at)

    def _advance(self) -> float | None:
        endpoint = self.endpoint
        if not self.is_open:
            return None
        now = self.clock()
        if self._forgive_sleep(now):  # the datagrams in the socket count before any time-out
            self.receive()
        if endpoint.is_idle(now) and not self._state_waits and not self.incoming.has_work:
            return endpoint.next_timeout()
        endpoint.handle_timeout(now=now)
        if endpoint.inbox or self.incoming.has_work:
            self.incoming.handle_inbox()
        changed = self._state_waits and now >= self._next_push_at and self._take_over_state()
        self._flush(now, everyone=changed)
        due_at = endpoint.next_timeout()
        if self._state_waits:
            due_at = min(due_at, self._next_push_at) if due_at is not None else self._next_push_at
        return due_at

    def _flush(self, now: float, everyone: bool = False) -> None:
        self.transport.send_all(self.endpoint.stream_to_send(now=now, everyone=everyone))

    @property
    def has_slept(self) -> bool:
        """Whether this process has just slept, so that old datagrams lie in the socket."""
        return self._sleep.overslept(self.clock(), self.endpoint.next_timeout()) > 0.0

    def _forgive_sleep(self, now: float) -> bool:
        """Return whether this process slept, and forgive the clients' silence meanwhile."""
        slept = self._sleep.ran(now, self.endpoint.next_timeout())
        if slept:
            logger.info("this process has not run for %.1f s; the clients' silence of that time is forgiven", slept)
            self.endpoint.forgive(slept, now=now)
        return slept > 0.0

    # -- a game loop on the network's thread -------------------------------------------------------------------------

    def before_tick(self) -> None:
        """Take in the datagrams that lie in the socket, if the tick that begins is computed on this thread."""
        driver = self.driver
        if driver.on_own_thread:
            now = self.clock()
            if driver.looks_later or self.has_slept:
                self.between_ticks.read(now)
            self.between_ticks.ticking = True
            self.between_ticks.note_tick(now)

    def after_tick(self) -> None:
        self.between_ticks.ticking = False
        if not self.is_open:
            return
        if self.driver.on_own_thread:
            self.server.memory.look(self)
            self.between_ticks.rest()
        else:
            self.server.memory.look_from_game(self)

    def after_loop(self) -> None:
        """The game loop has ended, on any thread."""
        if self.is_open:
            self.driver.call(self.between_ticks.end)

    # -- states ----------------------------------------------------------------------------------------------------

    def _on_commit(self) -> None:
        """Let a newly settled state leave: at once if it is that of a tick on this thread."""
        commit, server = self.server.states.committed, self.server
        server.face.player_inputs.settle(commit.tick)
        is_due = server.states.wire.pace.note(commit, server.wire.interval) or self.outgoing.holds(commit.tick)
        if self.between_ticks.ticking and self.driver.on_own_thread:
            self._end_tick(is_due)
        elif is_due:
            self._state_waits = True
            self.driver.wake()

    def _end_tick(self, is_due: bool) -> None:
        """Send the state of a tick on this thread if it is due; and what else cannot wait for the next tick."""
        if not self.is_open:
            return
        changed = is_due and self._take_over_state()
        now = self.clock()
        self._forgive_sleep(now)
        if not changed:
            hurry_acks(self.endpoint, now + self.server.wire.interval, now)
        if changed or not self.endpoint.is_idle(now):
            if not changed:
                self.endpoint.handle_timeout(now=now)
            self._flush(now, everyone=changed)
        due_at = self.between_ticks.alarm(self.endpoint.next_timeout())  # now, if a client was found to be gone
        if due_at is not None:
            self.driver.arm(due_at)

    def show_state(self, peer: ServerProtocol) -> None:
        """Let a client that has just connected see its part of the newest state, if it has a view of its own.

        While a game loop runs it waits for the next tick, in which the game knows the client.
        """
        states, views = self.server.states, self.server.states.wire.views
        if views is not None and (not self.server.wire.has_game_loop or states.committed.is_paused):
            views.show(states.wire.follow(states.committed), self.endpoint, [peer])
            peer.record.next_at = self.clock()
            self.endpoint.next_at = min(self.endpoint.next_at, peer.record.next_at)

    def _take_over_state(self) -> bool:
        """Give the newest state to the endpoint; return whether it has changed."""
        self._state_waits = False  # first: a commit from another thread after this line is taken over next time
        wire = self.server.states.wire
        commit = wire.follow(wire.pace.sent(self.server.states.committed))
        self._next_push_at = self.clock() + self.config.push_interval
        # on the wire ticks begin with 1, since 0 says "no state"
        views, endpoint = wire.views, self.endpoint
        endpoint.shared.is_paused = commit.is_paused
        if views is not None:
            changed = views.push(commit, endpoint, self.clock)
        else:
            if wire.sharing is not None:
                commit = wire.sharing.follow(commit)
            delta = commit.delta_from(endpoint.ring.tree)
            changed = endpoint.push_state(commit.tick + 1, commit.tree, time=commit.time, span=commit.span, delta=delta)
        self.server.face.player_inputs.report(commit.tick)
        self.outgoing.note_state(commit.tick)
        if not self.between_ticks.ticking and self.server.wire.has_game_loop:
            self.between_ticks.note_tick(self.clock())
        return changed


def trusts_locality(bound: Address, config: ServerConfig) -> bool:
    """Return whether the first client from this machine is the host, at a server that is bound to an address."""
    chosen, host = config.local_host, plain_host(bound[0])
    return chosen if chosen is not None else host == "::1" or host.startswith("127.")


if TYPE_CHECKING:

    def _pump(run: ServerRun) -> Pump:
        """Let mypy check the port."""
        return run
