"""The picture in a file: all of it or nothing, and what was there before stays until all of the new one is.

The file is JSON::

    {"format": "pygase-canvas", "version": 1, "paper": [3200, 2000], "strokes": 2,
     "pieces": [[0, 1, 3, "AZABkAoK"], ...], "checksum": 123456}

Each piece is the number of its stroke, colour, width, and its points as `rules` pack them, in base64.
"""

import base64
import binascii
import json
import logging
import os
import tempfile
import threading
import zlib
from collections.abc import Iterable, Sequence
from contextlib import suppress
from itertools import count
from pathlib import Path
from typing import Any, Final

from games.canvas import rules

FORMAT: Final = "pygase-canvas"
VERSION: Final = 1
MAX_FILE_BYTES: Final = 16 * 1024 * 1024  # a full picture is less than half of that

logger = logging.getLogger(__name__)


class FileTrouble(Exception):
    """A picture that cannot be read or written; says which, why, and what to do."""


def load(path: Path) -> list[bytes]:
    """Return the pieces that are in a file, all as of artist 0; none if there is no such file yet.

    Raises `FileTrouble`, and leaves the file as it is.
    """
    try:
        if path.stat().st_size > MAX_FILE_BYTES:
            raise FileTrouble(f"{path} is too large for a picture. {_OTHER_FILE}")
        content = path.read_bytes()
    except FileNotFoundError:
        _expect_folder(path)
        return []
    except OSError as error:
        raise FileTrouble(f"Cannot read {path}: {error.strerror or error}.") from error
    try:
        return _pieces_of(json.loads(content))
    except (ValueError, RecursionError) as error:  # UnicodeDecodeError, JSONDecodeError, BadPiece are ValueErrors
        raise FileTrouble(f"{path} is damaged, or no picture of this game: {error}. {_OTHER_FILE}") from error


def save(path: Path, pieces: Iterable[bytes]) -> None:
    """Write a picture to a file, which is the old one until all of the new one is written. Raises `FileTrouble`."""
    content = json.dumps(_document(list(pieces)), separators=(",", ":")).encode()
    temporary = None
    try:
        target = path.resolve()  # of a link, the file is replaced that it leads to
        handle, temporary = tempfile.mkstemp(prefix=f".{target.name}.", suffix=".part", dir=target.parent)
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())  # or else a power cut may leave an empty file in the place of the old one
        os.chmod(temporary, target.stat().st_mode & 0o777 if target.exists() else 0o644)
        os.replace(temporary, target)
    except OSError as error:
        if temporary is not None:
            with suppress(OSError):
                os.unlink(temporary)
        raise FileTrouble(f"The picture could not be saved to {path}: {error.strerror or error}.") from error


class Keeper:
    """Keeps a picture in a file: while the game goes on in the background, at its end at once.

    A file that somebody else has written meanwhile, such as another host of the same picture, is left alone: then this
    picture goes on in a file beside it, and `trouble` says so.

    :param path: the file; None: the picture is not kept.
    """

    def __init__(self, path: Path | None) -> None:
        self.path = path
        self.trouble = ""
        """What is not as it should be, as a sentence; "" if all is well."""
        self._moved = ""  # what is to be told of the file that the picture has moved to
        self._known: _Stamp | None = None  # the file as it was when it was read or written here
        self._saving: threading.Thread | None = None
        self._saved: Sequence[bytes] | None = None
        self._lock = threading.Lock()

    def load(self) -> list[bytes]:
        """Return the pieces in the file. Raises `FileTrouble`."""
        if self.path is None:
            return []
        self._known = _stamp(self.path)  # before: what is written while it is read is not what was read
        pieces = load(self.path)
        self._saved = tuple(pieces)
        return pieces

    def save_soon(self, pieces: Sequence[bytes]) -> bool:
        """Save in the background, and return at once: False if it is still busy with the last time."""
        if self.path is None:
            return True
        if self._saving is not None and self._saving.is_alive():
            return False
        self._saving = threading.Thread(target=self.save_now, args=(tuple(pieces),), name="canvas-keeper")
        self._saving.start()
        return True

    def save_now(self, pieces: Sequence[bytes]) -> bool:
        """Save, if it is another picture than the last time; return whether it is in the file now."""
        if self.path is None:
            return False
        with self._lock:
            if tuple(pieces) == self._saved:
                return True
            self._make_way()
            try:
                save(self.path, pieces)
            except FileTrouble as error:
                self.trouble = str(error)
                logger.warning("%s", error)
                return False
            self._saved, self.trouble, self._known = tuple(pieces), self._moved, _stamp(self.path)
            return True

    def _make_way(self) -> None:
        """Take another file if somebody else has written ours."""
        assert self.path is not None
        there = _stamp(self.path)
        if there is None or there == self._known:
            return
        theirs, self.path = self.path, unused(self.path)
        self._moved = f"Somebody else keeps a picture in {theirs.name}. This one is in {self.path.name} from now on."
        logger.warning("%s", self._moved)

    def wait(self) -> None:
        """Wait for the end of what goes on in the background."""
        if self._saving is not None:
            self._saving.join()


