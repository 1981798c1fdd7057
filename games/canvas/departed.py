"""Artists who have left while what they drew is still in the picture: for the host's list of players."""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from games.canvas.picture import Picture

_MOST_NAMES: Final = 1000
"""Names remembered; of who came long before, only the number is shown."""


class Departed:
    """Remembers the names of everybody who has been here."""

    def __init__(self) -> None:
        self._names: dict[int, str] = {}

    def follow(self, people: Mapping[int, Mapping[str, Any]]) -> None:
        """Take in who is here."""
        for number, person in people.items():
            if number not in self._names:
                self._names[number] = str(person["name"])
                if len(self._names) > _MOST_NAMES:
                    del self._names[next(iter(self._names))]

    def left(self, people: Iterable[int], picture: Picture) -> list[tuple[int, str]]:
        """Return number and name of everybody who is not here, and of whose strokes some are in the picture."""
        gone = sorted(picture.artists() - set(people))
        return [(number, self._names.get(number, f"artist {number}")) for number in gone]
