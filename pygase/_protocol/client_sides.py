"""The client's own parts: the player's inputs on their way, and the states that arrive."""

from __future__ import annotations

from typing import Final

from .._state.precision import NO_PRECISION, Precision
from ..config import ClientConfig
from .acks import Carried
from .fragments import Reassembler
from .inputs import InputSender, copies_for
from .rhythm import LONGEST_RIDE, Rhythm
from .snapshot_receiver import ReceivedState, SnapshotReceiver
from .timing import RttEstimator
from .wire import BULK_SNAPSHOT, DELTA, INPUTS, MESSAGE_HEADER, ORDER, SKIPPED, SNAPSHOT, SNAPSHOT_HEADER, message

_ACK_WAIT: Final = 1.25
"""Intervals between ticks for which an acknowledgement may wait, with what a tick may be late."""


class _CarriedInputs:
    __slots__ = ("_count", "_newest", "_player", "_skipped")

    def __init__(self, player: PlayerSide, newest: int, count: int, skipped: int | None) -> None:
        self._player = player
        self._newest = newest
        self._count = count
        self._skipped = skipped

    def acknowledge(self) -> int | None:
        """Forget the inputs and the number that was left out, since the server knows them now."""
        self._player.inputs.on_acked(self._newest, self._count)
        if self._player.unreported == self._skipped:
            self._player.unreported = None
        return None


class PlayerSide:
    """A player's unacknowledged inputs, which piggyback on packets.

    :ivar unreported: a number that was left out, until the server has acknowledged its report.
    :ivar sequence: the number of the packet that is being received, as on the wire.
    :ivar has_piggybacked: True once the inputs have left with a packet of this turn.
    :ivar rhythm: of the packets with inputs and events, on which acknowledgements ride.
    """

    __slots__ = ("_newest_report", "has_piggybacked", "inputs", "rhythm", "sequence", "unreported")

    def __init__(self) -> None:
        self.inputs = InputSender()
        self.rhythm = Rhythm()
        self.unreported: int | None = None
        self.sequence = 0
        self.has_piggybacked = False
        self._newest_report = 0

    def renew(self) -> None:
        """Begin with a new path. The unacknowledged inputs stay."""
        self.unreported = None
        self.has_piggybacked = False
        self._newest_report = 0

    def piggyback(self, room: int, loss: float) -> bytes:
        """Return the framed messages with the waiting inputs, if they fit.

        :param loss: the share of the packets to the server that get lost.
        """
        if self.has_piggybacked or not len(self.inputs):
            return b""
        skipped = b"" if self.unreported is None else message(SKIPPED, ORDER.pack(self.unreported & 0xFFFF))
        found = self.inputs.message_body(room - len(skipped) - MESSAGE_HEADER.size, copies_for(loss))
        return skipped + message(INPUTS, found[0]) if found is not None else b""

    def note_piggybacked(self) -> Carried:
        """Return the part of the packet that stands for the inputs."""
        self.has_piggybacked = True
        self.inputs.note_sent()
        return _CarriedInputs(self, self.inputs.newest, self.inputs.carried, self.unreported)

    def is_overtaken(self, number: int) -> bool:
        """Return whether a newer report on inputs has arrived than that of packet ``number``. If not, note this one."""
        if number < self._newest_report:
            return True
        self._newest_report = number
        return False


class StateSide:
    """A client's received states, and the fragments of unfinished ones.

    :ivar ack_wait: seconds for which the server may let an acknowledgement wait for its tick.
    :ivar precision: of the numbers in the states, as the server has declared it.
    """

    __slots__ = ("_fragments", "ack_wait", "precision", "received")

    def __init__(self, config: ClientConfig) -> None:
        self.ack_wait = 0.0
        self.precision = NO_PRECISION
        self.received = SnapshotReceiver(config.max_state_bytes, config.max_state_values)
        limit = config.max_state_bytes + SNAPSHOT_HEADER.size + 64
        self._fragments = {
            SNAPSHOT: Reassembler(limit, 2, config.fragment_timeout),
            DELTA: Reassembler(limit, 2, config.fragment_timeout),
            BULK_SNAPSHOT: Reassembler(limit),
        }

    def take_precision(self, precision: Precision) -> None:
        """Note what the server has declared, before its first state arrives."""
        self.precision = precision
        self.received.places = precision.root

    @property
    def held_bytes(self) -> int:
        return sum(fragments.held_bytes for fragments in self._fragments.values())

    def fragments(self, kind: int) -> Reassembler | None:
        return self._fragments.get(kind)

    def renew(self) -> None:
        """Begin with a new path: unfinished states are dropped, and the baselines stay."""
        for fragments in self._fragments.values():
            fragments.forget()

    def note_interval(self, state: ReceivedState) -> None:
        """Take the server's interval between ticks from a state."""
        interval = state.time - state.changed_after
        self.ack_wait = _ACK_WAIT * interval if interval <= LONGEST_RIDE else 0.0

    def patience(self, rtt: RttEstimator) -> float:
        """Return after how many seconds to send unacknowledged inputs again: the server may let the acknowledgement
        wait for its tick."""
        return rtt.rto + max(self.ack_wait - rtt.min_rto, 0.0)

    def expire(self, now: float) -> None:
        for kind in (SNAPSHOT, DELTA):
            self._fragments[kind].expire(now)

    def forgive(self, slept: float) -> None:
        for kind in (SNAPSHOT, DELTA):
            self._fragments[kind].forgive(slept)
