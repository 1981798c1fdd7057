"""Paths in a state: keys joined by dots, with ``*`` for any key."""

from __future__ import annotations

from typing import Final

ANY_KEY: Final = "*"


def parts_of(path: str) -> tuple[str, ...]:
    """Return the keys of a path, as texts.

    :raises TypeError: the path is no text.
    :raises ValueError: the path is malformed.
    """
    if not isinstance(path, str):
        raise TypeError(f'a path is a str such as "players.*.position", not {path!r}')
    parts = tuple(path.split("."))
    if any(not part or (ANY_KEY in part and part != ANY_KEY) for part in parts):
        raise ValueError(f'the path {path!r} is malformed: keys joined by single dots, "*" for a whole key')
    return parts


def keys_of(part: str) -> tuple[str | int, ...]:
    """Return the keys that a part of a path means: the text, and the int if it is one."""
    try:
        number = int(part)
    except ValueError:
        return (part,)
    return (part, number) if str(number) == part else (part,)
