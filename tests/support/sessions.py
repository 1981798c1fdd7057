"""Whole sessions in virtual time: a seed decides the game, the players, the links, and so everything that happens.

``play(parameters(seed))`` runs a game for a while. Its players arrive, leave, crash and return on very bad links. Then
the world rests. The result is a list of faults as sentences; it is empty if all is well.
"""

from __future__ import annotations

import itertools
import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

from pygase import (
    CLIENT_CONNECTED,
    CLIENT_LEFT,
    RELIABLE,
    TO_DELETE,
    Backend,
    Client,
    ClientConfig,
    DisconnectReason,
    GameState,
    ServerConfig,
)
from pygase._protocol.played_inputs import PlayerInput
from pygase._server.state_keeper import Commit
from pygase._state.tree import exactly_equal, first_difference
from pygase.testing import Link, SimulatedNetwork

Address = tuple[str, int]

PATIENCE: Final = 30.0
"""Time-out of both sides in harsh sessions. With at most 30 % of the datagrams lost, in bursts of five on average, and
a
heartbeat a second, 30 s of silence do not happen: every time-out is a fault. In mild sessions (at most 10 % lost, no
bursts) the same is true of the default of 5 s, which is used there.
"""

MAX_REST: Final = 40.0
"""Virtual seconds after which everything must have arrived once the world rests. The longest wait of all is that for a
lost piece of a reliable event: 8 x 2 s at worst, a few times over."""

STRAGGLING: Final = 15.0
"""Virtual seconds for retried events, which nothing waits for; each of them changes the state."""

TIME_WRAP: Final = 2**32 * 1e-4
"""Seconds after which the 32 bits of a time on the wire wrap around; some sessions reach it. Some also reach the end of
the
16 bits of the sequence numbers.
"""

MAX_LOSS: Final = 0.3
HISTORY_TICKS: Final = 1500

LOOSE: Final = "unreliable"
RETRIED: Final = "retried"
ORDERED: Final = "reliable"


# -- parameters ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Parameters:
    """The part of a session that its seed decides."""

    seed: int
    link: Link
    interval: float
    players: int
    harsh: bool
    ballast_bytes: int
    start: float = 0.0
    first_sequence: int = 0
    inputs: bool = False
    encryption: str = "auto"
    seconds: float = 60.0

    @property
    def timeout(self) -> float:
        """Seconds of silence after which either side gives up."""
        return PATIENCE if self.harsh else ClientConfig.timeout


def parameters(seed: int, seconds: float = 60.0) -> Parameters:
    """Return the session that belongs to a seed."""
    rng = random.Random(f"parameters {seed}")
    harsh = rng.random() < 0.75
    corner = random.Random(f"corner {seed}")
    return Parameters(
        seed=seed,
        link=_harsh_link(rng) if harsh else _mild_link(rng),
        interval=1 / rng.choice([20, 30, 50, 60]),
        players=rng.randint(1, 4),
        harsh=harsh,
        ballast_bytes=rng.choice([0, 0, 0, 3_000, 3_000, 60_000]),
        start=corner.choice([0.0, 1e6, TIME_WRAP - corner.uniform(0.0, seconds)]),
        first_sequence=corner.choice([0, 0x10000 - corner.randint(700, 1_100)]),
        inputs=random.Random(f"inputs {seed}").random() < 0.8,
        encryption=random.Random(f"encryption {seed}").choice(["off", "auto"]),
        seconds=seconds,
    )


def _harsh_link(rng: random.Random) -> Link:
    """Up to 30 % loss in all, at random and in bursts."""
    total = rng.uniform(0.05, MAX_LOSS)
    in_bursts = rng.choice([0.0, rng.random(), 1.0]) * total
    length = rng.uniform(2.0, 5.0)
    return Link(
        latency=rng.uniform(0.0, 0.12),
        jitter=rng.uniform(0.0, 0.2),
        loss=total - in_bursts,
        burst_loss=in_bursts / length / (1.0 - in_bursts),
        burst_length=length,
        duplicate=rng.choice([0.0, rng.uniform(0.0, 0.2)]),
        reorder=rng.choice([0.0, rng.uniform(0.0, 0.2)]),
    )


