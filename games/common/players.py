"""Numbers and names of players, for servers with clients and bots. Pure.

A client's number is its `client_id`, which is 1 or more. Bots have negative numbers. 0 is nobody.
"""

import random
from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final

from pygase import clean_name, unused_name

NOBODY: Final = 0


class BotNumbers:
    """Gives the numbers from -1 to -`count` in turn, so that a free one is reused as late as possible."""

    def __init__(self, count: int) -> None:
        self._count = count
        self._next = 0

    def take(self, taken: Collection[int]) -> int:
        """Return the next number not in `taken`, which has fewer than `count` negative numbers."""
        while True:
            number, self._next = -1 - self._next, (self._next + 1) % self._count
            if number not in taken:
                return number


def name_in(profile: Mapping[str, Any], taken: Collection[str]) -> str:
    """Return the name in a client's profile, made fit for the screen and different from all in `taken`."""
    return unused_name(clean_name(profile.get("name")), taken)


def bot_name(rng: random.Random, names: Sequence[str], taken: Collection[str], spare: str) -> str:
    """Return a random name that is not taken; if all are, `spare`, with a number if needed."""
    return unused_name(rng.choice([name for name in names if name not in taken] or [spare]), taken)
