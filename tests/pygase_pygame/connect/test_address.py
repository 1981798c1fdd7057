"""Addresses as people type them."""

from __future__ import annotations

import pytest

from pygase_pygame import format_address, parse_address


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
     "[::1", "[::1]80", "[::1]:", "[]:80", "host:" + "9" * 5000],
)  # fmt: skip
def test_what_is_no_address_is_refused_in_words(text):
    with pytest.raises(ValueError, match=r"is not an address: .*Type HOST, HOST:PORT or \[IPV6\]:PORT\."):
        parse_address(text)


def test_the_default_port_is_the_callers():
    assert parse_address("host", 1234) == ("host", 1234)


@pytest.mark.parametrize("address", [("localhost", 8080), ("::1", 9000)])
def test_what_is_formatted_is_understood_again(address):
    assert parse_address(format_address(*address)) == address
