"""A player's claimed view time is believed as far as the server's own measurements explain it, and no further."""

from __future__ import annotations

import logging
from typing import Any

import pytest

from pygase import Backend, Client, GameState, ServerConfig
from pygase._protocol.view_times import INTERRUPTED, PLAYBACK_DELAY, PLAYBACK_REMEMBERS, Interruptions, most_rewind
from pygase.testing import Link, SimulatedNetwork
from pygase.timeline.arrivals import LATE_WINDOW, MAX_DELAY
from pygase_pygame import Session

DEFAULTS = ServerConfig()
BELIEVES_ALL = ServerConfig(rewind_slack=1e6, max_rewind=1e6)


class Watched:
    """A server that records the age of each player's view, by the view times that it believes."""

    def __init__(self, seed: int, tick: float, config: ServerConfig = DEFAULTS) -> None:
        self.network = SimulatedNetwork(seed)
        self.tick = tick
        self.ages: list[float] = []
        self.backend = Backend(GameState(x=0.0), self.time_step, config=config)
        self.network.serve(self.backend, interval=tick)

    def time_step(self, game_state: GameState, dt: float, inputs: dict[Any, Any]) -> dict[str, float]:
        for given in inputs.values():
            if given.view_time is not None and not given.repeats:
                self.ages.append(self.network.now - given.view_time)
        return {"x": self.network.now}

    def plays(self, link: Link, seconds: float, delay: float | None = None) -> list[float]:
        """Let an honest player play through a Session; return the ages, without those of the first five seconds.

        (On a link of 600 ms inputs wait some ticks longer until it is known.)
        """
        client = Client()
        session = Session(
            client,
            clock=self.network.clock,
            connect=lambda: self.network.connect(client, link=link),
            interpolate=["x"],
            delay=delay,
            tick=self.tick,
        )
        session.connect()
        for _ in range(round(seconds * 60)):
            self.network.run(1 / 60)
            session.view()
            session.send_input([1])
        return self.ages[round(5 / self.tick) :]

    def claims(self, link: Link, age: float, seconds: float, host_token: str = "") -> list[float]:
        """Let a client play that claims a view of a certain age in each tick. Return the believed ages of the second
        half.

        Its acknowledgements and everything else are as an honest client's.
        """
        client = Client()
        self.network.connect(client, link=link, host_token=host_token)
        for _ in range(round(seconds / self.tick)):
            self.network.run(self.tick)
            if client.status == "connected":
                client.send_input([1], view_time=(client.server_time() or 0.0) - age)
        return self.ages[len(self.ages) // 2 :]


@pytest.mark.parametrize("tick", [1 / 60, 1 / 30, 1 / 20])
@pytest.mark.parametrize("rtt", [0.03, 0.15])
@pytest.mark.parametrize("age", [0.5, 1.0, 3.0])
def test_a_cheat_gains_no_more_than_delay_and_slack_over_the_round_trip(
    seed: int, tick: float, rtt: float, age: float
) -> None:
    watched = Watched(seed, tick)
    ages = watched.claims(Link(latency=rtt / 2), rtt + age, 10.0)
    allowed = rtt + max(DEFAULTS.view_delay, 2 * tick) + DEFAULTS.rewind_slack
    assert len(ages) > 4.0 / tick
    assert max(ages) == pytest.approx(allowed, abs=0.01), "to the last: the whole of it is cut"
    (connection,) = watched.backend.server.connections.values()
    assert connection.view_time is not None
    assert watched.network.now - connection.view_time <= allowed + 0.01, "nor do events, which are judged by that"


def test_who_claims_a_second_at_30_ms_round_trip_gets_a_third_of_one(seed: int) -> None:
    watched = Watched(seed, 1 / 60)
    ages = watched.claims(Link(latency=0.015), 1.0, 10.0)
    assert 0.3 < min(ages) <= max(ages) < 0.34


@pytest.mark.parametrize("tick", [1 / 60, 1 / 20])
@pytest.mark.parametrize(
    "link",
    [
        Link(latency=0.07, jitter=0.01),
        Link(latency=0.055, jitter=0.04, loss=0.05),
        Link(latency=0.055, jitter=0.04, loss=0.1),
        Link(latency=0.3, jitter=0.005),
    ],
    ids=["150 ms", "150 ms, 40 ms jitter, 5 % loss", "150 ms, 40 ms jitter, 10 % loss", "600 ms"],
)
def test_nothing_is_cut_of_what_an_honest_player_saw(seed: int, link: Link, tick: float) -> None:
    believed = Watched(seed, tick).plays(link, 15.0)
    told = Watched(seed, tick, BELIEVES_ALL).plays(link, 15.0)
    assert believed == told
    assert max(told) > 0.15


def test_a_game_that_stays_behind_by_choice_says_so(seed: int, caplog: pytest.LogCaptureFixture) -> None:
    link, tick = Link(latency=0.03), 1 / 60
    told = Watched(seed, tick, BELIEVES_ALL).plays(link, 10.0, delay=0.4)
    assert Watched(seed, tick).plays(link, 10.0, delay=0.4) != told
    assert caplog.text.count("ServerConfig(view_delay=0.3)") == 1, "once, however long it goes on"
    caplog.clear()
    assert Watched(seed, tick, ServerConfig(view_delay=0.4)).plays(link, 10.0, delay=0.4) == told
    assert caplog.text == ""


def test_a_spike_of_the_round_trip_is_no_reason_for_a_warning(seed: int, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING)
    watched = Watched(seed, 1 / 60)
    watched.claims(Link(latency=0.015), 1.0, 1.5)
    assert "claims to see" not in caplog.text


def test_the_player_who_hosts_the_game_in_the_same_process_is_not_suspected(
    seed: int, caplog: pytest.LogCaptureFixture
) -> None:
    for is_own in (False, True):
        watched = Watched(seed, 1 / 60)
        token = watched.backend.server.own_token if is_own else ""
        ages = watched.claims(Link(latency=0.0), 0.42, 10.0, token)
        assert max(ages) < 0.4, "the bound is the same"
        assert ("claims to see" in caplog.text) is not is_own
        caplog.clear()


def test_an_older_view_after_an_interruption_is_as_old_as_a_playback_lets_it_become() -> None:
    assert (PLAYBACK_DELAY, PLAYBACK_REMEMBERS) == (MAX_DELAY, LATE_WINDOW)
    interruptions, tick = Interruptions(), 1 / 60
    for number in range(100):
        interruptions.note(number % 3 * tick, tick, number * tick)
    assert interruptions.excuse(100 * tick) == 0.0
    for missing, now in ((INTERRUPTED, 2.0), (0.0, 2.0 + tick + INTERRUPTED)):
        interruptions = Interruptions()
        for at in (2.0 - tick, 2.0, now):
            interruptions.note(missing, tick, at)
        assert interruptions.excuse(now + PLAYBACK_REMEMBERS - 0.1) == PLAYBACK_DELAY
        assert interruptions.excuse(now + PLAYBACK_REMEMBERS + 0.1) == 0.0


@pytest.mark.parametrize("rewound", [0.2, 1.0])
def test_the_limit_of_a_second_is_the_servers_to_choose(seed: int, rewound: float) -> None:
    config = ServerConfig(max_rewind=rewound, rewind_slack=5.0)
    ages = Watched(seed, 1 / 60, config).claims(Link(latency=0.03), 3.0, 5.0)
    assert max(ages) <= rewound + 1e-9


@pytest.mark.parametrize("loss", [0.0, 0.04, 0.05, 0.3, 0.99, 1.0])
def test_losses_in_a_row_explain_some_ticks_more_but_not_any_number(loss: float) -> None:
    delay = most_rewind(0.0, 0.0, loss, 0.1, ServerConfig(max_rewind=100.0, rewind_slack=1e-9))
    assert 2 * 0.1 <= delay <= 10 * 0.1 + 1e-6


def test_a_steady_link_explains_round_trip_delay_and_slack() -> None:
    assert most_rewind(0.15, 0.0, 0.0, 1 / 60, DEFAULTS) == pytest.approx(0.15 + 0.1 + 0.2)
    assert most_rewind(0.15, 0.02, 0.0, 1 / 10, DEFAULTS) == pytest.approx(0.15 + 0.08 + 0.2 + 0.2)
    assert most_rewind(2.0, 0.5, 0.5, 1 / 10, DEFAULTS) == 1.0
