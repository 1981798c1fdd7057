"""The players' inputs at the server: one a tick each, and which of them a state includes."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import Any, Final, NamedTuple

from ._protocol.inputs import InputBuffer, InputCounts, InputsMessage, PlayedInput
from ._protocol.protocol import ServerProtocol
from .errors import MalformedPacket
from .event import decode_input

logger = logging.getLogger("pygase")

Address = tuple[Any, ...]

MAX_REPEATED: Final = 1.0
"""Seconds for which a player's last input is repeated when no more come. Somebody whose window is minimised shall not
run on for ever, and on a bad link nobody shall stop at once."""


_UNREAD: Final = 30
"""Messages with inputs that nobody takes, after which that is told."""


class PlayerInput(NamedTuple):
    """What a player does in a tick, as ``time_step`` gets it.

    :ivar value: what the client gave to ``Client.send_input``.
    :ivar number: the input's number; each tick has the next one.
    :ivar repeats: 0 if the input of this tick has arrived; else for how many ticks in a row the one before has been
        repeated in place of those that have not.
    :ivar view_time: the server's time, in seconds, of what the player saw of others when giving it: for
        ``StateHistory.at``. None if the client did not tell.
    """

    value: Any
    number: int
    repeats: int
    view_time: float | None


class _Player:
    """A player's buffer, and what has been read of it."""

    __slots__ = ("buffer", "delay", "known", "value")

    def __init__(self, interval: float) -> None:
        self.buffer = InputBuffer(interval)
        self.known: bytes | None = None
        self.value: Any = None
        self.delay: float | None = None
        """How far what the player saw lay back when the latest input came, in seconds."""

    def read(self, played: PlayedInput) -> Any:
        """Return the value of an input; that of the one before if this is unreadable."""
        if played.payload != self.known:
            self.known = played.payload
            try:
                self.value = decode_input(played.payload)
            except MalformedPacket:
                logger.debug("an input was not readable; the one before is repeated")
        return self.value


class PlayerInputs:
    """The inputs of all players of a server. May be used by the network's thread and the game loop's.

    :param interval: tells the seconds from tick to tick.
    """

    def __init__(self, interval: Callable[[], float]) -> None:
        self._interval = interval
        self._lock = threading.Lock()
        self._players: dict[ServerProtocol, _Player] = {}
        self._settled: tuple[int, list[tuple[ServerProtocol, int, float]]] = -1, []
        self._unread: int | None = 0
        """Messages that came while no game loop has ever asked for inputs; None when one has."""

    def receive(self, peer: ServerProtocol, message: InputsMessage, *, now: float) -> None:
        """Take in what a packet carried."""
        with self._lock:
            player = self._players.get(peer)
            if player is None:
                player = self._players[peer] = _Player(self._interval())
            player.buffer.receive(message, now=now)
        if self._unread is not None:
            self._unread += 1
            if self._unread == _UNREAD:
                logger.warning(
                    "a client sends inputs, and nobody takes them: give time_step a parameter `inputs` (a dict of "
                    "client address and PlayerInput), or send events instead"
                )

    def take(self, *, now: float) -> dict[Address, PlayerInput]:
        """Return the input of each player for the tick that begins now.

        Players who have sent none yet, or none for ``MAX_REPEATED`` seconds, are left out.
        """
        self._unread = None
        inputs: dict[Address, PlayerInput] = {}
        with self._lock:
            most = MAX_REPEATED / self._interval()
            for peer, player in self._players.items():
                played = player.buffer.take(now=now)
                if played is not None and played.repeats <= most:
                    if played.view_time is not None and not played.repeats:
                        player.delay = max(now - played.view_time, 0.0)
                    value = player.read(played)
                    inputs[peer.address] = PlayerInput(value, played.number, played.repeats, played.view_time)
        return inputs

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
                peer.tell_input_state(applied, margin)

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
