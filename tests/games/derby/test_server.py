"""Derby's server: seats, bots that give way, matches, and a checkpoint."""

import random
from pathlib import Path
from typing import Any

from games.derby import rules
from games.derby.referee import GOAL, OVER, PLAY, WAITING
from games.derby.server import PLACES, TICK, DerbyServer
from pygase import RELIABLE, Client
from pygase.testing import SimulatedNetwork


class Evening:
    """A server and its clients, on a simulated network."""

    def __init__(self, **options: Any) -> None:
        self.network = SimulatedNetwork(seed=1)
        self.server = DerbyServer(rng=random.Random(1), **options)
        self.network.serve(self.server.backend, interval=TICK)

    def joins(self, name: str) -> Client:
        client = Client(game="derby")
        self.network.connect(client, profile={"name": name})
        self.network.run(1.0)
        return client

    @property
    def state(self) -> Any:
        return self.server.backend.game_state_store.get_game_state()

    def bots(self) -> set[int]:
        return set(self.state.bots)


def test_bots_fill_the_match_and_each_further_player_takes_the_place_of_one() -> None:
    evening = Evening(bots=3)
    evening.joins("Ada")
    assert len(evening.state.world["cars"]) == 4
    assert len(evening.bots()) == 3
    bob = evening.joins("Bob")
    assert len(evening.state.world["cars"]) == 4
    assert len(evening.bots()) == 2
    bob.disconnect()
    evening.network.run(1.0)
    assert len(evening.bots()) == 3


def test_both_teams_are_as_large() -> None:
    evening = Evening(bots=7)
    for count in range(1, PLACES + 1):
        evening.joins(f"P{count}")
        teams = [car["team"] for car in evening.state.world["cars"].values()]
        assert len(teams) == PLACES
        assert abs(teams.count(0) - teams.count(1)) <= 2 * (count < PLACES)


def test_without_people_there_are_no_bots_and_no_match() -> None:
    evening = Evening(bots=3)
    ada = evening.joins("Ada")
    assert evening.state.match["phase"] == PLAY
    ada.disconnect()
    evening.network.run(1.0)
    assert not evening.state.bots
    assert evening.state.match["phase"] == WAITING


def test_a_ninth_player_watches_until_somebody_leaves() -> None:
    evening = Evening(bots=0)
    clients = [evening.joins(f"P{number}") for number in range(9)]
    ninth = clients[-1].id
    assert ninth not in evening.state.world["cars"]
    clients[0].disconnect()
    evening.network.run(1.0)
    assert ninth in evening.state.world["cars"]


def test_one_player_without_bots_warms_up_and_goals_do_not_count() -> None:
    evening = Evening(bots=0)
    evening.joins("Ada")
    evening.network.run(2.0)
    assert evening.state.match["phase"] == WAITING
    assert evening.state.match["score"] == [0, 0]


def test_players_who_meet_in_the_lobby_begin_when_both_are_ready() -> None:
    evening = Evening(bots=0, lobby=True)
    ada, bob = evening.joins("Ada"), evening.joins("Bob")
    assert evening.state.lobby
    for client in (ada, bob):
        assert evening.state.match["phase"] == WAITING
        client.dispatch_event("READY", True, retries=RELIABLE)
        evening.network.run(0.5)
    assert evening.state.match["phase"] == PLAY
    assert not evening.state.lobby
    assert not any(seat["ready"] for seat in evening.state.seats.values())


def test_a_match_is_played_to_its_end_and_ready_players_play_another() -> None:
    evening = Evening(bots=3, seconds=10)
    ada = evening.joins("Ada")
    phases = set()
    for _ in range(600):
        evening.network.run(0.25)
        phases.add(evening.state.match["phase"])
        if evening.state.match["phase"] == OVER:
            break
    assert {PLAY, GOAL, OVER} <= phases
    assert evening.state.match["score"][0] != evening.state.match["score"][1]
    ada.dispatch_event("READY", True, retries=RELIABLE)
    evening.network.run(0.5)
    assert evening.state.match["phase"] == PLAY
    assert evening.state.match["score"] == [0, 0]


def test_everybody_gets_everybodys_inputs_and_the_plans_of_bots() -> None:
    evening = Evening(bots=1)
    ada = evening.joins("Ada")
    for _ in range(60):
        ada.send_input(rules.FORWARD)
        evening.network.run(TICK)
    shared = ada.snapshots[-1].inputs
    (bot,) = evening.bots()
    assert shared[ada.id][0] == rules.FORWARD
    assert len(shared[bot]) > 10


def test_a_match_goes_on_after_a_restart_with_the_same_bots(tmp_path: Path) -> None:
    path = tmp_path / "derby.pygase"
    evening = Evening(bots=3, checkpoint=path)
    evening.joins("Ada")
    evening.network.run(3.0)
    evening.server.backend.shutdown()
    evening.network.run(0.5)
    before = evening.state
    again = Evening(bots=3, checkpoint=path)
    assert again.state.bots == before.bots
    assert again.state.world["cars"].keys() == before.world["cars"].keys()
    assert again.state.match["score"] == before.match["score"]
    again.network.run(0.5)
    assert set(again.state.bots) <= set(again.state.seats)
