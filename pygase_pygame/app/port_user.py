"""The program that has a port. Linux only, the user's own programs only."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Final

_MAX_PROGRAMS: Final = 4000
_MAX_COMMAND: Final = 60  # of a command line


def user_of_port(port: int, proc: Path = Path("/proc")) -> str:
    """Return the program that has a UDP port, such as "python -m games.pong host (process 123)"; "" if unknown."""
    try:
        wanted = {f"socket:[{inode}]" for inode in _inodes(port, proc)}
        return _holder(wanted, proc) if wanted else ""
    except OSError:
        return ""


def _inodes(port: int, proc: Path) -> set[str]:
    """Return a port's sockets from the system's tables: column 2 is ADDRESS:PORT in hex, column 10 the inode."""
    found = set()
    for table in ("net/udp", "net/udp6"):
        path = proc / table
        for line in path.read_text().splitlines()[1:] if path.exists() else []:
            columns = line.split()
            if len(columns) > 9 and int(columns[1].rpartition(":")[2], 16) == port:
                found.add(columns[9])
    return found


def _holder(wanted: set[str], proc: Path) -> str:
    programs = [entry for entry in os.listdir(proc) if entry.isdecimal()]
    for program in programs[:_MAX_PROGRAMS]:
        if _has_open(proc / program / "fd", wanted):
            return f"{_command(proc / program)} (process {program})"
    return ""


def _has_open(folder: Path, wanted: set[str]) -> bool:
    try:
        return any(os.readlink(folder / name) in wanted for name in os.listdir(folder))
    except OSError:  # another user's program, or one that has just ended
        return False


def _command(folder: Path) -> str:
    words = (folder / "cmdline").read_bytes().decode("utf-8", "replace").split("\0")
    text = " ".join([Path(words[0]).name, *words[1:]]).strip()
    text = re.sub(r"[^ -~]+", " ", text)
    return text if len(text) <= _MAX_COMMAND else text[: _MAX_COMMAND - 3] + "..."
