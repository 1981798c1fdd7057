"""A checkpoint as lines for people: whose game it is, who plays, and the state. Its secrets are left out. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, Final

from .checkpoint import Checkpoint, ClientRecord

_MOST_COLUMNS: Final = 100
"""A dict or list that fits is one line; otherwise each of its items has its own."""

_MOST_LETTERS: Final = 400
"""Longest text or bytes that is shown whole."""


def checkpoint_lines(checkpoint: Checkpoint) -> Iterator[str]:
    """Yield the lines of a checkpoint."""
    yield from _about(checkpoint)
    yield ""
    count = len(checkpoint.clients)
    yield f"{count} client{'' if count == 1 else 's'}{':' if count else ''}"
    for client in checkpoint.clients:
        yield from _client(client)
    for bot in checkpoint.bots:
        yield f"  {bot.client_id}: a bot, which has planned {len(bot.plan)} ticks"
    yield ""
    yield "state:" if checkpoint.state else "an empty state"
    yield from _items(checkpoint.state, 1)


def _about(checkpoint: Checkpoint) -> Iterator[str]:
    rate = f", {1 / checkpoint.interval:g} ticks a second" if checkpoint.interval > 0 else ""
    yield f"checkpoint of {'the game ' + repr(checkpoint.game) if checkpoint.game else 'a game without a name'}"
    yield f"saved       {_date(checkpoint.wall_time)}"
    yield f"tick        {checkpoint.tick:,} after {checkpoint.game_time:,.1f} s of play{rate}"
    yield f"next id     {checkpoint.ids_below}"
    yield f"identity    {'kept here: invites stay valid' if checkpoint.identity else 'not kept here'}"
    if checkpoint.bans:
        yield f"banned      {', '.join(map(_ban, checkpoint.bans))}"


def _ban(ban: int | str) -> str:
    return f"client {ban}" if isinstance(ban, int) else ban


def _date(seconds: float) -> str:
    try:
        return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M:%S} UTC"
    except (OverflowError, ValueError, OSError):  # no year that a calendar has
        return f"{seconds:g} s after 1970"


def _client(client: ClientRecord) -> Iterator[str]:
    peer = client.peer
    words = [
        "left" if client.left is not None else "lost" if client.is_lost else "connected",
        *(["host"] if peer.is_host else []),
        *(["encrypted"] if peer.is_sealed else []),
        *(["new: the game has not handled its CLIENT_CONNECTED"] if client.is_new else []),
        *([f"{len(peer.waiting)} events to it without an answer"] if peer.waiting else []),
        *([f"{len(client.unhandled)} events of it not handled"] if client.unhandled else []),
    ]
    yield f"  {peer.client_id}: {_text(peer.address[0])} port {peer.address[1]}, {', '.join(words)}"
    if peer.profile:
        yield "    profile:"
        yield from _items(peer.profile, 3)


def _items(node: Any, depth: int) -> Iterator[str]:
    """Yield the lines of the items of a dict or list."""
    indent = "  " * depth
    for name, value in node.items() if isinstance(node, dict) else enumerate(node):
        head = f"{indent}{_key(name)}:"
        line = None if _is_long(value) else f"{head} {_text(value)}"
        if line is not None and (len(line) <= _MOST_COLUMNS or not isinstance(value, (dict, list))):
            yield line
        else:
            yield head
            yield from _items(value, depth + 1)


def _is_long(value: Any) -> bool:
    """Return whether a dict or list has so much in it that each item has its own line."""
    if not isinstance(value, (dict, list)):
        return False
    inner = list(value.values()) if isinstance(value, dict) else value
    return len(inner) > _MOST_COLUMNS or any(isinstance(each, (dict, list)) and each for each in inner)


def _key(name: Any) -> str:
    return name if isinstance(name, str) and name.isprintable() and name and ":" not in name else repr(name)


def _text(value: Any) -> str:
    """Return a value as Python writes it. Control characters of strangers are escaped, and long ones cut."""
    if isinstance(value, (str, bytes)) and len(value) > _MOST_LETTERS:
        unit = "letters" if isinstance(value, str) else "bytes"
        return f"{value[:_MOST_LETTERS]!r} … ({len(value):,} {unit})"
    return repr(value)
