"""The game status, which every state has."""

from __future__ import annotations

from typing import Any, Final

from ..errors import InvalidValue
from ..utils import NamedEnum


class GameStatus(NamedEnum):
    """Whether the game loop runs: ``"Paused"`` (0) or ``"Active"`` (1)."""


GameStatus.register("Paused")
GameStatus.register("Active")

PAUSED: Final = GameStatus.get("Paused")


def checked_status(status: Any, whose: str) -> Any:
    """Return ``status`` if it is a value of :class:`GameStatus`.

    :param whose: name of the state or update in error messages.
    :raises InvalidValue: it is no such value.
    """
    if isinstance(status, int) and not isinstance(status, bool):
        try:
            GameStatus.get(int(status))
        except ValueError:
            pass
        else:
            return status
    raise InvalidValue(
        f'{whose}.game_status must be a GameStatus value, GameStatus.get("Paused") or GameStatus.get("Active"), '
        f"which are 0 and 1; got {status!r:.80}. It says whether the game loop runs; for phases of your own take "
        "another name, such as phase"
    )
