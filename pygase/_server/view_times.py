"""How far back a player's word about what they saw is believed.

Each input says which moment of the server's time was on the player's screen, and a judge looks back at that moment. A
client that claims an older moment than its screen showed would shoot at where everybody was. What an honest client saw
is explained by what the server knows itself:

    round trip                  measured by the server (``rtt`` and four times its ``jitter``, as RFC 6298 bounds it)
    + interpolation delay       2 ticks, or more where snapshots get lost: as many ticks as the measured ``loss`` takes
                                in a row once in 500 times; ``view_delay`` at least
    + ``rewind_slack``          the time that an input waits for its tick, and for another copy if one got lost

Nothing in it is the client's word, but for what any client can bring about: one that answers late has a long round trip
in all other respects, too.

Pure: no clock of its own. All times are seconds.
"""

from __future__ import annotations

import math
from typing import Final

from ..config import ServerConfig

PLAYED_BEHIND: Final = 2.0
"""Ticks that an adaptive playback stays behind on a link without loss; see :class:`~pygase.AdaptiveClock`."""

SELDOM: Final = 0.002
"""Share of the cases in which more snapshots may be lost in a row: what the adaptive playback tolerates, too."""

MOST_IN_A_ROW: Final = 10.0
"""Ticks in a row that are believed to be lost at most: a client that drops half of all snapshots gains no more."""


def most_rewind(rtt: float, jitter: float, loss: float, interval: float, config: ServerConfig) -> float:
    """Return how long ago the moment that a player saw can have been, in seconds, when the tick of the input begins.

    :param rtt, jitter, loss: of the player's connection, as the server measures them; see ``ConnectionStats``.
    :param interval: seconds from tick to tick.
    """
    in_a_row = math.log(SELDOM) / math.log(loss) if SELDOM < loss < 1.0 else PLAYED_BEHIND
    delay = max(config.view_delay, min(max(in_a_row, PLAYED_BEHIND), MOST_IN_A_ROW) * interval)
    return min(rtt + 4 * jitter + delay + config.rewind_slack, config.max_rewind)
