"""Chat lines are short, single lines, and limited in number."""

from typing import Any

import pytest

from games.arena.chat import AT_ONCE, LONGEST_CHAT_LINE, REGAINED_IN, Voice, clean_text


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("hello", "hello"),
        ("  a \n\t b ", "a b"),
        ("\x00\x1b[31m red", "[31m red"),
        ("", ""),
        (" \n ", ""),
        *((nothing, "") for nothing in (None, 5, b"hi", ["hi"], {"hi": 1}, 2.5)),
        ("x" * 10_000, "x" * LONGEST_CHAT_LINE),
        ("grüße, мир", "grüße, мир"),
    ],
)
def test_a_line_can_always_be_shown(said: Any, shown: str) -> None:
    assert clean_text(said) == shown


def test_one_may_say_a_few_lines_at_once_and_then_one_now_and_then() -> None:
    voice = Voice()
    assert [voice.speak(10.0) for _ in range(AT_ONCE + 2)] == [True] * AT_ONCE + [False] * 2
    assert not voice.speak(10.0 + 0.9 * REGAINED_IN)
    assert voice.speak(10.0 + 1.1 * REGAINED_IN)


def test_silence_earns_no_more_than_a_few_lines() -> None:
    voice = Voice()
    assert sum(voice.speak(1_000.0) for _ in range(100)) == AT_ONCE
