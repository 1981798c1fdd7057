"""Visible characters, which may have several code points: é, 👍🏽, a flag, a family."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator

_JOINER = "\u200d"


def clusters(text: str) -> Iterator[str]:
    """Yield the visible characters of a text, as a cursor moves.

    These are the extended grapheme clusters of Unicode Standard Annex #29 that people type in names: combining marks,
    variation selectors, skin tones, joined emoji, and flags. Hangul that is typed in parts stays in parts.
    """
    if text.isascii():
        yield from text
        return
    start = 0
    for index in range(1, len(text)):
        if not _belongs(text, start, index):
            yield text[start:index]
            start = index
    if text:
        yield text[start:]


def boundaries(text: str) -> list[int]:
    """Return the places of a cursor, from 0 to the length."""
    stops = [0]
    for cluster in clusters(text):
        stops.append(stops[-1] + len(cluster))
    return stops


def cut(text: str, max_length: int) -> str:
    """Return the longest start of a text with whole characters and ``max_length`` code points at most."""
    if len(text) <= max_length:
        return text
    return text[: max(stop for stop in boundaries(text[: max_length + 64]) if stop <= max_length)]


def is_joint(character: str) -> bool:
    """Return whether a code point invisibly joins others: a joiner, or part of a region's flag."""
    return character == _JOINER or "\U000e0020" <= character <= "\U000e007f"


def _belongs(text: str, start: int, index: int) -> bool:
    """Return whether a code point belongs to the character begun at ``start``."""
    character, before = text[index], text[index - 1]
    if unicodedata.category(character) in ("Mn", "Me") or is_joint(character) or _is_skin_tone(character):
        return True
    if before == _JOINER:
        return not character.isspace()
    return _is_flag_half(character) and _is_flag_half(before) and (index - start) == 1


def _is_skin_tone(character: str) -> bool:
    return "\U0001f3fb" <= character <= "\U0001f3ff"


def _is_flag_half(character: str) -> bool:
    return "\U0001f1e6" <= character <= "\U0001f1ff"