_Stamp = tuple[int, int, int]


def _stamp(path: Path) -> _Stamp | None:
    """Return what is another after a file has been written; None without a file."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_ino, found.st_size


def unused(path: Path) -> Path:
    """Return the first of "picture-2.json", "picture-3.json" and so on that is not there."""
    beside = (path.with_name(f"{path.stem}-{number}{path.suffix}") for number in count(2))
    return next(other for other in beside if not other.exists())


_OTHER_FILE: Final = "It was left as it was; to begin another picture, name another file"


def _expect_folder(path: Path) -> None:
    if not path.parent.is_dir():
        raise FileTrouble(f"There is no folder {path.parent} to keep {path.name} in. Make it first.")


def _document(pieces: list[bytes]) -> dict[str, Any]:
    numbers: dict[bytes, int] = {}
    rows = []
    for piece in pieces:
        number = numbers.setdefault(rules.stroke_of(piece), len(numbers))
        line = rules.line_of(piece)
        rows.append([number, line[0], line[1], base64.b64encode(line[2:]).decode()])
    return {
        "format": FORMAT,
        "version": VERSION,
        "paper": [rules.WIDTH, rules.HEIGHT],
        "strokes": len(numbers),
        "pieces": rows,
        "checksum": _checksum(rows),
    }


def _pieces_of(document: Any) -> list[bytes]:
    """Return the pieces of what a file says. Raises `ValueError` that says what is wrong with it."""
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        raise ValueError(f'it does not say "format": "{FORMAT}"')
    if document.get("version") != VERSION:
        raise ValueError(f"it is of version {document.get('version')!r:.20}, this game reads {VERSION}")
    if document.get("paper") != [rules.WIDTH, rules.HEIGHT]:
        raise ValueError("its paper has another size")
    rows = document.get("pieces")
    if not isinstance(rows, list) or document.get("checksum") != _checksum(rows):
        raise ValueError("its checksum is another, so a part of it is missing or changed")
    pieces = [_piece(row) for row in rows]
    if sum(map(rules.cost, pieces)) > rules.MAX_PICTURE_BYTES:
        raise ValueError("it has more in it than a picture can have")
    if len(set(map(rules.stroke_of, pieces))) > rules.MAX_PICTURE_STROKES:
        raise ValueError("it has more strokes in it than a picture can have")
    return pieces


def _piece(row: Any) -> bytes:
    match row:
        case [int(number), int(colour), int(width), str(text)] if rules.is_number(number):
            if not (0 <= colour < 256 and 0 <= width < 256):
                raise rules.BadPiece(f"there is no colour {colour}, or no width {width}")
            try:
                points = base64.b64decode(text, validate=True)
            except binascii.Error as error:
                raise ValueError(f"not base64: {error}") from error
            piece = rules.piece_of(0, number, bytes((colour, width)) + points)
            rules.unpack(piece)
            return piece
    raise ValueError(f"a piece is a stroke, a colour, a width and points, got {row!r:.60}")


def _checksum(rows: Any) -> int:
    return zlib.crc32(json.dumps(rows, separators=(",", ":")).encode())
