"""`python -m games`: list the games and the commands that start them."""

import ast
import sys
from collections.abc import Sequence
from pathlib import Path

HOW = """Games made with PyGaSe. To open one, and to join a friend's:

    python -m games.NAME host
    python -m games.NAME join HOST

`--help` after either lists the options. NAME is one of:
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Print the list. Return the exit status: 2 if the command line holds anything but `--help`, else 0."""
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
    """Return the games of a folder: each name with the first sentence of the package's docstring.

    It imports no game, because importing pygame takes time.
    """
    packages = sorted(file.parent for file in folder.glob("*/__main__.py"))
    return {package.name: _about((package / "__init__.py").read_text(encoding="utf-8")) for package in packages}


def _about(source: str) -> str:
    first = (ast.get_docstring(ast.parse(source)) or "").partition("\n")[0]
    return first.partition(": `")[0].rstrip(".")


if __name__ == "__main__":
    sys.exit(main())
