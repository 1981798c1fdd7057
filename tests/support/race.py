"""The smallest game with a lobby: a race that begins when all are ready, and ends when the test says so."""

from typing import Any

from pygase import Backend, GameState, Seats
from pygase_pygame.app.game import Game, Hosting
from pygase_pygame.app.game_screen import LobbyOptions
from pygase_pygame.app.shape import SEATS, Flag, State
from pygase_pygame.joining import SessionOptions
from tests.support.demo import DemoScreen

TEAMS = ("Red", "Blue")


def serve(hosting: Hosting) -> Backend:
    """Return a server with four places in two teams."""
    seats = Seats(4, teams=TEAMS, bots=hosting.bots)

    def time_step(game_state: Any, dt: float) -> dict[str, Any]:
        if game_state.lobby and seats.may_start(game_state):
            return {"lobby": False}
        return {}

    def on_over(game_state: Any) -> dict[str, Any]:
        return {"lobby": True} | seats.unready(game_state)

    handlers = {**seats.handlers, "OVER": on_over}
    state = GameState(seats={}, lobby=True)
    return Backend(state, time_step, handlers, game="race", checkpoint=hosting.checkpoint)


class RaceScreen(DemoScreen):
    """Has a lobby."""

    lobby = LobbyOptions(teams=TEAMS)
    options = SessionOptions(check=State(seats=SEATS, lobby=Flag()))

    def lobby_note(self) -> str:
        """Return a sentence."""
        return "First to the tree."


RACE = Game("race", "Race", "Run", serve, "tests.support.race:RaceScreen", port=7698, most_bots=3)
