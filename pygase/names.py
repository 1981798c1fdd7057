"""Names that people give themselves, made fit to be shown: pure, for servers, which must not trust what they get."""

import unicodedata
from collections.abc import Collection, Iterator
from typing import Final

LONGEST_NAME: Final = 16  # characters
NAMELESS: Final = "Player"

_MOST_READ: Final = 256  # characters; nobody's name is longer, and nobody shall keep the server busy with it
_VARIANTS: Final = frozenset(map(chr, range(0xFE00, 0xFE10)))  # say how a character looks, most often an emoji
_MOST_MARKS: Final = 2  # accents on one letter; with more, letters grow over the lines above and below


def clean_name(name: object) -> str:
    """Return a name that can be shown, whatever somebody sent: at most 16 characters, one line, never empty.

    Letters of all scripts stay. Pictures (emoji) go, since game fonts have none, and so does what is invisible or turns
    the direction of writing.
    """
    text = unicodedata.normalize("NFC", name[:_MOST_READ]) if isinstance(name, str) else ""
    words = "".join(_shown(text)).split()
    return " ".join(words)[:LONGEST_NAME].strip() or NAMELESS


def unused_name(name: str, taken: Collection[str]) -> str:
    """Return the name, with a number if one of `taken` is the same but for capitals: "Ada", "Ada 2", "Ada 3"."""
    known = {other.casefold() for other in taken}
    if name.casefold() not in known:
        return name
    for number in range(2, len(known) + 3):
        ending = f" {number}"
        numbered = name[: LONGEST_NAME - len(ending)].rstrip() + ending
        if numbered.casefold() not in known:
            return numbered
    raise AssertionError("more numbers than names were tried")


def _shown(text: str) -> Iterator[str]:
    marks = 0
    for char in text:
        category = unicodedata.category(char)
        marks = marks + 1 if category == "Mn" else 0
        if char.isascii() and char.isprintable():
            yield char
        elif category in ("Cc", "Zl", "Zp", "Zs"):
            yield " "
        elif category == "Mn":
            yield char if marks <= _MOST_MARKS and char not in _VARIANTS else ""
        elif category[0] in "LNP" or category in ("Mc", "Sc", "Sm"):
            yield char
