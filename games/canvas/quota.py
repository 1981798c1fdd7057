"""Limits for all clients of one network address together. Pure: times are seconds of a monotonic clock.

Limits for single artists do not stop a client that connects again and again. So the pieces of an address (a "host": one
machine, or all behind one router) are counted together: those in the picture, and those of a second. The limits are
enough for a class of 16.
"""

from typing import Final, NamedTuple

from games.canvas import rules


class Amount(NamedTuple):
    """Strokes begun, points, and bytes in the state."""

    strokes: float
    points: float
    size: float

    def plus(self, other: "Amount", times: float = 1) -> "Amount":
        """Return this amount plus `times` the other one."""
        return Amount(*(a + times * b for a, b in zip(self, other, strict=True)))

    def exceeds(self, most: "Amount") -> bool:
        """Return whether any of the three numbers is above the limit."""
        return any(a > b for a, b in zip(self, most, strict=True))


NO_AMOUNT: Final = Amount(0, 0, 0)

HELD: Final = Amount(rules.MAX_PICTURE_STROKES // 2, 600_000, rules.MAX_PICTURE_BYTES // 2)
"""Limit for the pieces of one address in the picture: half of it, to leave room for others."""

PER_SECOND: Final = Amount(60, 6_000, 20_000)
"""A little more than 16 hands that draw without a pause."""

SAVED_UP: Final = Amount(600, 60_000, 200_000)
"""Limit at once: ten seconds of drawing, after a whole router was stuck."""

HOST_FULL: Final = "Your network address has drawn its share of this picture. Undo something to go on."
HOST_TOO_FAST: Final = "Your network address draws too fast. Wait a moment."


def amount_of(piece: bytes, *, begins: bool) -> Amount:
    """Return the amount of a piece. `begins`: it is its stroke's first."""
    return Amount(int(begins), rules.point_count(piece), rules.cost(piece))


class Rates:
    """The rates of all addresses: token buckets. Memory grows with the number of active addresses."""

    def __init__(self) -> None:
        self._left: dict[str, tuple[float, Amount]] = {}  # seconds of the last check, and the amount left then

    def spend(self, host: str, amount: Amount, now: float) -> bool:
        """Return whether an address may add an amount at `now` (seconds), and count it if it may."""
        left = self._left_of(host, now)
        if amount.exceeds(left):
            return False
        self._left[host] = now, left.plus(amount, -1)
        return True

    def forget_idle(self, now: float) -> None:
        """Forget the addresses with a full bucket."""
        self._left = {host: entry for host, entry in self._left.items() if self._left_of(host, now) != SAVED_UP}

    def __len__(self) -> int:
        return len(self._left)

    def _left_of(self, host: str, now: float) -> Amount:
        at, left = self._left.get(host, (now, SAVED_UP))
        return Amount(*map(min, left.plus(PER_SECOND, now - at), SAVED_UP))
