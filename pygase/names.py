"""Texts of strangers, made fit for a screen: names and other single lines. Pure, for servers and clients.

A client may send anything as its player's name, as a chat message, or as a server's own words.
"""

import unicodedata
from collections.abc import Collection, Iterator
from typing import Final

LONGEST_NAME: Final = 16
"""Characters of a name."""

NAMELESS: Final = "Player"
"""The name of a player who gave none."""

LONGEST_LINE: Final = 400
"""Characters of a line, unless the caller asks for another length."""

_MAX_NAME_READ: Final = 256
"""Characters of a name that are read: a longer text must not keep the server busy."""

_VARIATION_SELECTORS: Final = frozenset(map(chr, range(0xFE00, 0xFE10)))
"""They select the look of the character before them, most often of an emoji."""

_MAX_ACCENTS: Final = 2
"""Accents on one letter. More of them grow over the lines above and below."""


def clean_name(name: object) -> str:
    """Return a name that can be shown: one line, 1 to 16 characters.

    Letters of all scripts stay. Emoji are removed, since the fonts of games lack them. Invisible characters and those
    that turn the direction of writing are removed. Anything but a str, and a text of which nothing is left, becomes
    "Player".
    """
    text = unicodedata.normalize("NFC", name[:_MAX_NAME_READ]) if isinstance(name, str) else ""
    words = "".join(_shown(text)).split()
    return " ".join(words)[:LONGEST_NAME].strip() or NAMELESS


def unused_name(name: str, taken: Collection[str]) -> str:
    """Return the name, with a number if one of ``taken`` is the same but for capitals: "Ada", "Ada 2", "Ada 3"."""
    known = {other.casefold() for other in taken}
    if name.casefold() not in known:
        return name
    for number in range(2, len(known) + 3):
        ending = f" {number}"
        numbered = name[: LONGEST_NAME - len(ending)].rstrip() + ending
        if numbered.casefold() not in known:
            return numbered
    raise AssertionError("more numbers than names were tried")


def clean_line(text: object, max_length: int = LONGEST_LINE) -> str:
    """Return a text as one line that can be shown and sent: "" for anything but a str.

    Control characters and invisible ones become spaces, and several spaces become one. Broken characters (surrogates)
    become "?".

    :param max_length: most characters of the line.
    """
    if not isinstance(text, str):
        return ""
    text = text[: 4 * max_length].encode("utf-8", "replace").decode("utf-8")
    printable = "".join(character if character.isprintable() else " " for character in text)
    return " ".join(printable.split())[:max_length].strip()


def _shown(text: str) -> Iterator[str]:
    accents = 0
    for char in text:
        category = unicodedata.category(char)
        accents = accents + 1 if category == "Mn" else 0
        if char.isascii() and char.isprintable():
            yield char
        elif category in ("Cc", "Zl", "Zp", "Zs"):
            yield " "
        elif category == "Mn":
            yield char if accents <= _MAX_ACCENTS and char not in _VARIATION_SELECTORS else ""
        elif category[0] in "LNP" or category in ("Mc", "Sc", "Sm"):
            yield char
