"""What a build compiles, and when: ``deploy/pygase_build.py`` and ``_batches.c``."""

import ast
import importlib
import re
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture
def build(monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    pytest.importorskip("setuptools", minversion="77", reason="the build backend needs it")
    monkeypatch.syspath_prepend(str(ROOT / "deploy"))
    monkeypatch.delenv("PYGASE_PUREPYTHON", raising=False)
    yield importlib.import_module("pygase_build")
    sys.modules.pop("pygase_build", None)


class TestWhatIsCompiled:
    def test_every_module_of_the_protocol_unless_it_is_excepted_with_a_reason(self, build: ModuleType) -> None:
        protocol = {file.relative_to(ROOT).as_posix() for file in (ROOT / "pygase/_protocol").glob("*.py")}
        compiled = {path for path in build.compiled_sources() if path.startswith("pygase/_protocol/")}
        assert compiled == protocol - build.INTERPRETED.keys()
        assert all(reason for reason in build.INTERPRETED.values())

    def test_only_files_that_exist(self, build: ModuleType) -> None:
        named = [*build.compiled_sources(), *build.INTERPRETED]
        assert [path for path in named if not (ROOT / path).is_file()] == []
        assert "pygase/_state/tree.py" in named

    def test_no_face_and_nothing_that_imports_sockets_or_an_event_loop(self, build: ModuleType) -> None:
        """Faces are what users derive from, and what they replace parts of in their tests."""
        rooms = {path.rpartition("/")[0] for path in build.compiled_sources()}
        assert rooms == {"pygase/_protocol", "pygase/_state", "pygase/_server", "pygase/_io"}
        imported = {
            f"{path}: {name}"
            for path in build.compiled_sources()
            for name in re.findall(r"(?m)^import (socket|select|asyncio|signal)\b", (ROOT / path).read_text("utf-8"))
        }
        assert imported == set()

    def test_class_constants_are_declared(self, build: ModuleType) -> None:
        """mypyc takes any other value in a class for a default of its instances, which a class does not have."""
        undeclared = [
            f"{path}:{node.lineno}"
            for path in build.compiled_sources()
            for node in _plain_values(ast.parse((ROOT / path).read_text(encoding="utf-8")))
        ]
        assert undeclared == []


def _plain_values(tree: ast.Module) -> Iterator[ast.Assign]:
    classes = [node for node in ast.walk(tree) if isinstance(node, ast.ClassDef)]
    for node in (node for each in classes for node in each.body if isinstance(node, ast.Assign)):
        if ast.unparse(node.targets[0]) not in ("__slots__", "__hash__"):
            yield node


class TestWhen:
    @pytest.mark.parametrize("value", ["1", "yes"])
    def test_nothing_where_the_environment_says_so(
        self, build: ModuleType, value: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("PYGASE_PUREPYTHON", value)
        assert build.why_pure() == build.why_interpreted() == "PYGASE_PUREPYTHON is set"

    @pytest.mark.parametrize("value", ["", "0"])
    def test_as_usual_where_it_says_no(self, build: ModuleType, value: str, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(build, "_has_compiler", lambda: True)
        monkeypatch.setenv("PYGASE_PUREPYTHON", value)
        assert build.why_pure() is None

    def test_nothing_without_a_compiler(self, build: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(build, "_has_compiler", lambda: False)
        assert build.why_pure() == build.why_interpreted() == "there is no C compiler that finds Python.h"

    def test_a_compiler_is_found_by_trying_it(self, build: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("CC", "no-such-compiler")
        if sys.platform != "win32":  # where CC is not asked
            assert build.why_pure() == "there is no C compiler that finds Python.h"

    def test_only_c_in_a_python_without_its_global_lock(
        self, build: ModuleType, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(build, "_has_compiler", lambda: True)
        monkeypatch.setattr(build.sysconfig, "get_config_var", lambda name: 1 if name == "Py_GIL_DISABLED" else None)
        assert build.why_pure() is None
        assert "global lock" in build.why_interpreted()

    def test_mypy_is_required_only_where_it_compiles(self, build: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(build._BuildMetaBackend, "get_requires_for_build_wheel", lambda self, settings=None: [])
        monkeypatch.setattr(build, "_has_compiler", lambda: True)
        assert build.get_requires_for_build_wheel() == [build.MYPY]
        assert build.get_requires_for_build_editable() == []
        monkeypatch.setattr(build, "_has_compiler", lambda: False)
        assert build.get_requires_for_build_wheel() == []

    def test_a_build_says_in_one_line_what_it_compiles(
        self, build: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        monkeypatch.setenv("PYGASE_PUREPYTHON", "1")
        for command in ("egg_info", "dist_info", "bdist_wheel"):
            monkeypatch.setattr(sys, "argv", ["setup.py", command])
            assert build.extensions("") == []
        said = "pygase: a pure build, nothing is compiled: PYGASE_PUREPYTHON is set\n"
        assert capsys.readouterr().err == said

    @pytest.mark.parametrize("command", ["editable_wheel", "sdist"])
    def test_without_a_wheel_only_c_is_compiled(
        self, build: ModuleType, command: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(build, "_has_compiler", lambda: True)
        monkeypatch.setattr(sys, "argv", ["setup.py", command])
        assert [extension.name for extension in build.extensions("")] == ["pygase._io._batches"]

    def test_the_required_mypy_has_a_lower_and_an_upper_bound(self, build: ModuleType) -> None:
        assert re.fullmatch(r"mypy\[mypyc\]>=[\d.]+,<[\d.]+", build.MYPY)


def test_batches_declares_what_it_supports() -> None:
    source = (ROOT / "pygase/_io/_batches.c").read_text(encoding="utf-8")
    for slot in (
        "{Py_mod_exec, add_revision}",
        "{Py_mod_multiple_interpreters, Py_MOD_PER_INTERPRETER_GIL_SUPPORTED}",
        "{Py_mod_gil, Py_MOD_GIL_NOT_USED}",
    ):
        assert slot in source
    assert "return PyModuleDef_Init(&module);" in source, "multi-phase initialisation"


def test_wheels_are_built_for_the_three_systems() -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["cibuildwheel"]
    assert settings["test-command"]
    assert {name for name in settings if isinstance(settings[name], dict)} == {"linux", "macos", "windows"}
