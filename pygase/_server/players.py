"""The players' inputs at the server, shared by the network's thread and the game loop's, and the warnings of them."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import Final

from .._diagnostics.log_lines import LogLines
from .._protocol.input_buffer import InputCounts
from .._protocol.peer_events import InputsReceived
from .._protocol.played_inputs import Finding, PlayerInput, Players, RatesDiffer, ViewsCut
from .._protocol.server_peer import ServerProtocol
from ..addresses import client_name
from ..config import ServerConfig
from .bots import Bots

logger = logging.getLogger("pygase")

MAX_REPEATED: Final = ServerConfig.max_input_repeat
"""The default of ``ServerConfig.max_input_repeat``."""

_UNREAD: Final = 30
"""Messages with inputs that no time step takes, before a log line."""


class PlayerInputs:
    """The inputs of all players of a server. The network's thread and the game loop's may use it.

    :param interval: returns the seconds between ticks.
    :param config: bounds the repeats of an input, and the age of a view time.

    :ivar bots: the players that are functions of the server's program.
    :ivar known: the newest settled tick, and by client id the player's inputs of that tick and of the next ones,
        serialised, as far as they are here.
    """

    def __init__(self, interval: Callable[[], float], config: ServerConfig | None = None) -> None:
        self._players = Players(interval, config or ServerConfig())
        self.bots = Bots()
        self.known: tuple[int, dict[int, list[bytes]]] = -1, {}
        self._log = LogLines()
        self._lock = threading.Lock()
        self._reported_cuts = False
        self.has_machine = False
        """Whether a game loop takes the inputs, or will when it runs."""
        self._unread: int | None = 0
        """Number of messages that no time step has taken; None after the first taken one, or after the log line."""

    def receive(self, peer: ServerProtocol, received: InputsReceived, now: float) -> None:
        with self._lock:
            self._players.receive(peer, received, now)
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
                "client id and PlayerInput), and Server.run the machine as event_wire (a Backend does that); "
                "or send events instead"
            )

    def take(self, *, now: float) -> dict[int, PlayerInput]:
        """Return the input of each player for the tick that begins now, by client id.

        Players who have sent none yet, or none for ``config.max_input_repeat`` seconds, are left out. The bots have
        decided before.
        """
        self._unread = None
        with self._lock:
            inputs = self._players.take(now)
            if self.bots:
                inputs |= self.bots.take()
            findings = tuple(self._players.findings)
            self._players.findings.clear()
        for finding in findings:
            self._log_finding(finding)
        return inputs

    def _log_finding(self, finding: Finding) -> None:
        if isinstance(finding, RatesDiffer):
            self._log_rates(finding)
        elif isinstance(finding, ViewsCut):
            self._log_cuts(finding)
        else:
            self._log.write(logging.DEBUG, "an input was not readable; the last readable one is repeated")

    def _log_cuts(self, cut: ViewsCut) -> None:
        """Log, once for each server, that a player's view times are cut again and again."""
        if self._reported_cuts:
            return
        self._reported_cuts = True
        logger.warning(
            "%s claims to see the world of %.2f s ago; its round trip and loss explain %.2f s, and more is "
            "not believed. If the clients of this game stay further behind by choice, as with Session(delay=0.3), say "
            "so: ServerConfig(view_delay=0.3)",
            client_name(cut.client_id, cut.address),
            cut.claimed,
            cut.believed,
        )

    def _log_rates(self, rates: RatesDiffer) -> None:
        """Log a player's rate of inputs that does not fit the ticks."""
        logger.warning(
            "%s sends %.1f inputs a second, and the game loop makes %.1f ticks: inputs are %s. Give "
            "client and server the same time from tick to tick (FixedTimestep(1 / 60), or tick=1 / 60 of a "
            "Session, and run(..., interval=1 / 60)), and call send_input once in each",
            client_name(rates.client_id, rates.address),
            rates.inputs,
            rates.ticks,
            "left out all the time" if rates.inputs > rates.ticks else "repeated all the time",
        )

    def settle(self, tick: int) -> None:
        """Note that the state of this tick includes the inputs that were taken last."""
        if self._players.by_id or self.bots or self.known[1]:
            with self._lock:
                known = self._players.settle(tick)
                self.known = tick, known | self.bots.known if self.bots else known

    def report(self, tick: int) -> None:
        """Report to each player the last input that the state of this tick includes, if :meth:`settle` has been called
        for it. On the network's thread only."""
        self._players.report(tick)

    def forget(self, client_id: int) -> None:
        with self._lock:
            self._players.by_id.pop(client_id, None)

    def counts(self, client_id: int) -> InputCounts:
        player = self._players.by_id.get(client_id)
        return player.buffer.counts if player is not None else InputCounts()

    def delay(self, client_id: int) -> float | None:
        """Return the age of the player's view at the tick of the latest input, in seconds; None if unknown."""
        player = self._players.by_id.get(client_id)
        return player.delay if player is not None else None
