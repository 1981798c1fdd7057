"""`python -m games`: which games there are, and how to start them."""

import ast
import sys
from collections.abc import Sequence
from pathlib import Path

HOW = """Games made with PyGaSe. To open one, and to join a friend's:

    python -m games.NAME host
    python -m games.NAME join HOST

With --help they tell the rest. What NAME can be:
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Print the list; return the exit status: 2 if something else was asked for."""
    arguments = sys.argv[1:] if argv is None else argv
    found = games(Path(__file__).parent)
    width = max(map(len, found), default=0)
    print(HOW)
    for name, about in found.items():
        print(f"    {name:{width}}   {about}")
    asked = next((argument for argument in arguments if argument not in ("-h", "--help")), None)
    if asked is None:
        return 0
    print(
        f"\nTo play {asked}, type: python -m games.{asked} host" if asked in found else f"\nNo game is {asked!r:.80}."
    )
    return 2


def games(folder: Path) -> dict[str, str]:
    """Return what each game in a folder is about, by its name: the beginning of its own description.

    The games themselves are not imported: that takes pygame, and time.
    """
    packages = sorted(file.parent for file in folder.glob("*/__main__.py"))
    return {package.name: _about((package / "__init__.py").read_text(encoding="utf-8")) for package in packages}


def _about(source: str) -> str:
    first = (ast.get_docstring(ast.parse(source)) or "").partition("\n")[0]
    return first.partition(": `")[0].rstrip(".")


if __name__ == "__main__":
    sys.exit(main())
