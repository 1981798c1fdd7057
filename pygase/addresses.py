"""Addresses as people write them: ``HOST``, ``HOST:PORT``, ``[IPV6]:PORT``; and ports."""

from __future__ import annotations

from typing import Any, Final

DEFAULT_PORT: Final = 8080
"""The port of a game, unless another is given."""

RELAY_PORT: Final = 7777
"""The port of a relay, unless another is given."""

MAX_PORT: Final = 65_535

_REACHED_AT: Final = {"": "localhost", "0.0.0.0": "127.0.0.1", "::": "::1"}
"""Addresses that stand for all interfaces of a machine → the machine's own way to a server bound to them."""

_HOW_TO_WRITE: Final = "Type HOST, HOST:PORT or [IPV6]:PORT."


def parse_address(text: str, default_port: int = DEFAULT_PORT) -> tuple[str, int]:
    """Return host and port of ``HOST``, ``HOST:PORT``, an IPv6 address, or one in brackets with a port.

    :param default_port: the port of a text without one.
    :raises ValueError: if the text is no address; the message is fit for a player.
    """
    text = text.strip()
    if text.startswith("["):
        host, closed, rest = text[1:].partition("]")
        if not closed or (rest and not rest.startswith(":")):
            raise _no_address(text, "the bracket does not end where it should")
        port_text = rest[1:] if rest else None
    elif text.count(":") == 1:
        host, _, port_text = text.partition(":")
    else:  # a name, an IPv4 address, or a bare IPv6 address, in which all colons belong to the host
        host, port_text = text, None
    if not host or any(character.isspace() or character in "/[]" for character in host):
        raise _no_address(text, "it has no host name that could be looked up")
    if port_text is None:
        return host, default_port
    if not _is_port_text(port_text):
        raise _no_address(text, f"the port must be a number from 1 to {MAX_PORT}")
    return host, int(port_text)


def _no_address(text: str, reason: str) -> ValueError:
    return ValueError(f'"{text:.80}" is not an address: {reason}. {_HOW_TO_WRITE}')


def parse_port(text: str) -> int:
    """Return the port that a text names.

    :raises ValueError: if the text is no port; the message is fit for a player.
    """
    if not _is_port_text(text):
        raise ValueError(f'"{text:.80}" is not a port: a port is a number from 1 to {MAX_PORT}.')
    return int(text)


def _is_port_text(text: str) -> bool:
    return text.isascii() and text.isdigit() and 1 <= int(text[:6]) <= MAX_PORT


def format_address(hostname: str, port: int, default_port: int | None = None) -> str:
    """Return an address as :func:`parse_address` reads it.

    :param default_port: the port to leave out; None: none.
    """
    if port == default_port:
        return hostname
    return f"[{hostname}]:{port}" if ":" in hostname else f"{hostname}:{port}"


def client_name(client_id: int | None, address: tuple[Any, ...] | None) -> str:
    """Return a client's name in a log: its id, and where it is."""
    where = format_address(str(address[0]), int(address[1])) if address else ""
    if client_id is None:
        return where
    return f"client {client_id} ({where})" if where else f"client {client_id}"


def check_port(port: object, advice: str, *, least: int = 1) -> None:
    """Check a port that a program has passed.

    :param advice: ends the message.
    :raises ValueError: if it is no port.
    """
    if isinstance(port, bool) or not isinstance(port, int) or not least <= port <= MAX_PORT:
        raise ValueError(f"port must be an int from {least} to {MAX_PORT}, got {port!r}{advice}")


def check_hostname(hostname: object, advice: str) -> None:
    """Check a host name that a program has passed.

    :param advice: ends the message.
    :raises TypeError: if it is no str.
    """
    if not isinstance(hostname, str):
        raise TypeError(f"hostname must be a str such as 'localhost' or '192.168.0.7', got {hostname!r}{advice}")


def port_beside(port: int) -> int:
    """Return a port beside this one, to suggest if this one is taken."""
    return port + 1 if port < MAX_PORT else port - 1


def is_everywhere(hostname: str) -> bool:
    """Return whether a server bound to this host name serves at all addresses of its machine."""
    return hostname in _REACHED_AT


def own_address(hostname: str) -> str:
    """Return the host name at which this machine reaches a server bound to ``hostname``, such as ``"0.0.0.0"``."""
    return _REACHED_AT.get(hostname, hostname)


def is_loopback(host: str) -> bool:
    """Return whether an address or host name always means the machine that uses it."""
    import ipaddress  # only here: its import takes time

    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
