"""A program that PyInstaller packs gets all of PyGaSe, although PyInstaller cannot read compiled modules."""

import importlib
import importlib.util
import runpy
import sys
import tomllib
from pathlib import Path

import pytest

import pygase
from pygase import _pyinstaller

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = Path(pygase.__file__).parent
HOOK = Path(_pyinstaller.__file__).parent / "hook-pygase.py"


def test_the_entry_point_leads_to_the_hook() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    module, _, name = project["entry-points"]["pyinstaller40"]["hook-dirs"].partition(":")
    (folder,) = getattr(importlib.import_module(module), name)()
    assert Path(folder) / "hook-pygase.py" == HOOK
    assert HOOK.exists()


def test_the_hook_names_every_module_and_needs_no_pyinstaller() -> None:
    named = runpy.run_path(str(HOOK))["hiddenimports"]
    files = [file.relative_to(PACKAGE).with_suffix("") for file in PACKAGE.rglob("*.py")]
    modules = {".".join(["pygase", *[part for part in file.parts if part != "__init__"]]) for file in files}
    expected = {module for module in modules if "_pyinstaller" not in module}
    assert len(expected) > 150
    assert expected <= set(named)
    assert not any("_pyinstaller" in name or "__pycache__" in name for name in named)
    assert "PyInstaller" not in sys.modules
    assert all(importlib.util.find_spec(name) for name in named)


@pytest.mark.parametrize("is_compiled", [True, False])
def test_the_hook_names_the_library_of_compiled_modules_where_there_is_one(
    is_compiled: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: object() if is_compiled else None)
    assert ("pygase__mypyc" in _pyinstaller.hidden_imports()) is is_compiled


def test_an_extension_module_has_the_name_by_which_it_is_imported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    suffix = importlib.machinery.EXTENSION_SUFFIXES[0]
    (tmp_path / "pygase" / "_io" / "__pycache__").mkdir(parents=True)
    for name in ("__init__.py", "py.typed", f"_io/fast{suffix}", "_io/fast.pyi", "_io/__pycache__/x.cpython-311.pyc"):
        (tmp_path / "pygase" / name).touch()
    monkeypatch.setattr(_pyinstaller, "_HERE", tmp_path / "pygase" / "_pyinstaller")
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    assert _pyinstaller.hidden_imports() == ["pygase", "pygase._io.fast"]