def _mild_link(rng: random.Random) -> Link:
    return Link(
        latency=rng.uniform(0.0, 0.1),
        jitter=rng.choice([0.0, rng.uniform(0.0, 0.2)]),
        loss=rng.choice([0.0, rng.uniform(0.0, 0.1)]),
        duplicate=rng.choice([0.0, rng.uniform(0.0, 0.3)]),
        reorder=rng.choice([0.0, rng.uniform(0.0, 0.3)]),
    )


# -- a state in motion -----------------------------------------------------------------------------------------------

_SCALARS: Final = (None, True, False, 0, 1, -1, 0.0, -0.0, 1.0, 0.1, float("inf"), 2**63, -(2**63), "", "ä", b"\0")
_KEYS: Final = (*"abcdefgh", 0, 1, 2, -7)
_MAX_DEPTH: Final = 3


def random_value(rng: random.Random, depth: int = 0) -> Any:
    """Return a scalar, a list or a nested dict; often one that is easily confused with another."""
    kind = rng.random()
    if depth < _MAX_DEPTH and kind < 0.3:
        keys = rng.sample(_KEYS, rng.randint(0, 5))
        return {key: random_value(rng, depth + 1) for key in keys}
    if kind < 0.4:
        return [random_value(rng, _MAX_DEPTH) for _ in range(rng.randint(0, 4))]
    if kind < 0.6:
        return rng.uniform(-1e6, 1e6)
    return rng.choice(_SCALARS)


def random_update(rng: random.Random, tree: dict[Any, Any], depth: int = 0) -> dict[Any, Any]:
    """Return an update of a tree: something created, changed, removed, a dict turned into a scalar or back."""
    update: dict[Any, Any] = {}
    for key in rng.sample(_KEYS, rng.randint(1, 3)):
        inner = tree.get(key)
        if rng.random() < 0.25:
            update[key] = TO_DELETE  # there or not
        elif isinstance(inner, dict) and rng.random() < 0.8:
            update[key] = random_update(rng, inner, depth + 1)
        else:
            update[key] = random_value(rng, depth)
    return update


# -- events and what became of them ----------------------------------------------------------------------------------


