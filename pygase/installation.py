"""The installed PyGaSe."""

from __future__ import annotations

import platform
from dataclasses import dataclass
from importlib.machinery import EXTENSION_SUFFIXES
from importlib.util import find_spec
from pathlib import Path
from pkgutil import iter_modules
from typing import Final

VERSION: Final = "1.0.0"

_MAY_BE_COMPILED: Final = ("pygase._protocol", "pygase._state")


@dataclass(frozen=True)
class BuildInfo:
    """The installed PyGaSe, as :func:`build_info` returns it. ``python -m pygase`` prints the ``str()`` of it.

    :ivar version: the version of PyGaSe, such as ``"1.0.0"``.
    :ivar python: the Python that runs, such as ``"CPython 3.11.7"``.
    :ivar compiled: names of the modules that run as machine code; empty in a checkout and in a pure wheel.
    :ivar event_loop: class of the event loop that servers and clients run on.
    :ivar batches: True if one system call reads or writes many datagrams (Linux, where a C compiler was found).
    """

    version: str
    python: str
    compiled: tuple[str, ...]
    event_loop: str
    batches: bool

    def __str__(self) -> str:
        compiled = f"{len(self.compiled)} modules" if self.compiled else "no modules, all are interpreted"
        return "\n".join(
            [
                f"PyGaSe {self.version}",
                f"Python      {self.python}",
                f"compiled    {compiled}",
                *(f"            {name}" for name in self.compiled),
                f"event loop  {self.event_loop}",
                f"datagrams   {'many' if self.batches else 'one'} per system call",
            ]
        )


def build_info() -> BuildInfo:
    """Return the installed PyGaSe, for a report of a fault or of a measurement.

    Example::

        print(pygase.build_info())            # the same as `python -m pygase`
        if not pygase.build_info().compiled:
            print("a wheel would take less CPU time than this checkout")
    """
    from ._io.runner import new_loop
    from ._io.udp import in_batches

    loop = new_loop()
    loop.close()
    return BuildInfo(
        version=VERSION,
        python=f"{platform.python_implementation()} {platform.python_version()}",
        compiled=tuple(_compiled_modules()),
        event_loop=type(loop).__name__,
        batches=in_batches(),
    )


def _compiled_modules() -> list[str]:
    names = [
        f"{package}.{module.name}"
        for package in _MAY_BE_COMPILED
        for module in iter_modules(__import__(package, fromlist=["__path__"]).__path__)
    ]
    return [name for name in names if _is_machine_code(name)]


def _is_machine_code(module: str) -> bool:
    """Return whether mypyc made a module; it leaves the source beside the compiled file."""
    file = Path(getattr(find_spec(module), "origin", None) or "")
    return file.name.endswith(tuple(EXTENSION_SUFFIXES)) and (file.parent / f"{module.rpartition('.')[2]}.py").exists()
