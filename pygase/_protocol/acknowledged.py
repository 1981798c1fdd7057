"""The type of a serialised event whose sender learns that it has arrived.

A module of its own, since mypyc cannot compile a subclass of bytes: this module stays interpreted.
"""

from __future__ import annotations


class AcknowledgedEvent(bytes):
    """A serialised event whose arrival its sender learns: to drop it would be a gap that nobody notices."""

    __slots__ = ()
