"""Canvas's server: artists, their events, and the saving of the picture.

The public state:

- `ink`: the picture, see `sheet`
- `people`: the artists by number (a client's id, or negative for a bot): name, and whether the connection is lost
- `cursors`: their places on the paper, in units; no entry while the mouse is elsewhere
- `pens`: the number of the stroke that they are drawing, if any
- `host`: the number of the artist that may clear the picture, or 0

After a restart from a checkpoint the drawing goes on from this state.

Inputs of clients, one a tick: `[x, y, stroke]` with -1 for no stroke, or None while the mouse is elsewhere.

A client's profile has its `name`. Events from clients: `INK(stroke, part, line)`, `UNDO(stroke)`. From the host only:
`UNDO_ALL(artist's number)`, `CLEAR()`.

Events to clients: `NEWS(text)`, and `REFUSED(stroke, text)` to the artist of a refused stroke.
"""

import random
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
from games.common.players import NOBODY, name_in
from pygase import (
    CLIENT_CONNECTED,
    CLIENT_LEFT,
    CLIENT_LOST,
    CLIENT_RESUMED,
    TO_DELETE,
    Backend,
    DisconnectReason,
    GameState,
    PlayerInput,
    ServerConfig,
)
from pygase_pygame.app import Company, how_left

GAME_NAME: Final = "canvas"
TICKS_PER_SECOND: Final = 30
TICK: Final = 1 / TICKS_PER_SECOND  # seconds
MOST_ARTISTS: Final = 16

AUTOSAVE_TICKS: Final = 30 * TICKS_PER_SECOND

PIECES_PER_SECOND: Final = 40  # of one artist: four times the speed of a hand
PIECES_SAVED_UP: Final = 200  # pieces at once, after a connection was stuck
TOO_FAST: Final = "You draw too fast. Wait a moment."

BOT_NAMES: Final = ("Botticelli", "Robot Ross", "Dot", "Inky", "Quill", "Pixel", "Sepia", "Doodle")

Update = dict[str, Any]


@dataclass
class Artist:
    """An artist: a client or a bot."""

    name: str
    bot: Bot | None = None
    lost: bool = False
    allowance: float = PIECES_SAVED_UP
    refused: int = -1  # a stroke that gets no more pieces
    table: dict[str, Any] = field(default_factory=dict)  # its entries of `cursors` and `pens`


