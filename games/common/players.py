"""Numbers, marks and names of players, for servers with clients and bots. Pure."""

import random
import zlib
from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from pygase import PlayerInput, unused_name
from pygase.connection import ServerConnection

if TYPE_CHECKING:
    from pygase_pygame import Session


class Numbers:
    """Gives the numbers from 0 to `count` - 1 in turn, so that a free one is reused as late as possible."""

    def __init__(self, count: int) -> None:
        self._count = count
        self._next = 0

    def take(self, taken: Collection[int]) -> int:
        """Return the next number not in `taken`, which is shorter than `count`."""
        while self._next in taken:
            self._next = (self._next + 1) % self._count
        number, self._next = self._next, (self._next + 1) % self._count
        return number


def mark_of(address: object) -> int:
    """Return the number by which a client finds itself in `people`; 0 for bots, which have no address.

    It is a checksum: a client's address is not for the other players, and longer.
    """
    return 0 if address is None else zlib.crc32(str(address).encode()) or 1


def number_at(people: Mapping[int, Mapping[str, Any]], address: object) -> int | None:
    """Return the number of the client at an address, by the `mark` of each entry, or None."""
    mark = mark_of(address)
    return next((number for number, person in people.items() if person["mark"] == mark), None)


def address_of(session: "Session", client_id: int) -> Any:
    """Return the present address of a client of the game that is hosted in this window, or None."""
    client = session.backend.server.clients.get(client_id) if session.backend is not None else None
    return client.client_address if client is not None else None


def by_address(clients: Mapping[int, ServerConnection], inputs: Mapping[int, PlayerInput]) -> dict[Any, PlayerInput]:
    """Return the inputs of a tick by the addresses of their clients; `clients` are those of the server."""
    return {clients[key].client_address: given for key, given in inputs.items() if key in clients}


def input_of(address: Any, inputs: Mapping[Any, PlayerInput]) -> PlayerInput | None:
    """Return a client's input of this tick; None for a bot and for a silent client."""
    return inputs.get(address) if address else None


def bot_name(rng: random.Random, names: Sequence[str], taken: Collection[str], spare: str) -> str:
    """Return a random name that is not taken; if all are, `spare`, with a number if needed."""
    return unused_name(rng.choice([name for name in names if name not in taken] or [spare]), taken)
