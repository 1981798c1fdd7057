"""A part of an update that is complete: what it does not have is removed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .._diagnostics.advice import type_name


class Whole:
    """In an update: exactly this is there now. What it does not have is removed::

        def time_step(game_state, dt):
            group.update(dt)
            return {"aliens": pygase.Whole({alien.key: alien.data() for alien in group})}

    Without it, a dict in an update is merged, and each key that has gone needs a ``TO_DELETE``. With it, the objects of
    a game can change in place and come and go; each tick shows them whole. Only the difference to the last state is
    sent.

    It stands at any depth of an update, or is the whole update: then attributes that it does not have are removed as
    well. Dicts inside it are whole, too. It has no place in a state, an event or a list.

    :param mapping: a dict of what can be sent; it is copied when the update is taken in.
    :raises TypeError: it is no dict.
    """

    __slots__ = ("mapping",)

    def __init__(self, mapping: Mapping[Any, Any]) -> None:
        if not isinstance(mapping, Mapping):
            raise TypeError(
                f"Whole(...) takes a dict, such as Whole({{key: data for ...}}), got {mapping!r:.80} "
                f"of type {type_name(mapping)}"
            )
        self.mapping = mapping if isinstance(mapping, dict) else dict(mapping)

    def __repr__(self) -> str:
        return f"Whole({self.mapping!r})"
