"""Names and chat: typed, pasted, composed and deleted text, in any script."""

from __future__ import annotations

from typing import Any

import pygame
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pygase_pygame import TextEntry
from pygase_pygame.ui.clipboard import SystemClipboard
from pygase_pygame.ui.clusters import boundaries, clusters, cut
from pygase_pygame.ui.edited_line import EditedLine
from pygase_pygame.ui.entry_picture import EntryPicture
from pygase_pygame.ui.lettering import Lettering, drawable
from pygase_pygame.ui.palette import WHITE
from pygase_pygame.ui.text_entry import BLINK

FAMILY = "👨‍👩‍👧"
FLAG = "🇩🇪"
THUMB = "👍🏽"
E_ACUTE = "e\u0301"


class Clip:
    """A clipboard that no other program has."""

    def __init__(self, text: str = "") -> None:
        self.text = text

    def get(self) -> str:
        return self.text

    def put(self, text: str) -> None:
        self.text = text


def typed(text: str) -> pygame.event.Event:
    return pygame.event.Event(pygame.TEXTINPUT, text=text)


def key(code: int, mod: int = 0, unicode: str = "") -> pygame.event.Event:
    return pygame.event.Event(pygame.KEYDOWN, key=code, mod=mod, unicode=unicode)


def entry(text: str = "", **options: Any) -> TextEntry:
    options.setdefault("clipboard", Clip())
    made = TextEntry(text, **options)
    made.focus()
    return made


LEFT, RIGHT, HOME, END = pygame.K_LEFT, pygame.K_RIGHT, pygame.K_HOME, pygame.K_END
BACK, DELETE = pygame.K_BACKSPACE, pygame.K_DELETE
CTRL, SHIFT = pygame.KMOD_LCTRL, pygame.KMOD_LSHIFT


def press(it: TextEntry, *codes: int, mod: int = 0) -> None:
    for code in codes:
        it.handle(key(code, mod))


def test_what_is_typed_stands_there():
    it = entry()
    for text in ("A", "n", "ö", "日本"):
        assert it.handle(typed(text))
    assert it.text == "Anö日本"


def test_without_the_focus_it_takes_nothing():
    it = TextEntry("a")
    assert not it.handle(typed("b"))
    assert not it.handle(key(BACK))
    assert it.text == "a"


def test_the_cursor_moves_and_text_is_put_in_and_deleted_where_it_is():
    it = entry("abcd")
    press(it, LEFT, LEFT)
    it.handle(typed("X"))
    assert it.text == "abXcd"
    press(it, BACK, DELETE)
    assert it.text == "abd"
    press(it, HOME, HOME, LEFT)
    it.handle(typed("<"))
    press(it, END, RIGHT)
    it.handle(typed(">"))
    assert it.text == "<abd>"
    press(it, HOME, BACK)
    press(it, END, DELETE)
    assert it.text == "<abd>"


def test_a_selection_is_replaced_copied_cut_and_pasted():
    clip = Clip()
    it = entry("hello world", clipboard=clip)
    press(it, LEFT, LEFT, LEFT, LEFT, LEFT, mod=SHIFT)
    assert it.selection == "world"
    press(it, pygame.K_c, mod=CTRL)
    assert clip.text == "world"
    it.handle(typed("you"))
    assert it.text == "hello you"
    press(it, pygame.K_a, mod=CTRL)
    press(it, pygame.K_x, mod=CTRL)
    assert (it.text, clip.text) == ("", "hello you")
    press(it, pygame.K_v, pygame.K_v, mod=CTRL)
    assert it.text == "hello youhello you"


def test_an_arrow_leaves_a_selection_at_its_end_on_that_side():
    it = entry("abcd")
    press(it, LEFT)
    press(it, LEFT, LEFT, mod=SHIFT)
    press(it, RIGHT)
    it.handle(typed("R"))
    assert it.text == "abcRd"
    it = entry("abcd")
    press(it, LEFT, LEFT, mod=SHIFT)
    press(it, LEFT)
    it.handle(typed("L"))
    assert it.text == "abLcd"


def test_with_ctrl_whole_words_are_passed_and_deleted():
    it = entry("one two  three")
    press(it, LEFT, LEFT, mod=CTRL)
    it.handle(typed("X"))
    assert it.text == "one Xtwo  three"
    press(it, END)
    press(it, BACK, mod=CTRL)
    assert it.text == "one Xtwo  "
    press(it, HOME)
    press(it, RIGHT, mod=CTRL)
    it.handle(typed("!"))
    assert it.text == "one! Xtwo  "
    press(it, DELETE, mod=CTRL)
    assert it.text == "one!  "


