"""One run of a host of rooms, from its bound socket to its end."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from .._io.ports import Loop, Platform, Pump, Transport
from .._protocol.buckets import Buckets
from .._protocol.challenges import Opened
from .._protocol.door import Door, Found
from .._protocol.endpoint import ServerEndpoint
from .._protocol.entrance import Objection
from .._protocol.handshake import decode_options
from .._protocol.house import Home, House
from .._relay.codes import CODE_ALPHABET
from .._server.encryption import report_encryption
from .._state.codec import prepare_counting
from ..backend import Backend
from ..config import ServerConfig
from ..errors import DisconnectReason
from ._room import Ground, Lodging, MakeDriver
from .asking import NEW, QUICK
from .info import RoomInfo, RoomLimits

logger = logging.getLogger("pygase")

Maker = Callable[[RoomInfo], Backend]

ROOM_CODE_LETTERS: Final = 4

_GOLDEN: Final = 0.6180339887498949
"""Multiples of it, without their whole parts, are spread evenly between 0 and 1, however many there are."""

_HOSTS: Final = 4096
_MOST_TRIES: Final = 100


@dataclass(frozen=True)
class Plan:
    """The arguments of a RoomHost."""

    game: str
    makers: Mapping[str, Maker]
    interval: float
    limits: RoomLimits
    config: ServerConfig
    password: str | None


class Full(Exception):
    """The host has no place for another room."""


class RoomsRun:
    """The rooms of a host, and the socket that they share. A Pump. All methods are for the network's thread only.

    :param transport: bound; the run closes it in the end.
    :param make_driver: makes the driver of a room.
    """

    def __init__(
        self, plan: Plan, loop: Loop, transport: Transport, platform: Platform, make_driver: MakeDriver
    ) -> None:
        prepare_counting()
        self.plan = plan
        self.transport = transport
        self.rooms: dict[str, Lodging] = {}
        self.is_open = True
        self._places: dict[str, tuple[ServerEndpoint, Home]] = {}
        self._platform = platform
        self._house = House(plan.config, random_bytes=platform.random_bytes, password=plan.password)
        self._house.resets.answer_from(platform.clock())
        self._door = Door(self._house, plan.config, plan.game, platform.random_bytes, self._places, self._search)
        self._creates = Buckets(
            max(int(plan.limits.creates_per_minute), 1), plan.limits.creates_per_minute / 60.0, _HOSTS
        )
        self._made = 0
        self.driver = platform.make_driver(self, transport)
        self._ground = Ground(loop, transport, platform, make_driver, self._pull)
        report_encryption(plan.config, plan.password is not None, str(transport.address[0]))

    # -- the pump ----------------------------------------------------------------------------------------------------

    def receive(self) -> int:
        if not self.is_open:
            return 0
        arrivals = self.transport.take_timed(self._platform.clock())
        self._door.receive_datagrams(arrivals)
        return len(arrivals)

    def advance(self) -> float | None:
        if not self.is_open:
            return None
        now, own = self._platform.clock(), self._door.own
        own.handle_timeout(now=now)
        self.transport.send_all(own.stream_to_send(now=now))
        self.driver.rest(any(lodging.is_awake for lodging in self.rooms.values()))
        return own.next_timeout()

    def _pull(self) -> None:
        """A room begins a tick: read the datagrams that have waited for it."""
        if self.is_open and self.driver.looks_later:
            self.driver.looked(self.receive())
            if self._door.own.outbox:
                self.driver.wake()

    # -- rooms -------------------------------------------------------------------------------------------------------

    def create(self, kind: str, options: Mapping[str, Any], *, private: bool, is_kept: bool) -> Lodging:
        """Make a room.

        :param is_kept: whether it stays open while it is empty.
        :raises Full: the host has no place for it.
        :raises Exception: what its maker raises.
        """
        if len(self.rooms) >= self.plan.limits.rooms:
            raise Full(f"the host takes {self.plan.limits.rooms:g} rooms")
        info = RoomInfo(self._new_code(), kind, dict(options), private)
        backend = self.plan.makers[kind](info)
        if not isinstance(backend, Backend):
            raise TypeError(f"the maker of {kind!r} must return a Backend, got {backend!r:.80}")
        if backend.server.plumbing.credentials.password is not None:
            raise ValueError("a room has the password of its host: give it to RoomHost(password=...)")
        on_empty = (lambda lodging: None) if is_kept else self._close_if_empty
        lodging = Lodging(info, backend, self._ground, self.plan.limits.tick_budget, on_empty, self._forget)
        self._made += 1
        lodging.begin(self._house, self.plan.interval, self._made * _GOLDEN % 1.0)
        self.rooms[info.code] = lodging
        self._places[info.code] = (lodging.endpoint, lodging)
        if not is_kept:
            self._close_if_empty(lodging)
        logger.info("room %s (%s) is open", info.code, kind)
        return lodging

    def _new_code(self) -> str:
        for _ in range(_MOST_TRIES):
            number = int.from_bytes(self._platform.random_bytes(8), "big")
            base = len(CODE_ALPHABET)
            code = "".join(CODE_ALPHABET[number // base**place % base] for place in range(ROOM_CODE_LETTERS))
            if code not in self.rooms:
                return code
        raise Full("no code is free")

    def _close_if_empty(self, lodging: Lodging) -> None:
        seconds = self.plan.limits.close_empty_after
        if seconds < math.inf and lodging.closing is None:
            lodging.closing = self._ground.loop.call_later(seconds, lambda: lodging.close("The room was empty."))

    def _forget(self, lodging: Lodging) -> None:
        code = lodging.info.code
        self.rooms.pop(code, None)
        self._places.pop(code, None)
        logger.info("room %s (%s) is closed", code, lodging.info.kind)

    # -- newcomers -----------------------------------------------------------------------------------------------------

    def _search(self, opened: Opened, host: str, now: float) -> Found | Objection:
        objection = self._no_place(host)
        if objection is not None:
            return objection
        wanted = opened.body.room
        if wanted[:1] in (QUICK, NEW) or not wanted:
            found = self._by_kind(wanted, opened.body.options, host, now)
        else:
            found = self._by_code(wanted)
        return found if isinstance(found, tuple) else (found.endpoint, found, found.info.code)

    def _no_place(self, host: str) -> Objection | None:
        limits = self.plan.limits
        if len(self._house.homes) >= limits.players:
            return DisconnectReason.SERVER_FULL, f"It takes {limits.players:g} players."
        peers = [peer for endpoint, _ in self._places.values() for peer in endpoint.peers.values()]
        if sum(peer.host == host for peer in peers) >= limits.per_address:
            return DisconnectReason.SERVER_FULL, f"It takes {limits.per_address:g} players from one address."
        return None

    def _by_code(self, wanted: str) -> Lodging | Objection:
        lodging = self.rooms.get(wanted.upper())
        if lodging is None:
            return DisconnectReason.NO_SUCH_ROOM, f"It has no room {wanted!r:.40}."
        if lodging.is_locked:
            return DisconnectReason.ROOM_FULL, "It is locked."
        most = self._places_of(lodging)
        if lodging.taken >= most:
            return DisconnectReason.ROOM_FULL, f"It takes {most:g} player{'s' * (most > 1)}."
        return lodging

    def _places_of(self, lodging: Lodging) -> float:
        return min(self.plan.limits.players_per_room, lodging.backend.server.config.max_clients)

    def _by_kind(self, wanted: str, options: bytes, host: str, now: float) -> Lodging | Objection:
        kind, makers = wanted[1:], self.plan.makers
        if not wanted and len(makers) == 1:
            kind = next(iter(makers))
        if kind not in makers:
            return DisconnectReason.NO_SUCH_ROOM, f"Name a room's code, or a kind of room: {', '.join(makers)}."
        if wanted[:1] != NEW:
            fitting = [each for each in self.rooms.values() if each.info.kind == kind and self._is_free(each)]
            if fitting:
                return max(fitting, key=lambda each: each.taken)
        given = decode_options(options) if wanted[:1] == NEW else {}
        return self._made_for(kind, given, wanted[:1] == NEW, host, now)

    def _is_free(self, lodging: Lodging) -> bool:
        is_open = not (lodging.info.private or lodging.is_locked or lodging.has_ended)
        return is_open and lodging.taken < self._places_of(lodging)

    def _made_for(
        self, kind: str, options: Mapping[str, Any], private: bool, host: str, now: float
    ) -> Lodging | Objection:
        """Make a room for a stranger, or say why not."""
        if not self._creates.take(host, now):
            return DisconnectReason.SERVER_FULL, "Your address has made many rooms; wait a minute."
        try:
            return self.create(kind, options, private=private, is_kept=False)
        except Full as error:
            return DisconnectReason.SERVER_FULL, f"No more rooms: {error}."
        except ValueError as error:
            return DisconnectReason.NO_SUCH_ROOM, f"The room could not be made: {error!s:.140}"
        except Exception as error:
            logger.error("the maker of %r raised %r", kind, error, exc_info=error)
            return DisconnectReason.NO_SUCH_ROOM, "The room could not be made."

    # -- the end -------------------------------------------------------------------------------------------------------

    def say_goodbye(self) -> None:
        """End all rooms at once. Every player gets a goodbye."""
        self._door.own.entrance.refuse_all = DisconnectReason.SERVER_SHUTDOWN
        for lodging in tuple(self.rooms.values()):
            lodging.end_at_once()

    def close(self) -> None:
        """May be called again."""
        self.is_open = False
        self.driver.stop()
        self.transport.close()


if TYPE_CHECKING:

    def _pump(hosting: RoomsRun) -> Pump:
        """Let mypy check the port."""
        return hosting
