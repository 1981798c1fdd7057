"""The players at a server: the input of each player in each tick, and the last input that a state includes.

It is pure. The layer above brings the lock and the clock, and logs the findings.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Final, NamedTuple

from .._state.event_codec import decode_input
from ..config import ServerConfig
from ..errors import MalformedPacket
from .handshake import Address
from .input_buffer import InputBuffer, PlayedInput
from .input_rate import RateWatch
from .peer_events import InputsReceived
from .server_peer import ServerProtocol
from .view_times import Interruptions, most_rewind

CUT_IN_A_ROW: Final = 120
"""View times of a player that are cut in a row, before a finding. A spike of the round trip is shorter."""

_NO_INPUT: Final = b"\xc0"
"""None, serialised."""

_CONTAINERS: Final = frozenset({dict, list})
"""Types of inputs that a game may change."""


class PlayerInput(NamedTuple):
    """A player's input in a tick, as ``time_step`` gets it.

    :ivar value: the argument of ``Client.send_input``.
    :ivar number: the input's number; each tick has the next one.
    :ivar repeats: 0 if the input of this tick has arrived; else the number of ticks in a row that repeat the last one.
    :ivar view_time: the moment at which the player saw the others, in seconds of the server's time: for
        ``StateHistory.at``. None if the client did not send it. It is never in the future, and never older than the
        server's own measurements explain (round trip, interpolation delay and 0.2 s), nor than a second.
    :ivar ahead: the player's inputs of the next ticks that are here already, in order, one a tick.
    """

    value: Any
    number: int
    repeats: int
    view_time: float | None
    ahead: tuple[Any, ...] = ()


class RatesDiffer(NamedTuple):
    """A player's inputs a second, and the server's ticks a second. They have not fitted for a while."""

    client_id: int
    address: Address
    inputs: float
    ticks: float


class ViewsCut(NamedTuple):
    """A player's view times are cut again and again: the age of its view that it claims, and the believed age."""

    client_id: int
    address: Address
    claimed: float
    believed: float


class UnreadableInput(NamedTuple):
    """A player's input was not readable. The last readable one is repeated."""

    client_id: int
    address: Address


Finding = RatesDiffer | ViewsCut | UnreadableInput


class BufferedPlayer:
    """A player's buffer, and the inputs read from it.

    :param findings: the list to which its findings are added.
    :ivar peer: the player's connection.
    :ivar known: the player's inputs of the latest tick and of the next ones, serialised, as far as they are readable.
    :ivar delay: the age of the player's view at the tick of the latest input, in seconds; None if unknown.
    :ivar rates: the player's rate of inputs, compared with the ticks.
    """

    __slots__ = (
        "_config",
        "_cut",
        "_findings",
        "_interruptions",
        "_readable",
        "_scalar",
        "_trusted",
        "buffer",
        "delay",
        "known",
        "peer",
        "rates",
    )

    def __init__(self, peer: ServerProtocol, interval: float, config: ServerConfig, findings: list[Finding]) -> None:
        self.buffer = InputBuffer(interval)
        self.delay: float | None = None
        self.rates = RateWatch()
        self.peer = peer
        self._config = config
        self._findings = findings
        self._trusted: float = min(config.rewind_slack, config.max_rewind)
        """The age of a view, in seconds, that every player may claim."""
        self._interruptions = Interruptions()
        self._cut = 0  # the number of view times in a row that were cut
        self._readable = _NO_INPUT
        self._scalar: tuple[bytes, Any] = _NO_INPUT, None
        """The newest payload whose value cannot be changed, and that value."""
        self.known: list[bytes] = []

    def input_of(self, played: PlayedInput, now: float) -> PlayerInput:
        """Return the input of a tick as the time step gets it: its value, and its view time as far as believed."""
        view_time, interval = played.view_time, self.buffer.interval
        self._interruptions.note(played.repeats * interval, interval, now)
        if view_time is not None:
            view_time = self._believed(view_time, not played.repeats, now)
            if not played.repeats:
                self.delay = max(now - view_time, 0.0)
        value = self._read(played.payload)
        self.known = [self._readable]
        return PlayerInput(value, played.number, played.repeats, view_time, self._ahead())

    def _ahead(self) -> tuple[Any, ...]:
        """Return the values of the inputs that wait for the next ticks, up to the first unreadable one."""
        values: list[Any] = []
        for payload in self.buffer.waiting():
            try:
                values.append(self._value_of(payload))
            except MalformedPacket:
                break
            self.known.append(payload)
        return tuple(values)

    def _value_of(self, payload: bytes) -> Any:
        """:raises MalformedPacket: it is no input."""
        if payload == self._scalar[0]:
            return self._scalar[1]
        value = decode_input(payload)
        if type(value) not in _CONTAINERS:
            self._scalar = payload, value
        return value

    def _read(self, payload: bytes) -> Any:
        """Return an input's value, which the game may change; the last readable value if it is unreadable."""
        try:
            value = self._value_of(payload)
        except MalformedPacket:
            self._findings.append(UnreadableInput(self.peer.client_id, self.peer.address))
            return decode_input(self._readable)
        self._readable = payload
        return value

    def _believed(self, claimed: float, is_fresh: bool, now: float) -> float:
        """Return the later of the moment that a player claims to have seen and the earliest possible one."""
        if now - claimed <= self._trusted:
            return claimed
        peer, interval = self.peer, self.buffer.interval
        earliest = now - most_rewind(peer.rtt.rtt, peer.rtt.variation, peer.acks.loss, interval, self._config)
        if is_fresh and not self._is_in_this_process:
            # (inputs that have waited here, as after a pause of this server, are older through no fault of the client)
            late = claimed + len(self.buffer) * interval + self._interruptions.excuse(now)
            self._cut = self._cut + 1 if late < earliest else 0
            if self._cut == CUT_IN_A_ROW:
                self._findings.append(ViewsCut(peer.client_id, peer.address, now - claimed, now - earliest))
        return max(claimed, earliest)

    @property
    def _is_in_this_process(self) -> bool:
        """Whether the player hosts the game in this very process. Such a player's pauses are the server's own, and
        whoever holds both has no reason to be suspected."""
        return math.isinf(self.peer.config.timeout)

    def compare_rates(self, now: float) -> tuple[float, float] | None:
        """Count a tick. Return inputs and ticks a second if they have not fitted for a while."""
        return self.rates.tick(self.buffer.received, self.buffer.interval, now)