@pytest.mark.parametrize("sign", [FAMILY, FLAG, THUMB, E_ACUTE, "❤️", "🏴\U000e0067\U000e0062\U000e007f"])
def test_what_people_take_for_one_character_is_passed_and_deleted_as_one(sign):
    assert list(clusters(f"a{sign}b{sign}")) == ["a", sign, "b", sign]
    it = entry(f"a{sign}b", max_length=100)
    press(it, LEFT, LEFT)
    it.handle(typed("<"))
    assert it.text == f"a<{sign}b"
    press(it, DELETE)
    assert it.text == "a<b"
    it.handle(typed(sign))
    press(it, BACK)
    assert it.text == "a<b"


def test_two_flags_are_two():
    assert list(clusters(FLAG + "🇫🇷" + "🇮")) == [FLAG, "🇫🇷", "🇮"]


def test_it_never_gets_longer_than_it_may_and_cuts_no_sign_in_two():
    it = entry(max_length=5)
    it.handle(typed("abcdefgh"))
    assert it.text == "abcde"
    it.handle(typed("f"))
    assert it.text == "abcde"
    it.select_all()
    it.handle(typed("ab" + FAMILY))
    assert it.text == "ab"
    it.text = "n" * 500
    assert it.text == "nnnnn"
    it.select_all()
    it.handle(typed("1234567"))
    assert it.text == "12345"


def test_control_characters_newlines_and_broken_ones_are_not_taken_in():
    it = entry(clipboard=Clip("a\x00b\nc\td\ud800e\x1b[0m\u202ef\r\n"))
    press(it, pygame.K_v, mod=CTRL)
    assert it.text == "ab c de[0mf"


def test_of_a_book_on_the_clipboard_is_taken_what_fits():
    it = entry(clipboard=Clip("x" * 10_000_000), max_length=20)
    press(it, pygame.K_v, mod=CTRL)
    assert it.text == "x" * 20


def test_while_an_input_method_composes_the_keys_are_its_own():
    it = entry("ab")
    it.handle(pygame.event.Event(pygame.TEXTEDITING, text="にほ", start=0, length=2))
    assert it.composing
    for code in (BACK, LEFT, pygame.K_RETURN, pygame.K_ESCAPE):
        assert it.handle(key(code))
    assert it.text == "ab"
    it.handle(typed("日本"))
    assert (it.text, it.composing) == ("ab日本", False)
    it.handle(pygame.event.Event(pygame.TEXTEDITING, text="x", start=0, length=1))
    it.handle(pygame.event.Event(pygame.TEXTEDITING, text="", start=0, length=0))
    assert not it.composing


def test_return_and_escape_are_the_games_and_letters_are_not():
    it = entry("ab")
    assert not it.handle(key(pygame.K_RETURN, unicode="\r"))
    assert not it.handle(key(pygame.K_ESCAPE, unicode="\x1b"))
    assert not it.handle(key(pygame.K_F3))
    assert not it.handle(key(pygame.K_UP))
    assert it.handle(key(pygame.K_r, unicode="r"))
    assert it.text == "ab"


def test_the_key_that_opens_a_chat_is_not_its_first_character():
    it = TextEntry(clipboard=Clip())
    it.focus(because=key(pygame.K_t, unicode="t"))
    it.handle(typed("t"))
    it.handle(typed("t"))
    assert it.text == "t"
    it.clear()
    it.focus(because=key(pygame.K_t, unicode="t"))
    it.handle(key(pygame.K_t, unicode="t"))
    it.handle(typed("t"))
    assert it.text == "t"


def test_a_password_is_shown_as_dots_and_cannot_be_copied(display):
    clip = Clip("before")
    it = entry("sécret 1", masked=True, clipboard=clip)
    it.select_all()
    press(it, pygame.K_c, pygame.K_x, mod=CTRL)
    assert (it.text, clip.text) == ("sécret 1", "before")
    assert set(EntryPicture(EditedLine(64, masked=True)).shown(it.text)) == {"•"}
    press(it, END)
    press(it, LEFT, mod=CTRL)
    it.handle(typed("<"))
    assert it.text == "<sécret 1"


