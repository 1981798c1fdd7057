"""The players' inputs at the server: one a tick each, and which of them a state includes."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import Any, Final, NamedTuple

from .._diagnostics.log_lines import LogLines
from .._protocol.input_buffer import InputBuffer, InputCounts, PlayedInput
from .._protocol.peer_events import InputsReceived
from .._protocol.server_peer import ServerProtocol
from .._state.event_codec import decode_input
from ..config import ServerConfig
from ..errors import MalformedPacket
from .input_rate import RateWatch
from .view_times import most_rewind

logger = logging.getLogger("pygase")

Address = tuple[Any, ...]

MAX_REPEATED: Final = ServerConfig.max_input_repeat
"""Seconds for which a player's last input is repeated when no more arrive, unless the config says otherwise."""

_UNREAD: Final = 30
"""Messages with inputs that nobody takes, after which that is logged."""

_CUT_IN_A_ROW: Final = 120
"""View times of a player in a row that are cut before that is reported: a spike of the round trip is shorter."""

_NO_INPUT: Final = b"\xc0"
"""None, serialised."""


class PlayerInput(NamedTuple):
    """What a player does in a tick, as ``time_step`` gets it.

    :ivar value: what the client gave to ``Client.send_input``.
    :ivar number: the input's number; each tick has the next one.
    :ivar repeats: 0 if the input of this tick has arrived; else for how many ticks in a row the one before has been
        repeated in place of those that have not.
    :ivar view_time: the server's time, in seconds, of what the player saw of others when giving it: for
        ``StateHistory.at``. None if the client did not say. It is the client's word as far as the server's own
        measurements explain it: never older than round trip, interpolation delay and a slack of 0.2 s, nor than a
        second (see :mod:`pygase._server.view_times`), and never in the future.
    """

    value: Any
    number: int
    repeats: int
    view_time: float | None


class _Player:
    """A player's buffer, and what has been read of it."""

    __slots__ = ("_readable", "buffer", "cut", "delay", "rates")

    def __init__(self, interval: float) -> None:
        self.buffer = InputBuffer(interval)
        self.delay: float | None = None
        """How far what the player saw lay back when the latest input came, in seconds."""
        self.cut = 0
        """How many view times in a row were older than is believed."""
        self.rates = RateWatch()
        self._readable = _NO_INPUT

    def read(self, played: PlayedInput, log: LogLines) -> Any:
        """Return the value of an input, the game's own to change; that of the one before if this is unreadable."""
        try:
            value = decode_input(played.payload)
        except MalformedPacket:
            log.write(logging.DEBUG, "an input was not readable; the one before is repeated")
            return decode_input(self._readable)
        self._readable = played.payload
        return value


class PlayerInputs:
    """The inputs of all players of a server. May be used by the network's thread and the game loop's.

    :param interval: tells the seconds from tick to tick.
    :param config: how long an input is repeated, and how far back a player's view time is believed.
    """

    def __init__(self, interval: Callable[[], float], config: ServerConfig | None = None) -> None:
        self._interval = interval
        self._config = config or ServerConfig()
        self._log = LogLines()
        self._lock = threading.Lock()
        self._players: dict[ServerProtocol, _Player] = {}
        self._settled: tuple[int, list[tuple[ServerProtocol, int, float]]] = -1, []
        self._blamed: _Player | None = None  # whose rate of inputs has been reported as another than that of the ticks
        self._told_of_cuts = False
        self.has_machine = False
        """Whether a game loop is to take the inputs. It may not run yet."""
        self._unread: int | None = 0
        """Messages that nobody has taken; None from when somebody has, or it has been reported that nobody does."""

    def receive(self, peer: ServerProtocol, received: InputsReceived, *, now: float) -> None:
        """Take in what a packet carried."""
        with self._lock:
            player = self._players.get(peer)
            if player is None:
                player = self._players[peer] = _Player(self._interval())
            player.buffer.receive(received.message, datagram=received.datagram, came=received.came, now=now)
        if self._unread is not None:
            self._unread += 1
            if not self.has_machine:
                self.pass_by()

    def pass_by(self) -> None:
        """A tick has been made in which nobody takes inputs."""
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
        """Return the moment that a player claims to have seen, or the earliest that they can have seen."""
        claimed, config = played.view_time, self._config
        if claimed is None or now - claimed <= min(config.rewind_slack, config.max_rewind):
            return claimed  # at once: nobody's limit is less
        earliest = now - most_rewind(peer.rtt.rtt, peer.rtt.variation, peer.acks.loss, self._interval(), config)
        if not played.repeats:
            # (inputs that wait here, as after a pause of this server, are older than the client is to blame for)
            late = claimed + len(player.buffer) * self._interval()
            player.cut = player.cut + 1 if late < earliest else 0
            if player.cut == _CUT_IN_A_ROW:
                self._report_cuts(peer, now - claimed, now - earliest)
        return max(claimed, earliest)

    def _report_cuts(self, peer: ServerProtocol, claimed: float, believed: float) -> None:
        """Log, once for each server, that somebody's view times are cut all the time."""
        if self._told_of_cuts:
            return
        self._told_of_cuts = True
        logger.warning(
            "the client %s claims to see the world of %.2f s ago; its round trip and loss explain %.2f s, and more is "
            "not believed. If the clients of this game stay further behind by choice, as with Session(delay=0.3), say "
            "so: ServerConfig(view_delay=0.3)",
            peer.address,
            claimed,
            believed,
        )

    def _compare_rates(self, peer: ServerProtocol, player: _Player, interval: float, now: float) -> None:
        """Log that somebody makes more or fewer inputs than there are ticks: once, unless their rates fit again."""
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
        """The state of this tick has been settled, with the inputs that were taken last."""
        if self._players:
            with self._lock:
                told = [(p, each.buffer.applied_number, each.buffer.margin) for p, each in self._players.items()]
                self._settled = tick, told

    def tell(self, tick: int) -> None:
        """Tell each player which inputs the current state, of this tick, includes. On the network's thread only.

        If a game loop on another thread has settled it, and not said so yet, they are told when it has.
        """
        settled_tick, told = self._settled
        if settled_tick == tick:
            self._settled = -1, []
            for peer, applied, margin in told:
                peer.report_input_state(applied, margin)

    def forget(self, peer: ServerProtocol) -> None:
        """The player has left."""
        with self._lock:
            self._players.pop(peer, None)

    def counts(self, peer: ServerProtocol) -> InputCounts:
        """Return what has become of a player's inputs so far."""
        player = self._players.get(peer)
        return player.buffer.counts if player is not None else InputCounts()

    def delay(self, peer: ServerProtocol) -> float | None:
        """Return how far what the player saw lay back at the tick of the latest input, in seconds; None: not known."""
        player = self._players.get(peer)
        return player.delay if player is not None else None
