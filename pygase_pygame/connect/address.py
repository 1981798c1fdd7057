"""Addresses of games, and invites. The names of `pygase` for addresses are also here."""

from __future__ import annotations

from pygase import DEFAULT_PORT, format_address, is_invite, parse_address, parse_invite

__all__ = ["DEFAULT_PORT", "format_address", "parse_address", "parse_place", "shown_place"]


def parse_place(text: str, default_port: int) -> tuple[str, int]:
    """Return host name and port of an address, or a whole invite and its port. :func:`.join` takes both.

    :raises ValueError: if the text is neither; the message is fit for a player.
    """
    if not is_invite(text):
        return parse_address(text, default_port)
    invite = parse_invite(text)
    return str(invite), invite.port


def shown_place(hostname: str, port: int, default_port: int | None = None) -> str:
    """Return the address as :func:`parse_place` reads it, of an invite without its secrets."""
    if is_invite(hostname):
        hostname = parse_invite(hostname).hostname
    return format_address(hostname, port, default_port)
