"""Addresses are understood as people type them, and a host is told what friends have to type."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from games.pong import invite
from games.pong.invite import DEFAULT_PORT


@pytest.mark.parametrize(
    ("typed", "host", "port"),
    [
        ("localhost", "localhost", DEFAULT_PORT),
        (" 192.168.1.5 ", "192.168.1.5", DEFAULT_PORT),
        ("192.168.1.5:7000", "192.168.1.5", 7000),
        ("my-laptop.local:1", "my-laptop.local", 1),
        ("[fe80::1]:65535", "fe80::1", 65535),
        ("[::1]", "::1", DEFAULT_PORT),
        ("fe80::1", "fe80::1", DEFAULT_PORT),
    ],
)
def test_an_address_may_come_with_a_port_or_without(typed: str, host: str, port: int) -> None:
    assert invite.parse_address(typed) == (host, port)


@pytest.mark.parametrize(
    "typed", ["", "  ", ":", ":7000", "host:", "host:port", "host:0", "host:65536", "host:-1", "two words"]
)
def test_what_is_no_address_is_answered_with_a_sentence(typed: str) -> None:
    with pytest.raises(ValueError, match=r"is no (address|port): "):
        invite.parse_address(typed)


@pytest.mark.parametrize("typed", ["[::1", "[::1]7000", "[]:7000", "http://host", "host:99999999999", "host:²"])
def test_what_looks_like_an_address_and_is_none_is_answered_with_a_sentence(typed: str) -> None:
    with pytest.raises(ValueError, match=r"is no (address|port): "):
        invite.parse_address(typed)


@given(st.text())
def test_no_text_whatever_does_worse_than_a_sentence(typed: str) -> None:
    try:
        host, port = invite.parse_address(typed)
    except ValueError:
        return
    assert host
    assert 1 <= port <= 65535


@pytest.mark.parametrize("host", ["localhost", "10.0.0.1", "fe80::1"])
@pytest.mark.parametrize("port", [DEFAULT_PORT, 7000])
def test_an_address_that_is_shown_can_be_typed(host: str, port: int) -> None:
    assert invite.parse_address(invite.address_text(host, port)) == (host, port)


def test_an_invitation_lists_every_address_of_the_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    addresses = ["127.0.0.1", "192.168.1.5", "10.8.0.2"]
    monkeypatch.setattr(invite, "get_available_ip_addresses", lambda: addresses)
    lines = invite.invitation("0.0.0.0", 7000).splitlines()
    assert "everyone who can reach this machine over its network" in lines[0]
    assert "    python -m games.pong join 192.168.1.5:7000" in lines
    assert "    python -m games.pong join 10.8.0.2:7000" in lines
    assert lines[-1] == "    python -m games.pong join 127.0.0.1:7000"


def test_an_invitation_to_this_machine_alone_says_so() -> None:
    text = invite.invitation("localhost", DEFAULT_PORT)
    assert "this machine only" in text
    assert "Friends" not in text


def test_a_server_that_is_bound_everywhere_is_joined_by_loopback() -> None:
    assert invite.joining_host("0.0.0.0") == "127.0.0.1"
    assert invite.joining_host("::") == "::1"
    assert invite.joining_host("192.168.1.5") == "192.168.1.5"
