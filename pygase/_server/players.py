"""The players' inputs at the server, one for each tick."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import Any, Final, NamedTuple

from .._diagnostics.log_lines import LogLines
from .._protocol.input_buffer import InputBuffer, InputCounts, PlayedInput
from .._protocol.input_rate import RateWatch
from .._protocol.peer_events import InputsReceived
from .._protocol.server_peer import ServerProtocol
from .._protocol.view_times import most_rewind
from .._state.event_codec import decode_input
from ..config import ServerConfig
from ..errors import MalformedPacket

logger = logging.getLogger("pygase")

Address = tuple[Any, ...]

MAX_REPEATED: Final = ServerConfig.max_input_repeat
"""The default of ``ServerConfig.max_input_repeat``."""

_UNREAD: Final = 30
"""Messages with inputs that no time step takes, before a log line."""

_CUT_IN_A_ROW: Final = 120
"""View times of a player that are cut in a row, before a log line. A spike of the round trip is shorter."""

_NO_INPUT: Final = b"\xc0"


class PlayerInput(NamedTuple):
    """A player's input in a tick, as ``time_step`` gets it.

    :ivar value: the argument of ``Client.send_input``.
    :ivar number: the input's number; each tick has the next one.
    :ivar repeats: 0 if the input of this tick has arrived; else the number of ticks in a row that repeat the last one.
    :ivar view_time: the moment at which the player saw the others, in seconds of the server's time: for
        ``StateHistory.at``. None if the client did not send it. It is never in the future, and never older than the
        server's own measurements explain (round trip, interpolation delay and 0.2 s), nor than a second.
    """

    value: Any
    number: int
    repeats: int
    view_time: float | None


class _Player:
    __slots__ = ("_readable", "buffer", "cut", "delay", "rates")

    def __init__(self, interval: float) -> None:
        self.buffer = InputBuffer(interval)
        self.delay: float | None = None
        """The age of the player's view at the tick of the latest input, in seconds."""
        self.cut = 0
        self.rates = RateWatch()
        self._readable = _NO_INPUT

    def read(self, played: PlayedInput, log: LogLines) -> Any:
        """Return an input's value, which the game may change; the last readable value if it is unreadable."""
        try:
            value = decode_input(played.payload)
        except MalformedPacket:
            log.write(logging.DEBUG, "an input was not readable; the last readable one is repeated")
            return decode_input(self._readable)
        self._readable = played.payload
        return value


