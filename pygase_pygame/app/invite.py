"""Addresses as people type them, and the words with which a host invites friends."""

import ipaddress
from typing import Final

from pygase import get_available_ip_addresses

from .game import Game

EVERYWHERE: Final = {
    "": "127.0.0.1",
    "0.0.0.0": "127.0.0.1",
    "::": "::1",
}  # bound to all; how this machine joins


def parse_address(text: str, default_port: int) -> tuple[str, int]:
    """Return host and port of `HOST`, `HOST:PORT`, `[IPv6]:PORT` or a bare IPv6 address.

    Raises `ValueError` with a sentence for whoever typed it.
    """
    text = text.strip()
    host, port = _split(text)
    if not host or any(c.isspace() or c in "/[]" for c in host):
        raise ValueError(f"{text!r:.80} is no address: type HOST or HOST:PORT, 192.168.1.5:{default_port} say")
    return host, parse_port(port) if port is not None else default_port


def parse_port(text: str) -> int:
    """Return a port that a game can have. Raises `ValueError` with a sentence for whoever typed it."""
    if not (text.isascii() and text.isdigit() and 1 <= int(text[:6]) <= 65535):
        raise ValueError(f"{text!r:.80} is no port: a port is a number from 1 to 65535")
    return int(text)


def address_text(host: str, port: int, default_port: int | None = None) -> str:
    """Return an address as short as it can be typed: the inverse of `parse_address`."""
    if port == default_port:
        return host
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def joining_host(bound: str) -> str:
    """Return the address at which the machine itself reaches a server that is bound to `bound`."""
    return EVERYWHERE.get(bound, bound)


def commands(game: Game, bound: str, port: int) -> list[str]:
    """Return what friends at other machines have to type, one for each address; none if they cannot join."""
    hosts = get_available_ip_addresses() if bound in EVERYWHERE else [bound]
    return [joining_command(game, host, port) for host in hosts if not is_loopback(host)]


def joining_command(game: Game, host: str, port: int) -> str:
    """Return what to type to join at an address."""
    return f"{game.command} join {address_text(host, port, game.port)}"


def invitation(game: Game, bound: str, port: int) -> str:
    """Return what the host is told: who can join, and what exactly they have to type."""
    for_friends = commands(game, bound, port)
    lines = [f"{game.title} is open on port {port}, for {_who_can_join(bound)}."]
    if for_friends:
        lines += ["Friends type" if len(for_friends) == 1 else "Friends type one of"]
        lines += [f"    {command}" for command in for_friends]
    lines += [
        "In another terminal on this machine:",
        f"    {joining_command(game, joining_host(bound), port)}",
    ]
    return "\n".join(lines)


def _who_can_join(bound: str) -> str:
    if bound in EVERYWHERE:
        return "everyone who can reach this machine over its network"
    return "this machine only" if is_loopback(bound) else f"everyone who can reach {bound}"


def _split(text: str) -> tuple[str, str | None]:
    if text.startswith("[") and "]" in text:
        host, _, rest = text[1:].partition("]")
        return (host, rest[1:]) if rest.startswith(":") else (host if not rest else "", None)
    if text.count(":") == 1:
        host, _, port = text.partition(":")
        return host, port
    return text, None


def is_loopback(host: str) -> bool:
    """Return whether only this machine itself reaches an address."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
