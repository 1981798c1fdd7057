"""The protocol by which games are found on the local network: :class:`Listing` asks, :class:`Responder` answers.

::

    a program that searches                            every server on the network
    Query (512 bytes, to everyone) ------------------>
    <------------------------------------------- Answer (at most 360 bytes, to the one who asked)

An answer is never longer than its query, and each host gets only a few per second. So an attacker who forges senders
cannot flood anybody. ``docs/discovery.md`` describes the bytes.
"""

from __future__ import annotations

from collections import Counter, OrderedDict, deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from struct import Struct
from types import MappingProxyType
from typing import Any, Final, NamedTuple

from .._protocol.wire import MAX_GAME_BYTES, NONCE_BYTES, PROTOCOL_VERSION
from .._state.codec import pack_plain, unpack
from ..addresses import is_loopback
from ..errors import InvalidValue, MalformedPacket

QUERY_BYTES: Final = 512
"""Size to which every query is padded: more than the longest answer, with room for later versions."""

ID_BYTES: Final = 8
MAX_NAME_BYTES: Final = 64
MAX_INFO_BYTES: Final = 200

_QUERY_MAGIC: Final = b"PGS?"
_ANSWER_MAGIC: Final = b"PGS!"  # no datagram of a game begins with either
_QUERY: Final = Struct(f"!4s{NONCE_BYTES}s")
# magic, nonce, server's id, protocol version, flags, port, players, most players
_ANSWER: Final = Struct(f"!4s{NONCE_BYTES}s{ID_BYTES}sHBHHH")
_PASSWORD: Final = 0x01

MAX_ANSWER_BYTES: Final = _ANSWER.size + 1 + MAX_GAME_BYTES + 1 + MAX_NAME_BYTES + 1 + MAX_INFO_BYTES

TRIES: Final = 3
TRY_INTERVAL: Final = 0.15
"""Seconds between the first queries. Wi-Fi sends a broadcast once and without acknowledgement, so some are lost."""
REPEAT_INTERVAL: Final = 1.5
"""Seconds between later queries."""
FORGET_AFTER: Final = 5.0
"""Seconds without an answer after which a game is removed: three queries may stay unanswered."""
SWITCH_AFTER: Final = 2 * REPEAT_INTERVAL
"""Seconds without an answer from a game's address after which another address of the game replaces it."""

MAX_GAMES: Final = 100
"""Most games in a list; more than a player reads."""
MAX_GAMES_PER_HOST: Final = 16
"""Most games at one address, so that a machine that invents answers leaves room for the others."""
KEPT_QUERIES: Final = 8
"""Number of latest queries to which answers are accepted."""
KEPT_PINGS: Final = 4
"""A game's ping is the least of its last few, since a busy program adds delay that is no distance."""

MAX_ANSWERS_PER_HOST: Final = 30
MAX_ANSWERS: Final = 300
"""Most answers per second. A host that searches asks three times in its first second, from each of its addresses."""

_JOINER: Final = "\u200d"
"""The one invisible character that a name may contain: it joins several emoji to one."""


class Query(NamedTuple):
    """The question for servers of ``game``; ``""``: of any game."""

    nonce: bytes
    game: str

    def encode(self) -> bytes:
        head = _QUERY.pack(_QUERY_MAGIC, self.nonce) + _sized(_cut(self.game, MAX_GAME_BYTES))
        return head.ljust(QUERY_BYTES, b"\0")

    @classmethod
    def decode(cls, data: bytes) -> Query:
        """:raises MalformedPacket: if it is no query."""
        if len(data) < QUERY_BYTES or not data.startswith(_QUERY_MAGIC):
            raise MalformedPacket("not a query, or not padded")
        game, _ = _read(data, _QUERY.size)
        return cls(_QUERY.unpack_from(data)[1], _text(game))


class Answer(NamedTuple):
    """A server's answer. ``info`` is msgpack of a dict."""

    nonce: bytes
    server_id: bytes
    version: int
    password: bool
    port: int
    players: int
    max_players: int
    game: str
    name: str
    info: bytes

    def encode(self) -> bytes:
        flags = _PASSWORD if self.password else 0
        counts = (min(self.players, 0xFFFF), min(self.max_players, 0xFFFF))
        head = _ANSWER.pack(_ANSWER_MAGIC, self.nonce, self.server_id, self.version, flags, self.port, *counts)
        texts = _sized(_cut(self.game, MAX_GAME_BYTES)) + _sized(_cut(self.name, MAX_NAME_BYTES))
        return head + texts + _sized(self.info)

    @classmethod
    def decode(cls, data: bytes) -> Answer:
        """Bytes after the known fields are for later versions, and are ignored.

        :raises MalformedPacket: if it is no answer.
        """
        if len(data) < _ANSWER.size or not data.startswith(_ANSWER_MAGIC):
            raise MalformedPacket("not an answer")
        _, nonce, server_id, version, flags, port, players, max_players = _ANSWER.unpack_from(data)
        if port == 0:
            raise MalformedPacket("a server without a port")
        game, end = _read(data, _ANSWER.size)
        name, end = _read(data, end)
        info, _ = _read(data, end)
        password = bool(flags & _PASSWORD)
        texts = (_text(game), _printable(_cut(_text(name), MAX_NAME_BYTES).decode()))
        if not texts[0].isprintable():
            raise MalformedPacket("no game has such a name")
        return cls(nonce, server_id, version, password, port, players, max_players, *texts, info)


