"""A client's attempt to get into a game, or back into it."""

from __future__ import annotations

from typing import Final

from ..errors import DisconnectReason
from .crypto import same_secret
from .datagrams import Claim, Welcome
from .handshake import Connector
from .resumption import NO_SEAT, RESUME_TIME_UNIT, Seat
from .wishes import NO_WISH, Wish

NOTICED_WITHIN: Final = 10.0
"""Seconds after the loss in which a full server may not have noticed it yet: twice the default ``timeout``. Later it
has given the place away."""


class WayIn:
    """The handshake, and what takes the client back after a loss.

    :param wish: the room that a newcomer wants to enter.
    :ivar connector: the handshake, under way or over.
    :ivar seat: what takes the client back.
    :ivar is_return: True while the client tries to go on with a lost connection.
    :ivar until: when the client gives up, seconds.
    :ivar reset_token: the server's proof that the connection is gone.
    """

    __slots__ = ("_wish", "connector", "is_return", "reset_token", "seat", "until")

    def __init__(self, connector: Connector, seat: Seat, until: float, wish: Wish = NO_WISH) -> None:
        self.connector = connector
        self.seat = seat
        self.is_return = False
        self.until = until
        self.reset_token = b""
        self._wish = wish

    def begin_return(self, received: int, acked: int, now: float) -> None:
        """Try to go on with a lost connection. For the counts see :class:`.Claim`."""
        self.is_return = True
        self.connector = self.another(received, acked)
        self.until = now + self.seat.seconds

    def another(self, received: int, acked: int) -> Connector:
        """Return the connector of a handshake that goes on with the connection. For the counts see :class:`.Claim`."""
        return self._again(self.seat.claim(received, acked))

    def _again(self, claim: Claim) -> Connector:
        return self.connector.again(claim, self.seat.identity, Wish(self.seat.room))

    def succeed(self, welcome: Welcome) -> None:
        self.is_return = False
        self.reset_token = welcome.reset_token
        identity = welcome.identity if self.connector.agreement is not None else b""
        seconds = welcome.resume_time * RESUME_TIME_UNIT
        self.seat = Seat(welcome.client_id, welcome.resume_secret, seconds, False, identity, welcome.room)

    def is_proof(self, reset: bytes) -> bool:
        """Return whether the server proves with this that it does not know the connection any more."""
        return same_secret(self.reset_token, reset)

    def goes_on_after(self, refusal: DisconnectReason, now: float) -> bool:
        """Return whether to try again after a refusal. Then the next handshake has begun."""
        may_not_know = self.is_return and now < self.until - self.seat.seconds + NOTICED_WITHIN
        if may_not_know and refusal is DisconnectReason.SERVER_FULL:
            self.connector = self._again(self.connector.claim)
            self.connector.rest(now)
            return True
        if self.seat.is_fresh and refusal is DisconnectReason.NOT_RESUMABLE:
            self.seat = NO_SEAT
            self.connector = self.connector.again(NO_SEAT.claim(0, 0), b"", self._wish)
            return True
        return False

    @property
    def reason_if_vain(self) -> DisconnectReason:
        return DisconnectReason.TIMED_OUT if self.is_return else DisconnectReason.NO_ANSWER

    def next_timeout(self) -> float:
        return min(self.connector.next_timeout(), self.connector.doubtful.settled_at, self.until)
