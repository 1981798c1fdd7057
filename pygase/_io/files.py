"""Small files that are replaced as a whole: after a crash at any moment, the old content is there, or the new one."""

from __future__ import annotations

import os
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Final

SHARING_PAUSES: Final = (0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.5)
"""Seconds between the tries to replace a file on Windows. A virus scanner or an indexer may have it open, mostly for
some milliseconds."""

_PRIVATE: Final = 0o600
"""The owner of the file may read and write it, and nobody else."""


def real_path(path: str | os.PathLike[str]) -> Path:
    """Return the absolute path without symbolic links, so that a link stays and its target is replaced."""
    return Path(os.path.realpath(path))


def replace_file(path: Path, data: bytes) -> None:
    """Give a file a new content, readable by its owner alone, or leave it as it is.

    The content is on the disk when the call returns: it survives the death of this process and of the machine.

    :param path: without symbolic links, see :func:`real_path`.
    :raises OSError: the file is as it was.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        _write_new(temporary, data)
        _rename(temporary, path)
    except BaseException:
        with suppress(OSError):
            temporary.unlink()
        raise
    _flush_folder(path.parent)


def remove_file(path: Path) -> None:
    """Remove a file, if there is one.

    :raises OSError: it cannot be removed.
    """
    path.unlink(missing_ok=True)
    _flush_folder(path.parent)


def remove_leftovers(path: Path) -> None:
    """Remove the temporary files of processes that died while they replaced this file."""
    for leftover in path.parent.glob(f".{_literal(path.name)}.*.tmp"):
        with suppress(OSError):
            leftover.unlink()


def read_file(path: Path, most_bytes: int) -> bytes | None:
    """Return the content of a file, and at most one byte more than ``most_bytes``; None if there is no file.

    :raises OSError: it cannot be read.
    """
    try:
        with path.open("rb") as file:
            return file.read(most_bytes + 1)
    except FileNotFoundError:
        return None


def objection_to(path: Path) -> str | None:
    """Return why a file cannot be kept at a path, and what to do; None if it can.

    A trial file is written beside it.
    """
    folder = path.parent
    if not folder.is_dir():
        return f"there is no folder {str(folder)!r}; make it first, or name a file in another folder"
    if path.is_dir():
        return f"{str(path)!r} is a folder; name a file in it"
    trial = path.with_name(f".{path.name}.{os.getpid()}.trial.tmp")
    try:
        _write_new(trial, b"")
        trial.unlink()
    except OSError as error:
        return (
            f"no file can be written in the folder {str(folder)!r} ({error.strerror or error}); give this user the "
            "right to write there, or name a file in another folder"
        )
    return None


def _write_new(path: Path, data: bytes) -> None:
    with suppress(FileNotFoundError):
        path.unlink()  # left by a dead process with the same number
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
    with open(os.open(path, flags, _PRIVATE), "wb") as file:
        file.write(data)
        file.flush()
        _flush(file.fileno())


def _flush(descriptor: int) -> None:
    """Wait until the content of a file is on the disk."""
    if sys.platform == "darwin":
        import fcntl

        with suppress(OSError):  # a file system that cannot do it has fsync
            fcntl.fcntl(descriptor, fcntl.F_FULLFSYNC)  # macOS: fsync leaves the content in the cache of the disk
            return
    os.fsync(descriptor)


def _rename(source: Path, target: Path) -> None:
    for pause in pauses():
        try:
            os.replace(source, target)
            return
        except PermissionError:
            time.sleep(pause)
    os.replace(source, target)


def pauses() -> tuple[float, ...]:
    """Return the seconds to wait between the tries to replace a file, on this system."""
    return SHARING_PAUSES if os.name == "nt" else ()


def _flush_folder(folder: Path) -> None:
    """Wait until the names in a folder are on the disk. Windows has no such call."""
    if not hasattr(os, "O_DIRECTORY"):
        return
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        with suppress(OSError):  # some network file systems refuse it for a folder
            os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _literal(name: str) -> str:
    """Return a file name as a pattern that matches it alone."""
    return "".join(f"[{letter}]" if letter in "*?[" else letter for letter in name)


class FileLock:
    """Marks a file as used by one running server. The system takes the mark away when the process dies.

    :param path: of the file. The mark is on an empty file beside it, which stays.
    """

    def __init__(self, path: Path) -> None:
        self._path = path.with_name(f".{path.name}.lock")
        self._descriptor: int | None = None

    def acquire(self) -> bool:
        """Return whether the file is marked now; False if another server uses it.

        :raises OSError: the mark cannot be made.
        """
        descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT, _PRIVATE)
        if not _is_locked(descriptor):
            os.close(descriptor)
            return False
        self._descriptor = descriptor
        return True

    def release(self) -> None:
        """May be called again."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


def _is_locked(descriptor: int) -> bool:
    try:
        if sys.platform == "win32":
            import msvcrt

            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
