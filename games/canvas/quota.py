"""How much may come from one network address, whoever draws there, and however often they come anew.

Limits for each artist alone are none for somebody who connects again and again, as another artist each time. So what
comes from an address (a "host": one machine, or all that are behind one router) is counted together: what of it is in
the picture, and what comes in a second. It is enough for a class of 16 behind one router, all of whom draw.

Pure: times are seconds of any clock that only goes on.
"""

from typing import Final, NamedTuple

from games.canvas import rules


class Amount(NamedTuple):
    """Strokes begun, points, and bytes in the state."""

    strokes: float
    points: float
    size: float

    def plus(self, other: "Amount", times: float = 1) -> "Amount":
        """Return this and so many times the other."""
        return Amount(*(a + times * b for a, b in zip(self, other, strict=True)))

    def exceeds(self, most: "Amount") -> bool:
        """Return whether there is more of anything than may be."""
        return any(a > b for a, b in zip(self, most, strict=True))


NOTHING: Final = Amount(0, 0, 0)

HELD: Final = Amount(rules.MAX_PICTURE_STROKES // 2, 600_000, rules.MAX_PICTURE_BYTES // 2)
"""Most that may be in the picture from one address: half of what it takes, so that there is room for others."""

PER_SECOND: Final = Amount(60, 6_000, 20_000)
"""What 16 hands do that draw without a pause, and some more."""

SAVED_UP: Final = Amount(600, 60_000, 200_000)
"""What may come at once: all that waited while the connection of everybody behind a router hung for ten seconds."""

HOST_FULL: Final = "As much has been drawn from your network address as may be. Undo something to go on."
HOST_TOO_FAST: Final = "That was too much at once from your network address. Wait a moment."


def amount_of(piece: bytes, *, begins: bool) -> Amount:
    """Return how much a piece is; `begins`: it is the first of its stroke."""
    return Amount(int(begins), rules.point_count(piece), rules.cost(piece))


class Rates:
    """What comes from each address in a second (token buckets). As large as the number of addresses that draw."""

    def __init__(self) -> None:
        self._left: dict[str, tuple[float, Amount]] = {}  # when asked last, and what was left then

    def spend(self, host: str, amount: Amount, now: float) -> bool:
        """Return whether that much may come from an address now; if so, it is counted."""
        left = self._left_of(host, now)
        if amount.exceeds(left):
            return False
        self._left[host] = now, left.plus(amount, -1)
        return True

    def forget_idle(self, now: float) -> None:
        """Forget the addresses that have everything left again."""
        self._left = {host: entry for host, entry in self._left.items() if self._left_of(host, now) != SAVED_UP}

    def __len__(self) -> int:
        return len(self._left)

    def _left_of(self, host: str, now: float) -> Amount:
        at, left = self._left.get(host, (now, SAVED_UP))
        return Amount(*map(min, left.plus(PER_SECOND, now - at), SAVED_UP))
