"""Each commit has the delta that leads to it, and a ring of such states has that of every client."""

import random
import threading
from typing import Any

import pytest

from pygase import GameState
from pygase._protocol.snapshots import SnapshotRing
from pygase._server.state_keeper import Commit, StateKeeper
from pygase._state.delta import apply, diff
from pygase._state.tree import Tree, exactly_equal
from pygase.errors import InvalidValue, StateTooLarge
from tests.support.trees import exact, random_update, random_value

ATTRIBUTES = ("a", "b", "c")


class Game:
    """A state that everything happens to. Each commit is checked, and the server takes most of them over."""

    def __init__(self, rng: random.Random, max_bytes: int = 1_000_000) -> None:
        self.rng = rng
        self.given = GameState(a=random_value(rng, 3), b=random_value(rng, 3))
        self.states = StateKeeper(self.given, max_bytes, 10_000)
        self.ring = SnapshotRing(8)
        self.last: Commit = self.states.committed
        self.kept: list[tuple[Tree, Any]] = []
        self.refused = 0
        self.threads: list[threading.Thread] = []
        self.known = 0
        self.settle()

    def update(self) -> Tree:
        rng = self.rng
        attributes = {
            key: value for key, value in random_update(rng, self.states.committed.tree).items() if key in ATTRIBUTES
        }
        if rng.random() < 0.1:
            attributes["game_status"] = rng.randrange(2)
        if rng.random() < 0.1:
            attributes[rng.choice(ATTRIBUTES)] = {"bad": object()}
        if rng.random() < 0.1:
            attributes[rng.choice(ATTRIBUTES)] = {"large": "x" * rng.randrange(300)}
        return attributes

    def attempt(self, change: Any, *args: Any) -> None:
        try:
            change(*args)
        except (InvalidValue, StateTooLarge):
            self.refused += 1

    def tick(self) -> None:
        states, rng = self.states, self.rng
        shown = states.begin_tick()
        for _ in range(rng.randrange(5)):
            if rng.random() < 0.5:
                for name in ATTRIBUTES:
                    shown.get(name)  # from now on it follows each update
            if rng.random() < 0.2:
                self.attempt(states.push, self.update(), 0)
            elif rng.random() < 0.2:
                self.push_from_a_thread()
            else:
                self.attempt(states.apply, self.update())
        states.end_tick(states.committed.time + 0.02)
        assert states.change_in_place() is None

    def push_from_a_thread(self) -> None:
        thread = threading.Thread(target=self.attempt, args=(self.states.push, self.update(), 0))
        thread.start()
        thread.join()

    def settle(self) -> None:
        """Check the newest commit, and take it over as a server does, which may come too late for some."""
        commit = self.states.committed
        assert exact(apply(commit.before, commit.delta)) == exact(commit.tree)
        assert exact(commit.delta) == exact(diff(commit.before, commit.tree, exactly_equal))
        self.kept.append((commit.tree, exact(commit.tree)))
        if self.rng.random() < 0.9:
            delta = commit.delta_from(self.ring.tree)
            self.known += delta is not None
            self.ring.push(commit.tick + 1, commit.tree, commit.time, commit.span, delta)
            self.check_ring()

    def check_ring(self) -> None:
        ring = self.ring
        for tick, baseline in ring.ring.items():
            delta = ring.delta_since(tick, baseline)
            assert exact(apply(baseline, delta)) == exact(ring.tree)
            assert delta.keys() <= diff(baseline, ring.tree).keys()

    def restart(self) -> None:
        commit = self.states.committed
        former = self.states
        self.states = StateKeeper(None, 1_000_000, 10_000)
        self.states.restore(dict(commit.tree), commit.tick)
        self.states.go_ahead_to(commit.tick + 100)
        assert former.committed is commit

    def assign(self) -> None:
        """The program changes its initial state, before the game or while only a server runs."""
        self.attempt(setattr, self.given, "c", {"bag": random_value(self.rng, 2)})


def play(game: Game) -> None:
    rng = game.rng
    for _ in range(rng.randrange(3)):
        rng.choice([game.assign, lambda: game.attempt(game.states.push, game.update(), 0)])()
        game.attempt(game.settle)
    if rng.random() < 0.3:
        game.states.begin(has_loop=False)
        for _ in range(rng.randrange(3)):
            game.assign()
            game.settle()
    for _ in range(rng.randrange(1, 12)):
        rng.choice([game.tick, game.tick, game.tick, lambda: game.attempt(game.states.push, game.update(), 0)])()
        game.settle()
        if rng.random() < 0.03:
            game.restart()
            game.settle()
    for tree, before in game.kept:
        assert exact(tree) == before


@pytest.mark.integration
def test_each_delta_leads_exactly_from_one_commit_to_the_next_whatever_happens(rng: random.Random) -> None:
    known = refused = 0
    for _ in range(250):
        game = Game(rng)
        play(game)
        known, refused = known + game.known, refused + game.refused
    assert known > 500
    assert refused > 50


@pytest.mark.integration
def test_near_the_bound_of_the_state_the_deltas_stay_exact(rng: random.Random) -> None:
    refused = 0
    for _ in range(250):
        game = Game(rng, max_bytes=400)
        play(game)
        refused += game.refused
    assert refused > 100
