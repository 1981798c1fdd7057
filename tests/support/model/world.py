"""The game under test: one server that can die, and players at four places behind routers that can forget them."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from pygase import (
    CLIENT_CONNECTED,
    CLIENT_LEFT,
    CLIENT_LOST,
    CLIENT_RESUMED,
    EVENTS_LOST,
    RELIABLE,
    Backend,
    Client,
    ClientConfig,
    GameState,
    ServerConfig,
)
from pygase._server.checkpoint import Checkpoint, ClientRecord, decode
from pygase._server.players import PlayerInput
from pygase._state.tree import Tree, exactly_equal, first_difference
from pygase.testing import Link, Nat, SimulatedNetwork
from tests.support.model.truth import (
    HEARD_WITHIN,
    LOOSE,
    MARGIN,
    ORDERED,
    RESUME_SECONDS,
    RETRIED,
    SAVED_WITHIN,
    SAVES_APART,
    TIMEOUT,
    Letters,
    Lives,
    Silence,
    must,
)
from tests.support.sessions import InputAccount

INTERVAL: Final = 0.1
PLACES: Final = 4
RETRIES: Final = {LOOSE: 0, RETRIED: 3, ORDERED: RELIABLE}
MAX_STATE_VALUES: Final = 100_000
LINK: Final = Link(latency=0.03, jitter=0.02, loss=0.05, duplicate=0.03, reorder=0.03)
TIMES: Final[dict[str, Any]] = {"timeout": TIMEOUT, "heartbeat_interval": 0.25}
"""Eight heartbeats in a row are never lost: the link loses 5 %."""


@dataclass
class Place:
    """A place at which one player at a time sits: a router, and a file for its seat.

    :ivar is_cut: whether the cable is pulled.
    """

    number: int
    nat: Nat
    file: Path
    player: Player | None = None
    is_cut: bool = False


@dataclass(eq=False)
class Player:
    """One client of the game, from its first connection on, through all its processes.

    :ivar seen: the id that it has had.
    :ivar is_alive: whether its process runs; ``is_gone``: whether it has said goodbye.
    :ivar events_lost: how many reliable events the game says that it has lost.
    :ivar is_fresh: whether its program was started again. If it is too late, it is a new client.
    :ivar is_uncertain: whether either end is right, because a server died before the newest save.
    """

    place: Place
    client: Client
    up: Letters = field(default_factory=Letters)
    down: Letters = field(default_factory=Letters)
    inputs: InputAccount = field(default_factory=InputAccount)
    silence: Silence = field(default_factory=Silence)
    seen: int | None = None
    changed_at: float = 0.0
    is_alive: bool = True
    is_gone: bool = False
    is_uncertain: bool = False
    is_fresh: bool = False
    events_lost: int = 0

    @property
    def is_over(self) -> bool:
        """Whether its place is free."""
        return not self.is_alive or self.client.status == "disconnected"

    def __repr__(self) -> str:
        return f"player {self.seen} at place {self.place.number}"


class World:
    """See the module.

    :param folder: for the checkpoint and the players' files; ``encrypted``: whether all connections are.
    """

    def __init__(self, seed: int, folder: Path, *, encrypted: bool = False) -> None:
        self.network = SimulatedNetwork(seed, LINK, start=1000.0)
        self.rng = random.Random(seed)
        self.lives = Lives()
        self.players: list[Player] = []
        self.places = [
            Place(number, Nat(kind), folder / f"seat {number}")
            for number, kind in enumerate(("full cone", "port-restricted", "symmetric", "address-restricted"))
        ]
        assert len(self.places) == PLACES
        self.checkpoint = folder / "checkpoint"
        self.is_up = False
        self.resting = False
        self._mode = "required" if encrypted else "off"
        self._by_id: dict[int, Player] = {}
        self._history: list[dict[int, Tree]] = []
        self._number = 0
        self._sent_at: dict[int, float] = {}
        self.serve()

    # -- the server ------------------------------------------------------------------------------------------------

    def serve(self) -> None:
        """Start the server, from its checkpoint if there is one."""
        config = ServerConfig(**TIMES, resume_seconds=RESUME_SECONDS, encryption=self._mode, joins_per_host=1_000)
        self.backend = Backend(
            GameState(mail={}, tick=0),
            self._time_step,
            {"mail": self._on_mail},
            config=config,
            checkpoint=self.checkpoint,
            checkpoint_interval=SAVES_APART,
        )
        self.server = self.backend.server
        for event_type in (CLIENT_CONNECTED, CLIENT_LOST, CLIENT_RESUMED, CLIENT_LEFT):
            self.server.register_event_handler(event_type, self._noting(event_type))
        self._history.append({})
        self.backend.game_state_store.plumbing.subscribe(self._note_commit)
        self.network.serve(self.backend, INTERVAL)
        self.is_up = True
        for player in self.players:
            if not player.place.is_cut:
                player.silence.end(self.network.now)

    def _noting(self, event_type: str) -> Any:
        def note(client_id: int) -> None:
            self.lives.note(client_id, event_type)
            player = self._by_id.get(client_id)
            if player is not None and event_type == CLIENT_RESUMED:
                player.changed_at = self.network.now

        return note

    def kill_server(self, *, keep: bool) -> None:
        """End the server's process without a word. ``keep``: its checkpoint stays for the next one."""
        self.network.kill(self.backend)
        self.is_up = False
        now = self.network.now
        for player in self.players:
            player.silence.begin(now)
            player.is_uncertain |= now - player.changed_at < SAVED_WITHIN or player.seen is None
            recent = {n for n in player.down.sent[ORDERED] if now - self._sent_at[n] < SAVES_APART + SAVED_WITHIN}
            player.down.excused |= recent
        if keep:
            self.lives.go_back({record.peer.client_id: _latest(record) for record in self._saved().clients})
        else:
            self.checkpoint.unlink()
            self._forget_all()

    def _saved(self) -> Checkpoint:
        return decode(self.checkpoint.read_bytes(), MAX_STATE_VALUES)

    def stop_server(self) -> None:
        """Shut the server down. It says goodbye."""
        self.backend.shutdown()
        self.network.run(0.5)
        self.is_up = False
        for player in self.players:
            is_told = player.is_alive and player.client.status == "disconnected"
            player.is_gone |= is_told
            player.is_uncertain |= not is_told  # it may take its place again, at the next server

    def _forget_all(self) -> None:
        self.lives.forget()
        self._by_id.clear()
        for player in self.players:
            if player.is_alive and player.client.status == "connecting":
                player.seen = None
                player.down.excused |= set(player.down.sent[ORDERED])
            else:
                player.is_gone = True

    def _time_step(self, game_state: GameState, dt: float, inputs: dict[int, PlayerInput]) -> dict[str, Any]:
        for client_id, played in inputs.items():
            player = self._by_id.get(client_id)
            if player is not None:
                player.inputs.apply(played)
        return {} if self.resting else {"tick": game_state.tick + 1, "noise": self.rng.randbytes(4)}

    def _on_mail(self, kind: str, number: int, game_state: GameState, client_id: int) -> dict[str, Any] | None:
        player = self._player_of(client_id)
        must(player is not None, f"an event of client {client_id}, which is nobody")
        assert player is not None
        if kind != ORDERED:
            player.up.got[kind].append(number)
            return None
        before = game_state.mail.get(client_id, [])
        return {"mail": {client_id: [*before, number]}}

    def _note_commit(self) -> None:
        commit = self.backend.game_state_store.plumbing.committed
        self._history[-1][commit.tick] = commit.tree

    # -- players ---------------------------------------------------------------------------------------------------

    def join(self, place: Place) -> None:
        """Let a new player sit down."""
        place.file.unlink(missing_ok=True)
        if place.player is not None:  # it has given up, perhaps while the cable was pulled
            place.player.silence.end(self.network.now)
        place.player = Player(place, self._new_client(), changed_at=self.network.now)
        self.players.append(place.player)
        self._begin(place.player)

    def _new_client(self) -> Client:
        return Client(config=ClientConfig(**TIMES, encryption=self._mode, connect_timeout=20.0))

    def _begin(self, player: Player) -> None:
        """Start the process of a player."""
        client, place = player.client, player.place
        client.register_event_handler("news", lambda kind, number: player.down.got[kind].append(number))
        client.register_event_handler(EVENTS_LOST, lambda count: self._on_events_lost(player, count))
        self.network.connect(client, nat=place.nat, resume=place.file, profile={"place": place.number})
        if place.is_cut:
            self.network.partition(client)

    @staticmethod
    def _on_events_lost(player: Player, count: int) -> None:
        player.events_lost += count

    def leave(self, player: Player) -> None:
        """Say goodbye."""
        player.is_gone, player.is_alive, player.place.player = True, False, None
        player.client.disconnect()

    def smooth(self, player: Player) -> None:
        """Give a player a link that loses nothing, and time to prove a new address.

        On an open connection a goodbye from an address that is not proved is not believed: anybody could have sent it.
        """
        self.network.set_link(player.client, Link(latency=LINK.latency))
        self.run(2 * TIMES["heartbeat_interval"])

    def say_goodbye(self, player: Player, *, reconnecting: bool) -> None:
        """Say goodbye on a smooth link; ``reconnecting``: while the client tries to resume its connection.

        The server must hear it at once, and the client's seat must not be left in its file.
        """
        client, place = player.client, player.place
        if reconnecting:
            self.cut(place, True)
            self.network.run_until(lambda: client.status == "reconnecting", TIMEOUT + 1.0)
            self.cut(place, False)
        client_id = client.id
        self.leave(player)
        self.run(HEARD_WITHIN)
        assert client_id is not None
        self.lives.note_goodbye(client_id)
        must(not place.file.exists(), f"{player!r} has said goodbye, and its file could resume it")

    def is_known(self, player: Player) -> bool:
        """Return whether the server has a player, and can hear it."""
        has_seat = player.client.status in ("connected", "reconnecting") and not player.is_uncertain
        return has_seat and self.is_up and not player.place.is_cut and player.client.id in self.server.clients

    def kill(self, player: Player) -> None:
        """End the player's process without a word."""
        player.is_alive = False
        player.silence.begin(self.network.now)
        self.network.kill(player.client)

    def come_back(self, player: Player) -> None:
        """Start the player's program again, with the file of its seat. The old process took its memory with it."""
        player.client, player.is_alive, player.is_fresh = self._new_client(), True, True
        player.events_lost = 0
        if player.is_gone:  # the server has forgotten it meanwhile
            player.seen, player.is_gone = None, False
            player.down.excused |= set(player.down.sent[ORDERED])
        player.down.begin_anew(set(player.down.got[ORDERED]))
        player.up.begin_anew(set(player.up.sent[ORDERED]))
        player.inputs = InputAccount()
        self._begin(player)
        if self.is_up and not player.place.is_cut:
            player.silence.end(self.network.now)

    def cut(self, place: Place, on: bool) -> None:
        """Pull the cable, or plug it in."""
        place.is_cut = on
        player = place.player
        if player is None:
            return
        if player.is_alive:
            self.network.partition(player.client, on)
        if on:
            player.silence.begin(self.network.now)
        elif player.is_alive and self.is_up:
            player.silence.end(self.network.now)

    def _player_of(self, client_id: int) -> Player | None:
        """Return the player with an id. Called by handlers, before or after the client knows it."""
        self._learn_ids()
        return self._by_id.get(client_id)

    def _learn_ids(self) -> None:
        for player in self.players:
            client_id = player.client.id if player.is_alive and not player.is_gone else None
            if client_id is None or client_id == player.seen:
                continue
            if player.seen is not None:
                known = player.is_uncertain or not player.silence.must_survive
                must(player.is_fresh and known, f"{player!r} has become {client_id}")
                player.down.excused |= set(player.down.sent[ORDERED])
            player.seen = client_id
            self._by_id[client_id] = player

    # -- what they do ----------------------------------------------------------------------------------------------

    def send_up(self, player: Player, kind: str) -> None:
        """Let a client send an event."""
        if player.client.status in ("connected", "reconnecting"):
            number = self._next_number()
            player.up.sent[kind].append(number)
            player.client.dispatch_event("mail", kind, number, retries=RETRIES[kind])

    def send_down(self, player: Player, kind: str) -> None:
        """Let the server send an event to a client."""
        if player.seen in self.server.clients and self.is_up and not player.is_gone:
            number = self._next_number()
            player.down.sent[kind].append(number)
            self.server.dispatch_event("news", kind, number, target_client=player.seen, retries=RETRIES[kind])

    def _next_number(self) -> int:
        self._number += 1
        self._sent_at[self._number] = self.network.now
        return self._number

    def press(self, player: Player) -> None:
        """Let a client send the input of a tick."""
        value = self.rng.randint(0, 9)
        number = player.client.send_input(value)
        if number:
            player.inputs.send(number, value, None)

    def run(self, seconds: float) -> None:
        """Let time pass."""
        self.network.run(seconds)
        self._learn_ids()

    # -- what must hold ----------------------------------------------------------------------------------------------

    def check(self) -> None:
        """Check what must hold at any time."""
        for player in self.players:
            player.up.check(f"{player!r} to the server")
            player.down.check(f"server to {player!r}")
            must(not player.inputs.faults, f"{player!r}: {player.inputs.faults[:2]}")
            if player.is_alive and player.client.snapshots:
                self._check_newest(player)

    def _check_newest(self, player: Player) -> None:
        newest = player.client.snapshots[-1]
        trees = [history[newest.tick] for history in self._history if newest.tick in history]
        must(
            not trees or any(exactly_equal(newest.state, tree) for tree in trees),
            f"{player!r}: tick {newest.tick} differs from the server's",
        )

    def _check_tables(self) -> None:
        present = {client_id for client_id, c in self.server.clients.items()}
        must(present == self.lives.present(), f"clients {present}, and by the events {self.lives.present()}")
        lost = {client_id for client_id, connection in self.server.clients.items() if connection.is_lost}
        must(lost == self.lives.lost(), f"lost clients {lost}, and by the events {self.lives.lost()}")
        by_address = {connection.client_id for connection in self.server.connections.values()}
        must(by_address <= present, f"connections have {by_address}, clients {present}")
        must(len(self.server.connections) == len(by_address), "two addresses of one client")

    # -- the end -----------------------------------------------------------------------------------------------------

    def rest(self) -> None:
        """Repair everything, send nothing more, and wait until all is decided."""
        if not self.is_up:
            self.serve()
        for place in self.places:
            if place.is_cut:
                self.cut(place, False)
        self.resting = True
        self.run(TIMEOUT + RESUME_SECONDS + 2 * MARGIN)

    def check_at_rest(self) -> None:
        """Check what must hold when all is decided."""
        self.check()
        tree = self.backend.game_state_store.plumbing.committed.tree
        for player in self.players:
            if self._is_in(player):
                self._check_player(player, tree)
        self._check_tables()
        expected = {player.seen for player in self.players if self._is_in(player)}
        must(self.server.clients.keys() == expected, f"clients {set(self.server.clients)}, expected {expected}")

    def _is_in(self, player: Player) -> bool:
        """Return whether a player is in the game in the end, and check that this is as it must be."""
        status = player.client.status if player.is_alive else "dead"
        must(status in ("connected", "disconnected", "dead"), f"{player!r} is {status} at rest")
        if player.is_alive and not player.is_gone and not player.is_uncertain:
            reason = player.client.disconnect_reason
            longest = f"after a silence of {player.silence.longest:.1f} s"
            must(not player.silence.must_survive or status == "connected", f"{player!r} is out, {longest}: {reason!r}")
            is_in = status == "connected" and not player.is_fresh
            must(not player.silence.must_end or not is_in, f"{player!r} is in, {longest}")
        must(not player.is_gone or status != "connected", f"{player!r} is in, and has left")
        return status == "connected"

    def _check_player(self, player: Player, tree: Tree) -> None:
        newest = player.client.snapshots[-1].state
        must(exactly_equal(newest, tree), f"{player!r} has another state: {first_difference(newest, tree)}")
        player.down.check_complete(f"server to {player!r}")
        handled = tree["mail"].get(player.seen, [])
        must(handled == sorted(set(handled)), f"{player!r} to the server: handled {handled}")
        missing = set(player.up.sent[ORDERED]) - set(handled) - player.up.excused
        must(
            len(missing) == player.events_lost,
            f"{player!r} to the server: {sorted(missing)} are missing, {player.events_lost} were announced",
        )


def _latest(record: ClientRecord) -> str | None:
    if record.is_new:
        return None
    return CLIENT_LOST if record.is_lost else CLIENT_CONNECTED
