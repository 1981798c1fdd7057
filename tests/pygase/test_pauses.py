"""A server that pauses (a suspended process, the garbage collector, a long tick): the game continues afterwards."""

from __future__ import annotations

import itertools
import math
import threading
import time

import pytest

from pygase import Backend, Client, GameState, GameStateMachine, GameStateStore, SnapshotBuffer, StateHistory
from pygase.testing import Link, SimulatedNetwork
from tests.support.virtual_loop import VirtualLoop, run_virtually

SPEED = 100.0
"""Units a second."""

FRAME = 1 / 60


def machine(**options: float | None) -> GameStateMachine:
    return GameStateMachine(GameStateStore(GameState(x=0.0)), **options)  # type: ignore[arg-type]


# -- how long a tick may seem


@pytest.mark.parametrize(
    ("interval", "max_dt", "elapsed", "dt"),
    [
        (0.02, None, 0.02, 0.02),
        (0.02, None, 0.2, 0.2),
        (0.02, None, 3.0, 0.25),
        (0.1, None, 3.0, 0.25),
        (0.2, None, 3.0, 0.4),
        (1.0, None, 1.5, 1.5),
        (1.0, None, 9.0, 2.0),
        (0.02, 0.05, 3.0, 0.05),
        (0.02, 0.001, 3.0, 0.02),
        (0.02, 5.0, 3.0, 3.0),
        (0.02, math.inf, 3600.0, 3600.0),
    ],
)
def test_dt_is_the_true_one_up_to_max_dt(interval: float, max_dt: float | None, elapsed: float, dt: float) -> None:
    loop = machine(max_dt=max_dt)
    loop.interval = interval
    assert loop.plumbing.dt_after(elapsed) == dt


@pytest.mark.parametrize("wrong", [0, -1.0, math.nan, "0.25"])
def test_an_impossible_max_dt_is_refused(wrong: float) -> None:
    with pytest.raises(ValueError, match="max_dt must be a number of seconds above 0"):
        machine(max_dt=wrong)
    with pytest.raises(ValueError, match="max_dt"):
        Backend(GameState(), lambda game_state, dt: {}, max_dt=wrong)


@pytest.mark.parametrize(("max_dt", "longest"), [(None, 0.25), (0.1, 0.1), (math.inf, 2.0)])
def test_the_game_loop_passes_no_more_than_that_and_counts_no_more_game_time(
    max_dt: float | None, longest: float
) -> None:
    dts: list[float] = []
    loop = machine(max_dt=max_dt)

    async def main() -> None:
        import asyncio

        virtual = asyncio.get_running_loop()
        assert isinstance(virtual, VirtualLoop)

        def time_step(game_state: GameState, dt: float) -> dict[str, float]:
            dts.append(dt)
            if len(dts) == 10:
                virtual.work(2.0)  # as the garbage collector would
            if len(dts) == 20:
                loop.stop()
            return {"x": game_state.x + dt}

        loop.time_step = time_step
        await loop.run_game_loop(0.02)

    run_virtually(main())
    assert dts[:10] == pytest.approx([0.02] * 10)
    assert dts[10] == pytest.approx(longest)
    assert dts[11:20] == pytest.approx([0.02] * 9)
    assert loop.late_ticks == 99
    assert loop.game_time == pytest.approx(sum(dts))
    assert loop.game_state_store.get_game_state().x == pytest.approx(sum(dts))


@pytest.mark.integration
def test_on_the_real_clock_too() -> None:
    dts: list[float] = []
    paused = threading.Event()

    def time_step(game_state: GameState, dt: float) -> dict[str, float]:
        dts.append(dt)
        if len(dts) == 5:
            time.sleep(0.7)
            paused.set()
        return {"x": game_state.x + dt}

    backend = Backend(GameState(x=0.0), time_step, max_dt=0.1)
    backend.run_in_thread(interval=0.02)
    assert paused.wait(20.0)
    time.sleep(0.5)
    backend.shutdown()
    assert dts[5] == 0.1
    assert max(dts) == 0.1
    assert backend.game_state_machine.game_time == pytest.approx(sum(dts))


# -- what others see of it