class PlayerInputs:
    """The inputs of all players of a server. The network's thread and the game loop's may use it.

    :param interval: returns the seconds between ticks.
    :param config: bounds the repeats of an input, and the age of a view time.
    """

    def __init__(self, interval: Callable[[], float], config: ServerConfig | None = None) -> None:
        self._interval = interval
        self._config = config or ServerConfig()
        self._log = LogLines()
        self._lock = threading.Lock()
        self._players: dict[ServerProtocol, _Player] = {}
        self._settled: tuple[int, list[tuple[ServerProtocol, int, float]]] = -1, []
        self._blamed: _Player | None = None  # the player whose rate of inputs has been reported
        self._reported_cuts = False
        self.has_machine = False
        """Whether a game loop takes the inputs, or will when it runs."""
        self._unread: int | None = 0
        """Number of messages that no time step has taken; None after the first taken one, or after the log line."""

    def receive(self, peer: ServerProtocol, received: InputsReceived, *, now: float) -> None:
        with self._lock:
            player = self._players.get(peer)
            if player is None:
                player = self._players[peer] = _Player(self._interval())
            player.buffer.receive(received.message, datagram=received.datagram, arrived=received.arrived, now=now)
        if self._unread is not None:
            self._unread += 1
            if not self.has_machine:
                self.pass_by()

    def pass_by(self) -> None:
        """Note a tick whose time step takes no inputs."""
        if self._unread is not None and self._unread >= _UNREAD:
            self._unread = None
            logger.warning(
                "a client sends inputs, and nobody takes them: give time_step a parameter `inputs` (a dict of "
                "client address and PlayerInput), and Server.run the machine as event_wire (a Backend does that); "
                "or send events instead"
            )

    def take(self, *, now: float) -> dict[Address, PlayerInput]:
        """Return the input of each player for the tick that begins now.

        Players who have sent none yet, or none for ``config.max_input_repeat`` seconds, are left out.
        """
        self._unread = None
        inputs: dict[Address, PlayerInput] = {}
        with self._lock:
            interval = self._interval()
            most = self._config.max_input_repeat / interval
            for peer, player in self._players.items():
                if player.buffer.interval != interval:  # the game loop was started anew, or for the first time
                    player.buffer.interval = interval
                played = player.buffer.take(now=now)
                if played is not None:
                    self._compare_rates(peer, player, interval, now)
                if played is not None and played.repeats <= most:
                    view_time = self._believed(peer, player, played, now)
                    if view_time is not None and not played.repeats:
                        player.delay = max(now - view_time, 0.0)
                    value = player.read(played, self._log)
                    inputs[peer.address] = PlayerInput(value, played.number, played.repeats, view_time)
        return inputs

    def _believed(self, peer: ServerProtocol, player: _Player, played: PlayedInput, now: float) -> float | None:
        """Return the later of the moment that a player claims to have seen and the earliest possible one."""
        claimed, config = played.view_time, self._config
        if claimed is None or now - claimed <= min(config.rewind_slack, config.max_rewind):
            return claimed  # at once: nobody's limit is less
        earliest = now - most_rewind(peer.rtt.rtt, peer.rtt.variation, peer.acks.loss, self._interval(), config)
        if not played.repeats:
            # (inputs that have waited here, as after a pause of this server, are older through no fault of the client)
            late = claimed + len(player.buffer) * self._interval()
            player.cut = player.cut + 1 if late < earliest else 0
            if player.cut == _CUT_IN_A_ROW:
                self._report_cuts(peer, now - claimed, now - earliest)
        return max(claimed, earliest)

    def _report_cuts(self, peer: ServerProtocol, claimed: float, believed: float) -> None:
        """Log, once for each server, that a player's view times are cut again and again."""
        if self._reported_cuts:
            return
        self._reported_cuts = True
        logger.warning(
            "the client %s claims to see the world of %.2f s ago; its round trip and loss explain %.2f s, and more is "
            "not believed. If the clients of this game stay further behind by choice, as with Session(delay=0.3), say "
            "so: ServerConfig(view_delay=0.3)",
            peer.address,
            claimed,
            believed,
        )

    def _compare_rates(self, peer: ServerProtocol, player: _Player, interval: float, now: float) -> None:
        """Log a rate of inputs that does not fit the ticks, once until the rates fit again."""
        rates = player.rates.tick(player.buffer.received, interval, now)
        if player is self._blamed and player.rates.fits:
            self._blamed = None
        if rates is not None and self._blamed is None:
            self._blamed = player
            logger.warning(
                "the client %s sends %.1f inputs a second, and the game loop makes %.1f ticks: inputs are %s. Give "
                "client and server the same time from tick to tick (FixedTimestep(1 / 60), or tick=1 / 60 of a "
                "Session, and run(..., interval=1 / 60)), and call send_input once in each",
                peer.address,
                *rates,
                "left out all the time" if rates[0] > rates[1] else "repeated all the time",
            )

    def settle(self, tick: int) -> None:
        """Note that the state of this tick includes the inputs that were taken last."""
        if self._players:
            with self._lock:
                reports = [(p, each.buffer.applied_number, each.buffer.margin) for p, each in self._players.items()]
                self._settled = tick, reports

    def report(self, tick: int) -> None:
        """Report to each player the last input that the state of this tick includes, if :meth:`settle` has been called
        for it. On the network's thread only."""
        settled_tick, reports = self._settled
        if settled_tick == tick:
            self._settled = -1, []
            for peer, applied, margin in reports:
                peer.report_input_state(applied, margin)

    def forget(self, peer: ServerProtocol) -> None:
        with self._lock:
            self._players.pop(peer, None)

    def counts(self, peer: ServerProtocol) -> InputCounts:
        player = self._players.get(peer)
        return player.buffer.counts if player is not None else InputCounts()

    def delay(self, peer: ServerProtocol) -> float | None:
        """Return the age of the player's view at the tick of the latest input, in seconds; None if unknown."""
        player = self._players.get(peer)
        return player.delay if player is not None else None
