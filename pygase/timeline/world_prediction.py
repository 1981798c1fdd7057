"""What a game says about the prediction of its whole world."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from .._state.state_paths import keys_of, parts_of
from .bodies import GlidingBodies
from .glide import Glide
from .silence import MAX_AHEAD
from .world_rules import Guess, Step, repeat_last, takes_tell

WORLD_WITHIN: Final = 8
"""Ticks by which a thing that happens may be predicted too early or too late: a hit of a body whose driver turned."""

MAX_INPUT_DELAY: Final = 15
"""Most ticks of ``input_delay``: a quarter of a second at 60 a second, which nobody wants to feel."""

COMFORTABLE_RTT: Final = 0.08
"""Seconds of round trip up to which "auto" delays nothing."""

MAX_AUTO_DELAY: Final = 4
"""Most ticks that "auto" delays inputs by."""

InputDelay = int | Literal["auto"]

Near = Callable[[Mapping[Any, Any], int | None], Mapping[Any, Any]]
"""``near(world, me) -> world``: the part of a world that is predicted."""


@dataclass(frozen=True)
class WorldPrediction:
    """Predict all that touches: the whole world, replayed from each truth with every player's inputs.

    ``WorldPrediction(rules.step, "world", glide=[Glide("cars.*", "x", "y"), Glide("ball", "x", "y")])`` is the
    ``predict=`` of a pygame session. The server runs the same step, see :func:`pygase.step_world`, and shares the
    players' inputs (``Backend(..., share_inputs=True)``). ``docs/physics.md`` is the guide.

    :param step: ``step(world, inputs) -> world``, one tick of the rules, or ``step(world, inputs, tell) -> world``. It
        may change ``world``, which is a copy, and must return the whole of it. ``inputs`` has the input of each player
        by client id. It must use no clock and no random numbers. ``tell("hit", who, x, y)`` reports what happens; each
        thing is handed out once, by ``Session.happenings``. The first argument is its owner.
    :param world: path of the world in the game state: keys joined by dots.
    :param glide: the bodies that glide when they are corrected, a :class:`pygase.Glide` or a list of them; all else
        steps. By default every float glides. Where the world is not predicted, the same rules interpolate it.
    :param guess: ``guess(client_id, last, age) -> input``, for an input that is not known: the player's last known one,
        and the ticks since. By default it is the last.
    :param input_delay: ticks by which the player's own inputs are shown later than they are sent, from 0 to 15. All
        guesses reach less far ahead by so much. ``"auto"``: none up to a round trip of 80 ms; beyond it half of the
        rest, 4 ticks at most.
    :param max_ahead: seconds without an answer of the server after which the world slows down and stands. Four ticks at
        least; ``math.inf``: never.
    :param within: ticks by which two reports of ``tell`` may differ and mean the same thing.
    :param near: ``near(world, me) -> world``, for worlds of many bodies: the part to predict, in the same shape, such
        as ``{**world, "cars": those_near(world["cars"], me)}``. ``me`` is the player's id. All else is interpolated by
        the rules of ``glide``, and a body that changes sides glides to its place within 0.3 s. The cost is that of the
        predicted bodies. Leave out what the player cannot touch soon, never the player's own body. ``world`` is read
        only. By default all is predicted.
    :raises TypeError, ValueError: a parameter makes no sense.
    """

    step: Step
    world: str
    glide: Glide | Iterable[Glide] = ()
    guess: Guess = repeat_last
    input_delay: InputDelay = 0
    max_ahead: float = MAX_AHEAD
    within: int = WORLD_WITHIN
    near: Near | None = None

    def __post_init__(self) -> None:
        takes_tell(self.step)
        parts_of(self.world)
        object.__setattr__(self, "glide", GlidingBodies(self.glide).glides)
        if not callable(self.guess):
            raise TypeError(f"guess must be a function of (client_id, last, age), not {self.guess!r}")
        delay = self.input_delay
        is_number = isinstance(delay, int) and not isinstance(delay, bool) and 0 <= delay <= MAX_INPUT_DELAY
        if delay != "auto" and not is_number:
            raise ValueError(f'input_delay must be ticks from 0 to {MAX_INPUT_DELAY}, or "auto", not {delay!r}')
        if not isinstance(self.max_ahead, (int, float)) or not self.max_ahead > 0:
            raise ValueError(f"max_ahead must be a number of seconds above 0, or math.inf, not {self.max_ahead!r}")
        if self.near is not None and not callable(self.near):
            raise TypeError(f"near must be a function of (world, me) that returns a part of it, not {self.near!r}")
        if not isinstance(self.within, int) or self.within < 0:
            raise ValueError(f"within must be a number of ticks from 0 up, not {self.within!r}")

    @property
    def glides(self) -> tuple[Glide, ...]:
        """The rules of ``glide``."""
        return GlidingBodies(self.glide).glides

    def part(self, world: Mapping[Any, Any], me: int | None) -> Mapping[Any, Any]:
        """Return the part of a world that is predicted for a player.

        :raises TypeError: ``near`` returned something else.
        """
        if self.near is None:
            return world
        part = self.near(world, me)
        if not isinstance(part, Mapping):
            raise TypeError(f'near must return a part of the world, such as {{**world, "cars": ...}}, not {part!r:.80}')
        return part

    def keys(self, game_state: Mapping[str, Any]) -> tuple[Any, ...] | None:
        """Return the keys that lead to the world of a state; None while there is none."""
        node: Any = game_state
        found: list[Any] = []
        for part in parts_of(self.world):
            key = next((key for key in keys_of(part) if isinstance(node, Mapping) and key in node), None)
            if key is None:
                return None
            node = node[key]
            found.append(key)
        return tuple(found) if isinstance(node, Mapping) else None


def wanted_delay(rtt: float, interval: float, current: int) -> int:
    """Return the ticks of delay that "auto" chooses: half of the round trip beyond 80 ms, at most 4.

    :param rtt: seconds.
    :param interval: seconds of a tick.
    :param current: the delay so far. It changes if the wanted one is three quarters of a tick away.
    """
    wanted = min(max((rtt - COMFORTABLE_RTT) / 2.0 / interval, 0.0), float(MAX_AUTO_DELAY))
    return round(wanted) if abs(wanted - current) > _HYSTERESIS else current


_HYSTERESIS: Final = 0.75
