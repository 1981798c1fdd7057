"""A serialised event whose sender learns of its arrival. mypyc cannot compile a subclass of bytes, so this module of
its own stays interpreted."""

from __future__ import annotations


class AcknowledgedEvent(bytes):
    """To drop it would leave a gap that nobody notices."""

    __slots__ = ()
