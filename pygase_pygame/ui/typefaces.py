"""The fonts: one that is installed with the adapter, and the system's for what it lacks."""

from __future__ import annotations

import functools
import unicodedata
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pygame

FONT: Final = Path(__file__).parent / "fonts" / "DejaVuSansCondensed.ttf"
"""DejaVu Sans Condensed 2.37, whose licence lies beside it."""

EM_SHARE: Final = 0.66
"""Height of the em in text heights: then text is as wide as in pygame's own font, for which games have laid out."""

SHARP_FROM: Final = 9
"""Pixels of an em below which letters run together. Smaller text is drawn twice as large and made smaller."""

MISSING_GLYPH: Final = "?"
"""Stands for a character that no font has, and that has no other form."""

SYSTEM_FONTS: Final = (
    *(
        "notosanscjkjp",
        "notosanscjksc",
        "notosanscjk",
        "sourcehansans",
        "wqymicrohei",
        "wqyzenhei",
        "droidsansfallback",
    ),
    *("yugothic", "msgothic", "microsoftyahei", "malgungothic", "segoeuisymbol", "segoeuiemoji"),
    *("hiraginosans", "hiraginosansgb", "pingfangsc", "applesdgothicneo", "applesymbols"),
    *("notosansarabic", "notosansdevanagari", "notosansthai", "notoemoji", "notosanssymbols2", "symbola", "unifont"),
)
"""Names of fonts with Chinese, Japanese and Korean signs, other scripts and emoji, as pygame spells them."""

_NO_CHARACTER: Final = "\uffff"
"""A code point that no font has: its picture is the box."""

_LONGEST_PICTURE_NAME: Final = 24
_MOST_SIGNS: Final = 4096


class Typeface:
    """All fonts at one height of text. A text is drawn by several fonts if one does not have all its characters.

    :param size: height of the text in pixels.
    """

    def __init__(self, size: int) -> None:
        em = max(round(size * EM_SHARE), 1)
        self._finer = 2 if em < SHARP_FROM else 1
        self._em = em * self._finer
        self._font = pygame.font.Font(str(FONT), self._em)
        self._others: dict[str, pygame.font.Font] = {}
        self._places: dict[str, tuple[str, str]] = {}

    def height(self) -> int:
        """Return the height of a line in pixels."""
        return -(-self._font.size("|")[1] // self._finer)

    def width(self, text: str) -> int:
        """Return the width of a text in pixels."""
        return -(-sum(font.size(part)[0] for font, part in self._parts(text)) // self._finer)

    def render(self, text: str, colour: tuple[int, int, int]) -> pygame.Surface:
        """Return a text as a surface."""
        parts = [(font.render(part, True, colour), font) for font, part in self._parts(text)]
        line, font = parts[0]
        if len(parts) == 1 and self._finer == 1 and font is self._font and line.get_height() == self.height():
            return line
        width, height = sum(part.get_width() for part, _ in parts), self._finer * self.height()
        whole = pygame.Surface((width, height), pygame.SRCALPHA)
        x = 0
        for part, font in parts:
            whole.blit(part, (x, self._font.get_ascent() - font.get_ascent()))
            x += part.get_width()
        return whole if self._finer == 1 else _halved(whole)

    def _parts(self, text: str) -> Iterator[tuple[pygame.font.Font, str]]:
        """Yield the parts of a text, each with the font that has its characters."""
        if text.isascii():
            yield self._font, text
            return
        part, path_before = "", ""
        for character in text:
            path, shown = self.place_of(character)
            if part and path != path_before:
                yield self._at(path_before), part
                part = ""
            part, path_before = part + shown, path
        yield self._at(path_before), part

    def _at(self, path: str) -> pygame.font.Font:
        if not path:
            return self._font
        if path not in self._others:
            self._others[path] = pygame.font.Font(path, self._em)
        return self._others[path]

    def place_of(self, character: str) -> tuple[str, str]:
        """Return the file of a font that has a character, "" for the adapter's own, and the text to draw for it.

        A character that no font has is drawn in another form: "Ａ" as "A", "🔥" as "[fire]", others as "?".
        """
        if character.isascii():
            return "", character
        place = self._places.get(character)
        if place is None:
            if len(self._places) >= _MOST_SIGNS:
                self._places.clear()
            place = self._places[character] = self._search(character)
        return place

    def _search(self, character: str) -> tuple[str, str]:
        for path in ("", *(() if self._has("", character) else system_fonts())):
            if self._has(path, character):
                return path, character
        plain = unicodedata.normalize("NFKD", character)
        if plain != character and all(self._has("", part) for part in plain):
            return "", plain
        return "", _in_other_words(character)

    def _has(self, path: str, character: str) -> bool:
        try:
            font = self._at(path)
            metrics: list[Any] = list(font.metrics(character))
            if len(metrics) != 1 or metrics[0] is None:
                return False
            return _pixels(font, character) != _pixels(font, _NO_CHARACTER)  # the metrics may be those of a box
        except (pygame.error, OSError):  # such as a font of pictures, which SDL cannot scale
            return False


def _pixels(font: pygame.font.Font, character: str) -> tuple[tuple[int, int], bytes]:
    drawn = font.render(character, True, (255, 255, 255))
    return drawn.get_size(), pygame.image.tobytes(drawn, "RGBA")


@functools.cache
def system_fonts() -> tuple[str, ...]:
    """Return the files of the system's fonts among SYSTEM_FONTS. It takes a moment, once."""
    found = [pygame.font.match_font(name) for name in SYSTEM_FONTS]
    return tuple(dict.fromkeys(path for path in found if path))


def _in_other_words(character: str) -> str:
    name = unicodedata.name(character, "")
    is_picture = unicodedata.category(character) == "So" and not name.startswith("CJK")
    return f"[{name.lower()[:_LONGEST_PICTURE_NAME].strip()}]" if is_picture and name else MISSING_GLYPH


def _halved(surface: pygame.Surface) -> pygame.Surface:
    """Return a surface of half the size, without a dark rim around letters."""
    width, height = surface.get_size()
    return pygame.transform.smoothscale(surface, (max(-(-width // 2), 1), max(-(-height // 2), 1)))