class CanvasServer:
    """A picture for up to 16 clients and some bots. Run `backend` at `TICK` seconds a tick, then call `close`.

    Raises `files.FileTrouble` if the file cannot be read.

    :param file: the file that keeps the picture, if any.
    :param checkpoint: the file that keeps the picture and the artists' places, if any. It counts more than `file`.
    """

    def __init__(
        self,
        bots: int = 0,
        file: Path | None = None,
        rng: random.Random | None = None,
        checkpoint: Path | None = None,
    ) -> None:
        rng = rng or random.Random()
        self.keeper = Keeper(file)
        self.sheet = Sheet()
        self._saved_changes = 0
        self.artists: dict[int, Artist] = {}
        """The present artists by number."""
        self._host = NOBODY
        self._rates = Rates()
        self._tick = 0
        self._trouble_reported = ""
        names = rng.sample(BOT_NAMES, min(max(bots, 0), len(BOT_NAMES)))
        people = {-number: self._public(Artist(name)) for number, name in enumerate(names, 1)}
        ink = Sheet(self.keeper.load()).pages()
        self.backend = Backend(
            GameState(0, 0, ink=ink, people=people, cursors={}, pens={}, host=NOBODY),
            self.time_step,
            {
                CLIENT_CONNECTED: self.on_connected,
                CLIENT_LOST: self.on_lost,
                CLIENT_RESUMED: self.on_resumed,
                CLIENT_LEFT: self.on_left,
                "INK": self.on_ink,
                "UNDO": self.on_undo,
                "UNDO_ALL": self.on_undo_all,
                "CLEAR": self.on_clear,
            },
            game=GAME_NAME,
            config=ServerConfig(max_clients=MOST_ARTISTS),
            checkpoint=checkpoint,
        )
        self._take_over(self.backend.game_state_store.get_game_state(), rng)
        self._company = Company(self.artists)
        self._announcer = Announcer(self.backend)

    def _take_over(self, state: GameState, rng: random.Random) -> None:
        """Take over the picture and the artists of a state: those of a checkpoint, or those of the beginning."""
        self.sheet.restore(state.ink)
        for number, person in state.people.items():
            table = {name: state[name][number] for name in ("cursors", "pens") if number in state[name]}
            bot = Bot(rng) if number < 0 else None
            self.artists[number] = Artist(person["name"], bot, person["lost"], table=table)

    def close(self) -> None:
        """Save the picture. Call it after the backend has ended."""
        self.keeper.wait()
        if self.keeper.path is not None:
            self.keeper.save_now(list(self.sheet.pieces.values()))

    # -- artists -------------------------------------------------------------------------------------------------------

    def on_connected(self, client_id: int, profile: Mapping[str, Any]) -> Update:
        """Let a client draw."""
        taken = {artist.name for artist in self.artists.values()}
        self.artists[client_id] = Artist(name_in(profile, taken))
        self._company.came(client_id, self._tick * TICK)
        return self._people_update(client_id)

    def on_lost(self, client_id: int) -> Update:
        """Keep the place of a client that has lost the connection."""
        self.artists[client_id].lost = True
        return self._people_update(client_id)

    def on_resumed(self, client_id: int) -> Update:
        """Let a client draw on."""
        self.artists[client_id].lost = False
        return self._people_update(client_id)

    def on_left(self, client_id: int, reason: DisconnectReason) -> Update:
        """Remove a client. Its strokes stay."""
        gone = self.artists.pop(client_id)
        if self._company.left(client_id):
            self._announcer.announce(f"{gone.name} {how_left(reason)}.", about=client_id)
        update: Update = {table: {client_id: TO_DELETE} for table in gone.table}
        return {**update, "people": {client_id: TO_DELETE}, **self._host_update()}

    def _people_update(self, client_id: int) -> Update:
        return {"people": {client_id: self._public(self.artists[client_id])}, **self._host_update()}

    def _host_update(self) -> Update:
        host = self.backend.server.host_id
        host = host if host in self.artists else NOBODY
        if host == self._host:
            return {}
        self._host = host
        return {"host": host}

    @staticmethod
    def _public(artist: Artist) -> dict[str, Any]:
        return {"name": artist.name, "lost": artist.lost}

    # -- events from clients -------------------------------------------------------------------------------------------

    def on_ink(
        self,
        stroke: object = None,
        part: object = None,
        line: object = None,
        *,
        client_id: int,
        client_address: tuple[str, int],
    ) -> Any:
        """Add a client's piece to the picture, or send the client the reason of a refusal."""
        artist, host = self.artists[client_id], client_address[0]
        if stroke == artist.refused:
            return None  # the client has the refusal
        try:
            if artist.allowance < 1:
                raise Refused(TOO_FAST)
            artist.allowance -= 1
            self._expect_slowness(host, part, line)
            ink = self.sheet.draw(client_id, stroke, part, line, host)
        except Refused as refusal:
            artist.refused = stroke if rules.is_number(stroke) and isinstance(stroke, int) else -1
            self._announcer.send(client_id, "REFUSED", artist.refused, str(refusal))
            return None
        return {"ink": ink} if ink else None

    def _expect_slowness(self, host: str, part: object, line: object) -> None:
        if isinstance(line, bytes):
            amount = amount_of(rules.piece_of(0, 0, line), begins=part == 0)
            if not self._rates.spend(host, amount, self._tick * TICK):
                raise Refused(HOST_TOO_FAST)

    def on_undo(self, stroke: object = None, *, client_id: int) -> Any:
        """Remove one of the client's own strokes."""
        ink = self.sheet.undo(client_id, stroke)
        return {"ink": ink} if ink else None

    def on_undo_all(self, artist: object = None, *, client_id: int) -> Any:
        """Remove all strokes of an artist. Only the host may."""
        if not self._is_host(client_id, "undo the strokes of others"):
            return None
        ink = self.sheet.undo_all(artist) if isinstance(artist, int) else {}
        if ink:
            name = self.artists[artist].name if artist in self.artists else "somebody who has left"
            self._announcer.announce(f"{self.artists[client_id].name} has undone all strokes of {name}.")
        return {"ink": ink} if ink else None

    def on_clear(self, *, client_id: int) -> Any:
        """Remove everything. Only the host may."""
        if not self._is_host(client_id, "clear the picture"):
            return None
        self._announcer.announce(f"{self.artists[client_id].name} has cleared the picture.", about=client_id)
        ink = self.sheet.clear()
        return {"ink": ink} if ink else None

    def _is_host(self, client_id: int, deed: str) -> bool:
        """Return whether a client is the host; if not, send it a sentence."""
        is_host = client_id == self.backend.server.host_id
        if not is_host:
            self._announcer.send(client_id, "NEWS", f"Only the host can {deed}.")
        return is_host

    # -- a tick ------------------------------------------------------------------------------------------------------

    def time_step(self, game_state: GameState, dt: float, inputs: Mapping[int, PlayerInput]) -> Update:
        """Move the cursors, let the bots draw, and save the picture from time to time."""
        self._tick += 1
        update: Update = {"ink": {}, "cursors": {}, "pens": {}, **self._host_update()}
        watched = any(not (artist.bot or artist.lost) for artist in self.artists.values())
        for number, artist in self.artists.items():
            artist.allowance = min(artist.allowance + PIECES_PER_SECOND * TICK, PIECES_SAVED_UP)
            if artist.bot is None:
                given = inputs.get(number)
                self._point(number, artist, given.value if given else None, update)
            elif watched:  # bots rest while no client watches
                self._let_doodle(number, artist, artist.bot, update)
        for client_id in self._company.settled(self._tick * TICK):
            self._announcer.announce(f"{self.artists[client_id].name} draws along now.", about=client_id)
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
        trouble = self.keeper.trouble
        if trouble != self._trouble_reported and self._host != NOBODY:
            self._trouble_reported = trouble
            self._announcer.send(self._host, "NEWS", trouble or "The picture can be saved again.")


def pointing(value: object) -> dict[str, Any]:
    """Return the entries of `cursors` and `pens` in an input, none for an invalid one."""
    match value:
        case [int(), int(), int()]:
            x, y, stroke = map(int, value)  # `int` first, because a `Sqn` compares differently
            if rules.is_inside((x, y)) and -1 <= stroke <= rules.MAX_NUMBER:
                return {"cursors": [x, y], **({"pens": stroke} if stroke >= 0 else {})}
    return {}
