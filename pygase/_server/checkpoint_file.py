"""The file of a backend's checkpoints: read when the backend is made, and replaced while it runs."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from .._io.files import FileLock, objection_to, read_file, real_path, remove_leftovers, replace_file
from .._io.saver import Make, Saver
from ..errors import CheckpointUnusable
from .checkpoint import MAX_CHECKPOINT_BYTES, Checkpoint, Unreadable, decode

LAST_SAVE_WITHIN: Final = 5.0
"""Seconds for which the end of a server waits for its last save. A disk that is slower than this is broken."""

Signature = tuple[int, int] | None
"""The time and the size of a file; None without one."""


_ANY_NUMBER: Final = 2**62


def read_checkpoint(path: str) -> Checkpoint:
    """Return the checkpoint in a file, of whatever game. The file may be in use.

    :raises CheckpointUnusable: there is no such file, or it is no checkpoint that this PyGaSe can read; says why.
    """
    try:
        data = read_file(real_path(path), MAX_CHECKPOINT_BYTES)
    except OSError as error:
        raise CheckpointUnusable(f"{path} cannot be read: {error.strerror or error}") from None
    if data is None:
        raise CheckpointUnusable(f"there is no file {path!r}")
    try:
        return decode(data, _ANY_NUMBER)
    except Unreadable as refused:
        raise CheckpointUnusable(f"{path} {refused}") from None


class CheckpointFile:
    """The file, and the checkpoint that it held when this object was made.

    :param path: as the program has given it.
    :param game: the name of the game.
    :param max_state_values: most values of a state.
    :raises TypeError: the path is neither a str nor a Path.
    :raises CheckpointUnusable: no file can be kept there, or the file is no checkpoint of this game. It stays as it is.

    :ivar loaded: the checkpoint; None without a file.
    """

    def __init__(self, path: Any, game: str, max_state_values: int) -> None:
        if not isinstance(path, (str, os.PathLike)) or not os.fspath(path):
            raise TypeError(f"checkpoint must be the path of a file, such as 'game.checkpoint', got {path!r:.100}")
        self.path = real_path(path)
        objection = objection_to(self.path)
        if objection is not None:
            raise CheckpointUnusable(f"checkpoint={os.fspath(path)!r}: {objection}")
        remove_leftovers(self.path)
        self._lock = FileLock(self.path)
        self._saver = Saver(self.path, "checkpoint", self._write)
        self._is_virtual = False
        self._signature = self._signature_now()
        self.loaded = self._load(game, max_state_values)

    def _load(self, game: str, max_state_values: int) -> Checkpoint | None:
        try:
            data = read_file(self.path, MAX_CHECKPOINT_BYTES)
            loaded = decode(data, max_state_values) if data is not None else None
            if loaded is not None and loaded.game != game:
                raise Unreadable(f"is of the game {loaded.game!r}, and this game is {game!r}")
        except OSError as error:
            raise self._unusable(f"cannot be read: {error.strerror or error}") from None
        except Unreadable as refused:
            raise self._unusable(str(refused)) from None
        return loaded

    def _unusable(self, words: str) -> CheckpointUnusable:
        return CheckpointUnusable(
            f"the checkpoint {self.path} {words}. The file stays as it is; to begin a new game, move it away or name "
            "another file"
        )

    # -- one server at a time ----------------------------------------------------------------------------------------

    def live_in_virtual_time(self) -> None:
        """Save without a thread, and leave it to the test how many servers use the file."""
        self._is_virtual = self._saver.at_once = True

    def claim(self) -> None:
        """Begin to use the file.

        :raises CheckpointUnusable: another server uses it, or has used it since this object was made.
        """
        if self._is_virtual:
            return
        try:
            is_ours = self._lock.acquire()
        except OSError as error:
            raise CheckpointUnusable(f"the checkpoint {self.path} cannot be marked as used: {error}") from None
        if not is_ours:
            raise CheckpointUnusable(
                f"another running server uses the checkpoint {self.path}; end it first, or name another file"
            )
        if self._signature_now() != self._signature:
            self._lock.release()
            raise CheckpointUnusable(
                f"another server has saved the checkpoint {self.path} since this Backend was made; make a new Backend, "
                "which loads it"
            )

    def release(self) -> None:
        """Let others use the file. May be called again."""
        self._lock.release()

    def _signature_now(self) -> Signature:
        try:
            status = self.path.stat()
        except OSError:
            return None
        return status.st_mtime_ns, status.st_size

    # -- saving ------------------------------------------------------------------------------------------------------

    @property
    def is_failing(self) -> bool:
        """Whether the newest save has failed."""
        return self._saver.is_failing

    def save(self, make: Make, on_saved: Callable[[], None]) -> None:
        """See Saver."""
        self._saver.save(make, on_saved)

    def finish(self) -> bool:
        """Wait for the last save; return whether it has ended in time."""
        return self._saver.finish(LAST_SAVE_WITHIN)

    def _write(self, path: Path, data: bytes) -> None:
        replace_file(path, data)
        self._signature = self._signature_now()
