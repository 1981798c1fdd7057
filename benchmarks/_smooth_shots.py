"""Figures of rewind: somebody shoots at what their own screen shows, in virtual time, and the server judges it."""

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
"""Of the target, units a second."""

RADIUS = 6.0
"""Of the target: it moves on by that in 25 ms, and by 36 units during a round trip."""

ROUND = 100.0
"""Radius of the circle that it goes on, so that it is never where it has just been."""

RTT_150 = Link(latency=0.07, jitter=0.01)
"""150 ms there and back, on average."""

PATHS = ["target", "at"]
LIMIT = 1.0
"""Seconds that the server keeps."""

EXPLAINED = 0.15 + 4 * RTT_150.jitter + ServerConfig().view_delay + ServerConfig().rewind_slack
"""Seconds that the shooter's link explains at most: round trip with its jitter, interpolation delay, and the slack."""


@dataclass(frozen=True)
class Shot:
    """A shot, and what the server made of it.

    :ivar aim: where it went.
    :ivar judged_at: the moment of the server's time by which it is judged; ``now``: that of the tick that did so.
    :ivar rewound: how far it was off the target as history tells; ``off``: off where the target is by now.
    """

    aim: list[float]
    judged_at: float
    now: float
    rewound: float
    off: float

    @property
    def hits(self) -> bool:
        """Whether the server says so."""
        return self.rewound <= RADIUS

    @property
    def hits_without_rewind(self) -> bool:
        """Whether a server would say so that knows the present only."""
        return self.off <= RADIUS


class Gallery:
    """A target that goes round in a circle, and a server that judges shots at it by what the shooter saw.

    An input is an aim, or None in a tick without a shot. The state tells its own time, so that the moment which
    was judged can be told.

    :ivar shots: those judged so far. ``history``: what they are judged by.
    """

    def __init__(self, network: SimulatedNetwork, config: ServerConfig | None = None) -> None:
        self.network = network
        self.shots: list[Shot] = []
        self._held: Any = None  # a trigger that stays pressed is one shot
        self.backend = Backend(GameState(target=self.target(0.0), at=0.0), self.step, config=config)
        network.serve(self.backend, interval=TICK)
        self.history = self.backend.game_state_machine.keep_history(LIMIT, interpolate=PATHS)

    @staticmethod
    def target(time: float) -> list[float]:
        """Return where the target is at that time."""
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
    """Somebody who plays Gallery through a Session, 60 frames a second, and never misses on their own screen."""

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
        """Let a frame's time pass; aim at what is drawn, and perhaps fire."""
        self.network.run(TICK)
        shown = self.session.view()
        self.session.send_input(list(shown.target) if fire else None)

    def claim(self, aim: list[float] | None, view_time: float | None) -> None:
        """Fire (or not, if ``aim`` is None), and claim to have seen the world as of whatever time."""
        self.network.run(TICK)
        self.client.send_input(aim, view_time=view_time)


def shots_at_what_is_seen(seed: int, link: Link = RTT_150, count: int = 40) -> list[Shot]:
    """Let somebody fire at what their screen shows; return what the server made of it."""
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
    """Let somebody fire who claims to have seen what was so many seconds ago, at where the target was then."""
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
