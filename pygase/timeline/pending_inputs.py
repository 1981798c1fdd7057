"""A player's own inputs that the server has not confirmed yet."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any, NamedTuple


class Sent(NamedTuple):
    """One of the player's inputs."""

    number: int
    input: Any


class PendingInputs:
    """Keeps inputs for a replay.

    :param most: bound on their number, from 1 up. Beyond it the oldest are dropped.
    :param clean: returns a copy of an input, as the server receives it.
    :raises ValueError: ``most`` is out of its range.
    :ivar number: of the latest input; -1 before the first.
    :ivar dropped: number of inputs dropped.
    """

    def __init__(self, most: int, clean: Callable[[Any], Any]) -> None:
        if most < 1:
            raise ValueError(f"max_pending must be from 1 up, not {most!r}")
        self._most = most
        self._clean = clean
        self._pending: deque[Sent] = deque()
        self.number = -1
        self.dropped = 0

    def __len__(self) -> int:
        return len(self._pending)

    def reset(self) -> None:
        """Forget all inputs, and their numbers."""
        self._pending.clear()
        self.number = -1

    def add(self, input: Any, number: int) -> None:
        """Take an input.

        :raises ValueError: ``number`` is not higher than all others.
        :raises InvalidValue: the input cannot be sent.
        """
        if not number > self.number:
            raise ValueError(
                f"input {number!r} cannot follow input {self.number}: numbers rise from 0 up, one for each tick; "
                "reset() the predictor when a new connection begins"
            )
        sent = Sent(number, self._clean(input))
        if len(self._pending) >= self._most:
            self._pending.popleft()
            self.dropped += 1
        self._pending.append(sent)
        self.number = number

    def take_back(self, number: int) -> None:
        """Forget the latest input. ``number`` is of the one before it."""
        self._pending.pop()
        self.number = number

    def confirm(self, applied: int) -> None:
        """Forget the inputs up to this number."""
        while self._pending and self._pending[0].number <= applied:
            self._pending.popleft()

    def between(self, after: int, upto: int) -> list[Sent]:
        """Return the inputs with numbers above ``after``, up to ``upto``."""
        return [sent for sent in self._pending if after < sent.number <= upto]

    @property
    def newest(self) -> Any:
        """The latest unconfirmed input; None if there is none."""
        return self._pending[-1].input if self._pending else None
