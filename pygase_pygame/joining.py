"""The two ways into a game: join one, or host one."""

from __future__ import annotations

import math
import os
import threading
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import replace
from typing import Any, Final, TypedDict, Unpack

from pygase import (
    DEFAULT_PORT,
    Backend,
    Client,
    ClientConfig,
    Interpolate,
    LocalError,
    WorldPrediction,
    check_hostname,
    check_port,
    is_invite,
    own_address,
)

from .connect.address import parse_place, shown_place
from .event_timing import EventMoment
from .own_part import Prediction
from .session import Session

OWN_PLAYER: Final = ClientConfig(timeout=math.inf)
"""The client's config for a player who hosts the game in the same process. The connection never times out, so that no
breakpoint breaks it."""

_JOIN: Final = "; name what you mean: join(hostname='localhost', port=8080)"
_HOST: Final = "; name what you mean: host(backend, port=8080, hostname='localhost')"
"""The correct calls, for the end of error messages."""


class Place(TypedDict, total=False):
    """The arguments of ``Client.connect`` that name a server."""

    port: int
    hostname: str
    invite: str


def destination(hostname: str, port: int) -> Place:
    """Return the arguments of ``Client.connect`` for what :func:`parse_place` has read."""
    return {"invite": hostname} if is_invite(hostname) else {"hostname": hostname, "port": port}


class SessionOptions(TypedDict, total=False):
    """The parameters of :class:`Session` beside the client."""

    interpolate: Iterable[str | Interpolate]
    delay: float | None
    tick: float | None
    predict: Prediction | WorldPrediction | None
    check: Callable[[Mapping[str, Any]], str] | None
    events: EventMoment
    at_once: Collection[str]
    happenings: Collection[str] | Mapping[str, int]
    input_event: str
    input_rate: float | None
    clock: Callable[[], float]


def join(
    hostname: str = "localhost",
    port: int = DEFAULT_PORT,
    *,
    game: str = "",
    invite: str | None = None,
    password: str | None = None,
    connect_timeout: float | None = None,
    profile: Mapping[str, Any] | None = None,
    resume: str | os.PathLike[str] | None = None,
    **options: Unpack[SessionOptions],
) -> Session:
    """Begin to connect to a server, and return the session at once.

    :param hostname: ``HOST``, ``HOST:PORT``, an IPv6 address or ``[IPV6]:PORT``, or an invite. Its port replaces
        ``port``.
    :param game: name of the server's game.
    :param invite: the text of ``Server.invite()``, instead of ``hostname`` and ``port``: nobody on the way can read or
        change anything.
    :param password: the server's password, if it has one.
    :param connect_timeout: seconds to wait for the server's answer.
    :param profile: see :meth:`pygase.Client.connect`. Each attempt to connect sends it as it is then.
    :param resume: path of a file that keeps the player's place, see :meth:`pygase.Client.connect`.
    :param options: ``interpolate``, ``delay``, ``tick``, ``predict``, ``check``, ``events``, ``at_once``,
        ``happenings``, ``input_event``, ``input_rate``: see :class:`Session`.
    :raises ValueError: an argument makes no sense; the message can be shown to a player.
    :raises pygase.CannotEncrypt: an invite needs encryption, which is not installed; says what to do.
    :raises TypeError: ``hostname`` is no str.
    """
    check_hostname(hostname if invite is None else invite, _JOIN)
    hostname, port = parse_place(hostname if invite is None else invite, port)
    check_port(port, _JOIN)
    client = Client(game=game, password=password)

    def connect() -> threading.Thread:
        return client.connect_in_thread(
            **destination(hostname, port), connect_timeout=connect_timeout, profile=profile, resume=resume
        )

    session = Session(client, connect=connect, address=shown_place(hostname, port), **options)
    session.connect()
    return session


def host(
    backend: Backend,
    port: int = 0,
    hostname: str = "localhost",
    *,
    game: str = "",
    password: str | None = None,
    interval: float | None = None,
    profile: Mapping[str, Any] | None = None,
    **options: Unpack[SessionOptions],
) -> Session:
    """Serve a game in the background, join it as its host, and return the session. Closing it ends both.

    A client from this machine becomes the host while there is no other, unless ``ServerConfig.local_host`` says
    otherwise.

    :param port: 0 for any free port, which is then ``session.backend.server.port``.
    :param hostname: own address to serve at: "localhost" for this machine only, "0.0.0.0" or "::" for all.
    :param game: the backend's game.
    :param password: the backend's password.
    :param interval: seconds between two ticks; None: ``tick`` if that is given, otherwise 0.02.
    :param profile: as for :func:`join`.
    :param options: as for :func:`join`.
    :raises pygase.errors.AddressInUse: another program has the port; the message can be shown to a player.
    :raises ValueError, TypeError: the port or the host name is impossible.
    """
    check_hostname(hostname, _HOST)
    check_port(port, _HOST, least=0)
    interval = _interval(interval, options.get("tick"))
    client = Client(game=game, password=password, config=OWN_PLAYER)
    reached_at = own_address(hostname)

    def connect() -> threading.Thread:
        server = backend.server
        bound = server.port or port  # a server that has ended has no port: then nobody answers
        return client.connect_in_thread(bound, reached_at, host_token=server.own_token, profile=profile)

    config = backend.server.config
    if config.local_host is None:
        backend.server.config = replace(config, local_host=True)
    session = Session(client, connect=connect, backend=backend, address="your own server", **options)
    try:
        backend.run_in_thread(hostname, port, interval)
    except LocalError as error:
        error.__traceback__ = None  # the program's own line and the sentence are enough
        raise
    try:
        session.connect()
    except BaseException:
        session.close()
        raise
    return session


def _interval(interval: float | None, tick: float | None) -> float:
    if interval is None:
        return 0.02 if tick is None else tick
    if tick is not None and interval != tick:
        raise ValueError(
            f"the server's ticks are the client's: interval={interval!r} and tick={tick!r} must be the same"
        )
    return interval
