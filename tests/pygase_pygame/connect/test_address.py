"""Addresses as people type them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pygase_pygame import format_address, parse_address
from pygase_pygame.connect.address import own_address


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("localhost", ("localhost", 8080)),
        (" example.org \n", ("example.org", 8080)),
        ("192.168.0.7:9000", ("192.168.0.7", 9000)),
        ("host:65535", ("host", 65535)),
        ("::1", ("::1", 8080)),
        ("fe80::1%eth0", ("fe80::1%eth0", 8080)),
        ("[::1]", ("::1", 8080)),
        ("[2001:db8::5]:9000", ("2001:db8::5", 9000)),
    ],
)
def test_an_address_is_understood(text, expected):
    assert parse_address(text) == expected


@pytest.mark.parametrize(
    "text",
    ["", "   ", ":", ":80", "host:", "host:0", "host:65536", "host:-1", "host:8o", "host:٣", "a b",
     "[::1", "[::1]80", "[::1]:", "[]:80", "host:" + "9" * 5000,
     "http://host", "host/path", "host:99999999999", "host:²"],
)  # fmt: skip
def test_what_is_no_address_is_refused_in_words(text):
    with pytest.raises(ValueError, match=r"is not an address: .*Type HOST, HOST:PORT or \[IPV6\]:PORT\."):
        parse_address(text)


def test_the_default_port_is_the_callers():
    assert parse_address("host", 1234) == ("host", 1234)


@pytest.mark.parametrize("address", [("localhost", 8080), ("::1", 9000)])
def test_what_is_formatted_is_understood_again(address):
    assert parse_address(format_address(*address)) == address


@pytest.mark.parametrize("address", [("localhost", 7699), ("192.168.1.5", 80), ("::1", 7699), ("fe80::1", 9000)])
def test_the_default_port_is_left_out_where_it_is_known(address):
    assert parse_address(format_address(*address, 7699), 7699) == address
    assert ":7699" not in format_address("host", 7699, 7699)


def test_an_endless_address_makes_no_endless_sentence():
    with pytest.raises(ValueError, match="is not an address") as caught:
        parse_address("host:" + "9" * 10_000)
    assert len(str(caught.value)) < 250


@given(st.text())
def test_no_text_whatever_does_worse_than_a_sentence(typed):
    try:
        host, port = parse_address(typed)
    except ValueError:
        return
    assert host
    assert 1 <= port <= 65535


def test_a_server_that_is_bound_everywhere_is_joined_by_loopback():
    assert own_address("0.0.0.0") == "127.0.0.1"
    assert own_address("::") == "::1"
    assert own_address("192.168.1.5") == "192.168.1.5"