class Mover:
    """A server that moves something evenly, and a screen on which it is drawn."""

    def __init__(self, hz: int, link: Link, seed: int = 1) -> None:
        self.network = SimulatedNetwork(seed, link)
        self.backend = Backend(GameState(x=0.0), lambda game_state, dt: {"x": game_state.x + SPEED * dt})
        self.history = self.backend.game_state_machine.keep_history(interpolate=["x"])
        self.network.serve(self.backend, interval=1 / hz)
        self.client = Client()
        self.network.connect(self.client)
        self.buffer = SnapshotBuffer(["x"])
        self.seen: list[float] = []
        self._taken = -1

    def play(self, seconds: float) -> list[float]:
        """Return the movement from frame to frame, as a share of the even one."""
        begin = max(len(self.seen) - 1, 0)
        for _ in range(round(seconds / FRAME)):
            self.network.run(FRAME)
            for snapshot in self.client.snapshots:
                if snapshot.tick > self._taken:
                    self._taken = snapshot.tick
                    self.buffer.add(snapshot)
            view = self.buffer.view(now=self.network.now)
            if "x" in view:
                self.seen.append(view["x"])
        return [(b - a) / (SPEED * FRAME) for a, b in itertools.pairwise(self.seen[begin:])]


@pytest.mark.parametrize("hz", [20, 30, 60, 128])
@pytest.mark.parametrize("pause", [0.3, 0.6, 1.0, 3.0])
def test_after_a_pause_of_the_server_nothing_moves_faster_than_twice_its_speed(hz: int, pause: float) -> None:
    game = Mover(hz, Link(latency=0.03))
    assert game.play(4.0)[-60:] == pytest.approx([1.0] * 60, abs=0.02)
    game.network.suspend(game.backend, pause)
    steps = game.play(pause + 2.0)
    assert max(steps) <= 2.0
    assert min(steps) >= -0.6, "what was carried on in vain is taken back slowly"
    assert steps[-60:] == pytest.approx([1.0] * 60, abs=0.06)
    moved = game.seen[-1] / SPEED
    machine = game.backend.game_state_machine
    assert moved == pytest.approx(machine.game_time, abs=0.2), "all that it has moved in game time, and no more"
    assert machine.game_time <= game.network.now - pause + 0.25 + 2 / hz


def test_a_true_dt_shows_what_the_cap_is_good_for() -> None:
    game = Mover(60, Link(latency=0.03))
    game.backend.game_state_machine.max_dt = math.inf
    game.play(4.0)
    game.network.suspend(game.backend, 3.0)
    assert max(game.play(5.0)) > 5.0


def test_pauses_of_the_server_are_no_bad_weather() -> None:
    """A longer delay after a pause would show everything later, without a gain."""
    game = Mover(60, Link(latency=0.03))
    game.play(5.0)
    before = game.buffer.stats(now=game.network.now)
    for _ in range(4):
        game.network.suspend(game.backend, 0.4)
        game.play(4.0)
    after = game.buffer.stats(now=game.network.now)
    assert before is not None
    assert after is not None
    assert after.delay == pytest.approx(before.delay, abs=0.01)


@pytest.mark.parametrize("pause", [0.4, 2.0])
def test_the_server_judges_by_the_picture_that_was_shown_also_after_a_pause(pause: float) -> None:
    game = Mover(20, Link(latency=0.03))
    game.play(4.0)
    game.network.suspend(game.backend, pause)
    game.play(pause + 0.6)  # the picture's error is corrected
    for _ in range(20):
        game.play(FRAME)
        shown_at = game.buffer.playback_time(now=game.network.now)
        assert shown_at is not None
        assert game.history.at(shown_at)["x"] == pytest.approx(game.seen[-1], abs=0.5)


def test_a_state_stayed_as_it_was_until_the_end_of_the_pause() -> None:
    game = Mover(20, Link())
    game.play(2.0)
    before = game.backend.game_state_store.plumbing.committed
    game.network.suspend(game.backend, 3.0)
    game.network.run(3.1)
    newest = game.backend.game_state_store.plumbing.committed
    states = [snapshot for snapshot in game.client.snapshots if snapshot.tick > before.tick]
    first = states[0]
    assert first.time - before.time > 2.9
    assert first.time - first.changed_after == pytest.approx(0.25 + 1 / 40, abs=0.001)
    assert newest.span == pytest.approx(1 / 20, abs=0.001)


def test_a_history_knows_when_a_pause_ended() -> None:
    history = StateHistory(5.0, ["x"])
    history.push(1, 1.0, {"x": 0.0})
    history.push(2, 4.0, {"x": 10.0}, span=0.25)
    assert history.at(2.5)["x"] == 0.0
    assert history.at(3.75)["x"] == 0.0
    assert history.at(3.875)["x"] == pytest.approx(5.0)
    assert history.at(4.0)["x"] == 10.0
