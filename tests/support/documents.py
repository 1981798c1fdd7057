"""Finds the runnable code in a Markdown page, and runs it.

The word behind `python` at the beginning of a block gives its kind:

- `runnable`: the runnable blocks of a page are one script, run in this process from top to bottom. Its output
  must be the text behind `# ->` in it.
- `program=NAME`: a whole program, run unchanged in a process of its own. `RUN_BY` names the test.
- `fragment`: a part of a program, with names that the page does not define. It is only compiled.

Every Python block has one of these words. Readers do not see them: a renderer uses the first word alone.
In code that runs, a free port replaces 8080, and 127.0.0.1 replaces 0.0.0.0, so that a test disturbs nobody.
"""

from __future__ import annotations

import contextlib
import difflib
import io
import re
import socket
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]  # docs/api has a test of its own
PORT_IN_PAGES = "8080"

RUN_BY = {
    ("README.md", "server.py"): "tests/test_readme.py",
    ("README.md", "client.py"): "tests/test_readme.py",
    ("docs/adapter.md", "pads.py"): "tests/test_programs_of_the_guides.py",
    ("docs/cookbook.md", "night_server.py"): "tests/test_programs_of_the_guides.py",
    ("docs/discovery.md", "lan_host.py"): "tests/test_programs_of_the_guides.py",
    ("docs/discovery.md", "lan_find.py"): "tests/test_programs_of_the_guides.py",
    ("docs/first-game.md", "pong.py"): "tests/test_first_games.py",
    ("docs/getting-started.md", "smooth_client.py"): "tests/test_readme.py",
    ("docs/getting-started.md", "lan_server.py"): "tests/test_readme.py",
    ("docs/objects.md", "aliens_things.py"): "tests/test_programs_of_the_guides.py",
    ("docs/objects.md", "aliens_server.py"): "tests/test_programs_of_the_guides.py",
    ("docs/objects.md", "aliens_client.py"): "tests/test_programs_of_the_guides.py",
    ("docs/prediction.md", "predicted_server.py"): "tests/test_programs_of_the_guides.py",
    ("docs/prediction.md", "predicted_client.py"): "tests/test_programs_of_the_guides.py",
}
"""Page and name of each program, and the test that runs it."""

OTHER_LANGUAGES = {"diff", "hex", "text"}
"""The languages of other blocks: the tests of the protocol and of `hello` read `hex` and `diff`."""

_BLOCK = re.compile(r"^```python ([^\n]+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_FENCE = re.compile(r"^ *(?:```+|~~~+)(.*)\n((?:.*\n)*?) *(?:```+|~~~+) *$", re.MULTILINE)
_INDENTED = re.compile(r"(?:^(?: {4}|\t).*\n?|^\n(?=(?: {4}|\t)))+", re.MULTILINE)
_STATEMENT = re.compile(
    r"^\s*(?:import \w|from \S+ import |def \w+\(|class \w+|for \w+.* in .*:$|while .*:$)", re.MULTILINE
)
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


def link_targets(page: str) -> list[tuple[str, str]]:
    """Return the links of the text `page` within the repository: path (empty for the page itself) and anchor."""
    return re.findall(r"\]\(([^)#:]*)(?:#([\w-]+))?\)", page)


def programs(page: str) -> dict[str, str]:
    """Return the programs in the text `page` by their names."""
    marked = ((block[1].partition("program="), block[2]) for block in _BLOCK.finditer(page))
    return {name: code for (_, mark, name), code in marked if mark}


def fragments(page: str) -> list[str]:
    """Return the parts of programs in the text `page`."""
    return [block[2] for block in _BLOCK.finditer(page) if block[1] == "fragment"]


def difference(before: str, after: str) -> tuple[int, int, str]:
    """Compare two files of the repository, as a guide shows it.

    Return the number of lines that are new or different, the number of lines that are gone (empty ones do not count),
    and the block of the page.
    """
    texts = [(ROOT / name).read_text(encoding="utf-8").splitlines() for name in (before, after)]
    lines = list(difflib.unified_diff(*texts, before, after, n=2, lineterm=""))
    written, gone = (sum(line[0] == sign and bool(line[1:].strip()) for line in lines[2:]) for sign in "+-")
    return written, gone, "```diff\n" + "\n".join(lines) + "\n```"


def unmarked_blocks(page: str) -> list[str]:
    """Return the first line of each block that is Python, or looks like it, and has no kind.

    A block of another language is one of `OTHER_LANGUAGES`; commands for a terminal are indented.
    """
    fences = list(_FENCE.finditer(page))
    unknown = [fence[0].partition("\n")[0] for fence in fences if not _is_known(fence[1].strip())]
    indented = [block[0] for block in _INDENTED.finditer(_FENCE.sub("", page)) if _STATEMENT.search(block[0])]
    return unknown + [block.strip().partition("\n")[0] for block in indented]


def _is_known(info: str) -> bool:
    return info in OTHER_LANGUAGES or bool(re.fullmatch(r"python (?:runnable|fragment|program=\w+\.py)", info))


def run_script(script: str, name: str) -> tuple[list[str], list[str]]:
    """Run `script`; return the lines that it promised to print behind `# ->`, and those that it printed."""
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(compile(script, name, "exec"), {"__name__": "__main__"})
    return _EXPECTED.findall(script), printed.getvalue().splitlines()


def on_port(code: str, port: int) -> str:
    """Return `code` with `port` in place of the one that the pages use, and the loopback in place of all networks."""
    return code.replace(PORT_IN_PAGES, str(port)).replace("0.0.0.0", "127.0.0.1")


def free_port() -> int:
    """Return a free UDP port of this machine."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
