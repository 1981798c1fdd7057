"""Canvas's server: artists, their events, and the saving of the picture.

The public state:

- `ink`: the picture, see `sheet`
- `people`: the artists by number: name, whether a bot, and a mark by which a client finds itself (see `mark_of`)
- `cursors`: their places on the paper, in units; no entry while the mouse is elsewhere
- `pens`: the number of the stroke that they are drawing, if any
- `host`: the number of the artist that may clear the picture, or 0

Inputs of clients, one a tick: `[x, y, stroke]` with -1 for no stroke, or None while the mouse is elsewhere.

Events from clients: `JOIN(name)`, then `ENTER(key)`: after a lost connection, the same key gives a client its old
strokes back, to undo them. `INK(stroke, part, line)`, `UNDO(stroke)`. From the host only: `UNDO_ALL(artist's number)`,
`CLEAR()`.

Events to clients: `NEWS(text)`, and `REFUSED(stroke, text)` to the artist of a refused stroke.
"""

import random
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from games.canvas import rules
from games.canvas.bot import MOST_STROKES, Bot
from games.canvas.files import Keeper
from games.canvas.quota import HOST_TOO_FAST, Rates, amount_of
from games.canvas.sheet import Refused, Sheet, merge
from games.common.news import Announcer
from games.common.players import bot_name, by_address, input_of, mark_of
from pygase import (
    CLIENT_LEFT,
    TO_DELETE,
    Backend,
    DisconnectReason,
    GameState,
    PlayerInput,
    ServerConfig,
    clean_name,
    unused_name,
)
from pygase_pygame.app import Company, how_left

GAME_NAME: Final = "canvas"
TICKS_PER_SECOND: Final = 30
TICK: Final = 1 / TICKS_PER_SECOND  # seconds
MOST_ARTISTS: Final = 16

AUTOSAVE_TICKS: Final = 30 * TICKS_PER_SECOND
MOST_GONE: Final = 64  # artists that have left and can still get their strokes back
KEY_BYTES: Final = 16

PIECES_PER_SECOND: Final = 40  # of one artist: four times the speed of a hand
PIECES_SAVED_UP: Final = 200  # pieces at once, after a connection was stuck
TOO_FAST: Final = "You draw too fast. Wait a moment."

BOT_NAMES: Final = ("Botticelli", "Robot Ross", "Dot", "Inky", "Quill", "Pixel", "Sepia", "Doodle")

Address = tuple[Any, ...]
Update = dict[str, Any]


@dataclass
class Artist:
    """An artist: a client or a bot."""

    name: str
    address: Address | None = None
    key: bytes = b""
    bot: Bot | None = None
    allowance: float = PIECES_SAVED_UP
    refused: int = -1  # a stroke that gets no more pieces
    table: dict[str, Any] = field(default_factory=dict)  # its entries of `cursors` and `pens`


