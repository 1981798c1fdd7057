"""The artists that have left strokes behind, for the host's list."""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from games.canvas.picture import Picture

_MOST_REMEMBERED: Final = 1000
"""Names remembered. Older artists appear by number."""


class Departed:
    """Remembers the names of all artists."""

    def __init__(self) -> None:
        self._names: dict[int, str] = {}

    def follow(self, people: Mapping[int, Mapping[str, Any]]) -> None:
        """Record the names of the present artists."""
        for number, person in people.items():
            if number not in self._names:
                self._names[number] = str(person["name"])
                if len(self._names) > _MOST_REMEMBERED:
                    del self._names[next(iter(self._names))]

    def left(self, people: Iterable[int], picture: Picture) -> list[tuple[int, str]]:
        """Return number and name of every absent artist with strokes in the picture."""
        gone = sorted(picture.artists() - set(people))
        return [(number, self._names.get(number, f"artist {number}")) for number in gone]
