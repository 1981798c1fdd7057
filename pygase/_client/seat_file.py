"""The file by which a player's program that was killed takes its place in the game again when it is started anew."""

from __future__ import annotations

import json
import logging
import os
from contextlib import suppress
from typing import Any, Final

from .._io.files import objection_to, read_file, real_path, remove_file, replace_file
from .._protocol.resumption import NO_SEAT, Seat
from .._protocol.wire import KEY_BYTES, SECRET_BYTES

logger = logging.getLogger("pygase")

_HEAD: Final = '{"pygase": "resume"'
_MOST_BYTES: Final = 4096


class SeatFile:
    """Keeps the secret of a connection in a file that only its owner can read.

    :param path: of the file; ``server``: the host name and the port of the connection; ``game``: the game's name.
    :param wish: the room that the player wants to enter.
    :raises ValueError: if no file can be kept there.
    """

    def __init__(self, path: str | os.PathLike[str], server: tuple[str, int], game: str, wish: str = "") -> None:
        self._path = real_path(path)
        self._server = server
        self._game = game
        self._wish = wish
        self._is_ours = True
        objection = objection_to(self._path)
        if objection is not None:
            raise ValueError(f"resume={os.fspath(path)!r} cannot be used: {objection}")

    def load(self) -> Seat:
        """Return the place of the process that was killed; an empty one, and a line in the log, if it is unknown."""
        with suppress(OSError):
            data = read_file(self._path, _MOST_BYTES)
            if data is not None:
                return self._decoded(data)
        return NO_SEAT

    def _decoded(self, data: bytes) -> Seat:
        if data and not data.startswith(_HEAD.encode()):
            self._is_ours = False
            logger.warning(
                "%s is not a file of PyGaSe, so it is left as it is, and this client connects as a new player: name "
                "another file in resume=",
                self._path,
            )
            return NO_SEAT
        try:
            fields: dict[str, Any] = json.loads(data)
            seat = Seat(
                int(fields["client_id"]),
                bytes.fromhex(fields["secret"]),
                0.0,
                True,
                bytes.fromhex(fields["identity"]),
                str(fields["room"]),
            )
            is_whole = (
                0 < seat.client_id < 1 << 32
                and len(seat.secret) == SECRET_BYTES
                and len(seat.identity) in (0, KEY_BYTES)
            )
            meant = (tuple(fields["server"]), fields["game"], fields["wish"])
            is_meant = meant == (self._server, self._game, self._wish)
        except (ValueError, KeyError, TypeError, OverflowError, RecursionError):
            is_whole = is_meant = False
        if not is_whole:
            logger.warning("%s is damaged, so this client connects as a new player", self._path)
        return seat if is_whole and is_meant else NO_SEAT

    def save(self, seat: Seat) -> None:
        """Keep the newest secret, before the server learns that it has arrived."""
        if not self._is_ours or not seat.seconds:
            return
        fields = {
            "pygase": "resume",
            "server": self._server,
            "game": self._game,
            "client_id": seat.client_id,
            "secret": seat.secret.hex(),
            "identity": seat.identity.hex(),
            "wish": self._wish,
            "room": seat.room,
        }
        try:
            replace_file(self._path, json.dumps(fields).encode())
        except OSError as error:
            logger.warning("the place in the game is not kept in %s: %s", self._path, error.strerror or error)

    def remove(self) -> None:
        """Note that there is no place to come back to."""
        if self._is_ours:
            with suppress(OSError):
                remove_file(self._path)
