"""What people take for one character, which Unicode may make of several: é, 👍🏽, a flag, a family."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator

_JOINER = "\u200d"


def clusters(text: str) -> Iterator[str]:
    """Yield a text character by character, as a cursor should move.

    This is what Unicode Standard Annex #29 calls extended grapheme clusters, as far as people type them in names: marks
    that combine, variation selectors, skin tones, what joiners hold together, and flags. Syllables of Hangul that are
    typed in parts, and the like, come in those parts.
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
    """Return where a cursor can stand, from 0 to the length."""
    stops = [0]
    for cluster in clusters(text):
        stops.append(stops[-1] + len(cluster))
    return stops


def cut(text: str, max_length: int) -> str:
    """Return as many of a text's first characters as have ``max_length`` code points together."""
    if len(text) <= max_length:
        return text
    return text[: max(stop for stop in boundaries(text[: max_length + 64]) if stop <= max_length)]


def is_joint(character: str) -> bool:
    """Tell whether a code point that nobody sees holds others together: a joiner, or a part of a region's flag."""
    return character == _JOINER or "\U000e0020" <= character <= "\U000e007f"


def _belongs(text: str, start: int, index: int) -> bool:
    """Tell whether a code point belongs to the character that began at ``start``."""
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
