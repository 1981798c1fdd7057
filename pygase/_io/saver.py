"""Saves to a file in a thread of its own, so that nobody waits for the disk."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from .files import replace_file
from .runner import start_thread

logger = logging.getLogger("pygase")

Make = Callable[[], bytes]


class Saver:
    """Replaces a file by the newest content. A content that is still waiting when a newer one arrives is not written.

    The thread begins with the first content, and ends when it has nothing to do.

    :param path: of the file, without symbolic links.
    :param what: the noun for the content in the log.
    :param write: writes a content to the path, or raises OSError.

    :ivar is_failing: whether the newest try has failed.
    :ivar at_once: whether ``save`` writes on the caller's thread and waits, as in virtual time.
    """

    def __init__(self, path: Path, what: str, write: Callable[[Path, bytes], None] = replace_file) -> None:
        self.path = path
        self.is_failing = False
        self.at_once = False
        self._what = what
        self._write = write
        self._waiting: tuple[Make, Callable[[], None]] | None = None
        self._changed = threading.Condition()
        self._is_at_work = False

    def save(self, make: Make, on_saved: Callable[[], None] = lambda: None) -> None:
        """Write a content soon. Does not wait.

        :param make: returns the content; called on the saver's thread, or never if a newer content arrives first.
        :param on_saved: called on that thread as soon as the content is on the disk.
        """
        with self._changed:
            self._waiting = make, on_saved
            if self._is_at_work:
                return
            self._is_at_work = True
        if self.at_once:
            self._work()
            return
        try:
            start_thread(self._work, "pygase-saver")
        except RuntimeError:  # the program ends, and CPython 3.12 starts no thread any more
            self._work()

    def finish(self, seconds: float) -> bool:
        """Wait until nothing waits to be written, at most some seconds; return whether that is so."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._is_at_work, seconds)

    def _work(self) -> None:
        while True:
            with self._changed:
                if self._waiting is None:
                    self._is_at_work = False
                    self._changed.notify_all()
                    return
                (make, on_saved), self._waiting = self._waiting, None
            if self._has_written(make):
                on_saved()

    def _has_written(self, make: Make) -> bool:
        try:
            self._write(self.path, make())
        except Exception as error:  # of any kind: the game goes on
            self._report(error)
            return False
        if self.is_failing:
            self.is_failing = False
            logger.info("the %s is saved again in %s", self._what, self.path)
        return True

    def _report(self, error: Exception) -> None:
        if not self.is_failing:  # once: each further try fails alike
            self.is_failing = True
            reason = getattr(error, "strerror", None) or repr(error)
            logger.error(
                "the %s could not be saved in %s: %s. The game goes on, and each save is tried again; make room on the "
                "disk, or give this user the right to write there",
                self._what,
                self.path,
                reason,
            )


class Rests:
    """Rests between short pieces of a long work, so that other threads need not wait for Python's global lock.

    Call it between two pieces.
    """

    WORK: Final = 0.0002
    """Seconds of work before a rest. A tick takes a few milliseconds, and releases the lock with each system call."""
    REST: Final = 0.001

    def __init__(self) -> None:
        self._rested_at = time.perf_counter()

    def __call__(self) -> None:
        if time.perf_counter() - self._rested_at > self.WORK:
            time.sleep(self.REST)
            self._rested_at = time.perf_counter()
