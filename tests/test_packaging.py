"""A wheel holds the two libraries alone. The games run from a checkout and from the sdist."""

import ast
import tomllib
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
SETUPTOOLS: dict[str, Any] = PYPROJECT["tool"]["setuptools"]


def folders_with_python() -> list[str]:
    """Return the dotted names of all folders of the checkout that have Python files, as setuptools names packages."""
    folders = {file.parent.relative_to(ROOT) for file in ROOT.rglob("*.py") if not _is_hidden(file)}
    return sorted(".".join(folder.parts) for folder in folders if folder.parts)


def _is_hidden(file: Path) -> bool:
    return any(part.startswith(".") or part == "build" for part in file.relative_to(ROOT).parts)


def packages_of_the_wheel() -> set[str]:
    include = SETUPTOOLS["packages"]["find"]["include"]
    return {name for name in folders_with_python() if any(fnmatchcase(name, pattern) for pattern in include)}


def test_the_top_level_of_a_wheel_is_the_two_libraries() -> None:
    assert {name.partition(".")[0] for name in packages_of_the_wheel()} == {"pygase", "pygase_pygame"}


def test_a_wheel_has_every_package_of_the_libraries() -> None:
    folders = {name for name in folders_with_python() if name.partition(".")[0] in ("pygase", "pygase_pygame")}
    assert packages_of_the_wheel() == folders
    assert {"pygase", "pygase_pygame", "pygase_pygame.app", "pygase_pygame.ui"} <= folders
    without_init = [name for name in folders if not (ROOT / name.replace(".", "/") / "__init__.py").exists()]
    assert without_init == [], "setuptools finds no package there"


def test_a_wheel_has_the_files_that_are_not_python() -> None:
    """That is the font with its licence; colours, icons and sounds are computed."""
    data = {
        file.relative_to(ROOT / package).as_posix()
        for package in ("pygase", "pygase_pygame")
        for file in (ROOT / package).rglob("*")
        if file.is_file() and file.suffix not in (".py", ".pyc", ".c", ".so", ".pyd")
    }
    patterns = [pattern for patterns in SETUPTOOLS["package-data"].values() for pattern in patterns]
    assert {"py.typed", "ui/fonts/DejaVuSansCondensed.ttf", "ui/fonts/LICENSE_DEJAVU.txt"} <= data
    assert [name for name in data if not any(Path(name).match(pattern) for pattern in patterns)] == []


def test_the_sdist_has_the_games_and_their_credits() -> None:
    backend = ast.parse((ROOT / "deploy" / "pygase_build.py").read_text(encoding="utf-8"))
    sources = {
        target.id: ast.literal_eval(node.value)
        for node in backend.body
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name) and target.id == "SOURCES"
    }
    assert {"games", "assets", "tests", "docs", "deploy"} <= set(sources["SOURCES"])
    assert all((ROOT / folder).is_dir() for folder in sources["SOURCES"])


def test_an_editable_install_finds_the_games_in_the_checkout() -> None:
    assert SETUPTOOLS["package-dir"] == {"": "."}
