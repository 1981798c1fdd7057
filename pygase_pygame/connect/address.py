"""Addresses and ports as people type them, and whether they mean this machine."""

from __future__ import annotations

import ipaddress
from typing import Final

DEFAULT_PORT: Final = 8080
"""The port of a game if nobody names one."""

EVERYONE: Final = "0.0.0.0"
"""The address to bind a server to that is reached from the whole network."""

MAX_PORT: Final = 65535

_OWN_ADDRESSES: Final = {"": "localhost", "0.0.0.0": "127.0.0.1", "::": "::1"}
"""For each address that means all of a machine's addresses: the one at which the machine itself reaches a server."""

_HOW: Final = "Type HOST, HOST:PORT or [IPV6]:PORT."


def parse_address(text: str, default_port: int = DEFAULT_PORT) -> tuple[str, int]:
    """Return host and port of ``HOST``, ``HOST:PORT``, an IPv6 address, or ``[IPV6]:PORT``.

    :raises ValueError: the text is no address; the message can be shown to a player.
    """
    text = text.strip()
    host, port_text = _split(text)
    if not host or any(character.isspace() or character in "/[]" for character in host):
        raise ValueError(f'"{text:.80}" is not an address: it has no host name that could be looked up. {_HOW}')
    if port_text is None:
        return host, default_port
    if not is_port(port_text):
        raise ValueError(f'"{text:.80}" is not an address: the port must be a number from 1 to {MAX_PORT}. {_HOW}')
    return host, int(port_text)


def format_address(hostname: str, port: int, default_port: int | None = None) -> str:
    """Return an address that :func:`parse_address` understands.

    :param default_port: this port is left out.
    """
    if port == default_port:
        return hostname
    return f"[{hostname}]:{port}" if ":" in hostname else f"{hostname}:{port}"


def parse_port(text: str) -> int:
    """Return the port that a text means.

    :raises ValueError: it is no number from 1 to 65535; the message can be shown to a player.
    """
    if not is_port(text):
        raise ValueError(f'"{text:.80}" is not a port: a port is a number from 1 to {MAX_PORT}.')
    return int(text)


def is_port(text: str) -> bool:
    """Return whether a text is a number from 1 to 65535."""
    return text.isascii() and text.isdigit() and 1 <= int(text[:6]) <= MAX_PORT


def port_beside(port: int) -> int:
    """Return a port next to one that is in use, to suggest it."""
    return port + 1 if port < MAX_PORT else port - 1


def is_loopback(host: str) -> bool:
    """Return whether only programs on this machine reach the host."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def is_everywhere(bound: str) -> bool:
    """Return whether a server that is bound to this address is reached at all addresses of its machine."""
    return bound in _OWN_ADDRESSES


def own_address(bound: str) -> str:
    """Return the address at which this machine reaches its own server, bound to ``bound``."""
    return _OWN_ADDRESSES.get(bound, bound)


def _split(text: str) -> tuple[str, str | None]:
    """Return the host and the port as texts, None if there is no port; an empty host if the text makes no sense."""
    if text.startswith("["):
        host, bracket, rest = text[1:].partition("]")
        if not bracket or (rest and not rest.startswith(":")):
            return "", None
        return host, rest[1:] if rest else None
    if text.count(":") == 1:
        host, _, port_text = text.partition(":")
        return host, port_text
    return text, None  # a name, an IPv4 address, or an IPv6 address, in which all colons belong to the host
