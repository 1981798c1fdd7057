"""Events of clients that wait for their handlers.

Decoding and handling an event takes time, and one client must not take it from all others. So each client has a budget
of seconds in a tick. Its events beyond that wait for later ticks, in their order: a client delays only its own events.
Time is a ``clock`` argument.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Iterator
from typing import Any, Final

from ..config import ServerConfig
from ..event import CLIENT_LEFT, Event

Address = tuple[Any, ...]


class ClientEvents:
    """One client's account: the time that its events take, and the events that wait for a later tick.

    A server's thread adds to it, and a game loop's takes from it.

    :param client_id: the client's id; ``address``: where the client is at present.
    :param config: bounds the waiting events.
    :param in_game: the same client's account with a game loop, if this is the one with the server's own handlers.
    """

    __slots__ = (
        "_config",
        "_counted",
        "_counted_bytes",
        "_counted_tick",
        "address",
        "client_id",
        "crowded_at",
        "debt",
        "in_game",
        "spent",
        "turn",
        "waiting",
        "waiting_bytes",
    )

    def __init__(
        self,
        client_id: int,
        address: Address,
        config: ServerConfig | None = None,
        in_game: ClientEvents | None = None,
    ) -> None:
        self.client_id = client_id
        self.address = address
        self.in_game = in_game
        self.turn = -1
        """The tick to which ``spent`` belongs."""
        self.spent = 0.0
        """Seconds of this client's events in that tick."""
        self.debt = 0.0
        """Seconds that refused events took. The budgets of the next ticks pay them off."""
        self.waiting: deque[Any] = deque()
        """Events that were put off, oldest first."""
        self.waiting_bytes = 0
        self.crowded_at: float | None = None
        """The game time since which ``BACKLOG`` events have been waiting all the time."""
        self._config = config or ServerConfig()
        self._counted_tick = -1
        self._counted = self._counted_bytes = 0

    def admits(self, payload: bytes, tick: int) -> bool:
        """Count an event that has arrived; return False if too many of this client's events wait, and it is to be
        dropped.

        An acknowledged event has twice the room: the client relies on it, so its connection must end if even that is
        full.

        :param tick: the newest settled tick. Events that were counted before it have been handled, or put off.
        """
        if tick != self._counted_tick:
            self._counted_tick, self._counted, self._counted_bytes = tick, 0, 0
        self._counted += 1
        self._counted_bytes += len(payload)
        room = 1 if type(payload) is bytes else 2
        return (
            self._counted + len(self.waiting) <= room * self._config.max_waiting_events
            and self._counted_bytes + self.waiting_bytes <= room * self._config.max_waiting_event_bytes
        )

    def begin(self, turn: int, budget: float) -> None:
        """Begin the tick ``turn``, once: nothing is spent but the debt left after ``budget`` seconds for each tick."""
        if turn == self.turn:
            return
        if self.debt:
            self.debt = max(self.debt - budget * (turn - self.turn), 0.0)
        self.turn, self.spent = turn, self.debt

    def put_off(self, event: Any) -> None:
        if not self.waiting:
            self.crowded_at = None
        self.waiting.append(event)
        self.waiting_bytes += _size_of(event)

    def is_crowded(self, game_time: float) -> bool:
        """Call it once a tick."""
        if len(self.waiting) < BACKLOG:
            self.crowded_at = None
        elif self.crowded_at is None:
            self.crowded_at = game_time
        return self.crowded_at is not None and game_time >= self.crowded_at + CROWDED_AFTER

    def next(self) -> Any:
        event = self.waiting.popleft()
        self.waiting_bytes -= _size_of(event)
        return event

    def drop_unacknowledged(self) -> int:
        """Drop the waiting events that may get lost; return their number."""
        kept = [event for event in self.waiting if type(_content(event)) is not bytes]
        dropped = len(self.waiting) - len(kept)
        self.waiting = deque(kept)
        self.waiting_bytes = sum(map(_size_of, kept))
        return dropped


def _content(event: Any) -> Any:
    return event[1] if type(event) is tuple else event


