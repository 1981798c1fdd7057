"""The player's own id in the adapter: `Session.me`, and `{me}` in the paths of prediction and interpolation."""

import contextlib
from collections.abc import Iterator
from typing import Any

import pytest

from pygase import CLIENT_CONNECTED, Backend, Client, GameState, Interpolate, InvalidValue
from pygase.testing import Link, SimulatedNetwork
from pygase_pygame import Prediction, Session, host, join
from pygase_pygame.own_part import precision_below, rule_for
from tests.support.playing import eventually

TICK = 1 / 30


def walk(mine: dict[str, Any], key: bool) -> dict[str, Any]:
    return {**mine, "x": mine["x"] + key}


class World:
    """A game in virtual time, in which each player walks; `key_of` is the key of a player in the state."""

    def __init__(self, key_of: Any = lambda client_id, client_address: client_id) -> None:
        self.network = SimulatedNetwork(2, Link(latency=0.03))
        self.key_of = key_of
        self.backend = Backend(GameState(players={}, turn=0), self.time_step, {CLIENT_CONNECTED: self.enter})
        self.network.serve(self.backend, interval=TICK)

    def enter(self, client_id: int, client_address: Any) -> dict[str, Any]:
        return {"players": {self.key_of(client_id, client_address): {"x": 0.0, "y": 0.0}}}

    def time_step(self, game_state: GameState, dt: float, inputs: dict[int, Any]) -> dict[str, Any]:
        clients = self.backend.server.clients
        keys = {self.key_of(who, clients[who].client_address): given.value for who, given in inputs.items()}
        players = {key: {**each, "y": each["y"] + 1.0} for key, each in game_state.players.items()}
        return {"players": {key: walk(each, keys.get(key, False)) for key, each in players.items()}}

    def sit(self, **options: Any) -> Session:
        client = Client()
        session = Session(client, clock=self.network.clock, **options)
        assert session.me is None
        self.network.connect(client)
        self.network.run_until(lambda: session.view().ready)
        return session

    def play(self, session: Session, seconds: float) -> None:
        for _ in range(round(seconds / TICK)):
            self.network.run(TICK)
            session.send_input(True)
            session.view()


def warnings(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]


def test_me_is_the_id_and_leads_to_the_predicted_part(caplog: pytest.LogCaptureFixture) -> None:
    world = World()
    world.sit()
    session = world.sit(tick=TICK, predict=Prediction(walk, "players.{me}"))
    assert session.me == session.client.id == 2
    world.play(session, 1.0)
    assert session.predictor is not None
    assert session.view().players[2]["x"] > world.backend.game_state_store.get_game_state().players[2]["x"] > 10
    assert session.view().players[1]["x"] == 0.0
    assert not warnings(caplog)


def test_me_in_a_path_of_interpolate_lets_the_own_part_alone_glide() -> None:
    world = World()
    world.sit()
    rules = ["players.{me}.y", Interpolate("players.{me}.x", snap_on="players.{me}.y")]
    for session in (world.sit(interpolate=rules), world.sit(interpolate=rules)):
        world.network.run(1.0)
        gliding: dict[int, set[bool]] = {1: set(), 2: set(), 3: set()}
        for _ in range(40):
            world.network.run(0.007)
            for key, player in session.view().players.items():
                gliding[key].add(player["y"] != round(player["y"]))
        assert {key for key, seen in gliding.items() if True in seen} == {session.me}


def test_another_connection_has_another_me() -> None:
    world = World()
    session = world.sit(interpolate=["players.{me}.y"], tick=TICK, predict=Prediction(walk, "players.{me}"))
    session.client.disconnect()
    world.network.run(0.3)
    world.network.connect(session.client)
    world.network.run_until(lambda: session.me == 2 and 2 in session.view().get("players", {}))
    world.play(session, 1.0)
    assert session.view().players[2]["x"] > 10


@pytest.mark.parametrize("path", ["players.{ME}.x", "{you}", "a.{}.b"])
def test_other_braces_stand_for_nothing(path: str) -> None:
    with pytest.raises(ValueError, match=r'stands for nothing; "\{me\}" is the one that does'):
        Session(Client(), interpolate=[path])