def encode_info(info: Mapping[str, Any] | None) -> bytes:
    """:raises TypeError, ValueError: if it is no dict with names as keys, cannot be serialised, or is too large."""
    if info is not None and not (isinstance(info, Mapping) and all(isinstance(key, str) for key in info)):
        raise TypeError(f"info must be a dict with str keys such as {{'map': 'castle'}}, got {info!r:.100}")
    try:
        data = pack_plain(dict(info or {}))
        unpack(data)
    except Exception as error:  # msgpack raises several kinds
        raise InvalidValue(f"info can hold None, bool, int, float, str, bytes, list and dict only: {error}") from None
    if len(data) > MAX_INFO_BYTES:
        raise ValueError(
            f"info takes {len(data)} bytes, {MAX_INFO_BYTES} are the most; keep to what a player needs to choose a game"
        )
    return data


def _decode_info(data: bytes) -> Mapping[str, Any]:
    info = unpack(data)
    if type(info) is not dict or not all(type(key) is str for key in info):
        raise MalformedPacket("info is no dict with str keys")
    return MappingProxyType(info)


def _sized(data: bytes) -> bytes:
    return bytes([len(data)]) + data


def _cut(text: str, limit: int) -> bytes:
    """Return at most ``limit`` bytes of UTF-8, without half a character at the end."""
    return text.encode(errors="replace")[:limit].decode(errors="ignore").encode()


def _read(data: bytes, at: int) -> tuple[bytes, int]:
    """Read a length byte and that number of bytes; return them and the position after them."""
    if at >= len(data) or at + 1 + data[at] > len(data):
        raise MalformedPacket("a field reaches beyond the datagram")
    end = at + 1 + data[at]
    return data[at + 1 : end], end


def _text(data: bytes) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError:
        raise MalformedPacket("text is not UTF-8") from None


def _printable(text: str) -> str:
    """Return a stranger's text fit to be drawn: one line, and no character that turns the writing around."""
    return "".join(c for c in text if c.isprintable() or c == _JOINER).strip()


# -- the answering side -----------------------------------------------------------------------------------------------


class Responder:
    """Decides which queries get an answer. It remembers one second, and a bounded number of answers.

    :param game: the server's game; queries for another stay unanswered.

    :ivar dropped: number of datagrams without an answer, by reason.
    """

    def __init__(self, game: str) -> None:
        self.dropped: Counter[str] = Counter()
        self._game = game
        self._second_began_at = float("-inf")
        self._answered: set[tuple[str, bytes]] = set()
        self._per_host: Counter[str] = Counter()

    def answer(self, data: bytes, host: str, *, now: float, answer: Callable[[bytes], Answer]) -> bytes | None:
        """Return None if the datagram from ``host`` gets no answer.

        :param answer: makes the answer from the query's nonce.
        """
        try:
            query = Query.decode(data)
        except MalformedPacket:
            self.dropped["unreadable"] += 1
            return None
        if query.game not in ("", self._game):
            self.dropped["another game"] += 1
            return None
        if not self._admits(host, query.nonce, now):
            return None
        return answer(query.nonce).encode()

    @property
    def remembered(self) -> int:
        """Number of answers, or of hosts, that it remembers for this second: the larger of both."""
        return max(len(self._answered), len(self._per_host))

    def _admits(self, host: str, nonce: bytes, now: float) -> bool:
        if now - self._second_began_at >= 1.0:
            self._second_began_at = now
            self._answered.clear()
            self._per_host.clear()
        if (host, nonce) in self._answered:  # it has arrived by broadcast and by multicast
            self.dropped["answered already"] += 1
            return False
        if len(self._answered) >= MAX_ANSWERS or self._per_host[host] >= MAX_ANSWERS_PER_HOST:
            self.dropped["too many questions"] += 1
            return False
        self._answered.add((host, nonce))
        self._per_host[host] += 1
        return True


