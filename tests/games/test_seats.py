"""Every game keeps the seat of a player: over a pulled cable, and over the death of a window and of the server."""

import argparse
import importlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from games.arena import rules as arena
from games.canvas import rules as canvas
from games.pong.flight import HEIGHT as COURT_HEIGHT
from games.pong.flight import LEFT
from games.pong.rules import RALLY, SERVE
from pygase import RELIABLE, Backend, Client, ServerConfig
from pygase.testing import Link, SimulatedNetwork
from pygase_pygame.app.game import Game, Hosting

NAMES = ("hello", "pong", "derby", "chase", "arena", "canvas")
PULLED = 10.0  # seconds without a cable
INTERVAL = 5.0  # seconds between two checkpoints


class House:
    """A game with Ada and Bob in it, and the file that keeps it."""

    def __init__(self, name: str, folder: Path) -> None:
        self.game: Game = importlib.import_module(f"games.{name}.__main__").GAME
        self.folder = folder
        self.network = SimulatedNetwork(seed=1, link=Link(latency=0.02))
        self.backend = self.serve()
        self.ada, self.bob = self.comes("Ada"), self.comes("Bob")

    def serve(self) -> Backend:
        args = argparse.Namespace(checkpoint=self.folder / "game.checkpoint")
        self.backend = self.game.serve(Hosting(0, args))
        self.network.serve(self.backend, interval=self.game.tick)
        return self.backend

    def comes(self, name: str) -> Client:
        client = Client(game=self.game.name)
        for event in ("NEWS", "CAME", "TAG", "WRECK", "JUDGED", "REFUSED"):
            client.register_event_handler(event, lambda *_: None)
        self.network.connect(client, profile={"name": name}, resume=self.folder / name)
        self.network.run(1.0)
        return client

    @property
    def state(self) -> Any:
        return self.backend.game_state_store.get_game_state()

    def entries(self) -> dict[int, tuple[str, bool]]:
        """Return name and loss of every player by number, as the state has them."""
        match self.game.name:
            case "hello" | "pong" | "derby":
                found: Mapping[int, Any] = self.state.seats
            case "arena":
                found = self.state.pilots
            case _:
                found = self.state.people
        return {number: (entry["name"], entry["lost"]) for number, entry in found.items()}

    def changes(self, **tables: Any) -> None:
        """Put the server into a situation that would take long to reach by playing."""
        self.backend.game_state_machine.register_event_handler("PUT", lambda: tables)
        self.bob.dispatch_event("PUT", retries=RELIABLE)
        self.network.run(0.2)


@pytest.fixture(params=NAMES)
def house(request: pytest.FixtureRequest, tmp_path: Path) -> House:
    return House(request.param, tmp_path)


BOTH = {1: ("Ada", False), 2: ("Bob", False)}
ADA_LOST = {1: ("Ada", True), 2: ("Bob", False)}


def test_a_pulled_cable_greys_a_player_who_is_the_same_one_afterwards(house: House) -> None:
    assert house.entries() == BOTH, "the name is there from the first state on"
    house.network.partition(house.ada)
    house.network.run(PULLED)
    assert house.entries() == ADA_LOST
    house.network.partition(house.ada, on=False)
    house.network.run(2.0)
    assert house.entries() == BOTH
    assert (house.ada.status, house.ada.id) == ("connected", 1)


def test_a_lost_player_moves_no_more(house: House) -> None:
    def place() -> Any:
        """Return the part of the state that Ada's inputs move."""
        state = house.state
        match house.game.name:
            case "hello":
                return state.players[1]
            case "pong":
                return state.match["paddles"][LEFT]
            case "derby":
                return round(state.world["cars"][1]["x"], 1)  # it rolls for long
            case "chase":
                return state.runners[1]["x"], state.runners[1]["y"]
            case "arena":
                return state.ships[1]
        return state.cursors.get(1)

    wish = {
        "hello": [1, 0],
        "pong": 1,
        "derby": 1,
        "chase": {"x": 1, "y": 0},
        "arena": [100, 0, 0, False],
        "canvas": [9, 9, -1],
    }
    house.network.run(1.5)  # until Derby's kick-off
    before = place()
    for _ in range(20):
        house.ada.send_input(wish[house.game.name])
        house.network.run(1 / 60)
    assert place() != before
    house.network.partition(house.ada)
    house.network.run(PULLED)
    stands = place()
    house.network.run(5.0)
    assert place() == stands


