"""The page on types as a program, for a type checker. `python -m tests.support.typed FILE` writes it."""

import sys
from pathlib import Path

from tests.support.documents import ROOT, runnable_script


def typed_page() -> str:
    """Return all code of the page, with its line numbers."""
    return runnable_script((ROOT / "docs" / "types.md").read_text(encoding="utf-8"))


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(typed_page(), encoding="utf-8")