# -- the asking side --------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class DiscoveredGame:
    """A game on the local network. Next: ``Client.connect(game.port, game.address)`` joins it.

    :ivar address: IP address of its machine, as seen from here; ``port``: the game's port there.
    :ivar name: the host's name for it, fit to be drawn; may be ``""``.
    :ivar game: the kind of game, as in ``Server(game=...)``.
    :ivar players: number of players; ``max_players``: the most that it admits.
    :ivar ping: seconds from a query to its answer.
    :ivar password: whether it needs a password.
    :ivar version_ok: False if it uses another version of PyGaSe's protocol, so that nobody here can join it.
    :ivar info: the host's further information, by name. Any machine can send anything: check it before you use it.
    :ivar server_id: a random number of the server, the same as long as it runs.
    """

    address: str
    port: int
    name: str
    game: str
    players: int
    max_players: int
    ping: float
    password: bool
    version_ok: bool
    info: Mapping[str, Any] = field(default_factory=dict, hash=False)
    server_id: bytes = field(default=b"", repr=False)

    @property
    def is_full(self) -> bool:
        """True if the game admits no further player at the moment."""
        return self.players >= self.max_players


class _Entry:
    def __init__(self, host: str) -> None:
        self.host = host
        self.heard_at = 0.0  # from this host
        self.pings: deque[float] = deque(maxlen=KEPT_PINGS)
        self.game: DiscoveredGame

    def hear(self, answer: Answer, info: Mapping[str, Any], host: str, asked_at: float, now: float) -> None:
        if host != self.host:  # the same server at another address
            if not self._prefers(host, now):
                return
            self.host = host
            self.pings.clear()
        self.heard_at = now
        self.pings.append(max(now - asked_at, 0.0))
        self.game = DiscoveredGame(
            address=host,
            port=answer.port,
            name=answer.name,
            game=answer.game,
            players=answer.players,
            max_players=answer.max_players,
            ping=min(self.pings),
            password=answer.password,
            version_ok=answer.version == PROTOCOL_VERSION,
            info=info,
            server_id=answer.server_id,
        )

    def _prefers(self, host: str, now: float) -> bool:
        if is_loopback(host) != is_loopback(self.host):
            return is_loopback(host)  # a loopback address does not depend on a network
        return now - self.heard_at >= SWITCH_AFTER


class Listing:
    """The games that have answered lately, and when to ask again.

    :param game: list only this game; ``""``: all.
    :param random_bytes: makes the nonces of queries. Only a receiver of the query can know its nonce and answer.

    :ivar games: the games, in the order in which they were found. Each change brings a new tuple.
    :ivar dropped: number of useless datagrams, by reason.
    """

    def __init__(self, game: str, random_bytes: Callable[[int], bytes]) -> None:
        self.games: tuple[DiscoveredGame, ...] = ()
        self.dropped: Counter[str] = Counter()
        self._game = game
        self._random_bytes = random_bytes
        self._asked_at: OrderedDict[bytes, float] = OrderedDict()
        self._asked = 0
        self._next_query_at = float("-inf")
        self._entries: dict[bytes, _Entry] = {}

    def next_timeout(self) -> float:
        """Return when a query or :meth:`handle_timeout` is due, seconds."""
        expiries = (entry.heard_at + FORGET_AFTER for entry in self._entries.values())
        return min([self._next_query_at, *expiries])

    def is_query_due(self, *, now: float) -> bool:
        return now >= self._next_query_at

    def query_to_send(self, *, now: float) -> bytes:
        self._asked += 1
        self._next_query_at = now + (TRY_INTERVAL if self._asked < TRIES else REPEAT_INTERVAL)
        nonce = self._random_bytes(NONCE_BYTES)
        self._asked_at[nonce] = now
        if len(self._asked_at) > KEPT_QUERIES:
            self._asked_at.popitem(last=False)
        return Query(nonce, self._game).encode()

    def receive(self, data: bytes, host: str, *, now: float) -> None:
        try:
            answer = Answer.decode(data)
            info = _decode_info(answer.info)
        except MalformedPacket:
            self.dropped["unreadable"] += 1
            return
        asked_at = self._asked_at.get(answer.nonce)
        if asked_at is None:
            self.dropped["not asked for"] += 1
        elif self._game not in ("", answer.game):
            self.dropped["another game"] += 1
        elif answer.server_id not in self._entries and not self._has_room(host):
            self.dropped["too many games"] += 1
        else:
            entry = self._entries.setdefault(answer.server_id, _Entry(host))
            entry.hear(answer, info, host, asked_at, now)
            self._publish()

    def _has_room(self, host: str) -> bool:
        of_host = sum(entry.host == host for entry in self._entries.values())
        return len(self._entries) < MAX_GAMES and of_host < MAX_GAMES_PER_HOST

    def handle_timeout(self, *, now: float) -> None:
        """Remove the games that have not answered for too long."""
        silent = [key for key, entry in self._entries.items() if now >= entry.heard_at + FORGET_AFTER]
        for key in silent:
            del self._entries[key]
        if silent:
            self._publish()

    def _publish(self) -> None:
        games = tuple(entry.game for entry in self._entries.values())
        if games != self.games:
            self.games = games
