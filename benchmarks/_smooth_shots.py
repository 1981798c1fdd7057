"""Figures of rewind, in virtual time: a client shoots at the target on its screen, and the server judges the shot."""

from __future__ import annotations

import math
import random
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pygase import Backend, Client, GameState, ServerConfig
from pygase.testing import Link, SimulatedNetwork
from pygase_pygame import Session

TICK = 1 / 60
SPEED = 240.0
"""Speed of the target, units a second."""

RADIUS = 6.0
"""Radius of the target: it moves by that in 25 ms, and by 36 units in a round trip."""

ROUND = 100.0
"""Radius of the target's circular path, so that it does not return to its last places."""

RTT_150 = Link(latency=0.07, jitter=0.01)
"""Round trip 150 ms on average."""

PATHS = ["target", "at"]
LIMIT = 1.0
"""Seconds of history at the server."""

EXPLAINED = 0.15 + 4 * RTT_150.jitter + ServerConfig().view_delay + ServerConfig().rewind_slack
"""Largest age of a view, in seconds, that the shooter's link explains: round trip and jitter, view delay, and slack."""


@dataclass(frozen=True)
class Shot:
    """A shot and its judgement.

    :ivar aim: the point that it was aimed at.
    :ivar judged_at: server time of the state that it is judged by. ``now``: server time of the judging tick.
    :ivar rewound: distance to the target in that state. ``off``: distance to the present target.
    """

    aim: list[float]
    judged_at: float
    now: float
    rewound: float
    off: float

    @property
    def hits(self) -> bool:
        """Whether the shot hits, by the server's judgement."""
        return self.rewound <= RADIUS

    @property
    def hits_without_rewind(self) -> bool:
        """Whether the shot would hit if the server judged by the present."""
        return self.off <= RADIUS


class Gallery:
    """A target on a circle, and a server that judges shots at it by the shooter's screen.

    An input is an aim, or None in a tick without a shot. The state holds its own time, so that a judgement shows its
    time.

    :ivar shots: the shots judged so far. ``history``: the states for the judgements.
    """

    def __init__(self, network: SimulatedNetwork, config: ServerConfig | None = None) -> None:
        self.network = network
        self.shots: list[Shot] = []
        self._held: Any = None  # a held trigger is one shot
        self.backend = Backend(GameState(target=self.target(0.0), at=0.0), self.step, config=config)
        network.serve(self.backend, interval=TICK)
        self.history = self.backend.game_state_machine.keep_history(LIMIT, interpolate=PATHS)

    @staticmethod
    def target(time: float) -> list[float]:
        """Return the place of the target at a time."""
        angle = time * SPEED / ROUND
        return [ROUND * math.cos(angle), ROUND * math.sin(angle)]

    def step(self, game_state: GameState, dt: float, inputs: Mapping[Any, Any]) -> dict[str, Any]:
        """Judge the shots of this tick, and move the target."""
        for each in inputs.values():
            if each.value is not None and each.value != self._held:
                self._judge(game_state, each.value, each.view_time)
            self._held = each.value
        return {"target": self.target(self.network.now), "at": self.network.now}

    def _judge(self, game_state: GameState, aim: list[float], view_time: float | None) -> None:
        seen = self.history.at(view_time)
        rewound, off = math.dist(seen["target"], aim), math.dist(game_state.target, aim)
        self.shots.append(Shot(aim, seen["at"], self.network.now, rewound, off))


class Shooter:
    """A player of Gallery with a Session, at 60 frames a second, that never misses on its own screen."""

    def __init__(self, network: SimulatedNetwork, link: Link = RTT_150) -> None:
        self.network = network
        self.client = client = Client()
        self.session = Session(
            client,
            clock=network.clock,
            connect=lambda: network.connect(client, link=link),
            interpolate=PATHS,
            tick=TICK,
        )
        self.session.connect()
        network.run_until(lambda: self.session.view().ready, 5.0)

    def frame(self, *, fire: bool = False) -> None:
        """Let the time of a frame pass, aim at the drawn target, and fire if asked to."""
        self.network.run(TICK)
        shown = self.session.view()
        self.session.send_input(list(shown.target) if fire else None)

    def claim(self, aim: list[float] | None, view_time: float | None) -> None:
        """Fire (unless ``aim`` is None), and claim any time of view."""
        self.network.run(TICK)
        self.client.send_input(aim, view_time=view_time)


def shots_at_what_is_seen(seed: int, link: Link = RTT_150, count: int = 40) -> list[Shot]:
    """Let a client fire at the target on its screen. Return the judged shots."""
    network, rng = SimulatedNetwork(seed), random.Random(seed)
    gallery = Gallery(network)
    network.run(rng.random() * TICK)
    shooter = Shooter(network, link)
    for _ in range(240):
        shooter.frame()
    for _ in range(count):
        for _ in range(rng.randrange(5, 30)):
            shooter.frame()
        shooter.frame(fire=True)
    for _ in range(60):
        shooter.frame()
    return gallery.shots


def shots_with_claims(seed: int, ages: list[float], config: ServerConfig | None = None) -> list[Shot]:
    """Let a client fire with false claims: at the target's place some seconds ago, with that time as its view."""
    network = SimulatedNetwork(seed)
    gallery = Gallery(network, config)
    shooter = Shooter(network)
    for _ in range(240):
        shooter.claim(None, None)
    for age in ages:
        told = shooter.client.server_time()
        assert told is not None
        shooter.claim(gallery.target(told - age), told - age)
        for _ in range(30):
            shooter.claim(None, None)
    return gallery.shots
