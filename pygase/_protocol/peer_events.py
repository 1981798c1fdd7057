"""The events of a connection, of a client's ``next_event`` and of the inbox of a server's endpoint."""

from __future__ import annotations

from typing import Any, NamedTuple

from ..errors import DisconnectReason
from .datagrams import Welcome
from .inputs import InputsMessage
from .snapshot_receiver import ReceivedState


class Connected(NamedTuple):
    """The connection stands. ``address`` is the client's, as the server sees it."""

    welcome: Welcome
    address: tuple[Any, ...]


class EventReceived(NamedTuple):
    """The server's event, serialised (client only; the server's inbox holds the bare bytes).

    ``tick`` is that of the state that precedes it; 0: unknown.
    """

    payload: bytes
    tick: int = 0


class MessageAcked(NamedTuple):
    ticket: int


class StateReceived(NamedTuple):
    """A new state (client only)."""

    state: ReceivedState


class InputsReceived:
    """Inputs of the client's player, most of them repeated (server only). For the numbers see
    :meth:`.InputBuffer.receive`.

    :ivar at: when they arrived, seconds.
    """

    __slots__ = ("arrived", "at", "datagram", "message")

    def __init__(self, message: InputsMessage, datagram: int, arrived: int, at: float) -> None:
        self.message = message
        self.datagram = datagram
        self.arrived = arrived
        self.at = at

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, InputsReceived)
            and self.message == other.message
            and self.datagram == other.datagram
            and self.arrived == other.arrived
            and self.at == other.at
        )

    def __hash__(self) -> int:
        return hash((self.datagram, self.arrived))


class InputStateReceived(NamedTuple):
    """See InputState (client only)."""

    tick: int
    applied: int
    margin: float


class Moved(NamedTuple):
    """The client's datagrams come from another address now (server only). ``former`` is the previous address."""

    former: tuple[Any, ...]


class Lost(NamedTuple):
    """The connection is lost. The client reconnects, and may resume it until this time."""

    until: float


class Restored(NamedTuple):
    """The client is one of an earlier process, and lost (server only).

    ``is_new``: the game has not handled that it has connected. ``is_lost``: the game knows it as lost. ``unhandled``:
    its events that the game has not handled, each serialised.
    """

    is_new: bool
    is_lost: bool
    unhandled: tuple[bytes, ...]


class Resumed(NamedTuple):
    """The connection goes on after it was lost.

    ``is_fresh``: the client is a new process, and remembers nothing (server only). ``events_lost`` counts the client's
    reliable events that the server had acknowledged and does not remember, after a restart from a checkpoint.
    """

    welcome: Welcome
    address: tuple[Any, ...]
    is_fresh: bool
    events_lost: int


class Disconnected(NamedTuple):
    """The connection has ended, or never began. No event follows."""

    reason: DisconnectReason
    detail: str
    remote: bool


ProtocolEvent = (
    Connected
    | EventReceived
    | MessageAcked
    | StateReceived
    | InputsReceived
    | InputStateReceived
    | Moved
    | Lost
    | Restored
    | Resumed
    | Disconnected
)
