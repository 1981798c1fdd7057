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
    for right, wrong in (("game_state.players\n", "game_state.plyers\n"), ('mine["x"] + 4.0', 'mine["y"] + 4.0')):
        assert source.count(right) == 1 + (wrong == "game_state.plyers\n")
        assert "error:" in complaints(source.replace(right, wrong), tmp_path)