class CanvasServer:
    """A picture for up to 16 clients and some bots. Run `backend` at `TICK` seconds a tick, then call `close`.

    Raises `files.FileTrouble` if the file cannot be read.

    :param file: the file that keeps the picture, if any.
    """

    def __init__(self, bots: int = 0, file: Path | None = None, rng: random.Random | None = None) -> None:
        rng = rng or random.Random()
        self.keeper = Keeper(file)
        self.sheet = Sheet(self.keeper.load())
        self._saved_changes = self.sheet.changes
        self.artists: dict[int, Artist] = {}
        """The present artists by number."""
        self._numbers: dict[Address, int] = {}
        self._names: dict[Address, str] = {}  # of the clients that have sent JOIN
        self._gone: OrderedDict[bytes, int] = OrderedDict()  # numbers by key
        self._company = Company()
        self._last_number = 0
        self._host = 0
        self._rates = Rates()
        self._tick = 0
        self._trouble_reported = ""
        for _ in range(min(max(bots, 0), len(BOT_NAMES))):
            taken = {artist.name for artist in self.artists.values()}
            self.artists[self._new_number()] = Artist(bot_name(rng, BOT_NAMES, taken, "Bot"), bot=Bot(rng))
        people = {number: self._public(artist) for number, artist in self.artists.items()}
        self.backend = Backend(
            GameState(0, 0, ink=self.sheet.pages(), people=people, cursors={}, pens={}, host=0),
            self.time_step,
            {
                CLIENT_LEFT: self.on_left,
                "JOIN": self.on_join,
                "ENTER": self.on_enter,
                "INK": self.on_ink,
                "UNDO": self.on_undo,
                "UNDO_ALL": self.on_undo_all,
                "CLEAR": self.on_clear,
            },
            game=GAME_NAME,
            config=ServerConfig(max_clients=MOST_ARTISTS),
        )
        self._announcer = Announcer(self.backend, self._numbers)

    def close(self) -> None:
        """Save the picture. Call it after the backend has ended."""
        self.keeper.wait()
        if self.keeper.path is not None:
            self.keeper.save_now(list(self.sheet.pieces.values()))

    # -- artists -------------------------------------------------------------------------------------------------------

    def on_join(self, name: object = "", *, client_address: Address) -> None:
        """Store a client's name."""
        self._names[client_address] = clean_name(name)

    def on_enter(self, key: object = b"", *, client_address: Address) -> Update:
        """Let a client draw, once. A known key makes it the same artist as before."""
        if client_address in self._numbers or client_address not in self._names:
            return {}
        key = key if isinstance(key, bytes) and len(key) == KEY_BYTES else b""
        number = self._number_before(key) or self._new_number()
        old = self.artists.get(number)
        if old and old.address:  # the old connection has not timed out yet
            self._numbers.pop(old.address, None)
        taken = {artist.name for other, artist in self.artists.items() if other != number}
        artist = Artist(
            unused_name(self._names[client_address], taken), client_address, key, table=old.table if old else {}
        )
        self.artists[number] = artist
        self._numbers[client_address] = number
        self._company.came(number, self._tick * TICK)
        return {"people": {number: self._public(artist)}, **self._host_update()}

    def on_left(self, client_address: Address, reason: DisconnectReason) -> Update:
        """Remove a client. Its strokes stay."""
        self._names.pop(client_address, None)
        number = self._numbers.pop(client_address, None)
        if number is None:
            return {}
        gone = self.artists.pop(number)
        if gone.key:
            self._gone[gone.key] = number
            while len(self._gone) > MOST_GONE:
                self._gone.popitem(last=False)
        if self._company.left(number):
            self._announcer.announce(f"{gone.name} {how_left(reason)}.", about=client_address)
        update: Update = {table: {number: TO_DELETE} for table in gone.table}
        return {**update, "people": {number: TO_DELETE}, **self._host_update()}

    def _number_before(self, key: bytes) -> int | None:
        """Return the number of the artist with a key, no longer as one who has left, or None."""
        if not key:
            return None
        here = (number for number, artist in self.artists.items() if artist.key == key)
        return self._gone.pop(key, None) or next(here, None)

    def _new_number(self) -> int:
        """Return a number that no artist has and no stroke in the picture carries."""
        taken = {*self.artists, *self._gone.values()}
        while True:
            self._last_number = self._last_number % rules.MAX_NUMBER + 1
            if self._last_number not in taken and not self.sheet.stroke_count(self._last_number):
                return self._last_number

    def _host_update(self) -> Update:
        address = self.backend.server.host_client
        host = self._numbers.get(address, 0) if address else 0
        if host == self._host:
            return {}
        self._host = host
        return {"host": host}

    @staticmethod
    def _public(artist: Artist) -> dict[str, Any]:
        return {"name": artist.name, "bot": artist.bot is not None, "mark": mark_of(artist.address)}

    # -- events from clients -------------------------------------------------------------------------------------------

    def on_ink(
        self, stroke: object = None, part: object = None, line: object = None, *, client_address: Address
    ) -> Any:
        """Add a client's piece to the picture, or send the client the reason of a refusal."""
        number = self._numbers.get(client_address)
        if number is None:
            return None
        artist = self.artists[number]
        if stroke == artist.refused:
            return None  # the client has the refusal
        try:
            if artist.allowance < 1:
                raise Refused(TOO_FAST)
            artist.allowance -= 1
            self._expect_slowness(client_address, part, line)
            ink = self.sheet.draw(number, stroke, part, line, host=str(client_address[0]))
        except Refused as refusal:
            artist.refused = stroke if rules.is_number(stroke) and isinstance(stroke, int) else -1
            self._announcer.send(client_address, "REFUSED", artist.refused, str(refusal))
            return None
        return {"ink": ink} if ink else None

    def _expect_slowness(self, client_address: Address, part: object, line: object) -> None:
        if isinstance(line, bytes):
            amount = amount_of(rules.piece_of(0, 0, line), begins=part == 0)
            if not self._rates.spend(str(client_address[0]), amount, self._tick * TICK):
                raise Refused(HOST_TOO_FAST)

    def on_undo(self, stroke: object = None, *, client_address: Address) -> Any:
        """Remove one of the client's own strokes."""
        number = self._numbers.get(client_address)
        ink = {} if number is None else self.sheet.undo(number, stroke)
        return {"ink": ink} if ink else None

    def on_undo_all(self, artist: object = None, *, client_address: Address) -> Any:
        """Remove all strokes of an artist. Only the host may."""
        number = self._numbers.get(client_address)
        if number is None:
            return None
        if not self._is_host(client_address, "undo the strokes of others"):
            return None
        ink = self.sheet.undo_all(artist) if rules.is_number(artist) and isinstance(artist, int) else {}
        if ink:
            name = self.artists[artist].name if artist in self.artists else "somebody who has left"
            self._announcer.announce(f"{self.artists[number].name} has undone all strokes of {name}.")
        return {"ink": ink} if ink else None

    def on_clear(self, *, client_address: Address) -> Any:
        """Remove everything. Only the host may."""
        number = self._numbers.get(client_address)
        if number is None:
            return None
        if not self._is_host(client_address, "clear the picture"):
            return None
        self._announcer.announce(f"{self.artists[number].name} has cleared the picture.", about=client_address)
        ink = self.sheet.clear()
        return {"ink": ink} if ink else None

    def _is_host(self, address: Address, deed: str) -> bool:
        """Return whether a client is the host; if not, send it a sentence."""
        is_host = address == self.backend.server.host_client
        if not is_host:
            self._announcer.send(address, "NEWS", f"Only the host can {deed}.")
        return is_host

    # -- a tick ------------------------------------------------------------------------------------------------------

    def time_step(self, game_state: GameState, dt: float, inputs: Mapping[int, PlayerInput]) -> Update:
        """Move the cursors, let the bots draw, and save the picture from time to time."""
        self._tick += 1
        update: Update = {"ink": {}, "cursors": {}, "pens": {}, **self._host_update()}
        pointed = by_address(self.backend.server.clients, inputs)
        for number, artist in self.artists.items():
            artist.allowance = min(artist.allowance + PIECES_PER_SECOND * TICK, PIECES_SAVED_UP)
            if artist.bot is None:
                given = input_of(artist.address, pointed)
                self._point(number, artist, given.value if given else None, update)
            elif self._numbers:  # bots rest while no client watches
                self._let_doodle(number, artist, artist.bot, update)
        for number in self._company.settled(self._tick * TICK):
            self._announcer.announce(
                f"{self.artists[number].name} draws along now.", about=self.artists[number].address
            )
        if self._tick % AUTOSAVE_TICKS == 0:
            self._save_soon()
            self._rates.forget_idle(self._tick * TICK)
        self._report_trouble()
        return {name: changes for name, changes in update.items() if changes != {}}

    def _let_doodle(self, number: int, artist: Artist, bot: Bot, update: Update) -> None:
        at, stroke, lines = bot.turn()
        self._point(number, artist, [*at, stroke], update)
        for line in lines:
            try:
                merge(update["ink"], self.sheet.draw(number, *line))
            except Refused:
                break  # the picture is full: the bot only moves its brush
        if self.sheet.stroke_count(number) > MOST_STROKES:
            merge(update["ink"], self.sheet.undo_oldest(number))

    def _point(self, number: int, artist: Artist, value: object, update: Update) -> None:
        now_pointing = pointing(value)
        for table in ("cursors", "pens"):
            before, now = artist.table.get(table), now_pointing.get(table)
            if before == now:
                continue
            if now is None:
                del artist.table[table]
                update[table][number] = TO_DELETE
            else:
                artist.table[table] = update[table][number] = now

    def _save_soon(self) -> None:
        changes = self.sheet.changes
        anew = changes != self._saved_changes or self.keeper.trouble
        if anew and self.keeper.save_soon(list(self.sheet.pieces.values())):
            self._saved_changes = changes

    def _report_trouble(self) -> None:
        """Send the host a saving problem, and its end."""
        trouble, host = self.keeper.trouble, self.artists.get(self._host)
        if trouble != self._trouble_reported and host and host.address:
            self._trouble_reported = trouble
            self._announcer.send(host.address, "NEWS", trouble or "The picture can be saved again.")


def pointing(value: object) -> dict[str, Any]:
    """Return the entries of `cursors` and `pens` in an input, none for an invalid one."""
    match value:
        case [int(), int(), int()]:
            x, y, stroke = map(int, value)  # `int` first, because a `Sqn` compares differently
            if rules.is_inside((x, y)) and -1 <= stroke <= rules.MAX_NUMBER:
                return {"cursors": [x, y], **({"pens": stroke} if stroke >= 0 else {})}
    return {}
