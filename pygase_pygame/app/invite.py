"""The words with which a host invites friends."""

from __future__ import annotations

from typing import Final

from pygase import (
    CannotEncrypt,
    Server,
    format_address,
    get_available_ip_addresses,
    is_everywhere,
    is_loopback,
    own_address,
)

from .game import Game

EVERYONE: Final = "0.0.0.0"
"""The address at which the whole network reaches a server."""


def commands(game: Game, bound: str, port: int) -> list[str]:
    """Return the commands for friends at other machines, one for each address, if they can join."""
    hosts = get_available_ip_addresses() if is_everywhere(bound) else [bound]
    return [joining_command(game, host, port) for host in hosts if not is_loopback(host)]


def joining_command(game: Game, host: str, port: int) -> str:
    """Return the command that joins at an address."""
    return f"{game.command} join {format_address(host, port, game.port)}"


def private_invite(server: Server) -> str:
    """Return the server's invite; ``""`` if it is for this machine only, or if nothing can be encrypted here."""
    if server.hostname is None or is_loopback(server.hostname):
        return ""
    try:
        return server.invite()
    except CannotEncrypt:
        return ""


def invitation(game: Game, bound: str, port: int, private: str = "") -> str:
    """Return the lines for the host: who can join, and the exact commands.

    :param private: the server's invite, or ``""``.
    """
    for_friends = commands(game, bound, port)
    lines = [f"{game.title} is open on port {port}, for {_who_can_join(bound)}."]
    if for_friends:
        lines += ["Friends type" if len(for_friends) == 1 else "Friends type one of"]
        lines += [f"    {command}" for command in for_friends]
    if private:
        lines += ["or, so that nobody on the way can read or change anything,", f"    {game.command} join {private}"]
    lines += [
        "In another terminal on this machine:",
        f"    {joining_command(game, own_address(bound), port)}",
    ]
    return "\n".join(lines)


def _who_can_join(bound: str) -> str:
    if is_everywhere(bound):
        return "everyone who can reach this machine over its network"
    return "this machine only" if is_loopback(bound) else f"everyone who can reach {bound}"
