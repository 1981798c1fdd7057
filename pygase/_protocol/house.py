"""What the rooms of one host share: they have one address, so a client is proven and limited once for all of them."""

from __future__ import annotations

from typing import NamedTuple, Protocol

from ..config import ServerConfig
from .admission import Visitors
from .challenges import Challenges
from .crypto import RandomBytes
from .handshake import Address
from .identity import SECRETS_BYTES, ServerIdentity
from .resets import RESET_KEY_BYTES, Resets

Arrival = tuple[bytes, Address, float]
"""A received datagram, its sender, and when it arrived, in seconds."""


class Home(Protocol):
    """A room, for the host that receives its datagrams."""

    def take(self, arrival: Arrival) -> None:
        """Take a datagram for one of the room's clients."""

    def rouse(self) -> None:
        """The endpoint has something to do at once, such as an answer to send."""


class House:
    """The shared parts of the rooms of one host. A server without rooms has a house of its own.

    :param password: None to ask for none.
    :param identity: by which invited clients recognise the server; None: a new one.
    :param reset_key: 32 secret bytes that an earlier process may have had; b"" for new ones.
    :ivar homes: the rooms of the connected clients, by the token of their packets.
    :ivar challenges: makes the challenges, and opens the responses.
    :ivar visitors: the recent tries of each host.
    :ivar resets: answers packets of unknown connections.
    """

    __slots__ = ("challenges", "homes", "resets", "visitors")

    def __init__(
        self,
        config: ServerConfig,
        *,
        random_bytes: RandomBytes,
        password: str | None = None,
        identity: ServerIdentity | None = None,
        reset_key: bytes = b"",
    ) -> None:
        self.homes: dict[bytes, Home] = {}
        self.resets = Resets(reset_key or random_bytes(RESET_KEY_BYTES))
        self.visitors = Visitors(config)
        identity = identity or ServerIdentity(random_bytes(SECRETS_BYTES))
        self.challenges = Challenges(config, password, identity, random_bytes)


class HousePlace(NamedTuple):
    """The place of a room's endpoint in its house.

    :ivar code: of the room.
    """

    house: House
    home: Home
    code: str