def _sender_of(event: Any) -> ClientEvents | None:
    sender: ClientEvents | None = event[0] if type(event) is tuple else event.sender
    return sender


def _size_of(event: Any) -> int:
    content = _content(event)
    return len(content) if isinstance(content, bytes) else 0


BACKLOG: Final = 64
"""Waiting events of one client that are worth a line in the log."""

CROWDED_AFTER: Final = 1.5
"""Seconds for which they wait before they are logged. The events of a pause of the machine are handled sooner."""


class EventQueue:
    """Hands out events in the order in which they arrived, within each client's budget.

    :ivar arrived: pairs of a ClientEvents and its client's event, which is bytes or an Event; and Events alone, which
        may have a ``sender``. Any thread may append.
    :ivar dropped: the number of dropped events of clients that have left.
    """

    def __init__(self) -> None:
        self.arrived: deque[Any] = deque()
        self.dropped = 0
        self.slowest: tuple[float, Any] = (0.0, None)
        """The seconds of the slowest timed event since the last reset, and that event."""
        self._behind: dict[ClientEvents, None] = {}
        """Clients with waiting events, or with a debt."""
        self._refused: ClientEvents | None = None
        self._calm_until = 0.0

    def __bool__(self) -> bool:
        return bool(self.arrived or self._behind)

    @property
    def behind(self) -> tuple[ClientEvents, ...]:
        return tuple(client for client in self._behind if client.waiting)

    def unhandled(self) -> list[tuple[ClientEvents, Any]]:
        """Return the waiting events of clients, each with its client, oldest first."""
        put_off = [(client, _content(event)) for client in tuple(self._behind) for event in tuple(client.waiting)]
        arrived = [(_sender_of(event), _content(event)) for event in tuple(self.arrived)]
        return put_off + [(client, content) for client, content in arrived if client is not None]

    def refuse(self, client: ClientEvents) -> None:
        """Charge the event that was handed out last in full: it has no handler."""
        self._refused = client
        self._calm_until = -math.inf

    def due(self, turn: int, budget: float, clock: Callable[[], float]) -> Iterator[Any]:
        """Yield the events of a tick, at least one of each client. The time until the next event is asked for is on the
        event's client's account.

        :param turn: the number of the tick.
        :param budget: seconds for each client.
        """
        began = clock()
        if not self._behind:
            # while all events together have taken less than half of one budget, clients need not be distinguished
            arrived, budget = self.arrived, budget / 2
            self._calm_until = began + budget
            for _ in range(len(arrived)):
                event = arrived.popleft()
                yield event
                now = clock()
                if now > self._calm_until:
                    began = self._charge(event, turn, began, now)
                    break
                began = now
            else:
                return
        for client in tuple(self._behind):
            client.begin(turn, budget)
            while client.waiting and client.spent <= budget:
                event = client.next()
                yield event
                began = self._charge(event, turn, began, clock())
            if not client.waiting and not client.debt:
                del self._behind[client]
        for _ in range(len(self.arrived)):
            event = self.arrived.popleft()
            sender = _sender_of(event)
            if sender is not None:
                sender.begin(turn, budget)
                if sender.waiting or sender.spent > budget:
                    self._put_off(sender, event)
                    continue
            yield event
            began = self._charge(event, turn, began, clock())

    def _charge(self, event: Any, turn: int, began: float, now: float) -> float:
        """Put the time of an event on its client's account; return ``now``."""
        if now - began > self.slowest[0]:
            self.slowest = now - began, event
        client = _sender_of(event)
        if client is not None:
            client.begin(turn, 0.0)
            client.spent += now - began
            if self._refused is client:
                client.debt += now - began
                self._behind[client] = None
        self._refused = None
        return now

    def _put_off(self, client: ClientEvents, event: Any) -> None:
        content = _content(event)
        if type(content) is Event and content.type == CLIENT_LEFT:
            self.dropped += client.drop_unacknowledged()
        client.put_off(event)
        self._behind[client] = None
