"""Addresses are read as people type them, and written as they can be typed."""

import pytest

from pygase_pygame.app import invite
from tests.support.demo import DEMO


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("localhost", ("localhost", 7699)),
        (" 192.168.1.5 ", ("192.168.1.5", 7699)),
        ("192.168.1.5:80", ("192.168.1.5", 80)),
        ("::1", ("::1", 7699)),
        ("[::1]", ("::1", 7699)),
        ("[fe80::1]:9000", ("fe80::1", 9000)),
        ("my-host.example:65535", ("my-host.example", 65535)),
    ],
)
def test_an_address_is_understood(typed: str, meant: tuple[str, int]) -> None:
    assert invite.parse_address(typed, 7699) == meant
    assert invite.parse_address(invite.address_text(*meant, 7699), 7699) == meant
    assert invite.parse_address(invite.address_text(*meant), 1234) == meant


@pytest.mark.parametrize(
    "typed", ["", " ", ":80", "a b", "http://host", "[::1]x", "[]:80", "host:", "host:0", "host:x"]
)
def test_what_is_no_address_is_answered_with_a_sentence(typed: str) -> None:
    with pytest.raises(ValueError, match=r"is no (address|port): "):
        invite.parse_address(typed, 7699)


def test_an_endless_address_makes_no_endless_sentence() -> None:
    with pytest.raises(ValueError, match="is no port") as caught:
        invite.parse_address("host:" + "9" * 10_000, 7699)
    assert len(str(caught.value)) < 200


def test_friends_are_told_every_address_of_a_game_that_is_open_to_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(invite, "get_available_ip_addresses", lambda: ["127.0.0.1", "10.0.0.7", "192.168.1.5"])
    text = invite.invitation(DEMO, "0.0.0.0", 7700)
    assert "Demo is open on port 7700" in text
    assert "python -m games.demo join 10.0.0.7:7700" in text
    assert "python -m games.demo join 192.168.1.5:7700" in text
    assert "python -m games.demo join 127.0.0.1:7700" in text
    assert "one of" in text


def test_the_games_own_port_need_not_be_typed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(invite, "get_available_ip_addresses", lambda: ["10.0.0.7"])
    assert invite.commands(DEMO, "0.0.0.0", 7699) == ["python -m games.demo join 10.0.0.7"]


@pytest.mark.parametrize("bound", ["localhost", "127.0.0.1", "::1"])
def test_nobody_is_invited_to_a_game_for_this_machine_only(bound: str) -> None:
    assert invite.commands(DEMO, bound, 7699) == []
    assert "this machine only" in invite.invitation(DEMO, bound, 7699)
