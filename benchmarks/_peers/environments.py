"""An environment of its own for each library, with pinned versions, outside this checkout.

They lie in the user's cache and stay there for the next run. ``PYGASE_BENCHMARKS`` names another folder.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from .run import ROOT

DONE = "installed.txt"
MSGPACK = "msgpack==1.2.4"
"""All servers of a comparison pack with the same one."""


class CannotInstall(Exception):
    """A library cannot be installed here; the text is the reason, as short as the installer gave it."""


def cache() -> Path:
    """Return the folder of all environments."""
    home = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(os.environ.get("PYGASE_BENCHMARKS") or Path(home) / "pygase-benchmarks")


def find_python(version: str) -> str | None:
    """Return a Python of a version such as "3.12": this one, one on the path, or one of pyenv's."""
    if version == f"{sys.version_info[0]}.{sys.version_info[1]}":
        return sys.executable
    if (found := shutil.which(f"python{version}")) and _runs(found):
        return found
    versions = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv") / "versions"
    of_pyenv = sorted(versions.glob(f"{version}.*/bin/python"))
    return str(of_pyenv[-1]) if of_pyenv else None


def _runs(python: str) -> bool:
    """Return whether it starts: pyenv's shims stand on the path for versions that are not chosen, too."""
    return subprocess.run([python, "-c", ""], capture_output=True).returncode == 0


def python_with(packages: Sequence[str], version: str | None = None, *, settings: dict[str, str] | None = None) -> str:
    """Return the Python of an environment with these packages; make the environment if it is not there yet."""
    base = sys.executable if version is None else find_python(version)
    if base is None:
        raise CannotInstall(f"there is no Python {version} on this machine")
    name = hashlib.sha256("\n".join([base, *packages]).encode()).hexdigest()[:16]
    folder = cache() / name
    python = folder / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
    if not (folder / DONE).exists():
        shutil.rmtree(folder, ignore_errors=True)
        _run([base, "-m", "venv", str(folder)])
        _run([str(python), "-m", "pip", "install", "-q", "--disable-pip-version-check", *packages], settings)
        (folder / DONE).write_text("\n".join(packages) + "\n", encoding="utf-8")
    return str(python)


def _run(command: Sequence[str], settings: dict[str, str] | None = None) -> None:
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, **(settings or {})})
    if done.returncode:
        errors = [line.strip() for line in (done.stderr or done.stdout).splitlines() if "error" in line.lower()]
        raise CannotInstall(errors[-1] if errors else f"{command[0]} ended with {done.returncode}")


def pygase_wheel(version: str | None = None, *, compiled: bool = True) -> str:
    """Return the Python of an environment with this checkout's PyGaSe, from a wheel that is built now.

    A wheel is built again when a file of the library has changed. A compiled one takes a minute or two.
    """
    base = sys.executable if version is None else find_python(version)
    if base is None:
        raise CannotInstall(f"there is no Python {version} on this machine")
    kind = "compiled" if compiled else "pure"
    folder = cache() / "wheels" / f"{_digest()}-{kind}-{hashlib.sha256(base.encode()).hexdigest()[:8]}"
    if not list(folder.glob("*.whl")):
        settings = {} if compiled else {"PYGASE_PUREPYTHON": "1"}
        command = [base, "-m", "pip", "wheel", "-q", "--disable-pip-version-check", "--no-deps"]
        _run([*command, "-w", str(folder), str(ROOT)], settings)
    wheel = next(folder.glob("*.whl"))
    return python_with([str(wheel), MSGPACK], version)


def _digest() -> str:
    """Return a short name for the state of the library's sources."""
    content = hashlib.sha256()
    for file in sorted([*ROOT.glob("pygase/**/*.py"), *ROOT.glob("pygase/**/*.c"), *ROOT.glob("deploy/*.py")]):
        content.update(file.read_bytes())
    return content.hexdigest()[:16]
