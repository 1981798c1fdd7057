"""Checks of users' arguments. Each error says what was expected and what it got."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from typing import Any, Final, NamedTuple

from ._protocol.bans import network_text
from ._protocol.channels import RELIABLE
from ._protocol.crypto import why_no_passwords, why_not
from ._protocol.handshake import EMPTY_PROFILE, MAX_PROFILE_LEVELS, decode_profile, plain_host
from ._protocol.secrecy import BY_INVITE, NO_TRUST, Trust
from ._protocol.wire import MAX_GAME_BYTES, MAX_PROFILE_BYTES, MAX_ROOM_BYTES
from ._protocol.wishes import NO_WISH, Wish
from ._state.codec import pack_plain
from ._state.tree import Cleaner
from .addresses import check_hostname, check_port
from .config import DISCOVERY_PORT
from .errors import CannotEncrypt, InvalidValue, LocalError, MalformedPacket
from .invites import parse_invite

_MAX_VIEW_TIME: Final = 1e12
"""Seconds beyond which a view time cannot be a clock's."""


def check_names(game: Any, password: Any) -> None:
    """Check a game's name and password.

    :raises ValueError, TypeError: one of them is wrong.
    :raises LocalError: this Python cannot check passwords.
    """
    if not isinstance(game, str) or len(game.encode(errors="replace")) > MAX_GAME_BYTES:
        raise ValueError(f"game must be a str of at most {MAX_GAME_BYTES} bytes, got {game!r:.100}")
    if password is not None and not isinstance(password, str):
        raise TypeError(f"password must be a str or None, got a {type(password).__name__}")
    problem = why_no_passwords() if password is not None else ""
    if problem:
        raise LocalError(problem)
    for text in (game, password or ""):
        if not text.isprintable():
            raise ValueError("game and password must consist of printable characters")


def encode_profile(profile: Any) -> bytes:
    """Serialise a player's profile for the handshake; None is an empty one.

    :raises InvalidValue: it is no dict of plain values, or too large.
    """
    wanted = "profile must be a dict of plain values such as {'name': 'Ann'}"
    if profile is None:
        return EMPTY_PROFILE
    if not isinstance(profile, Mapping):
        raise InvalidValue(f"{wanted}, got {profile!r:.100}")
    try:
        payload = pack_plain(Cleaner().clean(dict(profile), "profile"))
    except TypeError as error:
        raise error if isinstance(error, InvalidValue) else InvalidValue(f"{wanted}; it holds TO_DELETE") from None
    fault = _fault_of_profile(payload)
    if fault:
        raise InvalidValue(f"the profile {fault}; send the rest with dispatch_event after CONNECTED")
    return payload


def _fault_of_profile(payload: bytes) -> str:
    if len(payload) > MAX_PROFILE_BYTES:
        return f"takes {len(payload)} bytes, at most {MAX_PROFILE_BYTES} travel with the handshake"
    try:
        decode_profile(payload)
    except MalformedPacket:
        return f"nests lists and dicts more than {MAX_PROFILE_LEVELS} deep"
    return ""


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


class Destination(NamedTuple):
    """Where a client connects, and how it recognises the server."""

    port: int
    hostname: str
    trust: Trust = NO_TRUST
    wish: Wish = NO_WISH


def as_destination(port: Any, hostname: Any, invite: Any, room: Any, encryption: str, call: str) -> Destination:
    """Return where ``Client.connect`` and its kind connect.

    :param port: None: that of the invite, with its host name.
    :param room: the room's code, or ``""``.
    :param encryption: as in ClientConfig.
    :param call: name of the called method in error messages.
    :raises ValueError, TypeError: one of them is wrong.
    :raises CannotEncrypt: encryption is required and not possible.
    """
    wish = as_wish(room)
    reason = why_not() if invite is not None or encryption == "required" else ""
    if reason:
        wanted = "an invite" if invite is not None else "encryption='required'"
        raise CannotEncrypt(f"{call}() with {wanted} needs encryption, and {reason}")
    if invite is None:
        if port is None:
            raise TypeError(
                f"{call}() needs a port or an invite; write {call}(port=8080) or {call}(invite='pygase://…')"
            )
        check_address(port, hostname, call)
        return Destination(port, hostname, NO_TRUST, wish)
    found = parse_invite(invite)
    trust = Trust(BY_INVITE, found.identity, found.join_secret)
    if port is None:
        return Destination(found.port, found.hostname, trust, wish)
    check_address(port, hostname, call)
    return Destination(port, hostname, trust, wish)


