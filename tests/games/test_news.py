"""In each game, the others get the news of a player that stays, and none of one that leaves within 3 s."""

import importlib

import pytest

from pygase import Client
from pygase.testing import SimulatedNetwork
from pygase_pygame.app.company import STAYS
from pygase_pygame.app.game import Game, Hosting


class Party:
    """A game that Ada has joined a while ago. `heard` is the news that she gets of others."""

    def __init__(self, game: Game) -> None:
        self.network = SimulatedNetwork(seed=1)
        self.game = game
        self.network.serve(game.serve(Hosting(0)), interval=game.tick)
        self.heard: list[str] = []
        ada = self.comes("Ada")
        for event in ("NEWS", "CAME"):
            ada.register_event_handler(event, self.heard.append)
        self.network.run(2 * STAYS)
        self.heard.clear()

    def comes(self, name: str) -> Client:
        client = Client(game=self.game.name)
        self.network.connect(client, profile={"name": name})
        return client

    def stays(self, name: str, seconds: float) -> None:
        client = self.comes(name)
        self.network.run(seconds)
        client.disconnect()
        self.network.run(1.0)


@pytest.fixture(params=["pong", "derby", "chase", "arena", "canvas"])
def party(request: pytest.FixtureRequest) -> Party:
    return Party(importlib.import_module(f"games.{request.param}.__main__").GAME)


def test_nobody_hears_of_somebody_who_is_there_for_less_than_3_seconds(party: Party) -> None:
    for seconds in (0.2, 1.0, 2.9, 2.9):
        party.stays("Bob", seconds)
    party.network.run(2 * STAYS)
    about_the_game = "is it now."  # news about the chaser arrives at once
    assert [news for news in party.heard if about_the_game not in news] == []


def test_somebody_who_stays_is_news_when_they_came_and_when_they_left(party: Party) -> None:
    party.stays("Bob", STAYS + 1.0)
    assert "Bob" in party.heard[0]
    if party.game.name != "hello":  # Hello announces arrivals only
        assert "Bob has left" in party.heard[1]
