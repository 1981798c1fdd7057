"""Bots: players that are functions of the server's program."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from pygase import Backend, Client, GameState, Seats
from pygase._protocol.played_inputs import PlayerInput
from pygase.testing import Link, SimulatedNetwork

TICK = 1 / 60
AHEAD = 12


class Game:
    """A game with bots in virtual time.

    :ivar taken: the inputs of each tick.
    """

    def __init__(self, path: Path | None = None, **options: Any) -> None:
        self.network = SimulatedNetwork(3, Link(latency=0.05, loss=0.03), start=50.0)
        self.path = path
        self.taken: list[dict[int, PlayerInput]] = []
        self.seats = Seats(4)
        self.backend = self.start(**options)

    def start(self, **options: Any) -> Backend:
        checkpoint = {"checkpoint": self.path} if self.path is not None else {}
        self.backend = Backend(
            GameState(n=0, seats={}), self._step, self.seats.handlers, share_inputs=True, **checkpoint, **options
        )
        return self.backend

    def _step(self, game_state: GameState, dt: float, inputs: Mapping[int, PlayerInput]) -> dict[str, Any]:
        self.taken.append(dict(inputs))
        return {"n": game_state.n + 1}

    def serve(self, seconds: float = 1.0) -> None:
        self.network.serve(self.backend, interval=TICK)
        self.network.run(seconds)


def count(game_state: GameState) -> Any:
    """A bot that says what it saw when it decided."""
    return game_state.n


def test_a_bot_plays_what_it_decided_some_ticks_before() -> None:
    game = Game()
    bot = game.backend.bot(count, ahead=AHEAD)
    game.serve()
    for n, inputs in enumerate(game.taken):
        played = inputs[bot]
        assert played.value == max(n - AHEAD, 0)
        assert played.ahead == tuple(max(n + k - AHEAD, 0) for k in range(1, AHEAD + 1))
        assert (played.number, played.repeats) == (n + 1, 0)
        assert played.view_time == pytest.approx(50.0 + TICK * (1 + max(n - AHEAD, 0)), abs=TICK)


@pytest.mark.parametrize("ahead", [0, 1, 63])
def test_a_bot_may_decide_at_once_or_long_before(ahead: int) -> None:
    game = Game()
    bot = game.backend.bot(count, ahead=ahead)
    game.serve(2.0)
    assert [inputs[bot].value for inputs in game.taken] == [max(n - ahead, 0) for n in range(len(game.taken))]
    assert {len(inputs[bot].ahead) for inputs in game.taken} == {ahead}


def test_a_client_gets_the_whole_plan_and_it_becomes_true() -> None:
    game = Game()
    bot = game.backend.bot(count, ahead=AHEAD)
    client = Client()
    game.serve(0.1)
    game.network.connect(client)
    game.network.run(2.0)
    by_tick = {each.tick: each.inputs[bot] for each in client.snapshots}
    assert len(by_tick) > 30
    assert all(len(inputs) == AHEAD + 1 for inputs in by_tick.values())
    pairs = [(tick, later) for tick in by_tick for later in by_tick if 0 < later - tick <= AHEAD]
    assert pairs
    assert all(by_tick[tick][later - tick] == by_tick[later][0] for tick, later in pairs)


def test_its_id_is_of_the_clients_counter_and_it_is_no_client() -> None:
    game = Game()
    first = game.backend.bot(count)
    game.serve(0.2)
    client = Client()
    game.network.connect(client)
    game.network.run(0.5)
    second = game.backend.bot(count)
    game.network.run(0.5)
    assert (first, client.id, second) == (1, 2, 3)
    assert set(game.backend.server.clients) == {2}
    assert set(game.taken[-1]) == {1, 3}


def test_it_has_a_seat_until_it_is_dismissed() -> None:
    game = Game()
    bot = game.backend.bot(count, profile={"name": "Marvin"})
    game.serve(0.2)
    seats = game.backend.game_state_store.get_game_state().seats
    assert {who: seat["name"] for who, seat in seats.items()} == {bot: "Marvin"}
    assert game.backend.dismiss(bot)
    assert not game.backend.dismiss(bot)
    game.network.run(0.2)
    assert game.backend.game_state_store.get_game_state().seats == {}
    assert bot not in game.taken[-1]


def test_it_may_ask_who_it_is() -> None:
    game = Game()
    bots = [game.backend.bot(lambda game_state, client_id: client_id) for _ in range(2)]
    game.serve(0.2)
    assert {who: played.value for who, played in game.taken[-1].items()} == {bot: bot for bot in bots}


def test_after_an_exception_the_last_input_is_repeated_and_the_others_play(caplog: pytest.LogCaptureFixture) -> None:
    def fails(game_state: GameState) -> Any:
        if game_state.n > 5:
            raise ZeroDivisionError("no way")
        return game_state.n

    game = Game()
    failing, other = game.backend.bot(fails, ahead=2), game.backend.bot(count, ahead=2)
    with caplog.at_level(logging.ERROR):
        game.serve(0.5)
    assert game.taken[-1][failing].value == 5
    assert game.taken[-1][other].value == len(game.taken) - 3
    assert "a bot's function raised ZeroDivisionError('no way'); the game goes on" in caplog.text


@pytest.mark.parametrize("value", [object(), "x" * 300])
def test_what_cannot_be_an_input_is_reported(value: Any, caplog: pytest.LogCaptureFixture) -> None:
    game = Game()
    bot = game.backend.bot(lambda game_state: value)
    with caplog.at_level(logging.ERROR):
        game.serve(0.2)
    assert bot not in game.taken[-1]
    assert "a bot's function" in caplog.text


def test_the_game_may_change_an_input_that_it_gets() -> None:
    game = Game()
    bot = game.backend.bot(lambda game_state: {"keys": [1]}, ahead=3)
    game.serve(0.1)
    for inputs in game.taken:
        inputs[bot].value["keys"].append(2)
        assert all(each == {"keys": [1]} for each in inputs[bot].ahead)
    assert game.taken[0][bot].value is not game.taken[1][bot].value


@pytest.mark.parametrize(
    ("decide", "ahead", "error"),
    [
        (None, 12, TypeError),
        (lambda: 1, 12, TypeError),
        (lambda a, b: 1, 12, TypeError),
        (count, -1, ValueError),
        (count, 64, ValueError),
        (count, True, ValueError),
        (count, 1.5, ValueError),
    ],
)
def test_a_bot_that_cannot_play_is_refused(decide: Any, ahead: Any, error: type[Exception]) -> None:
    with pytest.raises(error, match=r"decide|ahead"):
        Game().backend.bot(decide, ahead=ahead)


# -- checkpoints -------------------------------------------------------------------------------------------------------


def test_bots_survive_a_killed_process_with_their_ids_and_plans(tmp_path: Path) -> None:
    game = Game(tmp_path / "game.checkpoint")
    bots = [game.backend.bot(count, ahead=AHEAD), game.backend.bot(lambda game_state: -game_state.n, ahead=AHEAD)]
    game.serve(8.0)
    before = len(game.taken)
    game.network.kill(game.backend)
    game.network.run(1.0)
    game.taken.clear()
    game.start()
    assert [game.backend.bot(count, ahead=AHEAD), game.backend.bot(count, ahead=AHEAD)] == bots
    third = game.backend.bot(count, ahead=AHEAD)
    assert third > max(bots)
    game.serve(1.0)
    first = game.taken[0]
    saved_at = game.backend.game_state_store.get_game_state().n - len(game.taken)
    assert 0 < saved_at <= before
    assert first[bots[0]].number == saved_at + 1
    assert first[bots[0]].value == saved_at - AHEAD
    assert first[bots[1]].value == AHEAD - saved_at
    assert first[bots[1]].ahead[-1] == saved_at
    assert set(game.backend.game_state_store.get_game_state().seats) == {*bots, third}


def test_a_bot_that_the_program_does_not_make_again_waits_in_the_checkpoint(tmp_path: Path) -> None:
    game = Game(tmp_path / "game.checkpoint")
    bots = [game.backend.bot(count), game.backend.bot(count)]
    game.serve(1.0)
    for _ in range(2):
        game.backend.shutdown()
        game.network.run(0.5)
        game.start()
        game.serve(1.0)
        assert game.taken[-1] == {}
    assert [game.backend.bot(count), game.backend.bot(count)] == bots