def test_with_the_focus_keys_repeat_and_without_it_as_before(display):
    pygame.key.set_repeat(200, 100)
    it = TextEntry()
    it.focus()
    assert pygame.key.get_repeat() == (400, 35)
    it.focus()
    it.blur()
    it.blur()
    assert pygame.key.get_repeat() == (200, 100)


def test_a_click_puts_the_cursor_there_and_dragging_selects(display):
    it = TextEntry("mmmmmmmmmm", clipboard=Clip())
    rect = pygame.Rect(20, 30, 300, 30)
    it.draw(display, rect)
    where = {index: x for index, x in it.stops()}  # noqa: C416
    assert not it.handle(pygame.event.Event(pygame.MOUSEBUTTONDOWN, pos=(5, 5), button=1))
    assert not it.handle(pygame.event.Event(pygame.MOUSEBUTTONDOWN, pos=(where[4], 45), button=3))
    assert it.handle(pygame.event.Event(pygame.MOUSEBUTTONDOWN, pos=(where[4] + 2, 45), button=1))
    assert it.focused
    it.handle(pygame.event.Event(pygame.MOUSEMOTION, pos=(where[7], 45), rel=(1, 0), buttons=(1, 0, 0)))
    assert len(it.selection) == 3
    it.handle(typed("|"))
    assert it.text == "mmmm|mmm"


def test_the_cursor_stays_in_sight_however_long_the_text(display):
    now = [0.0]
    it = entry("W" * 60, clock=lambda: now[0])
    rect = pygame.Rect(20, 30, 120, 30)
    for codes in ([], [HOME], [RIGHT] * 30, [END]):
        press(it, *codes)
        display.fill((0, 0, 0))
        it.draw(display, rect)
        x = dict(it.stops())[it.cursor]
        assert rect.left < x < rect.right
        assert display.get_at((x, rect.centery))[:3] == WHITE
    now[0] += BLINK
    assert display.get_bounding_rect()
    it.draw(display, rect)
    assert display.get_at((dict(it.stops())[60], rect.top + 6))[:3] != WHITE


def test_nothing_is_drawn_beside_it(display):
    it = entry("W" * 60 + "日本" + FAMILY)
    it.handle(pygame.event.Event(pygame.TEXTEDITING, text="編" * 30, start=0, length=2))
    rect = pygame.Rect(200, 100, 60, 24)
    it.draw(display, rect)
    left = display.subsurface((0, 0, 200, 360))
    right = display.subsurface((260, 0, 380, 360))
    assert pygame.transform.average_color(left)[:3] == pygame.transform.average_color(right)[:3] == (0, 0, 0)


@pytest.mark.parametrize("size", [(1, 1), (8, 4), (30, 10)])
def test_it_can_be_drawn_however_small(display, size):
    entry("hello").draw(display, pygame.Rect(0, 0, *size))


@given(st.text(st.characters(exclude_categories=[]), max_size=40), st.data())
def test_any_text_can_be_typed_moved_through_cut_and_rendered(text, data):
    it = entry(max_length=30)
    it.handle(typed(text))
    assert len(it.text) <= 30
    it.text.encode()
    stops = boundaries(it.text)
    assert stops[0] == 0
    assert stops[-1] == len(it.text)
    assert "".join(clusters(it.text)) == it.text
    for code in data.draw(st.lists(st.sampled_from([LEFT, RIGHT, BACK, DELETE, HOME, END]), max_size=20)):
        press(it, code)
        assert 0 <= it.cursor <= len(it.text)
        assert it.cursor in boundaries(it.text)
    length = data.draw(st.integers(0, 40))
    assert len(cut(text, length)) <= length
    assert text.startswith(cut(text, length))
    it.draw(pygame.Surface((100, 30)), pygame.Rect(0, 0, 100, 30))
    Lettering().line(text, 20)
    assert drawable(text).isprintable() or "\ufffd" in drawable(text)


def test_the_system_clipboard_keeps_what_it_is_given(display):
    clipboard = SystemClipboard()
    clipboard.put("Zoë")
    assert clipboard.get() == "Zoë"


def test_without_a_display_there_is_a_clipboard_all_the_same():
    pygame.quit()
    clipboard = SystemClipboard()
    clipboard.put("Zoë")
    assert clipboard.get() == "Zoë"


def test_no_room_at_all_is_refused():
    with pytest.raises(ValueError, match="max_length"):
        TextEntry(max_length=0)
