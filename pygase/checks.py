"""Checks of users' arguments. Each error says what was expected and what it got."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, Final

from ._protocol.channels import RELIABLE
from ._protocol.handshake import plain_host
from ._protocol.wire import MAX_GAME_BYTES
from .addresses import check_hostname, check_port
from .config import DISCOVERY_PORT

_MAX_VIEW_TIME: Final = 1e12
"""Seconds beyond which a view time cannot be a clock's."""


def check_names(game: Any, password: Any) -> None:
    """Check a game's name and password.

    :raises ValueError, TypeError: one of them is wrong.
    """
    if not isinstance(game, str) or len(game.encode(errors="replace")) > MAX_GAME_BYTES:
        raise ValueError(f"game must be a str of at most {MAX_GAME_BYTES} bytes, got {game!r:.100}")
    if password is not None and not isinstance(password, str):
        raise TypeError(f"password must be a str or None, got a {type(password).__name__}")
    for text in (game, password or ""):
        if not text.isprintable():
            raise ValueError("game and password must consist of printable characters")


def check_view_time(view_time: Any) -> None:
    """Check a time of the server's clock.

    :raises ValueError, TypeError: it is none.
    """
    if view_time is None:
        return
    if isinstance(view_time, bool) or not isinstance(view_time, (int, float)):
        raise TypeError(f"view_time must be seconds of the server's time or None, got a {type(view_time).__name__}")
    if not -_MAX_VIEW_TIME < view_time < _MAX_VIEW_TIME:
        raise ValueError(f"view_time must be seconds of the server's time or None, not {view_time!r:.100}")


def check_address(port: Any, hostname: Any, call: str, *, least_port: int = 1) -> None:
    """Check a port and a host name.

    :param call: name of the called method in error messages.
    :param least_port: lowest valid port.
    :raises ValueError, TypeError: one of them is wrong.
    """
    advice = f"; name what you mean: {call}(port=8080, hostname='localhost')"
    check_port(port, ("; read the real one from server.port" if port == 0 else "") + advice, least=least_port)
    check_hostname(hostname, advice)
    name, _, digits = hostname.rpartition(":")
    if name and ":" not in name and digits.isdecimal():  # an IPv6 address has more of them
        raise ValueError(f"hostname {hostname!r} has a port in it; write {call}(port={digits}, hostname={name!r})")


def check_discovery_port(port: Any) -> None:
    """Check a port on which games are announced and searched.

    :raises ValueError: it is none.
    """
    check_port(port, f" (leave it out for {DISCOVERY_PORT})")


def check_dispatch(retries: Any, ack_callback: Any) -> None:
    """Check the common arguments of all ``dispatch_event`` methods.

    :raises ValueError, TypeError: one of them is wrong.
    """
    if isinstance(retries, bool) or not isinstance(retries, int) or retries < RELIABLE:
        raise ValueError(f"retries must be 0, a positive int, or pygase.RELIABLE; got {retries!r}")
    if ack_callback is not None and not callable(ack_callback):
        raise TypeError(f"ack_callback must be a function, got {ack_callback!r}; pass it without calling it")


def _is_address(value: Any) -> bool:
    """Tell ``(host, port, ...)`` from a collection of addresses."""
    return isinstance(value, (tuple, list)) and len(value) >= 2 and isinstance(value[0], str) and type(value[1]) is int


def as_address(client_address: Any) -> tuple[Any, ...]:
    """Return a client's address as a tuple.

    :raises TypeError: it is no address.
    """
    if _is_address(client_address):
        return tuple(client_address)
    raise TypeError(f"client_address must be a client's address such as ('127.0.0.1', 50000), got {client_address!r}")


def as_targets(target_client: Any) -> list[tuple[Any, ...]] | None:
    """Return the addresses of the receivers, each once; None for ``"all"``.

    :param target_client: ``"all"``, an address, or a collection of addresses.
    :raises TypeError: it is none of these.
    """
    if isinstance(target_client, str) and target_client == "all":
        return None
    if _is_address(target_client):
        return [tuple(target_client)]
    if isinstance(target_client, Collection) and not isinstance(target_client, (str, bytes)):
        targets = list(target_client)
        if all(map(_is_address, targets)):
            return list(dict.fromkeys(map(tuple, targets)))
    raise TypeError(
        "target_client must be 'all', a client's address such as ('127.0.0.1', 50000), or a list of addresses; "
        f"got {target_client!r:.200}"
    )


def as_host(client: Any) -> str:
    """Return the IP address of a client, or an IP address given as text, as :func:`plain_host` spells it.

    :raises TypeError, ValueError: it is neither.
    """
    if not isinstance(client, str):
        return plain_host(as_address(client)[0])
    import ipaddress  # only here: the import is slow

    try:
        return plain_host(str(ipaddress.ip_address(plain_host(client))))
    except ValueError:
        raise ValueError(
            f"expected a client's address or an IP address such as '192.168.0.7', got the text {client!r:.100}"
        ) from None
