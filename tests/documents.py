"""Finds the code in a Markdown page that is meant to be run, and runs it.

What stands behind the word `python` where a block begins says how:

- `runnable`: the runnable blocks of a page are one script, run in this process from top to bottom. What it
  prints must be what stands behind `# ->` in it.
- `program=NAME`: a whole program, run as a process of its own exactly as it stands there.

In both, the port 8080 is replaced by a free one, so that a test disturbs nobody.
"""

from __future__ import annotations

import contextlib
import io
import re
import socket
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
PORT_IN_PAGES = "8080"

_BLOCK = re.compile(r"^```python ([^\n]+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_EXPECTED = re.compile(r"# -> (.*)$", re.MULTILINE)


def runnable_script(page: str) -> str:
    """Return all runnable blocks of the text `page` as one script, with the line numbers of the page."""
    lines = [""] * (page.count("\n") + 1)
    for block in _BLOCK.finditer(page):
        if block[1] == "runnable":
            first = page.count("\n", 0, block.start(2))
            code = block[2].splitlines()
            lines[first : first + len(code)] = code
    return "\n".join(lines)


def programs(page: str) -> dict[str, str]:
    """Return the programs in the text `page` by their names."""
    marked = ((block[1].partition("program="), block[2]) for block in _BLOCK.finditer(page))
    return {name: code for (_, mark, name), code in marked if mark}


def unknown_marks(page: str) -> list[str]:
    """Return the marks that are none of the two above: misprints, which would hide a block."""
    marks = [block[1] for block in _BLOCK.finditer(page)]
    return [mark for mark in marks if mark != "runnable" and not re.fullmatch(r"program=\w+\.py", mark)]


def run_script(script: str, name: str) -> tuple[list[str], list[str]]:
    """Run `script`; return the lines that it promised to print behind `# ->`, and those that it printed."""
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(compile(script, name, "exec"), {"__name__": "__main__"})
    return _EXPECTED.findall(script), printed.getvalue().splitlines()


def on_port(code: str, port: int) -> str:
    """Return `code` with `port` in place of the one that the pages use."""
    return code.replace(PORT_IN_PAGES, str(port))


def free_port() -> int:
    """Return a UDP port of this machine that nobody has taken."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
