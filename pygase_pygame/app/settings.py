"""The player's settings, kept in a file of the user's own."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from ..connect.remembered import MAX_SETTINGS_BYTES, MAX_TEXT, config_directory, write_whole
from ..juice.comfort import Comfort

_NAME: Final = "_settings.json"
"""Of the file. No game can have this one for its own, since `default_path` makes no underscore."""

_VOLUMES: Final = ("sound", "music")
_COMFORT: Final = ("shake", "flash")
_TEXTS: Final = ("name", "colour")


def settings_path() -> Path | None:
    """Return the file of the settings of all games; None without a home directory."""
    try:
        return config_directory() / "pygase" / _NAME
    except RuntimeError:  # no home directory
        return None


@dataclass
class Settings:
    """The settings of all games that this user plays. Change the attributes, then call :meth:`save`.

    :ivar path: the file; None: nothing is kept.
    :ivar name: the player's last name, or "".
    :ivar colour: the name of the wanted colour, or "". The server receives it in the profile.
    :ivar sound: the volume of sounds, 0 to 1.
    :ivar music: the volume of ``pygame.mixer.music``, 0 to 1.
    :ivar comfort: how strongly the screen may shake and flash.
    :ivar keys: the result of ``Controls.save()`` by the game's name.
    """

    path: Path | None = None
    name: str = ""
    colour: str = ""
    sound: float = 1.0
    music: float = 1.0
    comfort: Comfort = field(default_factory=Comfort)
    keys: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def load(cls, path: Path | None) -> Settings:
        """Return the settings of a file. Each part that is missing, torn or of another kind has its default."""
        settings, content = cls(path), _read(path)
        for name in _TEXTS:
            setattr(settings, name, _text(content.get(name)))
        for name in _VOLUMES:
            setattr(settings, name, _level(content.get(name)))
        for name in _COMFORT:
            setattr(settings.comfort, name, _level(content.get(name)))
        keys = content.get("keys")
        settings.keys = keys if isinstance(keys, dict) else {}
        return settings

    def save(self) -> None:
        """Write the file as a whole, or not at all. Keys that another program has stored for other games stay."""
        others = _read(self.path).get("keys")
        keys = {**(others if isinstance(others, dict) else {}), **self.keys}
        levels = {name: getattr(self, name) for name in (*_TEXTS, *_VOLUMES)}
        limits = {name: getattr(self.comfort, name) for name in _COMFORT}
        write_whole(self.path, json.dumps({**levels, **limits, "keys": keys}, ensure_ascii=False, indent=1))


def _read(path: Path | None) -> Mapping[str, Any]:
    try:
        if path is None or path.stat().st_size > MAX_SETTINGS_BYTES:
            return {}
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    return content if isinstance(content, dict) else {}


def _text(value: object) -> str:
    return value[:MAX_TEXT] if isinstance(value, str) else ""


def _level(value: object) -> float:
    if not isinstance(value, int | float) or isinstance(value, bool) or math.isnan(value):
        return 1.0
    return float(min(max(value, 0.0), 1.0))