def blob_of(number: int, size_bytes: int) -> bytes:
    """Return the content of the event with that number. The receiver can check it."""
    return (number.to_bytes(4, "big") * (size_bytes // 4 + 1))[:size_bytes]


@dataclass
class Stream:
    """All events of one direction of one connection: sent, acknowledged and received."""

    sent: dict[str, list[int]] = field(default_factory=lambda: {LOOSE: [], RETRIED: [], ORDERED: []})
    got: dict[str, list[int]] = field(default_factory=lambda: {LOOSE: [], RETRIED: [], ORDERED: []})
    acked: Counter[int] = field(default_factory=Counter)
    damaged: int = 0

    def receive(self, kind: str, number: int, blob: bytes) -> None:
        """Note an event that has been handled."""
        self.got[kind].append(number)
        self.damaged += blob != blob_of(number, len(blob))

    def on_acked(self, number: int) -> None:
        """Record that the sender got the acknowledgement of an event."""
        self.acked[number] += 1

    @property
    def settled(self) -> bool:
        """True if all that must arrive has arrived, and the sender knows."""
        return len(self.got[ORDERED]) >= len(self.sent[ORDERED]) and set(self.sent[ORDERED]) <= set(self.acked)

    def problems(self, *, complete: bool) -> list[str]:
        """Return the faults. ``complete``: both sides are still there, so no reliable event may be missing."""
        sent, got = self.sent[ORDERED], self.got[ORDERED]
        found = []
        if got != (sent if complete else sent[: len(got)]):
            found.append(f"reliable events: sent {len(sent)}, handled {len(got)}; {_first_odd(sent, got)}")
        for kind in (LOOSE, RETRIED):
            if len(set(self.got[kind])) != len(self.got[kind]):
                found.append(f"a {kind} event was handled twice")
            if not set(self.got[kind]) <= set(self.sent[kind]):
                found.append(f"a {kind} event was handled that nobody had sent")
        if self.damaged:
            found.append(f"{self.damaged} events were damaged")
        return found + self._ack_problems(complete)

    def _ack_problems(self, complete: bool) -> list[str]:
        found = []
        if self.acked and max(self.acked.values()) > 1:
            found.append("an ack_callback was called twice")
        handled = {number for numbers in self.got.values() for number in numbers}
        if complete and not set(self.acked) <= handled:
            found.append(f"{len(set(self.acked) - handled)} ack_callbacks for events that were never handled")
        if complete and not set(self.sent[ORDERED]) <= set(self.acked):
            found.append("reliable events without their ack_callback")
        return found


def _first_odd(sent: list[int], got: list[int]) -> str:
    for index, (expected, came) in enumerate(zip(sent, got, strict=False)):
        if expected != came:
            return f"the {index + 1}. should have been {expected}, was {came}"
    return "some are missing" if len(got) < len(sent) else "there are too many"


@dataclass
class InputAccount:
    """A player's inputs: numbers, view times, and the use that the game made of them."""

    sent: dict[int, tuple[Any, float | None]] = field(default_factory=dict)
    newest: int = 0
    fresh: int = 0
    """How many inputs have been applied, each in its own tick."""
    faults: list[str] = field(default_factory=list)
    _applied: int = 0
    _value: Any = None

    def send(self, number: int, value: Any, view_time: float | None) -> None:
        """Note an input that is on its way."""
        if number != self.newest + 1:
            self.faults.append(f"input {number} was sent after {self.newest}")
        self.newest = number
        self.sent[number] = value, view_time

    def apply(self, played: PlayerInput) -> None:
        """Note the input of a tick: a new one is as it was sent, and newer than all before; else it is the last one."""
        if played.repeats:
            if played.value != self._value:
                self.faults.append(f"{played} repeats what was not there, {self._value} was")
            return
        value, view_time = self.sent.get(played.number, (None, None))
        if not exactly_equal(played.value, value):
            self.faults.append(f"input {played.number} was {value}, and {played.value} is applied")
        if played.number <= self._applied:
            self.faults.append(f"input {played.number} is applied after {self._applied}")
        if view_time is not None and played.view_time is not None:
            off = (played.view_time - view_time + 1.0) % TIME_WRAP - 1.0
            if abs(off) > 2e-4:
                self.faults.append(f"the view time of input {played.number} is {off:+.4f} s off")
        self.fresh += 1
        self._applied, self._value = played.number, played.value


class Player:
    """A client that keeps sending inputs and events of every kind, and keeps account of them."""

    def __init__(self, session: Session, number: int, address: Address) -> None:
        self.number = number
        self.address = address
        self.up = Stream()
        self.down = Stream()
        self.inputs = InputAccount()
        self.gone = ""
        self._rng = random.Random(f"player {session.parameters.seed} {number}")
        self._session = session
        self.client = Client(config=ClientConfig(timeout=session.parameters.timeout, connect_timeout=PATIENCE))
        self.client.register_event_handler("mail", self.down.receive)
        session.network.connect(self.client, address=address)
        begin_sequence_at(self.client, session.parameters.first_sequence)
        self._send_again()
        self._input_rng = random.Random(f"inputs of player {session.parameters.seed} {number}")
        self._held: Any = None
        if session.parameters.inputs:
            self._play_on()

    @property
    def nonce(self) -> bytes:
        """The server's key for this attempt to connect."""
        return self.client.plumbing.endpoint.protocol.way_in.connector.nonce

    def __repr__(self) -> str:
        return f"player {self.number} at port {self.address[1]}"

    def _send_again(self) -> None:
        if self.gone or self._session.resting:
            return
        session, rng = self._session, self._rng
        number, kind = session.next_number(), rng.choice([LOOSE, RETRIED, ORDERED])
        self.up.sent[kind].append(number)
        self.client.dispatch_event(
            "mail",
            self.number,
            kind,
            number,
            session.random_blob(rng, number),
            retries=_retries(rng, kind),
            ack_callback=lambda: self.up.on_acked(number),
        )
        session.network.call_at(session.network.now + rng.uniform(0.02, 0.4), self._send_again)

    def _play_on(self) -> None:
        """Send the input of a tick, as a game would at the pace that the server asks for; and so on."""
        session, rng = self._session, self._input_rng
        if self.gone or session.resting:
            return
        if rng.random() < 0.3:  # else the same keys are held down
            self._held = [self.number, rng.randint(0, 99), rng.choice([None, {"keys": [1, 2, 3]}, bytes(120), -0.0])]
        present = self.client.server_time()
        view_time = (
            None if present is None or rng.random() < 0.1 else present - rng.choice([0.1, rng.uniform(0.2, 1.0), 9.0])
        )
        number = self.client.send_input(self._held, view_time=view_time)
        if number:
            self.inputs.send(number, self._held, view_time)
        session.network.call_at(
            session.network.now + session.parameters.interval / self.client.input_pace, self._play_on
        )

    @property
    def told(self) -> bool:
        """True if the client knows that its newest state includes all of its inputs."""
        snapshots = self.client.snapshots
        if not self.inputs.newest:
            return True
        return bool(snapshots) and self.client.input_applied(snapshots[-1].tick) == self.inputs.newest

    def leave(self) -> None:
        """Say goodbye."""
        self.gone = "left"
        self.client.disconnect()

    def crash(self) -> None:
        """Fall silent, without a word."""
        self.gone = "crashed"
        self.client.plumbing.driver.stop()

    def problems(self) -> list[str]:
        """Return the faults of this player's connection, at the end."""
        complete = not self.gone
        found = [f"to the server: {text}" for text in self.up.problems(complete=complete)]
        found += [f"from the server: {text}" for text in self.down.problems(complete=complete)]
        found += self.inputs.faults
        if complete and not self.told:
            newest = [snapshot.tick for snapshot in self.client.snapshots[-1:]]
            reports = len(self.client.plumbing.session.inputs)
            found.append(f"{self.inputs.newest} inputs sent, {reports} reports, newest state {newest}")
        reason = self.client.disconnect_reason
        if complete and (self.client.status != "connected" or reason is not None):
            found.append(f"is {self.client.status}, {reason!r}")
        return [f"{self!r}: {text}" for text in found]


def begin_sequence_at(client: Client, sequence: int) -> None:
    """Let the first packet of a client that has only just begun to connect have this number."""
    record = client.plumbing.endpoint.protocol.record
    record.first_sequence = record.next_sequence = sequence


def _retries(rng: random.Random, kind: str) -> int:
    return {LOOSE: 0, ORDERED: RELIABLE}.get(kind) or (rng.randint(1, 6) if kind == RETRIED else 0)


# -- the session -----------------------------------------------------------------------------------------------------


class Session:
    """A server, its game and its players."""

    def __init__(self, params: Parameters) -> None:
        self.parameters = params
        self.network = SimulatedNetwork(params.seed, params.link, start=params.start)
        self.resting = False
        self.players: list[Player] = []
        self.faults: list[str] = []
        self._rng = random.Random(f"session {params.seed}")
        self._numbers = 0
        self._at: dict[Address, Player] = {}
        self._present: dict[int, Player] = {}
        self.ids: set[int] = set()
        self._history: dict[int, Commit] = {}
        self.backend = Backend(
            GameState(garden={}, players={}, ballast={}),
            self._time_step,
            {"mail": self._on_mail},
            # the view times are the players' own inventions, and have to arrive as they were sent
            config=ServerConfig(encryption=params.encryption, timeout=params.timeout, rewind_slack=1e6, max_rewind=1e6),
            debug=True,
        )
        self.server = self.backend.server
        self.server.register_event_handler(CLIENT_CONNECTED, self._on_connected)
        self.server.register_event_handler(CLIENT_LEFT, self._on_left)
        self.backend.game_state_store.plumbing.subscribe(self._note_commit)
        self.network.serve(self.backend, params.interval)
        self.server.plumbing.run.endpoint.shared.first_sequence = params.first_sequence
        self._plan_players()
        self._plan_cuts(random.Random(f"cuts {params.seed}"))
        self._check_again()

    def next_number(self) -> int:
        """Return a number that no other event of this session has."""
        self._numbers += 1
        return self._numbers

    def random_blob(self, rng: random.Random, number: int) -> bytes:
        """Return an event's content: mostly small, sometimes several fragments, rarely many."""
        kind = rng.random()
        if kind < 0.85:
            return blob_of(number, rng.randint(0, 60))
        return blob_of(number, rng.randint(1_000, 12_000) if kind < 0.99 else rng.randint(20_000, 100_000))

    # -- players come and go ---------------------------------------------------------------------------------------

    def _plan_players(self) -> None:
        rng, seconds = self._rng, self.parameters.seconds
        for place in range(self.parameters.players):
            address = ("127.0.0.1", 50001 + place)
            if place == 0:
                self._join(address)  # this one stays from the beginning to the end
            else:
                self._plan_visits(address, rng.uniform(0.0, seconds / 2), rng)

    def _plan_visits(self, address: Address, at: float, rng: random.Random) -> None:
        """Plan one or several players, one after the other, from the same address."""
        seconds = self.parameters.seconds
        while at < seconds - 1.0:
            self._call_at(at, lambda: self._join(address))
            at += rng.uniform(0.5, seconds)  # sometimes before the connection stands
            if at >= seconds - 1.0:
                return
            crash = rng.random() < 0.5
            self._call_at(at, lambda crash=crash: self._part(address, crash))
            at += rng.choice([0.0, rng.uniform(0.0, 3.0), seconds])

    def _plan_cuts(self, rng: random.Random) -> None:
        """Plan times at which nothing at all gets through to a player, or from it."""
        for _ in range(rng.choice([0, 0, 1, 3])):
            self._call_at(rng.uniform(0.0, self.parameters.seconds - 1.0), lambda: self._cut_off(rng))

    def _cut_off(self, rng: random.Random) -> None:
        client = rng.choice(self.staying).client
        self.network.partition(client)
        self.network.call_at(self.network.now + rng.uniform(0.1, 2.5), lambda: self.network.partition(client, False))

    def _call_at(self, second: float, function: Callable[[], None]) -> None:
        self.network.call_at(self.parameters.start + second, function)

    def _join(self, address: Address) -> None:
        player = Player(self, len(self.players), address)
        self.players.append(player)
        self._at[address] = player

    def _part(self, address: Address, crash: bool) -> None:
        player = self._at[address]
        if crash:
            player.crash()
        else:
            player.leave()

    def _on_connected(self, client_id: int) -> None:
        if client_id in self.ids:
            self.faults.append(f"the id {client_id} was given twice")
        self.ids.add(client_id)
        nonce = self.server.plumbing.run.endpoint.peers[client_id].identity.nonce
        # not always the present ones: the answer to a client that has just left may still have been under way
        self._present[client_id] = next(player for player in self.players if player.nonce == nonce)

    def _on_left(self, reason: DisconnectReason, client_id: int) -> None:
        player = self._present.pop(client_id)
        if not player.gone:
            self.faults.append(f"{player!r} was still there, yet the server says {reason!r}")

    # -- the game ----------------------------------------------------------------------------------------------------

    def _time_step(self, game_state: GameState, dt: float, inputs: dict[int, PlayerInput]) -> dict[str, Any] | None:
        for client_id, played in inputs.items():
            self._present[client_id].inputs.apply(played)
        if self.resting:
            return None
        rng = self._rng
        update: dict[str, Any] = {"time": self.network.now}
        if rng.random() < 0.5:
            update["garden"] = random_update(rng, game_state.garden)
        if rng.random() < 0.1:
            name = f"spare_{rng.randint(0, 3)}"
            update[name] = rng.choice([TO_DELETE, random_value(rng)])
        if self.parameters.ballast_bytes and rng.random() < 0.05:
            update["ballast"] = self._shift_ballast(game_state, rng)
        if self._present and rng.random() < 5 * dt:
            self._send_mail(rng)
        return update

    def _shift_ballast(self, game_state: GameState, rng: random.Random) -> dict[Any, Any]:
        """Create, change or delete a large part of the state at once."""
        number = rng.randint(0, 9)
        if number in game_state.ballast and rng.random() < 0.5:
            return {number: TO_DELETE}
        return {number: {i: rng.random() for i in range(self.parameters.ballast_bytes // 100)}}

    def _send_mail(self, rng: random.Random) -> None:
        number, kind = self.next_number(), rng.choice([LOOSE, RETRIED, ORDERED])
        to_all = rng.random() < 0.5
        ids = list(self._present) if to_all else [rng.choice(list(self._present))]
        streams = {client_id: self._present[client_id].down for client_id in ids}
        for stream in streams.values():
            stream.sent[kind].append(number)
        self.server.dispatch_event(
            "mail",
            kind,
            number,
            self.random_blob(rng, number),
            target_client="all" if to_all else ids[0],
            retries=_retries(rng, kind),
            ack_callback=lambda connection: streams[connection.client_id].on_acked(number),
        )

    def _on_mail(self, sender: int, kind: str, number: int, blob: bytes, client_id: int) -> Any:
        player = self.players[sender]
        if self._present.get(client_id) is not player:
            self.faults.append(f"an event of {player!r} came as if from client {client_id}")
        player.up.receive(kind, number, blob)
        return {"players": {sender: {kind: number, "events": sum(map(len, player.up.got.values()))}}}

    # -- what must hold ----------------------------------------------------------------------------------------------

    def _note_commit(self) -> None:
        commit = self.backend.game_state_store.plumbing.committed
        self._history[commit.tick] = commit
        self._history.pop(commit.tick - HISTORY_TICKS, None)

    def _check_again(self) -> None:
        for player in self.players:
            self._check_newest(player)
        if not self.resting:
            self.network.call_at(self.network.now + 0.5, self._check_again)

    def _check_newest(self, player: Player) -> None:
        """The state that a client has is the server's state of that very tick, at any time."""
        snapshots = player.client.snapshots
        commit = self._history.get(snapshots[-1].tick) if snapshots else None
        if player.gone or commit is None:
            return
        newest = snapshots[-1]
        if not exactly_equal(newest.state, commit.tree):
            self.faults.append(
                f"{player!r}: tick {newest.tick} differs at {first_difference(newest.state, commit.tree)}"
            )
        off = (newest.time - commit.time + 1.0) % TIME_WRAP - 1.0
        if abs(off) > 2e-4:
            self.faults.append(f"{player!r}: the time of tick {newest.tick} is {off:+.6f} s off")
        for before, after in itertools.pairwise(snapshots[-30:]):
            changed = before.previous_tick if before.resting else before.tick
            if not changed <= after.previous_tick < after.tick or not before.time <= after.time:
                self.faults.append(f"{player!r}: tick {after.tick} after tick {before.tick}, {after.previous_tick=}")

    @property
    def staying(self) -> list[Player]:
        """The players that have not gone."""
        return [player for player in self.players if not player.gone]

    def _differs(self, player: Player) -> bool:
        tree = self.backend.game_state_store.plumbing.committed.tree
        snapshots = player.client.snapshots
        return not (snapshots and exactly_equal(snapshots[-1].state, tree))

    def settled(self) -> bool:
        """Return whether all remaining clients have the server's state and all reliable events."""
        return not any(
            self._differs(player) or not player.up.settled or not player.down.settled or not player.told
            for player in self.staying
        )

    def _wait_until_settled(self) -> None:
        give_up_at = self.network.now + MAX_REST
        while self.network.now < give_up_at and not self.settled():
            self.network.run(1.0)

    def run(self) -> list[str]:
        """Play to the end. Return the faults."""
        self.network.run(self.parameters.seconds)
        self.resting = True
        self._wait_until_settled()
        self.network.run(STRAGGLING)  # every late fault happens in this time
        self._wait_until_settled()
        self._check_again()
        faults = self.faults + [text for player in self.players for text in player.problems()]
        faults += [f"{player!r}: has another state than the server" for player in filter(self._differs, self.staying)]
        faults += [f"the server dropped {n} x {why!r}" for why, n in self.server.dropped.items() if "malformed" in why]
        if not self.server.player_inputs._players.by_id.keys() <= self.server.clients.keys():
            faults.append("the server keeps inputs of players who have gone")
        return faults


def play(params: Parameters) -> list[str]:
    """Play a session. Return the faults as sentences."""
    return Session(params).run()