def as_wish(room: Any) -> Wish:
    """Return the room that a client wants to enter: a code, or what ``pygase.rooms.quick`` and ``new`` have made.

    :raises TypeError: it is no text.
    :raises ValueError: it is too long or cannot be printed.
    """
    if isinstance(room, Wish):
        return room
    if not isinstance(room, str):
        raise TypeError(f"room must be a room's code, such as room='7KQ2'; got {room!r:.80}")
    if len(room.encode(errors="replace")) > MAX_ROOM_BYTES:
        raise ValueError(f"room must be a room's code of at most {MAX_ROOM_BYTES} bytes in UTF-8, got {room!r:.80}")
    if not room.isprintable():
        raise ValueError(f"room must be a room's code in printable characters, got {room!r:.80}")
    return Wish(room)


def check_checkpoint_interval(seconds: Any) -> None:
    """Check the time between two saves.

    :raises ValueError: it is no positive number of seconds.
    """
    if isinstance(seconds, bool) or not isinstance(seconds, (int, float)) or not 0 < seconds < math.inf:
        raise ValueError(f"checkpoint_interval must be a positive number of seconds, such as 5.0; got {seconds!r:.80}")


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


Target = int | tuple[Any, ...]
"""A client, as a program names it: by its id, or by its address."""


def _as_target(value: Any) -> Target | None:
    """Return the id or the address that a value is; None if it is neither."""
    if isinstance(value, int):
        return None if isinstance(value, bool) else int(value)
    return tuple(value) if _is_address(value) else None


def _as_clients(value: Any) -> list[Target] | None:
    """Return the clients of an id, an address, or a collection of such, each once; None if it is none of these."""
    single = _as_target(value)
    if single is not None:
        return [single]
    if not isinstance(value, Collection) or isinstance(value, (str, bytes)):
        return None
    targets = [_as_target(each) for each in value]
    return None if None in targets else list(dict.fromkeys(each for each in targets if each is not None))


def as_targets(target_client: Any) -> list[Target] | None:
    """Return the receivers of an event, each once; None for ``"all"``.

    :param target_client: ``"all"``, a client's id, its address, or a collection of ids and addresses.
    :raises TypeError: it is none of these.
    """
    if isinstance(target_client, str) and target_client == "all":
        return None
    targets = _as_clients(target_client)
    if targets is None:
        raise TypeError(
            "target_client must be 'all', a client's id such as 1, its address such as ('127.0.0.1', 50000), or a "
            f"list of them; got {target_client!r:.200}"
        )
    return targets


def as_clients(client: Any) -> list[Target]:
    """Return the clients that a program names, each once.

    :param client: a client's id, its address, or a collection of ids and addresses.
    :raises TypeError: it is none of these.
    """
    targets = _as_clients(client)
    if targets is None:
        raise TypeError(
            "expected a client's id such as 1, its address such as ('127.0.0.1', 50000), or a list of them; got "
            f"{client!r:.200}"
        )
    return targets


def as_banned(client: Any) -> list[Target | str]:
    """Return what a program bans: clients, IP addresses as :func:`plain_host` spells them, and networks.

    :param client: a client's id or address, an IP address or a network as text, or a collection of these.
    :raises TypeError, ValueError: it is none of these.
    """
    if isinstance(client, str):
        return [_host_or_network(client)]
    single = _as_target(client)
    if single is not None or not isinstance(client, Collection) or isinstance(client, bytes):
        return [*as_clients(client)]
    return [each for one in client for each in ([_host_or_network(one)] if isinstance(one, str) else as_clients(one))]


def _host_or_network(text: str) -> str:
    import ipaddress  # only here: the import is slow

    try:
        return network_text(text) if "/" in text else plain_host(str(ipaddress.ip_address(plain_host(text))))
    except ValueError:
        raise ValueError(
            "expected a client's id or address, an IP address such as '192.168.0.7', or a network such as "
            f"'192.168.0.0/24'; got the text {text!r:.100}"
        ) from None
