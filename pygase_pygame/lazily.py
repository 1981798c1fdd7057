"""Public names whose modules are imported when the names are used."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any


def imported_when_used(
    package: str, modules: Mapping[str, str], before: Callable[[], None] = lambda: None
) -> Callable[[str], Any]:
    """Return the ``__getattr__`` of a package.

    :param package: the package's ``__name__``.
    :param modules: each public name, and the full name of its module. A module that is public itself has its own
        name there, without a name in it: ``{"hud": "pygase_pygame.app.hud"}``.
    :param before: called before the first import.
    """

    def get(name: str) -> Any:
        if name not in modules:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        before()
        module = import_module(modules[name])
        value = module if modules[name].endswith(f".{name}") else getattr(module, name)
        setattr(sys.modules[package], name, value)
        return value

    return get
