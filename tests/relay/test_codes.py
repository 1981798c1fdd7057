"""Codes of rooms: readable, forgiven, and the same after a restart."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pygase._relay.codes import CODE_ALPHABET, CODE_LETTERS, code_of, parse_code, shown_code


def test_the_alphabet_has_31_letters_and_one_of_each_pair_of_look_alikes() -> None:
    assert len(set(CODE_ALPHABET)) == len(CODE_ALPHABET) == 31
    assert not set("OILSU") & set(CODE_ALPHABET)


@given(secret=st.binary(min_size=16, max_size=16), attempt=st.integers(0, 15))
def test_a_code_is_read_back_as_it_is_shown(secret: bytes, attempt: int) -> None:
    code = code_of(b"key", secret, attempt)
    assert len(code) == CODE_LETTERS
    assert parse_code(shown_code(code)) == code
    assert parse_code(f"  {shown_code(code).lower()} ") == code


@pytest.mark.parametrize("typed", ["K7QX-3F", "k7qx3f", "K7QX 3F", " k7-qx-3f "])
def test_a_code_may_be_typed_in_many_ways(typed: str) -> None:
    assert parse_code(typed) == "K7QX3F"


@pytest.mark.parametrize(("typed", "meant"), [("OIL0SU", "01105V"), ("oil-0su", "01105V")])
def test_look_alikes_are_forgiven(typed: str, meant: str) -> None:
    assert parse_code(typed) == meant


@pytest.mark.parametrize("typed", ["", "K7QX3", "K7QX3FG", "K7QX3!", "localhost", "ÄÖÜ123"])
def test_what_is_no_code_is_refused_in_words(typed: str) -> None:
    with pytest.raises(ValueError, match="expected 6 letters and digits such as K7QX-3F"):
        parse_code(typed)


def test_a_code_follows_from_key_secret_and_attempt() -> None:
    assert code_of(b"key", b"secret", 0) == code_of(b"key", b"secret", 0)
    assert len({code_of(key, secret, n) for key in (b"1", b"2") for secret in (b"3", b"4") for n in (0, 1)}) == 8


def test_all_letters_are_about_equally_frequent(seed: int) -> None:
    rng = random.Random(seed)
    letters = "".join(code_of(b"key", rng.randbytes(16), 0) for _ in range(3000))
    assert all(400 < letters.count(letter) < 800 for letter in CODE_ALPHABET)  # 581 are expected
