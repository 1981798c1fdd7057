"""Whether something runs: a call begins it, and it ends once."""

from __future__ import annotations

import concurrent.futures
import threading
from typing import Any

from .._io.runner import done_future


class Life:
    """The newest life of a server, game loop or backend.

    :param complaint: the message of the error if it begins while it lasts.

    :ivar ended: done when it has ended.
    """

    def __init__(self, complaint: str) -> None:
        self.ended: concurrent.futures.Future[Any] = done_future()
        self._complaint = complaint
        self._lock = threading.Lock()

    @property
    def is_over(self) -> bool:
        """Whether it has ended."""
        return self.ended.done()

    def begin(self) -> None:
        """Begin a new one; from any thread.

        :raises RuntimeError: if one lasts.
        """
        with self._lock:
            if not self.ended.done():
                raise RuntimeError(self._complaint)
            self.ended = concurrent.futures.Future()

    def end(self) -> None:
        """End it. May be called again."""
        if not self.ended.done():
            self.ended.set_result(None)