def test_a_player_who_does_not_come_back_is_removed(house: House) -> None:
    house.network.partition(house.ada)
    house.network.run(ServerConfig.resume_seconds + PULLED)
    assert 1 not in house.entries()
    assert house.entries()[2] == ("Bob", False)


def test_a_window_that_was_killed_is_the_same_player_when_it_is_started_again(house: House) -> None:
    house.network.kill(house.ada)
    house.network.run(PULLED)
    assert house.entries() == ADA_LOST
    ada = house.comes("Ada")
    house.network.run(1.0)
    assert ada.id == 1
    assert house.entries() == BOTH


def test_everybody_is_back_after_the_death_of_the_server(house: House) -> None:
    house.network.run(2 * INTERVAL)
    house.network.kill(house.backend)
    house.network.run(3.0)
    house.serve()
    house.network.run(2.0)
    assert house.entries() == BOTH
    assert [(client.status, client.id) for client in (house.ada, house.bob)] == [("connected", 1), ("connected", 2)]
    house.bob.disconnect()
    house.network.run(1.0)
    assert 2 not in house.entries(), "the new process knows its players"


def test_the_score_of_pong_outlives_the_server(tmp_path: Path) -> None:
    house = House("pong", tmp_path)  # nobody moves the paddles, so points follow
    house.network.run_until(lambda: sum(house.state.match["score"].values()) >= 3, timeout=60.0)
    house.network.run(INTERVAL)
    house.network.kill(house.backend)
    score = house.state.match["score"]
    house.network.run(3.0)
    house.serve()
    assert sum(score.values()) - sum(house.state.match["score"].values()) <= 2, "an interval is lost at most"
    assert sum(house.state.match["score"].values()) >= 3
    before = sum(house.state.match["score"].values())
    house.network.run(2.0)
    house.network.run_until(lambda: sum(house.state.match["score"].values()) > before, timeout=30.0)


def test_the_match_of_pong_waits_for_a_lost_player(tmp_path: Path) -> None:
    house = House("pong", tmp_path)
    house.network.run_until(lambda: house.state.match["phase"] == RALLY, timeout=10.0)
    house.network.partition(house.ada)
    house.network.run(PULLED)
    score, match = house.state.match["score"], house.state.match
    assert match["phase"] == SERVE
    house.network.run(PULLED)
    assert house.state.match == match
    assert match["ball"]["y"] == COURT_HEIGHT / 2
    house.network.partition(house.ada, on=False)
    house.network.run_until(lambda: house.state.match["phase"] == RALLY, timeout=5.0)
    assert house.state.match["score"] == score


def test_the_wrecks_of_arena_outlive_the_server(tmp_path: Path) -> None:
    house = House("arena", tmp_path)
    house.network.run(4.0)  # the shields are down
    house.changes(ships={1: arena.new_ship((4_200, 6_200), 0), 2: arena.new_ship((7_200, 6_200), 180 - 360)})
    for _ in range(60):
        house.ada.send_input([0, 0, 0, True])
        house.network.run(1 / 60)
    house.network.run(0.2)
    assert house.state.scores == {1: [1, 0], 2: [0, 1]}
    house.network.run(INTERVAL)
    house.network.kill(house.backend)
    house.network.run(3.0)
    house.serve()
    house.network.run(5.0)
    assert house.state.scores == {1: [1, 0], 2: [0, 1]}
    assert set(house.state.ships) == {1, 2}, "Bob flies again"


def test_the_picture_of_canvas_outlives_the_server_and_can_be_drawn_on(tmp_path: Path) -> None:
    line = canvas.pack_line(1, 1, [(5, 5), (50, 50)])
    house = House("canvas", tmp_path)
    for stroke in range(3):
        house.ada.dispatch_event("INK", stroke, 0, line, retries=RELIABLE)
    house.network.run(2 * INTERVAL)
    ink = house.state.ink
    house.network.kill(house.backend)
    house.network.run(3.0)
    house.serve()
    house.network.run(2.0)
    assert house.state.ink == ink
    house.ada.dispatch_event("UNDO", 1, retries=RELIABLE)
    house.ada.dispatch_event("INK", 3, 0, line, retries=RELIABLE)
    house.network.run(0.5)
    strokes = [canvas.unpack(piece).number for page in house.state.ink.values() for piece in page.values()]
    assert strokes == [0, 2, 3]
