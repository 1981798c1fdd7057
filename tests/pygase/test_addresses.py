"""Addresses are read as people type them, and written as they can be typed."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import pygase_pygame
from pygase import (
    check_hostname,
    check_port,
    format_address,
    is_everywhere,
    is_loopback,
    own_address,
    parse_address,
    parse_port,
    port_beside,
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("localhost", ("localhost", 8080)),
        (" example.org \n", ("example.org", 8080)),
        (" 192.168.1.5 ", ("192.168.1.5", 8080)),
        ("192.168.0.7:9000", ("192.168.0.7", 9000)),
        ("192.168.1.5:80", ("192.168.1.5", 80)),
        ("host:65535", ("host", 65535)),
        ("my-host.example:65535", ("my-host.example", 65535)),
        ("::1", ("::1", 8080)),
        ("fe80::1%eth0", ("fe80::1%eth0", 8080)),
        ("[::1]", ("::1", 8080)),
        ("[2001:db8::5]:9000", ("2001:db8::5", 9000)),
        ("[fe80::1]:9000", ("fe80::1", 9000)),
    ],
)
def test_an_address_is_understood(text: str, expected: tuple[str, int]) -> None:
    assert parse_address(text) == expected
    assert parse_address(format_address(*expected)) == expected
    assert parse_address(format_address(*expected, 8080), 8080) == expected
    assert pygase_pygame.parse_address(text) == expected


@pytest.mark.parametrize(
    "text",
    ["", " ", "   ", ":", ":80", "host:", "host:0", "host:65536", "host:-1", "host:8o", "host:x", "host:٣", "host:²",
     "a b", "http://host", "host:99999999999", "[::1", "[::1]80", "[::1]7000", "[::1]x", "[::1]:", "[]:80", "[]:7000",
     "host:" + "9" * 5000],
)  # fmt: skip
def test_what_is_no_address_is_refused_in_words(text: str) -> None:
    with pytest.raises(ValueError, match=r"is not an address: .*Type HOST, HOST:PORT or \[IPV6\]:PORT\."):
        parse_address(text)


@given(st.text())
def test_no_address_whatever_does_worse_than_a_sentence(typed: str) -> None:
    try:
        host, port = parse_address(typed)
    except ValueError:
        return
    assert host
    assert 1 <= port <= 65535


def test_an_endless_address_makes_no_endless_sentence() -> None:
    for parse in (parse_address, parse_port):
        with pytest.raises(ValueError, match="is not a") as caught:
            parse("host:" + "9" * 10_000)
        assert len(str(caught.value)) < 250


def test_the_default_port_is_the_callers() -> None:
    assert parse_address("host", 1234) == ("host", 1234)


@pytest.mark.parametrize("address", [("localhost", 8080), ("::1", 9000)])
def test_what_is_formatted_is_understood_again(address: tuple[str, int]) -> None:
    assert parse_address(format_address(*address)) == address


def test_a_default_port_is_left_out() -> None:
    assert format_address("host", 7640, 7640) == "host"
    assert format_address("::1", 7640, 7640) == "::1"
    assert format_address("::1", 7641, 7640) == "[::1]:7641"


@pytest.mark.parametrize("text", ["", "0", "65536", "-1", "8o", "٣", " 80"])
def test_what_is_no_port_is_refused_in_words(text: str) -> None:
    with pytest.raises(ValueError, match="is not a port: a port is a number from 1 to 65535"):
        parse_port(text)


@pytest.mark.parametrize("port", [0, 65536, -1, "80", 80.0, True, None])
def test_a_port_that_a_program_passes_is_checked(port: Any) -> None:
    with pytest.raises(ValueError, match=r"^port must be an int from 1 to 65535, got .*; write 8080$"):
        check_port(port, "; write 8080")
    if port == 0:
        check_port(port, "", least=0)


def test_a_host_name_that_a_program_passes_is_checked() -> None:
    check_hostname("::1", "")
    with pytest.raises(TypeError, match=r"hostname must be a str such as .*, got 8080; write it"):
        check_hostname(8080, "; write it")


def test_a_server_that_is_bound_everywhere_is_joined_by_loopback() -> None:
    assert own_address("0.0.0.0") == "127.0.0.1"
    assert own_address("::") == "::1"
    assert own_address("") == "localhost"
    assert own_address("192.168.1.5") == "192.168.1.5"
    assert [host for host in ("", "0.0.0.0", "::", "::1", "localhost") if is_everywhere(host)] == [
        "",
        "0.0.0.0",
        "::",
    ]


def test_a_loopback_address_is_told_from_others() -> None:
    assert all(map(is_loopback, ["localhost", "127.0.0.1", "127.8.0.1", "::1"]))
    assert not any(map(is_loopback, ["", "0.0.0.0", "192.168.1.5", "127.example.org", "fe80::1"]))


@pytest.mark.parametrize(("taken", "other"), [(8080, 8081), (65535, 65534)])
def test_the_port_suggested_for_one_that_is_taken_is_a_port(taken: int, other: int) -> None:
    assert port_beside(taken) == other
