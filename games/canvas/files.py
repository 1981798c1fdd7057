"""The picture in a file. The old file stays until the whole new one is written.

The file is JSON::

    {"format": "pygase-canvas", "version": 1, "paper": [3200, 2000], "strokes": 2,
     "pieces": [[0, 1, 3, "AZABkAoK"], ...], "checksum": 123456}

A piece is the number of its stroke, colour, width, and its points as `rules` pack them, in base64.
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

FILE_FORMAT: Final = "pygase-canvas"
FILE_VERSION: Final = 1
MAX_PICTURE_FILE_BYTES: Final = 16 * 1024 * 1024  # a full picture takes less than half

logger = logging.getLogger(__name__)


class FileTrouble(Exception):
    """A picture cannot be read or written. The message names the file, the reason and the remedy."""


def load(path: Path) -> list[bytes]:
    """Return the pieces in a file, with artist 0; none if there is no file. Raises `FileTrouble`."""
    try:
        if path.stat().st_size > MAX_PICTURE_FILE_BYTES:
            raise FileTrouble(f"{path} is too large for a picture. {_OTHER_FILE}")
        content = path.read_bytes()
    except FileNotFoundError:
        _expect_folder(path)
        return []
    except OSError as error:
        raise FileTrouble(f"Cannot read {path}: {error.strerror or error}.") from error
    try:
        return _pieces_of(json.loads(content))
    except (ValueError, RecursionError) as error:  # including UnicodeDecodeError, JSONDecodeError and BadPiece
        raise FileTrouble(f"{path} is damaged, or no picture of this game: {error}. {_OTHER_FILE}") from error


def save(path: Path, pieces: Iterable[bytes]) -> None:
    """Write a picture to a file. Raises `FileTrouble`."""
    content = json.dumps(document_of(list(pieces)), separators=(",", ":")).encode()
    temporary = None
    try:
        target = path.resolve()  # keeps a link, and replaces the file that it points to
        handle, temporary = tempfile.mkstemp(prefix=f".{target.name}.", suffix=".part", dir=target.parent)
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())  # otherwise a power cut may leave an empty file
        os.chmod(temporary, target.stat().st_mode & 0o777 if target.exists() else 0o644)
        os.replace(temporary, target)
    except OSError as error:
        if temporary is not None:
            with suppress(OSError):
                os.unlink(temporary)
        raise FileTrouble(f"The picture could not be saved to {path}: {error.strerror or error}.") from error


class Keeper:
    """Keeps a picture in a file: in the background during the game, at once at the end.

    If another program has written the file meanwhile, the picture goes to a new file beside it, and `trouble` names it.

    :param path: the file; None: the picture is not kept.
    """

    def __init__(self, path: Path | None) -> None:
        self.path = path
        self.trouble = ""
        """The present problem as a sentence, or ""."""
        self._moved = ""  # the sentence about the new file, if the picture has moved
        self._known: _Stamp | None = None  # the file after it was last read or written here
        self._saving: threading.Thread | None = None
        self._saved: Sequence[bytes] | None = None
        self._lock = threading.Lock()

    def load(self) -> list[bytes]:
        """Return the pieces in the file. Raises `FileTrouble`."""
        if self.path is None:
            return []
        self._known = _stamp(self.path)  # before reading: a change during it counts as another program's
        pieces = load(self.path)
        self._saved = tuple(pieces)
        return pieces

    def save_soon(self, pieces: Sequence[bytes]) -> bool:
        """Save in the background. Return False at once if the last save still runs."""
        if self.path is None:
            return True
        if self._saving is not None and self._saving.is_alive():
            return False
        self._saving = threading.Thread(target=self.save_now, args=(tuple(pieces),), name="canvas-keeper")
        self._saving.start()
        return True

    def save_now(self, pieces: Sequence[bytes]) -> bool:
        """Save a changed picture. Return whether the file holds it now."""
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
        """Choose a new file if another program has written this one."""
        assert self.path is not None
        there = _stamp(self.path)
        if there is None or there == self._known:
            return
        theirs, self.path = self.path, unused(self.path)
        self._moved = f"Another program has saved a picture in {theirs.name}. This one now goes to {self.path.name}."
        logger.warning("%s", self._moved)

    def wait(self) -> None:
        """Wait for the save in the background."""
        if self._saving is not None:
            self._saving.join()


_Stamp = tuple[int, int, int]


def _stamp(path: Path) -> _Stamp | None:
    """Return time, inode and size, which change with every write; None without a file."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_ino, found.st_size


def unused(path: Path) -> Path:
    """Return the first free path of "picture-2.json", "picture-3.json" and so on."""
    beside = (path.with_name(f"{path.stem}-{number}{path.suffix}") for number in count(2))
    return next(other for other in beside if not other.exists())


_OTHER_FILE: Final = "The file was not changed; to begin another picture, name another file"


def _expect_folder(path: Path) -> None:
    if not path.parent.is_dir():
        raise FileTrouble(f"There is no folder {path.parent} to keep {path.name} in. Make it first.")


def document_of(pieces: list[bytes]) -> dict[str, Any]:
    """Return the document of a file with these pieces."""
    numbers: dict[bytes, int] = {}
    rows = []
    for piece in pieces:
        number = numbers.setdefault(rules.stroke_of(piece), len(numbers))
        line = rules.line_of(piece)
        rows.append([number, line[0], line[1], base64.b64encode(line[2:]).decode()])
    return {
        "format": FILE_FORMAT,
        "version": FILE_VERSION,
        "paper": [rules.WIDTH, rules.HEIGHT],
        "strokes": len(numbers),
        "pieces": rows,
        "checksum": checksum(rows),
    }


def _pieces_of(document: Any) -> list[bytes]:
    """Return the pieces in a document. Raises `ValueError` with the reason if it is invalid."""
    if not isinstance(document, dict) or document.get("format") != FILE_FORMAT:
        raise ValueError(f'it does not contain "format": "{FILE_FORMAT}"')
    if document.get("version") != FILE_VERSION:
        raise ValueError(f"it is of version {document.get('version')!r:.20}, this game reads {FILE_VERSION}")
    if document.get("paper") != [rules.WIDTH, rules.HEIGHT]:
        raise ValueError("its paper has another size")
    rows = document.get("pieces")
    if not isinstance(rows, list) or document.get("checksum") != checksum(rows):
        raise ValueError("its checksum does not match, so a part of it is missing or changed")
    pieces = [_piece(row) for row in rows]
    if sum(map(rules.cost, pieces)) > rules.MAX_PICTURE_BYTES:
        raise ValueError("it is larger than a picture may be")
    if len(set(map(rules.stroke_of, pieces))) > rules.MAX_PICTURE_STROKES:
        raise ValueError("it has more strokes than a picture may have")
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


def checksum(rows: Any) -> int:
    """Return the checksum of the rows in `pieces`."""
    return zlib.crc32(json.dumps(rows, separators=(",", ":")).encode())
