"""The page on types passes mypy in its strict mode, and a mistake in it would be found. (`test_docs` runs it.)"""

from pathlib import Path

import pytest

from tests.support.typed import typed_page

api = pytest.importorskip(
    "mypy.api", reason="mypy is a tool, not a requirement: the check of types runs this page as well"
)


def complaints(source: str, folder: Path) -> str:
    file = folder / "typed_game.py"
    file.write_text(source, encoding="utf-8")
    printed, errors, _ = api.run(
        ["--strict", "--python-version=3.11", f"--cache-dir={folder.parent / 'cache'}", str(file)]
    )
    return f"{printed}{errors}"


def test_a_typed_game_passes_and_mistakes_in_it_are_found(tmp_path: Path) -> None:
    source = typed_page()
    assert "Success: no issues found" in complaints(source, tmp_path)
    mistakes = {
        'mine["x"] + 4.0': 'mine["y"] + 4.0',
        'keys["right"] -': 'keys["up"] -',
        "walk(players[key],": "walk(key,",
    }
    for right, wrong in mistakes.items():
        assert source.count(right) == 1
        assert "error:" in complaints(source.replace(right, wrong), tmp_path)
