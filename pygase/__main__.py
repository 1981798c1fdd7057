"""``python -m pygase``: print what is installed here, for a report of a fault or of a measurement."""

from __future__ import annotations

from .installation import build_info

if __name__ == "__main__":
    print(build_info())
