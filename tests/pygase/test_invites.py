"""Invites, as texts."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pygase.errors import InvalidInvite, PygaseError
from pygase.invites import Invite, is_invite, parse_invite

LETTERS = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8gISIjJCUmJygpKissLS4v"
WHOLE = f"pygase://192.0.2.7:8080/#{LETTERS}"
INVITE = Invite("192.0.2.7", 8080, bytes(range(32)), bytes(range(32, 48)))


def test_an_invite_is_one_line() -> None:
    assert str(INVITE) == WHOLE


@given(
    st.sampled_from(["192.0.2.7", "game.example", "2001:db8::7", "localhost"]),
    st.integers(1, 65535),
    st.binary(min_size=48, max_size=48),
)
def test_every_invite_reads_back(hostname: str, port: int, secrets: bytes) -> None:
    invite = Invite(hostname, port, secrets[:32], secrets[32:])
    assert parse_invite(str(invite)) == invite
    assert parse_invite(f"  {invite}\n") == invite
    assert is_invite(str(invite))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "does not begin with pygase://"),
        ("192.0.2.7:8080", "does not begin with pygase://"),
        ("https://example.org/#" + LETTERS, "does not begin with pygase://"),
        ("pygase://192.0.2.7:8080", "no /# behind"),
        ("pygase://192.0.2.7:8080#" + LETTERS, "no /# behind"),
        ("pygase://192.0.2.7:8080/#", "0 characters"),
        (WHOLE[:-1], "63 characters stand behind the #"),
        (WHOLE + "A", "65 characters"),
        (WHOLE[:-1] + "+", "64 characters stand behind the #, and not 64 letters"),
        ("pygase:///#" + LETTERS, "no host name"),
        ("pygase://192.0.2.7:99999/#" + LETTERS, "the port must be a number"),
        ("pygase://relay.example:7777/CODE/#" + LETTERS, "no host name|port must"),
    ],
)
def test_a_text_that_is_none_says_why_and_what_to_do(text: str, words: str) -> None:
    with pytest.raises(InvalidInvite, match=words) as caught:
        parse_invite(text)
    assert "copy it once more from the host" in str(caught.value)
    assert LETTERS[:20] not in str(caught.value)
    assert isinstance(caught.value, PygaseError)
    assert isinstance(caught.value, ValueError)


def test_something_else_is_no_invite() -> None:
    with pytest.raises(TypeError, match="must be a str such as"):
        parse_invite(8080)  # type: ignore[arg-type]


@given(st.text(max_size=100))
def test_no_text_does_anything_but_raise_invalid_invite(text: str) -> None:
    for each in (text, "pygase://" + text, f"pygase://{text}/#{LETTERS}"):
        try:
            parse_invite(each)
        except InvalidInvite:
            pass


def test_a_log_shows_no_secret() -> None:
    assert repr(INVITE) == "<Invite to 192.0.2.7:8080>"