class Players:
    """The players of a server.

    :param interval: returns the seconds between ticks.
    :param config: bounds the repeats of an input, and the age of a view time.
    :ivar by_id: the players by client id.
    :ivar findings: what is worth a line in the log. The layer above empties it.
    """

    __slots__ = ("_blamed", "_config", "_interval", "_settled", "by_id", "findings")

    def __init__(self, interval: Callable[[], float], config: ServerConfig) -> None:
        self.by_id: dict[int, BufferedPlayer] = {}
        self.findings: list[Finding] = []
        self._interval = interval
        self._config = config
        self._blamed: BufferedPlayer | None = None  # the player whose rate of inputs has been reported
        self._settled: tuple[int, list[tuple[ServerProtocol, int, float]]] = -1, []

    def receive(self, peer: ServerProtocol, received: InputsReceived, now: float) -> None:
        """Take in the inputs of a packet."""
        player = self.by_id.get(peer.client_id)
        if player is None:
            player = self.by_id[peer.client_id] = BufferedPlayer(peer, self._interval(), self._config, self.findings)
        player.peer = peer
        player.buffer.receive(received.message, datagram=received.datagram, arrived=received.arrived, now=now)

    def take(self, now: float) -> dict[int, PlayerInput]:
        """Return the input of each player for the tick that begins now, by client id.

        Players who have sent none yet, or none for ``config.max_input_repeat`` seconds, are left out. So
        are lost ones.
        """
        inputs: dict[int, PlayerInput] = {}
        interval = self._interval()
        most: float = self._config.max_input_repeat / interval
        for client_id, player in self.by_id.items():
            buffer = player.buffer
            if buffer.interval != interval:  # the game loop was started anew, or for the first time
                buffer.interval = interval
            played = buffer.take(now=now)
            if played is not None:
                self._compare_rates(player, now)
                if played.repeats <= most and not player.peer.is_lost:
                    inputs[client_id] = player.input_of(played, now)
                else:
                    player.known = []
        return inputs

    def _compare_rates(self, player: BufferedPlayer, now: float) -> None:
        """Find a player's rate of inputs that does not fit the ticks, once until the rates fit again."""
        rates = player.compare_rates(now)
        if player is self._blamed and player.rates.fits:
            self._blamed = None
        if rates is not None and self._blamed is None:
            self._blamed = player
            self.findings.append(RatesDiffer(player.peer.client_id, player.peer.address, rates[0], rates[1]))

    def settle(self, tick: int) -> dict[int, list[bytes]]:
        """Note that the state of this tick includes the inputs that were taken last. Return what is ``known`` of each
        player, by client id."""
        players = self.by_id.values()
        self._settled = tick, [(each.peer, each.buffer.applied_number, each.buffer.margin) for each in players]
        return {client_id: player.known for client_id, player in self.by_id.items() if player.known}

    def report(self, tick: int) -> None:
        """Report to each player the last input that the state of this tick includes.

        Do nothing if :meth:`settle` has not been called for this tick yet.
        """
        settled_tick, reports = self._settled
        if settled_tick == tick:
            self._settled = -1, []
            for peer, applied, margin in reports:
                peer.report_input_state(applied, margin)
