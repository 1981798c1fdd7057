"""The life of a server, game loop or backend: a call begins it, and it ends once."""

from __future__ import annotations

import concurrent.futures
import threading
from typing import Any

from .._io.runner import done_future


class Life:
    """:param complaint: the message of the error in :meth:`begin`.

    :ivar ended: done when the newest life has ended.
    """

    def __init__(self, complaint: str) -> None:
        self.ended: concurrent.futures.Future[Any] = done_future()
        self._complaint = complaint
        self._lock = threading.Lock()

    @property
    def is_over(self) -> bool:
        return self.ended.done()

    def begin(self) -> None:
        """Begin a new life; from any thread.

        :raises RuntimeError: the newest life has not ended.
        """
        with self._lock:
            if not self.ended.done():
                raise RuntimeError(self._complaint)
            self.ended = concurrent.futures.Future()

    def end(self) -> None:
        """May be called again."""
        if not self.ended.done():
            self.ended.set_result(None)
