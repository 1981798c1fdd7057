"""Players that are functions of the server's program. Their inputs are decided some ticks before they count."""

from __future__ import annotations

import inspect
from collections import deque
from collections.abc import Callable
from typing import Any, Final, NamedTuple

from .._protocol.inputs import MAX_INPUT_BYTES
from .._protocol.played_inputs import PlayerInput
from .._state.event_codec import decode_input, encode_input
from .._state.shared_inputs import MOST_SHARED
from ..event import takes

BOT: Final = "pygase:bot"
"""The name of a bot's function in reports of failures."""

MOST_AHEAD: Final = MOST_SHARED - 1
"""Most ticks that a bot decides ahead: with the input of the tick itself, all that a state shares."""

_CONTAINERS: Final = frozenset({dict, list})

Report = Callable[[Exception, str], None]
"""Reports an exception of the function with that name."""


class BotRecord(NamedTuple):
    """A bot as a checkpoint keeps it.

    :ivar number: of its latest input.
    :ivar plan: its inputs of the next ticks, serialised.
    """

    client_id: int
    number: int
    plan: tuple[bytes, ...]


class _Planned(NamedTuple):
    """An input that waits for its tick. ``decided_at`` is on the server's clock, in seconds."""

    payload: bytes
    value: Any
    decided_at: float

    def given(self) -> Any:
        """Return the value for the game, which may change it."""
        return decode_input(self.payload) if type(self.value) in _CONTAINERS else self.value


class Bot:
    """One bot, and its plan: the inputs of the next ticks.

    :param decide: ``decide(game_state)``, or with a parameter ``client_id``; returns an input.
    :param ahead: ticks from a decision to the tick of the input.
    """

    def __init__(self, client_id: int, decide: Callable[..., Any], ahead: int) -> None:
        self.client_id = client_id
        self.number = 0
        self.plan: deque[_Planned] = deque()
        self._decide = decide
        self._ahead = ahead
        self._more = {"client_id": client_id} if takes(decide, "client_id") else {}

    def restore(self, record: BotRecord) -> None:
        """Go on with the plan of an earlier process."""
        self.number = record.number
        self.plan.extend(_Planned(payload, decode_input(payload), 0.0) for payload in record.plan)

    def record(self) -> BotRecord:
        """Return the bot as a checkpoint keeps it."""
        return BotRecord(self.client_id, self.number, tuple([each.payload for each in tuple(self.plan)]))

    def decide(self, game_state: Any, now: float) -> None:
        """Ask for the input that is due ``ahead`` ticks after the coming tick. The first one counts until then, too."""
        plan = self.plan
        if len(plan) > self._ahead:  # the last tick took none, or an earlier process decided further ahead
            return
        payload = encode_input(self._decide(game_state, **self._more), MAX_INPUT_BYTES)
        planned = _Planned(payload, decode_input(payload), now)
        while len(plan) <= self._ahead:
            plan.append(planned)

    def repeat(self) -> None:
        """Repeat the last input of the plan for a decision that failed."""
        if self.plan and len(self.plan) <= self._ahead:
            self.plan.append(self.plan[-1])

    def take(self) -> tuple[PlayerInput, list[bytes]] | None:
        """Return the input of the coming tick, and it and its followers serialised; None if there is none."""
        plan = self.plan
        if not plan:
            return None
        known = [each.payload for each in plan]
        first = plan.popleft()
        self.number += 1
        ahead = tuple([each.given() for each in plan])
        return PlayerInput(first.given(), self.number, 0, first.decided_at, ahead), known


class Bots:
    """The bots of a server, by client id.

    :ivar known: by client id, each bot's inputs of the latest tick and of the next ones, serialised.
    :ivar saved: the bots of an earlier process that the program has not made again yet, oldest first.
    """

    def __init__(self) -> None:
        self.known: dict[int, list[bytes]] = {}
        self.saved: deque[BotRecord] = deque()
        self._bots: dict[int, Bot] = {}

    def __contains__(self, client_id: object) -> bool:
        return client_id in self._bots

    def __len__(self) -> int:
        return len(self._bots)

    def add(self, bot: Bot) -> None:
        """Let a bot play; from any thread."""
        self._bots[bot.client_id] = bot

    def remove(self, client_id: int) -> bool:
        """Return whether there was such a bot; from any thread."""
        return self._bots.pop(client_id, None) is not None

    def records(self) -> tuple[BotRecord, ...]:
        """Return the bots as a checkpoint keeps them: those that the game knows, since they have played a tick."""
        return (*self.saved, *[bot.record() for bot in tuple(self._bots.values()) if bot.number])

    def decide(self, game_state: Any, now: float, report: Report) -> None:
        """Let each bot decide, at the beginning of a tick. If one raises an exception, its last input is repeated."""
        for bot in tuple(self._bots.values()):
            try:
                bot.decide(game_state, now)
            except Exception as error:
                bot.repeat()
                report(error, BOT)

    def take(self) -> dict[int, PlayerInput]:
        """Return the input of each bot for the tick that begins."""
        inputs, known = dict[int, PlayerInput](), dict[int, list[bytes]]()
        for client_id, bot in tuple(self._bots.items()):
            taken = bot.take()
            if taken is not None:
                inputs[client_id], known[client_id] = taken
        self.known = known
        return inputs


def check_bot(decide: Any, ahead: Any) -> None:
    """Refuse a bot that cannot play, before the game begins.

    :raises TypeError, ValueError: with what was expected.
    """
    if not callable(decide):
        raise TypeError(f"decide must be a function of (game_state) that returns an input, got {decide!r:.80}")
    if not isinstance(ahead, int) or isinstance(ahead, bool) or not 0 <= ahead <= MOST_AHEAD:
        raise ValueError(f"ahead must be a number of ticks from 0 to {MOST_AHEAD}, got {ahead!r:.80}")
    try:
        signature = inspect.signature(decide)
    except (TypeError, ValueError):  # some built-in functions have none
        return
    try:
        signature.bind(None, **({"client_id": 1} if takes(decide, "client_id") else {}))
    except TypeError as error:
        raise TypeError(
            f"decide is called with (game_state), and with client_id if it has a parameter of that name; yours takes "
            f"{signature}: {error}"
        ) from None
