"""The bound on the view time that a client claims.

Each input carries the moment of the server's time that was on the player's screen, and a judge looks back at that
moment. A false client would claim an older moment, to shoot at former places. So the server bounds it by its own
measurements:

    round trip                  measured by the server (``rtt`` and four times its ``jitter``, as RFC 6298 bounds it)
    + interpolation delay       2 ticks, or more where snapshots get lost: as many ticks as the measured ``loss`` takes
                                in a row once in 500 times; ``view_delay`` at least
    + ``rewind_slack``          the time that an input waits for its tick, and for another copy if one got lost

A client can only answer late to raise the bound, and then its round trip is long in all other respects. All times are
seconds.
"""

from __future__ import annotations

import math
from typing import Final

from ..config import ServerConfig

PLAYED_BEHIND: Final = 2.0
"""Ticks that an adaptive playback stays behind on a link without loss; see :class:`~pygase.AdaptiveClock`."""

SELDOM: Final = 0.002
"""Share of the cases in which more snapshots may be lost in a row, as in the adaptive playback."""

MOST_IN_A_ROW: Final = 10.0
"""Most ticks in a row that count as lost: a client that drops half of all snapshots gains no more."""

PLAYBACK_DELAY: Final = 0.5
"""Most seconds that an adaptive playback stays behind on any link."""

PLAYBACK_REMEMBERS: Final = 40.0
"""Seconds for which it remembers late snapshots, and stays further behind because of them."""

INTERRUPTED: Final = 0.1
"""Seconds without an input of a player, or without a tick, that may make snapshots late as well."""


class Interruptions:
    """Notes the interruptions between a player and the game. After one an honest player's playback may stay
    ``PLAYBACK_DELAY`` behind for a while, and nobody has chosen that."""

    __slots__ = ("_taken_at", "_until")

    def __init__(self) -> None:
        self._taken_at = math.inf
        self._until = -math.inf

    def note(self, missing: float, interval: float, now: float) -> None:
        """Note a tick of the player.

        :param missing: seconds for which the player's input has been missing.
        :param interval: seconds from tick to tick.
        """
        if missing >= INTERRUPTED or now - self._taken_at - interval >= INTERRUPTED:
            self._until = now + PLAYBACK_REMEMBERS
        self._taken_at = now

    def excuse(self, now: float) -> float:
        """Return by how many seconds the player's view may be older without a word in the log."""
        return PLAYBACK_DELAY if now < self._until else 0.0


def most_rewind(rtt: float, jitter: float, loss: float, interval: float, config: ServerConfig) -> float:
    """Return the greatest age of a view time at the beginning of the input's tick, in seconds.

    :param rtt, jitter, loss: see ``ConnectionStats``.
    :param interval: seconds from tick to tick.
    """
    in_a_row = math.log(SELDOM) / math.log(loss) if SELDOM < loss < 1.0 else PLAYED_BEHIND
    delay = max(config.view_delay, min(max(in_a_row, PLAYED_BEHIND), MOST_IN_A_ROW) * interval)
    return min(rtt + 4 * jitter + delay + config.rewind_slack, config.max_rewind)