@pytest.mark.parametrize(
    ("key_of", "words"),
    [
        (
            lambda client_id, client_address: str(client_id),
            "the state has the text '1' as a key, and {me} is the number 1; let the server write {client_id: ...}",
        ),
        (
            lambda client_id, client_address: str(client_address),
            "the state has addresses as keys, and {me} is the client's id, 1; let the server write {client_id: ...}",
        ),
    ],
)
def test_a_text_where_the_id_is_meant_gets_one_sentence(
    key_of: Any, words: str, caplog: pytest.LogCaptureFixture
) -> None:
    world = World(key_of)
    session = world.sit(tick=TICK, predict=Prediction(walk, "players.{me}"))
    world.play(session, 12.0)
    (warning,) = warnings(caplog)
    assert warning.startswith(f"nothing is predicted at 'players.{{me}}': {words} instead of {{str(client_")


def test_a_function_gets_the_id_and_one_of_an_old_program_the_address() -> None:
    seen: list[Any] = []

    def new(state: Any, me: Any) -> Any:
        seen.append(me)
        return "players", me

    def old(state: Any, address: Any) -> Any:
        seen.append(address)
        return "players", str(address)

    for mine, key_of in ((new, lambda client_id, _: client_id), (old, lambda _, address: str(address))):
        seen.clear()
        world = World(key_of)
        session = world.sit(tick=TICK, predict=Prediction(walk, mine))
        world.play(session, 1.0)
        assert set(seen) == {session.me if mine is new else session.client.address}
        assert session.predictor is not None
        assert session.predictor.view(world.network.now, 1.0, True)["x"] > 10


@contextlib.contextmanager
def playing(*sessions: Session) -> Iterator[None]:
    try:
        yield
    finally:
        for session in reversed(sessions):
            session.close()


@pytest.mark.integration
def test_host_and_guest_bring_their_profiles() -> None:
    handlers = {CLIENT_CONNECTED: lambda client_id, profile: {"players": {client_id: profile}}}
    backend = Backend(GameState(players={}), lambda game_state, dt: {}, handlers)
    owner = host(backend, profile={"name": "Ann"})
    with playing(owner):
        eventually(lambda: owner.view().get("players") == {1: {"name": "Ann"}})
        port = backend.server.port
        assert port is not None
        guest = join("127.0.0.1", port, profile={"name": "Bob"})
        with playing(guest):
            eventually(lambda: guest.view().get("players") == {1: {"name": "Ann"}, 2: {"name": "Bob"}})
            assert (owner.me, guest.me, backend.server.host_id) == (1, 2, 1)


@pytest.mark.integration
def test_what_is_no_profile_is_refused_and_nothing_is_left_running() -> None:
    backend = Backend(GameState(), lambda game_state, dt: {})
    with pytest.raises(InvalidValue, match="profile must be a dict"):
        host(backend, profile="Ann")  # type: ignore[arg-type]
    eventually(lambda: backend.server.port is None)
    with pytest.raises(InvalidValue, match="profile must be a dict"):
        join(profile=["Ann"])  # type: ignore[arg-type]


def test_precision_below_the_own_part() -> None:
    declared = {
        "players.*.x": 0.01,
        "players.7.x": 1.0,
        "players.8.y": 2.0,
        "players.*": 0.5,
        "ball.x": 3.0,
        "*.7.z": 4.0,
    }
    assert precision_below(declared, ("players", 7)) == {"x": 1.0, "*": 0.5, "z": 4.0}
    assert precision_below(declared, ("players", "8")) == {"x": 0.01, "y": 2.0, "*": 0.5}
    assert precision_below({}, ("players", 7)) == {}


def test_a_rule_keeps_all_it_says_when_me_becomes_an_id() -> None:
    rule = Interpolate("ships.{me}.x", period=640, snap_distance=9.0, snap_on="ships.{me}.jumps", extrapolate=0.2)
    expected = Interpolate("ships.3.x", period=640, snap_distance=9.0, snap_on="ships.3.jumps", extrapolate=0.2)
    assert rule_for(rule, 3) == expected
