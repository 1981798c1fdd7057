"""Any name can be shown, and no two names are the same."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pygase.names import LONGEST_NAME, NAMELESS, clean_line, clean_name, unused_name


@pytest.mark.parametrize(
    ("given_name", "shown"),
    [
        ("Ada", "Ada"),
        ("  Ada \t\n Lovelace ", "Ada Lovelace"),
        ("", NAMELESS),
        (" \n ", NAMELESS),
        (None, NAMELESS),
        (7, NAMELESS),
        (["Ada"], NAMELESS),
        ("🎮🎮", NAMELESS),
        ("Ada 🎮", "Ada"),
        ("👩‍💻 Ada 👍🏽 🇩🇪 ❤️", "Ada"),
        ("x" * 500, "x" * LONGEST_NAME),
        ("José", "José"),
        ("Jose\u0301", "José"),
        ("李明", "李明"),
        ("Ольга", "Ольга"),
        ("अनिल", "अनिल"),
        ("\u202eevil", "evil"),
        ("a\u200b\u200db", "ab"),
        ("\ud800x", "x"),
        ("Z" + "\u0348" * 60, "Z\u0348\u0348"),
        ("<b>&amp;", "<b>&amp;"),
    ],
)
def test_a_name_is_made_fit_to_be_shown(given_name: object, shown: str) -> None:
    assert clean_name(given_name) == shown


@given(st.text(max_size=600))
def test_any_text_makes_a_name_that_is_short_printable_and_stays_what_it_is(text: str) -> None:
    name = clean_name(text)
    assert 1 <= len(name) <= LONGEST_NAME
    assert name.isprintable()
    assert name == name.strip()
    assert clean_name(name) == name


@given(st.lists(st.sampled_from(["Ada", "ada", "Bob", "Player", "x" * 16, "X" * 16, "Ada 2"]), max_size=40))
def test_however_many_have_one_name_all_are_told_apart(names: list[str]) -> None:
    taken: list[str] = []
    for name in names:
        taken.append(unused_name(name, taken))
    assert len({name.casefold() for name in taken}) == len(taken)
    assert all(len(name) <= LONGEST_NAME for name in taken)


def test_the_first_keeps_the_name_and_the_next_get_numbers() -> None:
    assert unused_name("Ada", []) == "Ada"
    assert unused_name("Ada", ["Ada"]) == "Ada 2"
    assert unused_name("Ada", ["Ada", "Ada 2", "Bob"]) == "Ada 3"
    assert unused_name("x" * 16, ["x" * 16]) == "x" * 14 + " 2"


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("  a \n\t b ", "a b"),
        ("a\x00b\nc\ud800\u202e d\t", "a b c? d"),
        ("grüße, мир 🎮", "grüße, мир 🎮"),
        *((nothing, "") for nothing in (None, 5, b"hi", ["hi"], "", " \n ")),
    ],
)
def test_a_line_of_a_stranger_can_be_shown(text: object, line: str) -> None:
    assert clean_line(text) == line


@given(st.text(st.characters(exclude_categories=[]), max_size=100), st.integers(0, 30))
def test_any_text_makes_a_line_that_is_short_printable_and_stays_what_it_is(text: str, length: int) -> None:
    line = clean_line(text, length)
    assert len(line) <= length
    assert line.isprintable()
    assert line.encode("utf-8") or not line
    assert clean_line(line, length) == line
