"""`pygase.build_info()` and `python -m pygase`."""

import importlib
import os
import platform
import subprocess
import sys
import tomllib
from importlib.metadata import version
from pathlib import Path

import pytest

import pygase
from pygase._io import udp
from pygase.installation import BuildInfo

CHECKOUT = Path(__file__).resolve().parent.parent.parent


def test_it_names_the_versions_of_pygase_and_python() -> None:
    info = pygase.build_info()
    assert info.version == pygase.__version__ == version("pygase")
    assert info.python.split() == [platform.python_implementation(), platform.python_version()]


def test_the_version_is_that_of_the_project_file() -> None:
    project = tomllib.loads((CHECKOUT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert pygase.__version__ == project["version"]


def test_compiled_modules_are_those_without_a_python_file() -> None:
    compiled = pygase.build_info().compiled
    for name in ("pygase._protocol.wire", "pygase._protocol.peer", "pygase._state.tree"):
        file = importlib.import_module(name).__file__
        assert file is not None
        assert (name in compiled) is not file.endswith(".py")


def test_a_checkout_runs_the_files_that_are_written() -> None:
    """An editable install never has compiled modules; only a wheel has."""
    if Path(pygase.__file__).is_relative_to(CHECKOUT):
        assert pygase.build_info().compiled == ()


def test_it_names_the_event_loop_and_whether_datagrams_go_in_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    assert pygase.build_info().event_loop.endswith("SelectorEventLoop")
    monkeypatch.setattr(udp, "_batches", None)
    assert pygase.build_info().batches is False
    monkeypatch.setattr(udp, "_batches", udp)
    assert pygase.build_info().batches is True


def test_the_text_has_a_line_for_each_compiled_module() -> None:
    pure = BuildInfo("1.0.0", "CPython 3.11.7", (), "_UnixSelectorEventLoop", True)
    assert str(pure).splitlines() == [
        "PyGaSe 1.0.0",
        "Python      CPython 3.11.7",
        "compiled    no modules, all are interpreted",
        "event loop  _UnixSelectorEventLoop",
        "datagrams   many per system call",
    ]
    built = BuildInfo("1.0.0", "CPython 3.11.7", ("pygase._protocol.acks", "pygase._state.tree"), "Loop", False)
    assert str(built).splitlines()[2:] == [
        "compiled    2 modules",
        "            pygase._protocol.acks",
        "            pygase._state.tree",
        "event loop  Loop",
        "datagrams   one per system call",
    ]


@pytest.mark.integration
def test_python_m_pygase_prints_it() -> None:
    run = subprocess.run([sys.executable, "-m", "pygase"], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == str(pygase.build_info())


@pytest.mark.integration
@pytest.mark.skipif(sys.platform == "win32", reason="Windows reports a closed pipe in another way")
def test_it_ends_quietly_if_its_reader_has_ended() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    run = subprocess.run([sys.executable, "-m", "pygase"], stdout=writer, stderr=subprocess.PIPE, check=False)
    os.close(writer)
    assert (run.returncode, run.stderr) == (0, b"")
