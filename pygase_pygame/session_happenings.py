"""The things that happen once in a session: what its prediction reports, matched with the server's events."""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Iterator, Mapping
from typing import Any, Final, NamedTuple

from pygase import Client, Happening, Happenings

_USUAL_TICK: Final = 1 / 60


class Report(NamedTuple):
    """An event of the server, of a type that the session matches."""

    name: str
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    tick: int | None
    late: float = 0.0

    @property
    def who(self) -> Any:
        """The first argument; None without one, or if it is no key."""
        return self.args[0] if self.args and isinstance(self.args[0], (int, str)) else None

    @property
    def others(self) -> tuple[Any, ...]:
        """The other arguments, those by name last."""
        return (*(self.args if self.who is None else self.args[1:]), *self.kwargs.values())


class SessionHappenings:
    """Matches the events of one session.

    Events arrive on the network's thread. They wait here until the main thread asks.

    :param types: of the events that are matched; a mapping has the ticks by which prediction and truth may differ.
    :param tick: seconds of a tick, if the session has them.
    :param predicts: whether a player's own part is predicted. Then ticks are counted by the player's inputs.
    :raises TypeError, ValueError: ``types`` makes no sense.
    :ivar happenings: where the prediction reports.
    """

    def __init__(
        self, client: Client, types: Collection[str] | Mapping[str, int], tick: float | None, *, predicts: bool
    ) -> None:
        if isinstance(types, str) or not all(isinstance(name, str) for name in types):
            raise TypeError(f'happenings must be a list of event types, such as ["SHOT"], got {types!r:.80}')
        self.types = frozenset(types)
        within = dict(types) if isinstance(types, Mapping) else {}
        self.happenings = Happenings(within, reported=self.types, interval=tick or _USUAL_TICK)
        self._client = client
        self._predicts = predicts
        self._arrived: deque[Report] = deque()
        self._drawn: deque[Report] = deque()

    def allow(self, within: int) -> None:
        """Set the ticks by which prediction and truth may differ, for all kinds that have no number of their own."""
        self.happenings.usual = within

    def forget(self) -> None:
        """A new connection begins: its numbers count anew."""
        self.happenings.reset()

    def add(self, report: Report) -> None:
        """Take an event that has arrived; from any thread."""
        self._arrived.append(report)

    def add_drawn(self, report: Report) -> None:
        """Take an event whose tick is drawn now; from any thread."""
        self._drawn.append(report)

    def unconfirming(self) -> Iterator[Report]:
        """Yield the events that have arrived and confirm nothing, so that they are to wait for their frame."""
        while self._arrived:
            report = self._arrived.popleft()
            if not self.happenings.hear(report.name, report.who, self._number(report.tick)):
                yield report

    def foretell(self, what: str, who: Any, args: tuple[Any, ...], number: int | None) -> None:
        """Take what the picture shows ahead of the server.

        :param number: of the newest input; None without prediction.
        """
        self.happenings.foretell(what, who, args, self._newest_tick() if number is None else number)

    def take(self) -> list[Happening]:
        """Return what has happened since the last call."""
        while self._drawn:
            report = self._drawn.popleft()
            tick = self._number(report.tick)
            self.happenings.happen(report.name, report.who, report.others, tick, report.late)
        if not self._predicts:
            self.happenings.settle(self._newest_tick())
        return self.happenings.take()

    def _newest_tick(self) -> int:
        snapshots = self._client.snapshots
        return snapshots[-1].tick if snapshots else 0

    def _number(self, tick: int | None) -> int | None:
        """Return the number of the player's input in a tick of the server; without prediction, the tick."""
        if tick is None or not self._predicts:
            return tick
        applied = self._client.input_applied(tick)
        if applied is not None:
            return applied
        newest = self._newest_tick()
        latest = self._client.input_applied(newest)
        return None if latest is None else latest - (newest - tick)
