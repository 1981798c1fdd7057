"""A server's encryption: what its settings require, what the log reports about it, and its invites."""

from __future__ import annotations

import logging

from .._io.interfaces import get_available_ip_addresses
from .._protocol.crypto import why_not
from .._protocol.identity import ServerIdentity
from ..addresses import check_hostname, is_everywhere, is_loopback
from ..config import ServerConfig
from ..errors import CannotEncrypt
from ..invites import Invite

logger = logging.getLogger("pygase")


def obstacle(config: ServerConfig) -> str:
    """Return why a server cannot encrypt, and what to do; ``""`` if it can."""
    if config.encryption == "off":
        return "ServerConfig has encryption='off'; write encryption='auto'"
    return why_not()


def check_encryption(config: ServerConfig) -> None:
    """Check that a server can do what its settings require.

    :raises CannotEncrypt: it cannot.
    """
    wanted = "encryption='required'" if config.encryption == "required" else "invited_only=True"
    if config.encryption != "required" and not config.invited_only:
        return
    reason = obstacle(config)
    if reason:
        raise CannotEncrypt(f"ServerConfig has {wanted}, and {reason}")


def report_encryption(config: ServerConfig, has_password: bool, bound: str) -> None:
    """Write into the log whether connections are encrypted. An open password in a network is worth a warning.

    :param bound: the host name to which the server is bound.
    """
    reason = obstacle(config)
    if not reason:
        whose = "all" if config.encryption == "required" else "the clients' that can encrypt as well"
        logger.info("connections are encrypted: %s", whose)
    elif has_password and not is_loopback(bound):
        logger.warning(
            "connections are not encrypted: %s. Whoever can read the network's traffic sees the game, can take over or "
            "end a player's connection, and can try out passwords against a recorded handshake",
            reason,
        )
    else:
        logger.info("connections are not encrypted: %s", reason)


def invite_to(
    config: ServerConfig, identity: ServerIdentity | None, bound: str | None, port: int | None, wanted: object
) -> str:
    """Return the invite to a running server.

    :param bound, port: where it listens; None if it does not run.
    :param wanted: the host name at which friends reach it; None to choose one.
    :raises CannotEncrypt, RuntimeError, TypeError: as ``Server.invite``.
    """
    reason = obstacle(config)
    if reason:
        raise CannotEncrypt(f"an invite needs encryption, and {reason}")
    if identity is None or bound is None or port is None:
        raise RuntimeError("invite() needs the server's port: call it once the server runs, for example in on_bound")
    if wanted is not None:
        check_hostname(wanted, "; name the address at which friends reach this machine")
    hostname = str(wanted) if wanted is not None else _reached_at(bound)
    return str(Invite(hostname, port, identity.pair.public, identity.join_secret))


def _reached_at(bound: str) -> str:
    """Return the address at which other machines most likely reach a server."""
    return get_available_ip_addresses()[0] if is_everywhere(bound) else bound
