"""Addresses as people type them."""

from __future__ import annotations

DEFAULT_PORT = 8080
"""The port of a game where nobody names one."""

_HOW = "Type HOST, HOST:PORT or [IPV6]:PORT."


def parse_address(text: str, default_port: int = DEFAULT_PORT) -> tuple[str, int]:
    """Return host and port of ``HOST``, ``HOST:PORT``, an IPv6 address, or one in brackets with a port.

    :raises ValueError: the text is no address; the message is fit for showing to a player.
    """
    text = text.strip()
    if text.startswith("["):
        host, closed, rest = text[1:].partition("]")
        if not closed or (rest and not rest.startswith(":")):
            raise ValueError(f'"{text}" is not an address: the bracket does not end where it should. {_HOW}')
        port_text = rest[1:] if rest else None
    elif text.count(":") == 1:
        host, _, port_text = text.partition(":")
    else:  # a name, an IPv4 address, or a bare IPv6 address, in which all colons belong to the host
        host, port_text = text, None
    if not host or any(character.isspace() for character in host):
        raise ValueError(f'"{text}" is not an address: it has no host name that could be looked up. {_HOW}')
    return host, default_port if port_text is None else _parse_port(port_text, text)


def format_address(hostname: str, port: int) -> str:
    """Return an address as :func:`parse_address` understands it."""
    return f"[{hostname}]:{port}" if ":" in hostname else f"{hostname}:{port}"


def _parse_port(port_text: str, text: str) -> int:
    if port_text.isascii() and port_text.isdigit() and 1 <= int(port_text[:6]) <= 65535:
        return int(port_text)
    raise ValueError(f'"{text}" is not an address: the port must be a number from 1 to 65535. {_HOW}')
