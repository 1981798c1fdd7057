"""Events on their way to clients."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable

from .._diagnostics.log_lines import LogLines
from .._protocol.channels import RELIABLE
from .._protocol.tickets import AckCallback
from ..checks import Target
from ..errors import DisconnectReason
from .attendance import Attendance
from .remote_client import RemoteClient
from .state_keeper import StateKeeper


class Outgoing:
    """The events that a run sends. All methods are for the network's thread only.

    A client applies the state of a datagram before its events. So an event is held until the endpoint has the state of
    its tick.
    """

    def __init__(self, states: StateKeeper, attendance: Attendance, log: LogLines) -> None:
        self._states = states
        self._attendance = attendance
        self._log = log
        self._taken_tick = -1
        """The newest state that the endpoint has."""
        self._held: deque[tuple[int, Callable[[], None]]] = deque()
        """Functions that queue events, each with its tick."""

    def after_state(self, queue: Callable[[], None], tick: int | None = None) -> None:
        """Call ``queue`` as soon as the endpoint has the state of a tick; None: of the caller's tick."""
        if tick is None:
            tick = self._states.tick_of_caller
        if tick > self._taken_tick:
            self._held.append((tick, queue))
        else:
            queue()

    def holds(self, tick: int) -> bool:
        """Return whether an event waits for the state of this tick, or of an earlier one."""
        return bool(self._held) and self._held[0][0] <= tick

    def note_state(self, tick: int) -> None:
        """The endpoint has the state of a tick. Queue the events that were held for it."""
        self._taken_tick = tick
        self.release(tick)

    def release(self, tick: float) -> None:
        """Queue the events of this tick and of earlier ones."""
        while self._held and self._held[0][0] <= tick:
            try:
                self._held.popleft()[1]()
            except BufferError as error:
                self._log.write(logging.ERROR, "an event was not sent: %s", error)

    def queue(
        self,
        event_type: str,
        payload: bytes,
        targets: list[Target] | None,
        retries: int,
        ack_callback: AckCallback | None,
    ) -> None:
        """Queue a serialised event to these clients, to all if None.

        An event that cannot be queued is logged; if it is RELIABLE, its client's connection ends.
        """
        for client in self._attendance.everyone() if targets is None else self._receivers(targets, event_type):
            try:
                client.queue_event(payload, retries, ack_callback)
            except BufferError as error:
                message = "event %r to %s was not sent: %s"
                self._log.write(logging.ERROR, message, event_type, client, error)
                if retries == RELIABLE:  # a gap among reliable events would be worse than the end
                    reason = DisconnectReason.OVERLOADED if client.is_lost else DisconnectReason.PROTOCOL_ERROR
                    client.close(reason, "too many events wait for this client")

    def _receivers(self, targets: list[Target], event_type: str) -> list[RemoteClient]:
        found, missing = self._attendance.find_all(targets)
        for target in missing:
            message = "event %r was not sent: no client is connected %s (any more)"
            self._log.write(logging.WARNING, message, event_type, _described(target))
        return found

    def close(self, targets: list[Target], reason: DisconnectReason, detail: str) -> None:
        """End the connections of these clients."""
        found, missing = self._attendance.find_all(targets)
        for client in found:
            client.close(reason, detail)
        if reason is DisconnectReason.KICKED:
            for target in missing:
                message = "nobody was kicked: no client is connected %s (any more)"
                self._log.write(logging.WARNING, message, _described(target))

    def close_all(self, is_meant: Callable[[RemoteClient], bool], reason: DisconnectReason, detail: str) -> None:
        for client in self._attendance.everyone():
            if is_meant(client):
                client.close(reason, detail)


def _described(target: Target) -> str:
    return f"with the id {target}" if isinstance(target, int) else f"from {target}"
