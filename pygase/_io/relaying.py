"""A relay on a socket: ``python -m pygase relay``."""

from __future__ import annotations

import select
from collections.abc import Callable
from dataclasses import replace
from hashlib import blake2b
from pathlib import Path
from typing import Final

from .._relay.codes import shown_code
from .._relay.limits import RelayLimits
from .._relay.meeting import EndedRoom
from .._relay.relay import Relay
from ..addresses import format_address
from .clocks import monotonic, random_bytes
from .files import objection_to, read_file, real_path, replace_file
from .signals import EndedBySignal, handling_signals
from .udp import UdpTransport, bound_socket

LOOK_UP: Final = 0.25
"""Most seconds of waiting for datagrams, so that a signal soon has its effect."""

RELAY_SECRET_BYTES: Final = 32
LEAST_ACCESS_KEY_BYTES: Final = 16
_MOST_KEY_FILE_BYTES: Final = 4096

Report = Callable[[str], object]
"""Takes a line for the log."""


class RelayFileUnusable(Exception):
    """A file of the relay cannot be used; the message says why, and what to do."""


class RelayServer:
    """A relay with its socket. Next: :meth:`run`.

    :param report: takes one line at the start, one for each room that has ended, and one at the end.
    :raises AddressInUse, AddressNotUsable: if the socket cannot be bound.
    """

    def __init__(self, relay: Relay, hostname: str, port: int, report: Report) -> None:
        self._relay = relay
        self._report = report
        sock = bound_socket(hostname, port)
        self._transport = UdpTransport([sock])
        self.port = int(sock.getsockname()[1])
        self._ended_by = 0

    def run(self) -> None:
        """Serve until the process is told to end. Everybody gets a goodbye then.

        :raises EndedBySignal: after SIGTERM or SIGHUP.
        :raises KeyboardInterrupt: after Ctrl-C.
        """
        try:
            with handling_signals(self._on_signal):
                while not self._ended_by:
                    self._turn()
        finally:
            self._say_goodbye()
        raise EndedBySignal(self._ended_by)

    def _on_signal(self, number: int, frame: object) -> None:
        self._ended_by = number

    def _turn(self) -> None:
        """Wait for datagrams, take all that are there, and send all that they lead to."""
        relay, transport = self._relay, self._transport
        select.select(transport.sockets, [], [], LOOK_UP)
        now = monotonic()
        relay.receive_datagrams(transport.take_timed(now), now)
        relay.handle_timeout(now)
        self._send()

    def _send(self) -> None:
        self._transport.send_all(self._relay.datagrams_to_send())
        for room in self._relay.take_ended():
            self._report(room_line(room))

    def _say_goodbye(self) -> None:
        counters = self._relay.counters
        self._relay.close(monotonic())
        self._send()
        self._transport.close()
        self._report(f"the relay has ended; it has forwarded {counters.forwarded} datagrams")


def serve_relay(relay: Relay, hostname: str, port: int, report: Report) -> None:
    """Run a relay until the process is told to end, see :class:`RelayServer`."""
    server = RelayServer(relay, hostname, port, report)
    limits = relay.limits
    report(
        f"the relay listens at {format_address(hostname, server.port)}, UDP; "
        f"at most {limits.rooms} rooms, and {limits.bytes_per_second:.0f} bytes/s each way for a player"
    )
    server.run()


def new_relay(secret: Path, access_key: Path | None, rooms: int, bytes_per_second: float) -> Relay:
    """Return a relay with the secret in a file, which is made if there is none.

    :raises RelayFileUnusable: a file cannot be used.
    """
    limits = replace(RelayLimits(), rooms=rooms, bytes_per_second=bytes_per_second)
    key = b"" if access_key is None else _access_key(access_key)
    return Relay(_kept_secret(secret), random_bytes, limits, key)


def _kept_secret(path: Path) -> bytes:
    """Return the relay's own secret. With the same one, rooms keep their codes over a restart."""
    file = real_path(path)
    data = _read(file)
    if data is None:
        objection = objection_to(file)
        if objection is not None:
            raise RelayFileUnusable(f"the relay's secret cannot be kept at {str(path)!r}: {objection}")
        data = random_bytes(RELAY_SECRET_BYTES)
        replace_file(file, data)
    if len(data) != RELAY_SECRET_BYTES:
        raise RelayFileUnusable(
            f"expected a relay's secret of {RELAY_SECRET_BYTES} bytes in {str(path)!r}, got {len(data)} bytes; name "
            "another path, or remove that file: then a new secret is made, and all rooms get other codes"
        )
    return data


def _access_key(path: Path) -> bytes:
    """Return the key that hosts must know: a hash over a file's content, without spaces and line ends around it."""
    data = (_read(real_path(path)) or b"").strip()
    if len(data) < LEAST_ACCESS_KEY_BYTES:
        raise RelayFileUnusable(
            f"expected a key of at least {LEAST_ACCESS_KEY_BYTES} bytes in {str(path)!r}, got {len(data)}; "
            "write some random letters into that file"
        )
    return blake2b(data, digest_size=RELAY_SECRET_BYTES, person=b"pygase access").digest()


def _read(path: Path) -> bytes | None:
    try:
        return read_file(path, _MOST_KEY_FILE_BYTES)
    except OSError as error:
        raise RelayFileUnusable(f"{str(path)!r} cannot be read ({error.strerror or error})") from None


def room_line(room: EndedRoom) -> str:
    """Return the line of the log about a room that has ended."""
    players = "1 player" if room.joined == 1 else f"{room.joined} players"
    carried = f"{room.carried_bytes / 1e6:.1f} MB"
    return f"room {shown_code(room.code)} of {room.host}: {players}, {room.seconds:.0f} s, {carried}; {room.reason}"
