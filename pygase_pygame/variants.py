"""Finds out whether pygame, pygame-ce, none or both are installed.

Both install the module ``pygame``. The one installed last replaces the other silently, and uninstalling one breaks the
other. Asking for the two by name takes a millisecond, listing everything a second.
"""

from __future__ import annotations

import importlib.util
import warnings
from importlib.metadata import PackageNotFoundError, distribution

PYGAME_VARIANTS = ("pygame", "pygame-ce")

NONE_INSTALLED = (
    "pygase_pygame needs pygame or pygame-ce, and neither is installed. "
    'To mend it: pip install "pygase[pygame]" (or "pygase[pygame-ce]").'
)
BOTH_INSTALLED = (
    "pygame and pygame-ce are both installed: each overwrites files of the other, so neither is whole. "
    "To mend it: pip uninstall pygame pygame-ce, then install one of them again."
)


def installed_variants() -> tuple[str, ...]:
    """Return the installed ones of "pygame" and "pygame-ce"."""
    return tuple(name for name in PYGAME_VARIANTS if _is_installed(name))


def check_variants() -> None:
    """Raise ImportError if there is no pygame, and warn (RuntimeWarning) if there are two."""
    if importlib.util.find_spec("pygame") is None:
        raise ImportError(NONE_INSTALLED, name="pygame")
    if len(installed_variants()) > 1:
        warnings.warn(BOTH_INSTALLED, RuntimeWarning, stacklevel=2)


def _is_installed(name: str) -> bool:
    try:
        distribution(name)
    except PackageNotFoundError:
        return False
    return True
