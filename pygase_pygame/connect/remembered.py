"""The player's last texts, in a small file of the user's own."""

from __future__ import annotations

import getpass
import json
import logging
import os
import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

_logger = logging.getLogger(__name__)

MAX_SETTINGS_BYTES: Final = 64 * 1024
"""A larger file is not one of ours."""

MAX_TEXT: Final = 300
"""Characters of a text in the file."""


def login_name(default: str = "Player") -> str:
    """Return this user's login name, or ``default`` if the system knows none."""
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):  # the exception depends on the system
        return default


def config_directory() -> Path:
    """Return this system's directory for settings, which may not exist."""
    if sys.platform == "win32":
        return Path(os.environ.get("APPDATA") or Path.home() / "AppData" / "Roaming")
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Application Support"
    configured = os.environ.get("XDG_CONFIG_HOME", "")  # https://specifications.freedesktop.org/basedir-spec
    return Path(configured) if os.path.isabs(configured) else Path.home() / ".config"


def default_path(game: str) -> Path | None:
    """Return the file for a game, or None without a home directory."""
    name = re.sub(r"[^a-z0-9]+", "-", game.casefold()).strip("-")[:60] or "game"
    try:
        return config_directory() / "pygase" / f"{name}.json"
    except RuntimeError:  # no home directory
        return None


def write_whole(path: Path | None, text: str) -> None:
    """Replace a file as a whole, or not at all. A failure is logged.

    :param path: None: do nothing.
    """
    if path is None:
        return
    beside = path.with_name(f"{path.name}.{os.getpid()}.new")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with beside.open("w", encoding="utf-8", errors="replace") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())  # otherwise a power cut could leave the new name with nothing in it
        beside.replace(path)
    except OSError as error:
        _logger.info("the settings are not kept, since %s cannot be written: %s", path, error)


class Remembered:
    """A few texts by name. An unreadable file counts as empty. A failure to write is logged.

    :param path: of the file; None: remember nothing.
    """

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._texts = self._read()

    def get(self, name: str, default: str = "") -> str:
        """Return the text with this name."""
        return self._texts.get(name, default)

    def update(self, texts: Mapping[str, str]) -> None:
        """Store more texts. The file is replaced as a whole, or not at all."""
        changed = {**self._texts, **texts}
        if changed == self._texts:
            return
        self._texts = changed
        write_whole(self._path, json.dumps(changed, ensure_ascii=False, indent=1))

    def _read(self) -> dict[str, str]:
        try:
            if self._path is None or self._path.stat().st_size > MAX_SETTINGS_BYTES:
                return {}
            content = json.loads(self._path.read_text(encoding="utf-8"))
        except (OSError, ValueError, RecursionError):
            return {}
        if not isinstance(content, dict):
            return {}
        return {key: value[:MAX_TEXT] for key, value in content.items() if isinstance(value, str)}
